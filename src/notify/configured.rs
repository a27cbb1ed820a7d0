//! Ways to call somebody, as the configuration says.

use std::time::Duration;

use super::exec::Hook;
use super::plan::Settings;
use super::webhook::{self, SHORTEST_SECRET, Webhook, WebhookError};
use super::{Config, Way};
use crate::api::backoff::Bounds;
use crate::config::secret::NoSecret;
use crate::config::{NotifyConfig, WebhookConfig};

/// Waits between attempts of a webhook.
const BACKOFF: Bounds = Bounds { first: Duration::from_secs(1), max: Duration::from_secs(30) };

/// Why notifications cannot be sent as configured.
#[derive(Debug, thiserror::Error)]
pub enum WayError {
    /// There is no secret where the configuration says.
    #[error("there is no secret for the webhook: {0}")]
    NoSecret(#[from] NoSecret),
    /// The webhook cannot be used.
    #[error(transparent)]
    Webhook(#[from] WebhookError),
}

impl WayError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoSecret(_) => {
                "set it, or name another place with notify.webhook_secret_env, notify.webhook_secret_file or notify.webhook_secret_credential".to_owned()
            }
            Self::Webhook(WebhookError::Secret) => {
                format!("make one of at least {SHORTEST_SECRET} characters: `openssl rand -hex 32`")
            }
            Self::Webhook(WebhookError::Tls(_)) => "are root certificates installed (ca-certificates)?".to_owned(),
        }
    }
}

impl Config {
    /// When somebody is called. Whom is found by [`ways`], which needs the webhook's secret.
    #[must_use]
    pub fn new(config: &NotifyConfig) -> Self {
        let plan = Settings {
            group: config.group,
            per_minute: config.per_minute,
            resolved: config.resolved,
            ..Settings::default()
        };
        let at_once = usize::try_from(config.at_once).unwrap_or(1);
        Self { ways: Vec::new(), plan, at_once }
    }
}

/// Whom to call. Reads the webhook's secret; starts and connects nothing.
///
/// # Errors
/// When the secret is missing or too short, or HTTPS cannot be set up.
pub fn ways(config: &NotifyConfig) -> Result<Vec<Way>, WayError> {
    let hook = config.exec.as_deref().and_then(|command| Hook::new(command, config.exec_timeout));
    let webhook = config.webhook.as_ref().map(webhook_of).transpose()?;
    Ok([hook.map(Way::Exec), webhook.map(Way::Webhook)].into_iter().flatten().collect())
}

fn webhook_of(config: &WebhookConfig) -> Result<Webhook, WayError> {
    let settings = webhook::Settings {
        url: config.url.clone(),
        secret: config.secret.fetch()?,
        allow_private: config.allow_private,
        retries: config.retries,
        timeout: config.timeout,
        backoff: BACKOFF,
    };
    Ok(Webhook::new(settings)?)
}
