//! `[provider]`: whose API is watched, where its key is found, how patient calls are.

use std::path::PathBuf;
use std::time::Duration;

use url::Url;

use super::super::reader::{Item, Section};
use super::{ms, secs};

/// `[provider]`: whose API is watched, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderConfig {
    /// The vendor.
    pub kind: ProviderKind,
    /// The base address, with or without `/v1`. HTTPS, or HTTP to this machine.
    pub base_url: Url,
    /// Where the API key is found. The key itself is never in the configuration.
    pub api_key: KeySource,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long a call may take, besides pauses.
    pub request_timeout: Duration,
    /// How long one attempt to pause may take.
    pub pause_timeout: Duration,
    /// After which time without an answer a second attempt to pause starts beside the first.
    pub hedge_after: Duration,
    /// The largest event that is read whole, in bytes; larger ones are cut and count as risk.
    pub max_event: usize,
    /// How many requests the provider takes a minute, if that is known: reads then wait for their turn, and nothing that acts
    /// does.
    pub requests_per_minute: Option<u32>,
}

/// A vendor of sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProviderKind {
    /// AGI's Agent Sessions API.
    Agi,
}

/// Where the API key is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// In this environment variable.
    Environment(String),
    /// In this file, which nobody else may read.
    File(PathBuf),
    /// In the credential of this name that systemd passes to the service.
    Credential(String),
}

impl ProviderConfig {
    /// The vendor's public address.
    pub const BASE_URL: &'static str = "https://api.agi.tech";

    pub(in crate::config) fn read(mut section: Section<'_>) -> Option<Self> {
        section.refuse(
            "api_key",
            "the API key does not belong in the configuration file",
            "put it into an environment variable (`api_key_env`), a file of its own that only you can read (`api_key_file`) or a systemd credential (`api_key_credential`)",
        );
        let kind = section.get("kind").and_then(|item| item.word(&[("agi", ProviderKind::Agi)]));
        let base_url = section
            .get_or_env("base_url", "HOLDPOINT_PROVIDER_BASE_URL")
            .and_then(|item| base_url(&item))
            .or_else(|| Url::parse(Self::BASE_URL).ok());
        let api_key = key_source(&mut section);
        let duration = |section: &mut Section<'_>, key, default, range| {
            section.get(key).and_then(|item| item.duration(range)).unwrap_or(default)
        };
        let config = Self {
            kind: kind.unwrap_or(ProviderKind::Agi),
            base_url: base_url?,
            api_key,
            connect_timeout: duration(&mut section, "connect_timeout", secs(5), ms(100)..=secs(60)),
            request_timeout: duration(&mut section, "request_timeout", secs(30), secs(1)..=secs(300)),
            pause_timeout: duration(&mut section, "pause_timeout", secs(5), ms(500)..=secs(60)),
            hedge_after: duration(&mut section, "hedge_after", ms(750), ms(50)..=secs(30)),
            max_event: section.get("max_event").and_then(|item| item.size(4_096..=16 << 20)).unwrap_or(1 << 20),
            requests_per_minute: section.get("requests_per_minute").and_then(|item| item.integer(60..=600_000)),
        };
        section.finish();
        Some(config)
    }
}

fn base_url(item: &Item<'_>) -> Option<Url> {
    let expected = "an https address such as \"https://api.agi.tech\"";
    let url = match Url::parse(item.text()?) {
        Ok(url) if url.has_host() => url,
        Ok(_) | Err(_) if item.text()?.contains('@') => {
            item.wrong_secret("this is not an address", expected, None);
            return None;
        }
        Ok(_) | Err(_) => {
            item.wrong(&format!("{} is not an address", item.shown()), expected);
            return None;
        }
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        item.wrong_secret("the address has a user, a query or a fragment", expected, None);
        return None;
    }
    match url.scheme() {
        "https" => Some(url),
        "http" if is_loopback(&url) => Some(url),
        "http" => {
            let hint =
                "the API key would travel in the clear; use https, or http only to this machine (127.0.0.1, localhost)";
            item.wrong_with("http to another machine", expected, Some(hint.to_owned()));
            None
        }
        _ => {
            item.wrong(&format!("{} is neither https nor http", item.shown()), expected);
            None
        }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

fn key_source(section: &mut Section<'_>) -> KeySource {
    let variable = section.get_or_env("api_key_env", "HOLDPOINT_PROVIDER_API_KEY_ENV");
    let file = section.get_or_env("api_key_file", "HOLDPOINT_PROVIDER_API_KEY_FILE");
    let credential = section.get_or_env("api_key_credential", "HOLDPOINT_PROVIDER_API_KEY_CREDENTIAL");
    let places = Places {
        variable: ("api_key_env", variable),
        file: ("api_key_file", file),
        credential: ("api_key_credential", credential),
        example: "api_key_env = \"AGI_API_KEY\"",
        hint: "keep one of them; without any, the key is taken from AGI_API_KEY",
    };
    places.one().unwrap_or_else(|| KeySource::Environment("AGI_API_KEY".to_owned()))
}

/// The keys that can say where one secret is, each with its name.
pub(super) struct Places<'s> {
    pub variable: (&'static str, Option<Item<'s>>),
    pub file: (&'static str, Option<Item<'s>>),
    pub credential: (&'static str, Option<Item<'s>>),
    /// How the name of a variable is written.
    pub example: &'static str,
    /// What to do when there are two.
    pub hint: &'static str,
}

impl Places<'_> {
    pub fn is_empty(&self) -> bool {
        [&self.variable, &self.file, &self.credential].into_iter().all(|(_, item)| item.is_none())
    }

    /// Where the secret is; reports every place after the first.
    pub fn one(self) -> Option<KeySource> {
        let all = [&self.variable, &self.file, &self.credential];
        let mut set = all.into_iter().filter_map(|(name, item)| item.as_ref().map(|item| (name, item)));
        let (first, _) = set.next()?;
        for (name, item) in set {
            let message = format!("both `{first}` and `{name}` are set");
            item.wrong_with(&message, "exactly one of them", Some(self.hint.to_owned()));
        }
        let file = self.file.1.and_then(|item| item.words(4_096)).map(|path| KeySource::File(PathBuf::from(path)));
        let credential = self.credential.1.and_then(|item| credential_name(&item)).map(KeySource::Credential);
        let variable = self.variable.1.and_then(|item| variable_name(&item, self.example)).map(KeySource::Environment);
        file.or(credential).or(variable)
    }
}

pub(super) fn credential_name(item: &Item<'_>) -> Option<String> {
    let name = item.text()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if (1..=128).contains(&name.len()) && name.chars().all(plain) && !name.starts_with('.') {
        return Some(name.to_owned());
    }
    let hint = "this is the credential's name, as in `LoadCredential=agi-api-key:/etc/holdpoint/agi-api-key`: \
                neither its path nor what is in it";
    let expected = "letters, digits, `-`, `_` and `.`";
    item.wrong_secret("this is not the name of a credential", expected, Some(hint.to_owned()));
    None
}

fn variable_name(item: &Item<'_>, example: &str) -> Option<String> {
    let name = item.text()?;
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    if begins && name.len() <= 128 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Some(name.to_owned());
    }
    let hint = format!("this is the variable's name, not what is in it: `{example}`");
    item.wrong_secret("this is not the name of an environment variable", "letters, digits and `_`", Some(hint));
    None
}
