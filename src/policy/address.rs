//! Patterns over the address of the page a session is at.
//!
//! An address is compared as a browser understands it, part by part: a host in a pattern never meets a path that looks like
//! one. Pure.

use url::Url;

use super::glob::{BadGlob, DomainPattern, fits, readable};

/// A pattern over addresses: `[scheme://]host/path`, `/path` on any host, or `*/path` at any depth of any host.
///
/// The page itself and everything below it fit: `shop.example.com/checkout` fits `/checkout`, `/checkout/pay`,
/// `/checkout;id=1` and `/checkout?step=2`, not `/checkouts` nor `/checkout.html`. `*` stands for anything, in the host as in `domains`; case does not matter, and a
/// scheme or port that the pattern does not name may be any.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AddressPattern {
    written: String,
    scheme: Option<String>,
    host: Option<DomainPattern>,
    port: Option<u16>,
    /// Lower case, percent-decoded, without slashes twice and dots between them.
    path: String,
}

/// The address of a page, in the parts that patterns look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    scheme: String,
    host: String,
    port: Option<u16>,
    /// Path, query and fragment, as a pattern is compared with them.
    path: String,
    /// Whether the address was longer than what is kept of it.
    cut: bool,
    /// Whether servers differ in what it means: it is a page of its own to some, and another one to others.
    ambiguous: bool,
}

/// The longest path with query and fragment that is looked at, in bytes.
const LONGEST: usize = 2_000;

impl AddressPattern {
    /// A pattern of at most 256 characters.
    ///
    /// # Errors
    ///
    /// When it has no `/`, or its host or port cannot be one.
    pub fn new(pattern: &str) -> Result<Self, BadGlob> {
        if pattern.chars().count() > 256 || pattern.contains(char::is_whitespace) {
            return Err(BadGlob("an address of at most 256 characters, without spaces"));
        }
        let (scheme, rest) = match pattern.split_once("://") {
            Some((scheme, rest)) => (Some(scheme.to_ascii_lowercase()), rest),
            None => (None, pattern),
        };
        if scheme.as_deref().is_some_and(|scheme| !matches!(scheme, "http" | "https" | "ws" | "wss" | "ftp")) {
            return Err(BadGlob("an address that begins with https:// or http://, or without any such"));
        }
        let Some(slash) = rest.find('/').or(scheme.as_ref().map(|_| rest.len())) else {
            return Err(BadGlob("an address with a path, such as \"shop.example.com/checkout\" or \"/checkout\""));
        };
        let (authority, path) = rest.split_at(slash);
        let anywhere = authority == "*" && scheme.is_none() && path.len() > 1;
        let (host, port) = match authority {
            "" if scheme.is_some() => return Err(BadGlob("a host after ://")),
            "" => (None, None),
            _ if anywhere => (None, None),
            authority => split_port(authority)?,
        };
        let host = host.map(|host| DomainPattern::new(&host)).transpose()?;
        let path = comparable(path.strip_suffix('/').unwrap_or(path));
        let path = if anywhere { format!("*{path}") } else { path };
        Ok(Self { written: pattern.to_owned(), scheme, host, port, path })
    }

    /// The pattern as written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// The host that it names.
    pub(super) fn host(&self) -> Option<&DomainPattern> {
        self.host.as_ref()
    }

    /// Whether the address fits; `None` when only its beginning is known and the rest may decide.
    #[must_use]
    pub fn matches(&self, address: &Address) -> Option<bool> {
        let scheme = self.scheme.as_ref().is_none_or(|scheme| *scheme == address.scheme);
        let host = self.host.as_ref().is_none_or(|host| host.matches(&address.host));
        let port = self.port.is_none_or(|port| Some(port) == address.port);
        if !(scheme && host && port) {
            return Some(false);
        }
        let fits = self.path.is_empty() || self.fits(&address.path);
        (fits || !address.cut).then_some(fits)
    }

    fn fits(&self, path: &str) -> bool {
        let below = |end: &str| fits(format!("{}{end}", self.path).as_bytes(), path.as_bytes(), None);
        ["", "/*", "?*", "#*", ";*"].into_iter().any(below)
    }
}

