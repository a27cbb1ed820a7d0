//! Lengths of time as scenarios write them: `"250ms"`, `"2s"`, `"1.5s"`, `"1m"`.
//!
//! Never negative and never longer than a day, so that no sum of them overflows.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

const DAY: f64 = 86_400.0;

/// A length of time, zero to one day, written with a unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

/// A text that is no length of time.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a length of time; write a number and a unit, for example \"250ms\", \"2s\" or \"1m\", at most a day"
)]
pub struct BadSpan(String);

impl Span {
    /// The length divided by `speed`; a speed of 10 makes ten seconds one.
    #[must_use]
    pub fn at_speed(self, speed: Speed) -> Duration {
        self.0.div_f64(speed.0)
    }
}

impl TryFrom<String> for Span {
    type Error = BadSpan;

    fn try_from(text: String) -> Result<Self, BadSpan> {
        let Some(seconds) = seconds(text.trim()) else { return Err(BadSpan(text)) };
        if !(0.0..=DAY).contains(&seconds) {
            return Err(BadSpan(text));
        }
        Duration::try_from_secs_f64(seconds).map(Self).map_err(|_| BadSpan(text))
    }
}

impl std::str::FromStr for Span {
    type Err = BadSpan;

    fn from_str(text: &str) -> Result<Self, BadSpan> {
        Self::try_from(text.to_owned())
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0.as_millis();
        if millis.is_multiple_of(1000) { write!(f, "{}s", millis / 1000) } else { write!(f, "{millis}ms") }
    }
}

fn seconds(text: &str) -> Option<f64> {
    let unit_at = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit_at);
    let factor = match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return None,
    };
    number.trim().parse::<f64>().ok().map(|number| number * factor)
}

/// How many times faster than written a script runs: 0.001 to 1 000 000.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Speed(f64);

impl Speed {
    /// As written.
    pub const NORMAL: Self = Self(1.0);
}

/// A number that is no speed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a speed is a number from 0.001 to 1000000; 1 is as written, 10 is ten times as fast")]
pub struct BadSpeed;

impl TryFrom<f64> for Speed {
    type Error = BadSpeed;

    fn try_from(factor: f64) -> Result<Self, BadSpeed> {
        let fits = (0.001..=1_000_000.0).contains(&factor);
        if fits { Ok(Self(factor)) } else { Err(BadSpeed) }
    }
}

impl std::str::FromStr for Speed {
    type Err = BadSpeed;

    fn from_str(text: &str) -> Result<Self, BadSpeed> {
        text.parse::<f64>().map_err(|_| BadSpeed).and_then(Self::try_from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_and_a_unit() {
        let millis = |text: &str| Span::try_from(text.to_owned()).map(|span| span.0.as_millis()).ok();
        let cases = [("250ms", Some(250)), ("1.5s", Some(1500)), ("2 m", Some(120_000)), ("0s", Some(0))];
        let bad =
            [("", None), ("5", None), ("s", None), ("-1s", None), ("25h", None), ("1 week", None), ("1e999s", None)];
        for (text, expected) in cases.into_iter().chain(bad) {
            assert_eq!(millis(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_speed_of_zero_is_refused() {
        assert_eq!(Speed::try_from(0.0), Err(BadSpeed));
        assert_eq!(Speed::try_from(f64::NAN), Err(BadSpeed));
    }
}
