//! Lists the provider's sessions again and again, and says when it cannot.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;

use crate::api::backoff::{Backoff, Bounds, RATE_LIMIT_MAX};
use crate::api::{ApiError, ErrorClass, Provider, Session};
use crate::control::DeskService;
use crate::operator::log::TOLD;

/// How long a lister waits after the key was refused.
const AUTH_WAIT: Duration = Duration::from_secs(30);

/// What the provider listed.
#[derive(Debug)]
pub struct List {
    /// When it was asked: what the list shows is not older.
    pub asked: Instant,
    /// All sessions of the account.
    pub sessions: Vec<Session>,
}

/// Lists sessions every `period` into `listed` until its receiver is gone. How the first time went is told to `first`.
pub async fn run(
    provider: Arc<dyn Provider>,
    period: watch::Receiver<Duration>,
    desk: DeskService,
    listed: mpsc::Sender<List>,
    first: oneshot::Sender<Result<(), ApiError>>,
) {
    let mut first = Some(first);
    let (mut failing, mut listed_once) = (false, false);
    let mut every = *period.borrow();
    let mut limits = Backoff::new(Bounds { first: every, max: RATE_LIMIT_MAX });
    loop {
        let now = *period.borrow();
        if std::mem::replace(&mut every, now) != now {
            limits = Backoff::new(Bounds { first: now, max: RATE_LIMIT_MAX });
        }
        let asked = Instant::now();
        let answer = provider.list().await;
        // Nobody waits for a first answer that took too long.
        let heard =
            first.take().is_some_and(|first| first.send(answer.as_ref().map(|_| ()).map_err(Clone::clone)).is_ok());
        let wait = match answer {
            Ok(sessions) => {
                listed_once = true;
                limits.reset();
                if std::mem::take(&mut failing) {
                    tell(&desk, "the provider lists sessions again".to_owned());
                }
                if listed.send(List { asked, sessions }).await.is_err() {
                    return;
                }
                every
            }
            // Whoever waited ends the daemon by this, and says so; we would only contradict.
            Err(error) if heard && matches!(error.class, ErrorClass::Auth { .. }) => AUTH_WAIT,
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    let so =
                        if listed_once { ", new ones are not seen" } else { " yet, none is watched that is not known" };
                    tell(&desk, format!("sessions cannot be listed{so}: {error}; trying on"));
                }
                wait_after(&error, every, &mut limits)
            }
        };
        tokio::time::sleep(wait).await;
    }
}

fn wait_after(error: &ApiError, every: Duration, limits: &mut Backoff) -> Duration {
    match &error.class {
        ErrorClass::RateLimited { retry_after } => {
            limits.next(fastrand::f64()).max(retry_after.unwrap_or_default()).max(every)
        }
        ErrorClass::Auth { .. } => AUTH_WAIT,
        ErrorClass::NotFound { .. }
        | ErrorClass::AlreadyPaused
        | ErrorClass::NotPaused
        | ErrorClass::Refused { .. }
        | ErrorClass::Unknown { .. }
        | ErrorClass::Unreachable { .. } => every,
    }
}

fn tell(desk: &DeskService, text: String) {
    tracing::warn!(target: TOLD, "{text}");
    desk.notice(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_limit_without_a_time_is_backed_off_from_and_one_with_a_time_is_honoured() {
        let every = Duration::from_secs(2);
        let mut limits = Backoff::new(Bounds { first: every, max: RATE_LIMIT_MAX });
        let limited = |retry_after| ApiError {
            call: "GET /v1/sessions".to_owned(),
            class: ErrorClass::RateLimited { retry_after },
        };
        let waits: Vec<_> = (0..8).map(|_| wait_after(&limited(None), every, &mut limits)).collect();
        assert!(waits.iter().all(|wait| (every..=RATE_LIMIT_MAX).contains(wait)), "{waits:?}");
        assert!(waits[7] >= RATE_LIMIT_MAX / 2, "{waits:?}");
        let asked = Duration::from_secs(600);
        assert_eq!(wait_after(&limited(Some(asked)), every, &mut limits), asked);
    }
}
