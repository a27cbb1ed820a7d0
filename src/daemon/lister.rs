//! Lists the provider's sessions again and again, and says when it cannot.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::api::{ApiError, ErrorClass, Provider, Session};
use crate::control::DeskService;
use crate::operator::log::TOLD;

/// How long a lister waits after the key was refused.
const AUTH_WAIT: Duration = Duration::from_secs(30);

/// Lists sessions every `every` into `listed` until its receiver is gone. How the first time went is told to `first`.
pub async fn run(
    provider: Arc<dyn Provider>,
    every: Duration,
    desk: DeskService,
    listed: mpsc::Sender<Vec<Session>>,
    first: oneshot::Sender<Result<(), ApiError>>,
) {
    let mut first = Some(first);
    let (mut failing, mut listed_once) = (false, false);
    loop {
        let answer = provider.list().await;
        if let Some(first) = first.take() {
            // Nobody waits for a first answer that took too long.
            let _ = first.send(answer.as_ref().map(|_| ()).map_err(Clone::clone));
        }
        let wait = match answer {
            Ok(sessions) => {
                listed_once = true;
                if std::mem::take(&mut failing) {
                    tell(&desk, "the provider lists sessions again".to_owned());
                }
                if listed.send(sessions).await.is_err() {
                    return;
                }
                every
            }
            Err(error) => {
                if !std::mem::replace(&mut failing, true) {
                    let so =
                        if listed_once { ", new ones are not seen" } else { " yet, none is watched that is not known" };
                    tell(&desk, format!("sessions cannot be listed{so}: {error}; trying on"));
                }
                wait_after(&error, every)
            }
        };
        tokio::time::sleep(wait).await;
    }
}

fn wait_after(error: &ApiError, every: Duration) -> Duration {
    match &error.class {
        ErrorClass::RateLimited { retry_after } => retry_after.unwrap_or(every).max(every),
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
