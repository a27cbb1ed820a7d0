//! The webhook: each notification posted to an address, signed, so that its receiver knows who sent it and when.
//!
//! The signature is HMAC-SHA-256 of `timestamp.body` under the shared secret. Follows no redirect, uses no proxy of the
//! environment, ignores what the receiver answers besides the status. Addresses that are not of the public network are
//! refused unless allowed; they are looked at in the resolver whose answer is then connected to, so that a name cannot
//! mean one thing when it is checked and another when it is used.

#[cfg(test)]
mod tests;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use url::{Host, Url};
use uuid::Uuid;

use super::address;
use crate::api::backoff::{Backoff, Bounds};
use crate::operator::escape::short;

/// The header with the time of sending, in seconds since 1970.
pub const TIMESTAMP: &str = "Holdpoint-Timestamp";
/// The header with the signature: `v1=` and 64 hexadecimal digits.
pub const SIGNATURE: &str = "Holdpoint-Signature";
/// The header with the id of the delivery, the same when it is tried again.
pub const DELIVERY: &str = "Holdpoint-Delivery";

/// Secrets shorter than this can be guessed.
pub const SHORTEST_SECRET: usize = 16;

/// What a webhook is made of.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address.
    pub url: Url,
    /// Signs; at least [`SHORTEST_SECRET`] bytes.
    pub secret: SecretString,
    /// Whether addresses of this machine and of private networks are allowed.
    pub allow_private: bool,
    /// How often a failed delivery is tried again.
    pub retries: u32,
    /// How long one attempt may take.
    pub timeout: Duration,
    /// The waits between attempts.
    pub backoff: Bounds,
}

/// Why a webhook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The secret is too short.
    #[error("the webhook's secret has fewer than {SHORTEST_SECRET} characters")]
    Secret,
    /// TLS could not be set up.
    #[error("cannot set up HTTPS for the webhook: {0}")]
    Tls(String),
}

/// An address that notifications are posted to.
#[derive(Clone, Debug)]
pub struct Webhook {
    settings: Arc<Settings>,
    client: Client,
}

/// How an attempt failed.
enum Failed {
    /// It may pass.
    Again(String),
    /// It will not.
    ForGood(String),
}

impl Webhook {
    /// Makes ready. Opens no connection.
    ///
    /// # Errors
    /// When the secret is too short or TLS cannot be set up.
    pub fn new(settings: Settings) -> Result<Self, WebhookError> {
        if settings.secret.expose_secret().len() < SHORTEST_SECRET {
            return Err(WebhookError::Secret);
        }
        // Err means that a provider is installed already, which is as good.
        let _already = rustls::crypto::ring::default_provider().install_default();
        let builder = Client::builder()
            .user_agent(concat!("holdpoint/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .pool_max_idle_per_host(0)
            .timeout(settings.timeout)
            .dns_resolver(Arc::new(Guard { allow_private: settings.allow_private }));
        // Plain HTTP needs no root certificates.
        let builder = if settings.url.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
        let client = builder.build().map_err(|error| WebhookError::Tls(described(&error)))?;
        Ok(Self { settings: Arc::new(settings), client })
    }

    /// The host it posts to. The rest of the address may be a secret.
    #[must_use]
    pub fn name(&self) -> String {
        short(self.settings.url.host_str().unwrap_or("?"))
    }

    /// Posts `body`, and again while that may help, as often as configured.
    ///
    /// # Errors
    /// What the last attempt came to, and how many there were. Escaped.
    pub async fn post(&self, delivery: Uuid, body: &[u8]) -> Result<(), String> {
        let mut backoff = Backoff::new(self.settings.backoff);
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.attempt(delivery, body).await {
                Ok(()) => return Ok(()),
                Err(Failed::Again(_)) if attempts <= self.settings.retries => {
                    tokio::time::sleep(backoff.next(fastrand::f64())).await;
                }
                Err(Failed::Again(why)) => return Err(format!("{why} ({attempts} attempts)")),
                Err(Failed::ForGood(why)) => return Err(why),
            }
        }
    }

    async fn attempt(&self, delivery: Uuid, body: &[u8]) -> Result<(), Failed> {
        let Settings { url, secret, allow_private, .. } = &*self.settings;
        if let Some(what) = literal(url).filter(|_| !allow_private) {
            return Err(Failed::ForGood(not_allowed(what)));
        }
        let now = Timestamp::now().as_second();
        let request = self
            .client
            .post(url.clone())
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(TIMESTAMP, now)
            .header(SIGNATURE, signature(secret, now, body))
            .header(DELIVERY, delivery.to_string())
            .body(body.to_vec());
        // Dropped unread: what it answers is nothing to us.
        let status = request.send().await.map_err(|error| unsent(&error))?.status();
        match status {
            _ if status.is_success() => Ok(()),
            _ if status.is_redirection() => {
                Err(Failed::ForGood(format!("answers {}: redirects are not followed", status.as_u16())))
            }
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => {
                Err(Failed::Again(format!("answers {}", status.as_u16())))
            }
            _ if status.is_server_error() => Err(Failed::Again(format!("answers {}", status.as_u16()))),
            _ => Err(Failed::ForGood(format!("answers {}", status.as_u16()))),
        }
    }
}

/// `v1=` and the signature of a body that is sent at `timestamp`.
#[must_use]
pub fn signature(secret: &SecretString, timestamp: i64, body: &[u8]) -> String {
    let mut text = "v1=".to_owned();
    // Keys of any length are taken, so there always is a signature.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes()) {
        mac.update(format!("{timestamp}.").as_bytes());
        mac.update(body);
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

/// What is wrong with an address that needs no resolver.
fn literal(url: &Url) -> Option<&'static str> {
    match url.host()? {
        Host::Ipv4(ip) => address::refused(ip.into()),
        Host::Ipv6(ip) => address::refused(ip.into()),
        Host::Domain(_) => None,
    }
}

fn not_allowed(what: &str) -> String {
    format!("its address is {what}, which `notify.webhook_allow_private` does not allow")
}

/// Resolves names with the system's resolver, and answers only with addresses that may be connected to.
struct Guard {
    allow_private: bool,
}

/// A name led where it must not.
#[derive(Debug, thiserror::Error)]
#[error("{}", not_allowed(.0))]
struct Refused(&'static str);

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One is enough: a name of both kinds is not one that a receiver of the public network has.
            let refused = found.iter().find_map(|found| address::refused(found.ip()));
            match refused.filter(|_| !allow_private) {
                Some(what) => Err(Refused(what).into()),
                None => Ok(Box::new(found.into_iter()) as Addrs),
            }
        })
    }
}

fn unsent(error: &reqwest::Error) -> Failed {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(refused) = error.downcast_ref::<Refused>() {
            return Failed::ForGood(refused.to_string());
        }
        cause = error.source();
    }
    Failed::Again(described(error))
}

/// The innermost cause: the outer ones quote the address, which may be a secret.
fn described(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "does not answer in time".to_owned();
    }
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let named = std::ptr::addr_eq(innermost, error);
    if named { "cannot be reached".to_owned() } else { format!("cannot be reached: {}", short(&innermost.to_string())) }
}
