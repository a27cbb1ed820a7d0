//! Says when the provider's limits make reads late, and when that is over: a line for each, not for every session.
//!
//! Looks and tells; what is done about it, the [bucket](crate::api::paced::bucket) does. A session that is not read in time
//! counts as unseen after `blind_after`, as ever.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::paced::bucket::Lane;
use crate::api::paced::turns::Pressure;
use crate::control::DeskService;
use crate::operator::log::TOLD;

/// Between two looks while anybody waits.
const EVERY: Duration = Duration::from_secs(1);

/// So long nobody may have been late until it is said to be over.
const CALM: Duration = Duration::from_secs(10);

/// Reads are late when one has waited for as long as there should be between two, and for no less than this.
const LATE_LEAST: Duration = Duration::from_secs(2);

/// Says it to operators and the log, until all who read are gone. `period` is the interval of polling.
pub async fn run(mut pressure: watch::Receiver<Pressure>, period: watch::Receiver<Duration>, desk: DeskService) {
    let mut lateness = Lateness::default();
    loop {
        // While nobody waits, nobody looks.
        if lateness.since.is_none() && pressure.wait_for(waits).await.is_err() {
            return;
        }
        tokio::time::sleep(EVERY).await;
        let (now, after) = (Instant::now(), (*period.borrow()).max(LATE_LEAST));
        let pressed = *pressure.borrow();
        if let Some(said) = lateness.look(now, after, &pressed) {
            tracing::warn!(target: TOLD, "{said}");
            desk.notice(said);
        }
    }
}

fn waits(pressure: &Pressure) -> bool {
    pressure.since.iter().any(Option::is_some)
}

/// What was said last.
#[derive(Debug, Default)]
struct Lateness {
    /// When somebody was late last, if that was said.
    since: Option<Instant>,
    longest: Duration,
}

impl Lateness {
    /// What is to be said now.
    fn look(&mut self, now: Instant, after: Duration, pressure: &Pressure) -> Option<String> {
        // What is read of sessions at rest may wait: the list tells of them.
        let waited =
            [Lane::Watch, Lane::List].into_iter().map(|lane| pressure.waited(lane, now)).max().unwrap_or_default();
        if waited > after {
            self.longest = self.longest.max(waited);
            if self.since.replace(now).is_some() {
                return None;
            }
            let rate = pressure.rate.map(|rate| format!(" ({:.1} requests a second)", rate.as_per_second()));
            return Some(format!(
                "reads wait {} s for the provider's limits{}: sessions are polled late, pauses are not",
                waited.as_secs(),
                rate.unwrap_or_default()
            ));
        }
        self.since.take_if(|since| now.saturating_duration_since(*since) >= CALM)?;
        let longest = std::mem::take(&mut self.longest);
        Some(format!("reads no longer wait for the provider's limits; the longest waited {} s", longest.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::paced::bucket::Rate;

    #[test]
    fn lateness_is_said_when_it_begins_and_when_it_is_over_and_not_in_between() {
        let origin = Instant::now();
        let at = |secs| origin + Duration::from_secs(secs);
        let watcher = |since: u64| Pressure { rate: Some(Rate::per_minute(600)), since: [Some(at(since)), None, None] };
        let mut lateness = Lateness::default();
        let mut look = |now, pressure: &Pressure| lateness.look(at(now), Duration::from_secs(2), pressure);
        assert_eq!(look(2, &watcher(0)), None);
        let begun = "reads wait 3 s for the provider's limits (10.0 requests a second): sessions are polled late, pauses are not";
        assert_eq!(look(3, &watcher(0)), Some(begun.to_owned()));
        assert_eq!(look(5, &watcher(0)), None);
        // A moment without is not the end.
        assert_eq!([look(10, &watcher(9)), look(13, &watcher(10)), look(22, &Pressure::default())], [None, None, None]);
        let over = "reads no longer wait for the provider's limits; the longest waited 5 s";
        assert_eq!(look(23, &Pressure::default()), Some(over.to_owned()));
        assert_eq!(look(24, &Pressure::default()), None);
        let rests = Pressure { since: [None, None, Some(at(30))], ..watcher(30) };
        assert_eq!(look(60, &rests), None, "what rests may wait");
    }
}
