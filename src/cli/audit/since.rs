//! A time in the past as people write it: how long ago, a day, or an exact time.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::config::units;

/// Where something begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// So long before now.
    Ago(Duration),
    /// At this time.
    At(Timestamp),
}

/// Reads one: `2h`, `2026-11-23` (local midnight), `2026-11-23T13:02` (local), `2026-11-23T13:02:11Z`.
///
/// # Errors
/// With what one looks like.
pub(super) fn read(text: &str) -> Result<Since, String> {
    read_in(text, &TimeZone::system())
}

fn read_in(text: &str, zone: &TimeZone) -> Result<Since, String> {
    let local = |at: DateTime| zone.to_timestamp(at).ok();
    let ago = || units::duration(text).map(Since::Ago);
    let exact = || text.parse::<Timestamp>().ok();
    // A date is a prefix of a time, so whoever reads times would take it as well.
    let day = || text.parse::<Date>().ok().filter(|day| day.to_string() == text).and_then(|day| local(day.into()));
    let time = || text.parse::<DateTime>().ok().and_then(local);
    ago().or_else(|| exact().or_else(day).or_else(time).map(Since::At)).ok_or_else(|| {
        "a time is how long ago, such as 2h or 7d, a day such as 2026-11-23, or a time such as 2026-11-23T13:02:11Z"
            .to_owned()
    })
}

impl Since {
    /// The time, seen from `now`.
    pub(super) fn before(self, now: Timestamp) -> Timestamp {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => {
                SignedDuration::try_from(ago).ok().and_then(|ago| now.checked_sub(ago).ok()).unwrap_or(Timestamp::MIN)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_so_long_ago_or_a_day_or_exact_and_nothing_else() {
        let zone = TimeZone::fixed(jiff::tz::offset(1));
        let now: Timestamp = "2026-11-23T13:02:11Z".parse().expect("a time");
        for (text, at) in [
            ("2h", Some("2026-11-23T11:02:11Z")),
            ("99999999d", Some("-009999-01-02T01:59:59Z")),
            ("2026-11-23", Some("2026-11-22T23:00:00Z")),
            ("2026-11-23T13:02", Some("2026-11-23T12:02:00Z")),
            ("2026-11-23T13:02:11.5Z", Some("2026-11-23T13:02:11.5Z")),
            ("2026-11-23T13:02:11+02:00", Some("2026-11-23T11:02:11Z")),
            ("yesterday", None),
            ("", None),
            ("2026-13-01", None),
            ("-2h", None),
        ] {
            let read = read_in(text, &zone).ok().map(|since| since.before(now).to_string());
            assert_eq!(read.as_deref(), at, "{text}");
        }
    }
}