impl Address {
    /// Reads an address as [`super::glob::host_of`] does; `None` when it has no host or cannot be read.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let url: Url = readable(text)?;
        let host = url.host_str()?.trim_end_matches('.').to_owned();
        let whole = url[url::Position::BeforePath..].to_owned();
        let cut = whole.len() > LONGEST;
        let path = comparable(&whole[..whole.floor_char_boundary(LONGEST)]);
        let ambiguous = is_ambiguous(url.path());
        (!host.is_empty()).then(|| Self {
            scheme: url.scheme().to_owned(),
            host,
            port: url.port_or_known_default(),
            path,
            cut,
            ambiguous,
        })
    }

    /// Whether servers differ in which page it is, as in `/help%2f..%2fpay`: no reason to except anything.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.ambiguous
    }

    /// The host, lower case and IDNA-encoded.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }
}

fn split_port(authority: &str) -> Result<(Option<String>, Option<u16>), BadGlob> {
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => {
            let port = port.parse().map_err(|_| BadGlob("a port from 1 to 65535 after the host"))?;
            Ok((Some(host.to_owned()), Some(port)))
        }
        Some(_) | None => Ok((Some(authority.to_owned()), None)),
    }
}

/// How often escapes are read out of what an escape was: `%252563` needs three.
const ESCAPED: usize = 8;

/// Lower case, with `%41` and the like read however often they were escaped, without characters that are not seen, and the
/// path with one slash for many and its dots followed, so that an address cannot be spelled around a pattern.
fn comparable(whole: &str) -> String {
    let (path, rest) = whole.split_at(whole.find(['?', '#']).unwrap_or(whole.len()));
    let rest = decoded(rest);
    let plain = decoded(path).replace('\\', "/");
    let mut kept: Vec<&str> = Vec::new();
    let last = plain.split('/').count() - 1;
    for (n, part) in plain.split('/').enumerate() {
        // A server may leave out `;…` before it follows the dots.
        match part.split(';').next().unwrap_or_default() {
            ".." => drop(kept.pop()),
            "." | "" if !part.starts_with(';') => {}
            _ => kept.push(part),
        }
        let ends_open = n == last && n > 0 && !kept.is_empty() && matches!(part, "" | "." | "..");
        if ends_open {
            kept.push("");
        }
    }
    let lead = if plain.starts_with('/') { "/" } else { "" };
    format!("{lead}{}{rest}", kept.join("/")).to_lowercase()
}

/// Escapes read until there are none, and characters that are not seen left out.
fn decoded(text: &str) -> String {
    let mut text = text.to_owned();
    for _ in 0..ESCAPED {
        let once = unescaped(&text);
        if once == text {
            break;
        }
        text = once;
    }
    let unseen = |c: char| c.is_control() || is_unseen(c);
    let shown = text.trim_end_matches(|c: char| c.is_whitespace() || unseen(c));
    shown.chars().filter(|c| !unseen(*c)).collect()
}

