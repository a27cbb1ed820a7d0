//! Health: whether the daemon can do what it is for, and what is in its way.

use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

use super::metrics::Metrics;

/// The writer is said to be behind when so many records wait.
const BACKLOG: usize = 1024;

/// Whether the daemon can do what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Health {
    /// `ok` or `degraded`.
    pub status: Status,
    /// What is in its way, a sentence each; empty when nothing is. Constant text and numbers only.
    pub reasons: Vec<String>,
}

/// The word for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HealthStatus)]
pub enum Status {
    /// It can.
    Ok,
    /// It cannot, or not fully.
    Degraded,
}

impl Health {
    /// What `metrics` say, with so many records waiting for the writer.
    #[must_use]
    pub fn of(metrics: &Metrics, backlog: usize) -> Self {
        let blind = metrics.blind_sessions();
        let reasons: Vec<String> = [
            metrics.is_key_refused().then(|| "the provider refuses the API key: nothing can be paused".to_owned()),
            metrics.is_store_failing().then(|| "the store cannot be written: nothing can be released".to_owned()),
            (blind > 0).then(|| format!("sessions that are not seen: {blind}")),
            (backlog >= BACKLOG).then(|| format!("records that wait for the store: {backlog}")),
            metrics.is_halted().then(|| "everything is stopped by an operator".to_owned()),
        ]
        .into_iter()
        .flatten()
        .collect();
        let status = if reasons.is_empty() { Status::Ok } else { Status::Degraded };
        Self { status, reasons }
    }

    /// The HTTP status it is answered with: 200 or 503.
    #[must_use]
    pub fn http_status(&self) -> u16 {
        match self.status {
            Status::Ok => 200,
            Status::Degraded => 503,
        }
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.status {
            Status::Ok => f.write_str("ok"),
            Status::Degraded => write!(f, "degraded: {}", self.reasons.join("; ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ErrorClass;
    use crate::telemetry::metrics::{Endpoint, Now};

    #[test]
    fn each_thing_in_the_way_is_said_and_goes_away_again() {
        let metrics = Metrics::new();
        let health = |backlog| Health::of(&metrics, backlog);
        assert_eq!((health(0).http_status(), health(0).to_string().as_str()), (200, "ok"));
        metrics.call(Endpoint::Pause, Some(&ErrorClass::Auth { status: 401, detail: String::new() }));
        metrics.store_failed();
        metrics.now(&Now { blind: 2, halted: true, ..Now::default() });
        assert_eq!((health(BACKLOG).http_status(), health(BACKLOG).reasons.len()), (503, 5));
        // A rate limit says nothing about the key.
        metrics.call(Endpoint::List, Some(&ErrorClass::RateLimited { retry_after: None }));
        assert!(metrics.is_key_refused());
        metrics.call(Endpoint::List, None);
        metrics.store_wrote();
        metrics.now(&Now::default());
        assert_eq!(health(BACKLOG - 1).status, Status::Ok);
    }
}
