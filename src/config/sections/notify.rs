//! `[notify]`: who is called when an approval waits and perhaps nobody looks.

use std::time::Duration;

use url::Url;

use super::super::reader::{Item, Section};
use super::provider::{KeySource, Places};
use super::secs;
use crate::notify::address;

/// `[notify]`: the hook, the webhook, and how often they are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotifyConfig {
    /// The program and its arguments; no shell reads them.
    pub exec: Option<Vec<String>>,
    /// How long the program may run before it is killed.
    pub exec_timeout: Duration,
    /// Where notifications are posted.
    pub webhook: Option<WebhookConfig>,
    /// How many calls of one way may be under way at once.
    pub at_once: u32,
    /// Within how much time of a notification further approvals of the same session are told together.
    pub group: Duration,
    /// How many notifications there are in a minute; beyond that they are summed up.
    pub per_minute: u32,
    /// Whether the end of an approval is told as well.
    pub resolved: bool,
}

/// `[notify] webhook` and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookConfig {
    /// The address: HTTPS, or HTTP where private addresses are allowed.
    pub url: Url,
    /// Where the secret is found. The secret itself is never in the configuration.
    pub secret: KeySource,
    /// Whether addresses of this machine and of private networks are allowed.
    pub allow_private: bool,
    /// How often a failed delivery is tried again.
    pub retries: u32,
    /// How long one attempt may take.
    pub timeout: Duration,
}

impl Default for NotifyConfig {
    /// Nobody is called.
    fn default() -> Self {
        Self {
            exec: None,
            exec_timeout: secs(10),
            webhook: None,
            at_once: 4,
            group: secs(60),
            per_minute: 20,
            resolved: false,
        }
    }
}

impl NotifyConfig {
    /// Whether anybody is called at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.exec.is_none() && self.webhook.is_none()
    }

    pub(in crate::config) fn read(mut section: Section<'_>) -> Self {
        section.refuse(
            "webhook_secret",
            "the webhook's secret does not belong in the configuration file",
            "put it into an environment variable (`webhook_secret_env`) or a file of its own that only you can read (`webhook_secret_file`)",
        );
        let default = Self::default();
        let exec = section.get("exec").and_then(|item| exec(&item));
        let exec_timeout = section.get("exec_timeout").and_then(|item| item.duration(secs(1)..=secs(300)));
        let webhook = webhook(&mut section);
        let config = Self {
            exec,
            exec_timeout: exec_timeout.unwrap_or(default.exec_timeout),
            webhook,
            at_once: section.get("at_once").and_then(|item| item.integer(1..=32)).unwrap_or(default.at_once),
            group: section.get("group").and_then(|item| item.duration(secs(0)..=secs(3_600))).unwrap_or(default.group),
            per_minute: section
                .get("per_minute")
                .and_then(|item| item.integer(1..=1_000))
                .unwrap_or(default.per_minute),
            resolved: section.get("resolved").and_then(|item| item.flag()).unwrap_or(default.resolved),
        };
        section.finish();
        config
    }
}

/// The program is named by its whole path: where a service looks for programs is nothing to rely on.
fn exec(item: &Item<'_>) -> Option<Vec<String>> {
    let expected = "a program and its arguments, such as [\"/usr/local/bin/page\", \"--quiet\"]";
    let words: Vec<String> = item.list(expected)?.iter().filter_map(|item| item.words(4_096)).collect();
    let program = words.first()?;
    if program.starts_with('/') {
        return Some(words);
    }
    let hint = "no shell reads it: the program and each argument are texts of their own".to_owned();
    item.wrong_with("the program is not named by its whole path", expected, Some(hint));
    None
}

fn webhook(section: &mut Section<'_>) -> Option<WebhookConfig> {
    let allow_private = section.get("webhook_allow_private").and_then(|item| item.flag()).unwrap_or(false);
    let retries = section.get("webhook_retries").and_then(|item| item.integer(0..=10)).unwrap_or(3);
    let timeout = section.get("webhook_timeout").and_then(|item| item.duration(secs(1)..=secs(60)));
    let places = Places {
        variable: ("webhook_secret_env", section.get("webhook_secret_env")),
        file: ("webhook_secret_file", section.get("webhook_secret_file")),
        credential: ("webhook_secret_credential", section.get("webhook_secret_credential")),
        example: "webhook_secret_env = \"HOLDPOINT_WEBHOOK_SECRET\"",
        hint: "keep one of them",
    };
    let item = section.get("webhook")?;
    if places.is_empty() {
        let hint = "the secret signs each notification, so that its receiver knows who sent it".to_owned();
        item.wrong_with(
            "the webhook has no secret",
            "`webhook_secret_file`, `webhook_secret_env` or `webhook_secret_credential` beside it",
            Some(hint),
        );
    }
    let secret = places.one();
    let url = webhook_url(&item, allow_private)?;
    Some(WebhookConfig { url, secret: secret?, allow_private, retries, timeout: timeout.unwrap_or(secs(10)) })
}

/// Addresses are not shown: many a webhook's address is itself a secret.
fn webhook_url(item: &Item<'_>, allow_private: bool) -> Option<Url> {
    let expected = "an https address such as \"https://hooks.example.com/holdpoint\"";
    let Some(url) = Url::parse(item.text()?).ok().filter(Url::has_host) else {
        item.wrong_secret("this is not an address", expected, None);
        return None;
    };
    let private = match url.host() {
        Some(url::Host::Ipv4(ip)) => address::refused(ip.into()),
        Some(url::Host::Ipv6(ip)) => address::refused(ip.into()),
        Some(url::Host::Domain(_)) | None => None,
    };
    let allow = "`webhook_allow_private = true` allows it".to_owned();
    match (url.scheme(), private) {
        _ if !url.username().is_empty() || url.password().is_some() => {
            item.wrong_secret("the address has a user or a password", expected, None);
        }
        ("https" | "http", Some(what)) if !allow_private => {
            item.wrong_with(
                &format!("the webhook's address is {what}"),
                "an address of the public network",
                Some(allow),
            );
        }
        ("http", None) if !allow_private => {
            let hint = "what is asked and about whom would travel in the clear".to_owned();
            item.wrong_secret("the webhook is http", expected, Some(hint));
        }
        ("https" | "http", _) => return Some(url),
        _ => item.wrong_secret("the address is neither https nor http", expected, None),
    }
    None
}