/// Characters that take no room.
fn is_unseen(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let digit = |n: usize| bytes.get(n).and_then(|byte| char::from(*byte).to_digit(16));
        let escaped = (bytes[at] == b'%').then(|| Some(digit(at + 1)? * 16 + digit(at + 2)?)).flatten();
        out.push(escaped.and_then(|byte| u8::try_from(byte).ok()).unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Whether a path, as a browser sends it, has escapes of what divides paths or begins an escape, or dots that a `;` follows.
fn is_ambiguous(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let dots = |part: &str| part.contains(';') && matches!(part.split(';').next(), Some("." | ".." | ""));
    ["%2f", "%5c", "%25", "%3b", "%3f", "%23", "%00"].iter().any(|escape| path.contains(escape))
        || path.split('/').any(dots)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn fits(pattern: &str, address: &str) -> Option<bool> {
        AddressPattern::new(pattern).unwrap().matches(&Address::read(address).unwrap())
    }

    #[test]
    fn a_pattern_takes_the_page_and_everything_below_it() {
        let pattern = "https://shop.example.com/checkout";
        for (address, expected) in [
            ("https://shop.example.com/checkout", true),
            ("https://shop.example.com/checkout/", true),
            ("https://shop.example.com/checkout/pay?x=1", true),
            ("https://shop.example.com/checkout?step=2", true),
            ("https://shop.example.com/checkout#pay", true),
            ("https://SHOP.example.com:8443/Checkout", true),
            ("https://shop.example.com/%63heckout", true),
            ("https://shop.example.com/a/../checkout", true),
            ("https://shop.example.com//checkout", true),
            ("https://shop.example.com/./%2e%2e//checkout//pay", true),
            ("https://shop.example.com/checkout;jsessionid=1", true),
            ("https://shop.example.com/%2563heckout", true),
            ("https://shop.example.com/%25252563heckout", true),
            ("https://shop.example.com/checkout%E2%80%8B", true),
            ("https://shop.example.com/check%C2%ADout%00", true),
            ("https://shop.example.com/checkout%20", true),
            ("https://shop.example.com/help%2f..%2fcheckout", true),
            ("https://shop.example.com/help/..;/checkout", true),
            ("https://shop.example.com/help%5c..%5ccheckout", true),
            ("https://shop.example.com\\\\checkout", true),
            ("https://shop.example.com/checkouts", false),
            ("https://shop.example.com/checkout.html", false),
            ("https://shop.example.com/help?next=/checkout", false),
            ("http://shop.example.com/checkout", false),
            ("https://evil.net/shop.example.com/checkout", false),
            ("https://shop.example.com@evil.net/checkout", false),
            ("https://shop.example.com/help", false),
        ] {
            assert_eq!(fits(pattern, address), Some(expected), "{address}");
        }
    }

    #[test]
    fn hosts_may_be_starred_or_left_out_and_paths_may_be_anywhere() {
        for (pattern, address, expected) in [
            ("*.example.com/cart*", "https://a.example.com/cart-2", true),
            ("*.example.com/cart", "https://example.com/cart", true),
            ("*.example.com/cart", "https://evil.net/.example.com/cart", false),
            ("/checkout", "https://any.host/checkout/2", true),
            ("/checkout", "https://any.host/en/checkout", false),
            ("*/checkout", "https://any.host/en/checkout", true),
            ("*/checkout*", "https://any.host/x?next=/checkout-now", true),
            ("https://example.com", "https://example.com/anything", true),
            ("https://example.com/", "https://example.com/anything", true),
            ("example.com/", "https://example.com/", true),
            ("localhost:8080/admin", "http://localhost:8080/admin", true),
            ("localhost:8080/admin", "http://localhost:9090/admin", false),
            ("https://b\u{fc}cher.example/kasse", "https://xn--bcher-kva.example/kasse", true),
            ("/stra\u{df}e", "https://a.example/Stra%C3%9Fe", true),
        ] {
            assert_eq!(fits(pattern, address), Some(expected), "{pattern} at {address}");
        }
    }

    #[test]
    fn an_address_that_servers_read_differently_is_told() {
        let is = |path: &str| Address::read(&format!("https://a.example{path}")).unwrap().is_ambiguous();
        for path in ["/help%2f..%2fpay", "/help%5C..%5cpay", "/help%252f", "/help/..;/pay", "/help%3b", "/help%3fx"] {
            assert!(is(path), "{path}");
        }
        for path in ["/help", "/h%C3%A4lp;id=1?next=%2fpay#%2f", "//help/../x"] {
            assert!(!is(path), "{path}");
        }
    }

    #[test]
    fn what_was_cut_off_may_decide() {
        let long = format!("https://a.example/{}/checkout", "x".repeat(3_000));
        assert_eq!(fits("*/checkout", &long), None);
        assert_eq!(fits("a.example/xxx*", &long), Some(true));
        assert_eq!(fits("b.example/xxx*", &long), Some(false));
    }

    #[test]
    fn what_is_no_address_is_no_pattern() {
        for pattern in ["", "checkout", "*checkout*", "https://", "a b/c", "file:///etc", "a:b/c", "exa mple.com/"] {
            assert!(AddressPattern::new(pattern).is_err(), "{pattern:?}");
        }
        assert_eq!(Address::read("about:blank"), None);
    }

    proptest! {
        #[test]
        fn every_address_fits_itself_and_its_host(path in "(/[a-zA-Z0-9%._~-]{0,6}){1,4}", host in "[a-z]{1,8}\\.example") {
            let address = format!("https://{host}{path}");
            prop_assert_eq!(fits(&format!("{host}/"), &address), Some(true));
            let parsed = Url::parse(&address).unwrap();
            prop_assert_eq!(fits(parsed.as_str(), &address), Some(true));
        }

        #[test]
        fn no_text_makes_it_panic(pattern in "\\PC{0,40}", address in "(https://)?\\PC{0,40}") {
            if let (Ok(pattern), Some(address)) = (AddressPattern::new(&pattern), Address::read(&address)) {
                let _fits = pattern.matches(&address);
            }
        }
    }
}
