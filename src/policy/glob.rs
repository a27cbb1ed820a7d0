//! Globs for names and hosts. `*` stands for any number of characters, `?` for one; there is nothing else.

use url::{Host, Url};

/// A glob over a name, such as `agi-*`. Case matters for names; hosts are lower case already.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Glob(String);

/// A text that cannot be a glob or a domain pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadGlob(pub(super) &'static str);

impl Glob {
    /// A glob of 1 to 256 characters.
    ///
    /// # Errors
    ///
    /// When the pattern is empty or longer.
    pub fn new(pattern: &str) -> Result<Self, BadGlob> {
        if pattern.is_empty() || pattern.chars().count() > 256 {
            return Err(BadGlob("a pattern has 1 to 256 characters"));
        }
        Ok(Self(pattern.to_owned()))
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the whole of `text` fits. Takes time in the product of both lengths at worst, and the pattern is short.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        matches(self.0.as_bytes(), text.as_bytes())
    }
}

/// A pattern over hosts: `shop.example.com` is that host alone; `*.example.com` is `example.com` and every host below it
/// (the same owner, so neither a guard nor an exception should miss it); `*` elsewhere stands for anything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DomainPattern(String);

impl DomainPattern {
    /// A pattern of a host, not of an address. International names may be written as they look.
    ///
    /// # Errors
    ///
    /// When it has a scheme, port or path, or cannot be a host.
    pub fn new(pattern: &str) -> Result<Self, BadGlob> {
        if pattern.contains("//") || pattern.contains('/') || (pattern.contains(':') && !pattern.starts_with('[')) {
            return Err(BadGlob("a host without scheme, port or path"));
        }
        let (prefix, rest) = match pattern.strip_prefix("*.") {
            Some(rest) => ("*.", rest),
            None => ("", pattern),
        };
        if !rest.is_ascii() && rest.contains(['*', '?']) {
            return Err(BadGlob("an international name with `*` only in front, or its punycode form"));
        }
        let filled = rest.replace(['*', '?'], "x");
        let Ok(host) = Host::parse(&filled) else {
            return Err(BadGlob("a host such as `shop.example.com` or `*.example.com`"));
        };
        let rest = if filled == rest { host.to_string() } else { rest.to_ascii_lowercase() };
        Ok(Self(format!("{prefix}{}", rest.trim_end_matches('.'))))
    }

    /// The pattern in its IDNA form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The host that fits or that all which fit end with; `None` for other patterns.
    pub(super) fn fixed(&self) -> Option<&str> {
        let rest = self.0.strip_prefix("*.").unwrap_or(&self.0);
        (!rest.contains(['*', '?'])).then_some(rest)
    }

    /// Whether `host`, lower case and IDNA-encoded, fits.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let apex = self.0.strip_prefix("*.").is_some_and(|apex| matches(apex.as_bytes(), host.as_bytes()));
        apex || matches(self.0.as_bytes(), host.as_bytes())
    }
}

/// The host of a page's address, lower case and IDNA-encoded; `None` when the address has none (`about:blank`) or cannot be
/// read. An address without a scheme is taken as `https`.
#[must_use]
pub fn host_of(address: &str) -> Option<String> {
    let url = readable(address)?;
    let host = url.host_str()?.trim_end_matches('.');
    (!host.is_empty()).then(|| host.to_owned())
}

/// The address of a page that has a host.
pub(super) fn readable(address: &str) -> Option<Url> {
    let address = address.trim();
    match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https" | "ws" | "wss" | "ftp") => Some(url),
        Ok(_) if address.contains("://") => None,
        Ok(_) | Err(_) if looks_like_a_host(address) => Url::parse(&format!("https://{address}")).ok(),
        Ok(_) | Err(_) => None,
    }
}

fn looks_like_a_host(address: &str) -> bool {
    let head = address.split(['/', '?', '#']).next().unwrap_or_default();
    let name = head.split(':').next().unwrap_or_default();
    name.contains('.') && !name.contains(char::is_whitespace)
}

fn matches(pattern: &[u8], text: &[u8]) -> bool {
    fits(pattern, text, Some(b'?'))
}

/// Greedy matching with one point of return: `O(pattern × text)` at worst. `one` is what stands for one character, if
/// anything does.
pub(super) fn fits(pattern: &[u8], text: &[u8], one: Option<u8>) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if Some(*byte) == one => {
                p += 1;
                t += 1;
                while t < text.len() && (text[t] & 0xC0) == 0x80 {
                    t += 1;
                }
            }
            Some(byte) if *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                (p, t) = (at + 1, from + 1);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exact_host_is_that_host_alone_and_a_starred_one_is_the_owner() {
        let exact = DomainPattern::new("example.com").unwrap();
        let owner = DomainPattern::new("*.Example.com").unwrap();
        for (host, of_exact, of_owner) in [
            ("example.com", true, true),
            ("shop.example.com", false, true),
            ("a.b.example.com", false, true),
            ("notexample.com", false, false),
            ("example.com.evil.net", false, false),
        ] {
            assert_eq!((exact.matches(host), owner.matches(host)), (of_exact, of_owner), "{host}");
        }
    }

    #[test]
    fn international_names_are_compared_in_punycode() {
        let host = host_of("https://Bücher.example/kasse").unwrap();
        assert_eq!(host, "xn--bcher-kva.example");
        assert!(DomainPattern::new("bücher.example").unwrap().matches(&host));
        assert!(DomainPattern::new("*.bücher.example").unwrap().matches(&host));
    }

    #[test]
    fn the_host_is_read_like_a_browser_reads_it() {
        for (address, host) in [
            ("https://shop.example.com@evil.net/", Some("evil.net")),
            ("HTTPS://Shop.Example.COM:8443/x", Some("shop.example.com")),
            ("shop.example.com/checkout", Some("shop.example.com")),
            ("about:blank", None),
            ("data:text/html,x", None),
            ("javascript:alert(1)", None),
            ("", None),
            ("https://example.com./", Some("example.com")),
            ("not a url", None),
            ("http://[::1]:80/", Some("[::1]")),
            ("localhost:8080/x", None),
            ("chrome://settings", None),
        ] {
            assert_eq!(host_of(address).as_deref(), host, "{address:?}");
        }
    }

    #[test]
    fn addresses_are_no_domain_patterns() {
        for pattern in ["https://example.com", "example.com/x", "example.com:443", "", "a b", "*.", "b*ücher.example"]
        {
            assert!(DomainPattern::new(pattern).is_err(), "{pattern:?}");
        }
        assert!(DomainPattern::new("*").unwrap().matches("any.host"));
        assert!(DomainPattern::new("shop-*.example.com").unwrap().matches("shop-7.example.com"));
    }

    #[test]
    fn globs_take_whole_names() {
        let glob = Glob::new("agi-?-*").unwrap();
        assert!(glob.matches("agi-0-fast") && !glob.matches("agi-0") && !glob.matches("xagi-0-fast"));
        assert!(!Glob::new("*a*a*a*a*a*b").unwrap().matches(&"a".repeat(5_000)));
    }
}
