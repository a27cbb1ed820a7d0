//! The address that a provider's paths are appended to.

use std::fmt;
use std::str::FromStr;

use url::Url;

/// A provider's base URL, with or without `/v1` and trailing slashes; both spellings are the same address.
///
/// `http` or `https`; no user name, password, query or fragment, because those end up in logs.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl(Url);

/// A text that cannot be a base URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBaseUrl {
    /// Not a URL with a host.
    #[error("not a URL such as https://api.agi.tech")]
    Malformed,
    /// Neither `http` nor `https`.
    #[error("a base URL begins with http:// or https://")]
    Scheme,
    /// It has a user name, a password, a query or a fragment.
    #[error("a base URL has no user name, password, query or fragment")]
    Extra,
}

impl BaseUrl {
    /// Whether the connection is encrypted.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether the host is this machine's loopback, where plain HTTP shows the key to nobody.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
            Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
            Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }

    /// The address itself; a call's path is appended to its path.
    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl FromStr for BaseUrl {
    type Err = BadBaseUrl;

    fn from_str(text: &str) -> Result<Self, BadBaseUrl> {
        let mut url = Url::parse(text.trim()).map_err(|_| BadBaseUrl::Malformed)?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(BadBaseUrl::Scheme);
        }
        let bare = url.username().is_empty() && url.password().is_none();
        if !bare || url.query().is_some() || url.fragment().is_some() {
            return Err(BadBaseUrl::Extra);
        }
        let path = url.path().trim_end_matches('/');
        let path = path.strip_suffix("/v1").unwrap_or(path).trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_spellings_of_one_address_are_one() {
        for text in ["https://a.example", "https://a.example/", "https://a.example/v1", " https://a.example//v1// "] {
            let base: BaseUrl = text.parse().expect(text);
            assert_eq!(base.to_string(), "https://a.example", "{text}");
        }
    }

    #[test]
    fn a_prefix_before_v1_is_kept() {
        let base: BaseUrl = "http://127.0.0.1:8080/agi/v1/".parse().expect("a URL");
        assert_eq!(base.to_string(), "http://127.0.0.1:8080/agi");
        assert!(base.is_loopback());
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        let bad = |text: &str| text.parse::<BaseUrl>().unwrap_err();
        assert_eq!(bad("api.agi.tech"), BadBaseUrl::Malformed);
        assert_eq!(bad("ftp://a.example"), BadBaseUrl::Scheme);
        assert_eq!(bad("https://u:p@a.example"), BadBaseUrl::Extra);
        assert_eq!(bad("https://a.example/?key=1"), BadBaseUrl::Extra);
    }
}
