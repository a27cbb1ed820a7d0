//! Windows of time: from one time of day to another, on some days of the week, by the clock on a wall somewhere.
//!
//! Pure: the instant is an argument. Across midnight a window belongs to the day on which it begins. By the clock on the wall
//! means that an hour which a change of clocks repeats is in the window both times, and one that it skips is in none.

use jiff::Timestamp;
use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;

/// A window of time. It is `from` and after, and before `to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    hours: Option<Hours>,
    days: Days,
    zone: TimeZone,
}

/// Hours of a day that differ; those that end before they begin go across midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    to: Time,
}

/// Days of the week, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Days([bool; 7]);

const NAMES: [(&str, &str, Weekday); 7] = [
    ("mon", "monday", Weekday::Monday),
    ("tue", "tuesday", Weekday::Tuesday),
    ("wed", "wednesday", Weekday::Wednesday),
    ("thu", "thursday", Weekday::Thursday),
    ("fri", "friday", Weekday::Friday),
    ("sat", "saturday", Weekday::Saturday),
    ("sun", "sunday", Weekday::Sunday),
];

impl Window {
    /// The window of these hours (`None`: the whole day) on these days in this zone.
    #[must_use]
    pub fn new(hours: Option<Hours>, days: Days, zone: TimeZone) -> Self {
        Self { hours, days, zone }
    }

    /// Whether the instant is inside.
    #[must_use]
    pub fn contains(&self, instant: Timestamp) -> bool {
        let local = self.zone.to_datetime(instant);
        let (today, time) = (local.date().weekday(), local.time());
        let Some(Hours { from, to }) = self.hours else { return self.days.has(today) };
        if from < to {
            return from <= time && time < to && self.days.has(today);
        }
        (from <= time && self.days.has(today)) || (time < to && self.days.has(today.previous()))
    }

    /// What of the window an instant met, as `Wed 23:10 Europe/Berlin`.
    #[must_use]
    pub fn shown(&self, instant: Timestamp) -> String {
        let local = self.zone.to_datetime(instant);
        format!("{} {}", local.strftime("%a %H:%M"), self.zone_name())
    }

    /// The canonical form, for the policy's hash.
    #[must_use]
    pub fn canonical(&self) -> String {
        let hours = self.hours.map_or_else(String::new, |hours| format!("{}-{}", hours.from, hours.to));
        let days: String = self.days.0.iter().map(|day| if *day { '1' } else { '0' }).collect();
        format!("{hours} {days} {}", self.zone_name())
    }

    /// As rules write it: `09:00-17:00 mon-fri Europe/Berlin`.
    #[must_use]
    pub fn written(&self) -> String {
        let time = |time: Time| time.strftime("%H:%M").to_string();
        let hours = self.hours.map(|hours| format!("{}-{}", time(hours.from), time(hours.to)));
        hours.into_iter().chain([self.days.written(), self.zone_name().to_owned()]).collect::<Vec<_>>().join(" ")
    }

    fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }
}

impl Hours {
    /// Hours written as `09:00` and `17:00`; `24:00` is the end of the day.
    ///
    /// # Errors
    ///
    /// The text that is no time of day, or `None` when both are the same, which would be the whole day or none of it.
    pub fn new<'t>(from: &'t str, to: &'t str) -> Result<Self, Option<&'t str>> {
        let (from, to) = (time(from).ok_or(Some(from))?, time(to).ok_or(Some(to))?);
        if from == to { Err(None) } else { Ok(Self { from, to }) }
    }
}

impl Days {
    /// Every day.
    pub const ALL: Self = Self([true; 7]);
    /// None, to add to.
    pub const NONE: Self = Self([false; 7]);

    /// With one day or a range of days more: `mon`, `monday`, `mon-fri`, `sat-mon`; `None` when it is neither.
    #[must_use]
    pub fn and(mut self, text: &str) -> Option<Self> {
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (day(first)?, day(last)?),
            None => (day(text)?, day(text)?),
        };
        let mut at = first;
        loop {
            self.0[place(at)] = true;
            if at == last {
                return Some(self);
            }
            at = at.next();
        }
    }

    /// As rules write them, from Monday on: `mon-fri`, `mon,sat-sun`.
    fn written(self) -> String {
        let mut left = NAMES.iter().zip(self.0).peekable();
        let mut told: Vec<String> = Vec::new();
        while let Some(((first, ..), there)) = left.next() {
            if there {
                let last = std::iter::from_fn(|| left.next_if(|(_, there)| *there)).last();
                told.push(last.map_or_else(|| (*first).to_owned(), |((last, ..), _)| format!("{first}-{last}")));
            }
        }
        told.join(",")
    }

    fn has(self, day: Weekday) -> bool {
        self.0[place(day)]
    }
}

fn place(day: Weekday) -> usize {
    NAMES.iter().position(|(_, _, other)| *other == day).unwrap_or_default()
}

fn day(text: &str) -> Option<Weekday> {
    let name = text.trim().to_ascii_lowercase();
    NAMES.iter().find(|(short, long, _)| *short == name || *long == name).map(|(_, _, day)| *day)
}

/// `9:00`, `09:00` or `24:00`.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(1..=2).contains(&hour.len()) || minute.len() != 2 || !digits(hour) || !digits(minute) {
        return None;
    }
    let (hour, minute): (i8, i8) = (hour.parse().ok()?, minute.parse().ok()?);
    if (hour, minute) == (24, 0) {
        return Some(Time::midnight());
    }
    Time::new(hour, minute, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: &str, to: &str, days: &[&str], zone: &str) -> Window {
        let days = days.iter().fold(Days::NONE, |days, text| days.and(text).unwrap());
        let hours = (!from.is_empty()).then(|| Hours::new(from, to).unwrap());
        Window::new(hours, days, TimeZone::get(zone).unwrap())
    }

    fn inside(window: &Window, instants: &[&str]) -> Vec<bool> {
        instants.iter().map(|instant| window.contains(instant.parse().unwrap())).collect()
    }

    #[test]
    fn office_hours_are_those_of_the_zone_and_its_end_is_outside() {
        let office = window("09:00", "17:00", &["mon-fri"], "Europe/Berlin");
        let wednesday =
            ["2026-11-25T07:59:59Z", "2026-11-25T08:00:00Z", "2026-11-25T15:59:59Z", "2026-11-25T16:00:00Z"];
        assert_eq!(inside(&office, &wednesday), [false, true, true, false]);
        assert_eq!(inside(&office, &["2026-11-28T10:00:00Z"]), [false], "a Saturday");
        assert_eq!(office.shown("2026-11-25T08:00:00Z".parse().unwrap()), "Wed 09:00 Europe/Berlin");
    }

    #[test]
    fn a_window_is_told_as_rules_write_it() {
        let told = |days: &[&str]| window("09:00", "17:30", days, "Europe/Berlin").written();
        assert_eq!(told(&["mon-fri"]), "09:00-17:30 mon-fri Europe/Berlin");
        assert_eq!(told(&["sat-mon", "wed"]), "09:00-17:30 mon,wed,sat-sun Europe/Berlin");
        assert_eq!(window("22:00", "24:00", &["sun"], "UTC").written(), "22:00-00:00 sun UTC");
        assert_eq!(window("", "", &["mon-sun"], "UTC").written(), "mon-sun UTC");
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let friday = window("22:00", "06:00", &["fri"], "UTC");
        let instants = [
            "2026-11-27T21:59:00Z",
            "2026-11-27T22:00:00Z",
            "2026-11-28T05:59:00Z",
            "2026-11-28T06:00:00Z",
            "2026-11-28T23:00:00Z",
            "2026-11-27T05:00:00Z",
        ];
        assert_eq!(inside(&friday, &instants), [false, true, true, false, false, false]);
    }

    #[test]
    fn an_hour_that_the_clocks_repeat_is_inside_twice_and_a_skipped_one_never() {
        let night = window("02:00", "03:00", &["sun"], "Europe/Berlin");
        // 2026-10-25: 03:00 summer time becomes 02:00; 2026-03-29: 02:00 becomes 03:00.
        let autumn = ["2026-10-24T23:59:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"];
        assert_eq!(inside(&night, &autumn), [false, true, true, false]);
        assert_eq!(inside(&night, &["2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"]), [false, false]);
    }

    #[test]
    fn days_are_names_or_ranges_also_across_the_week_and_the_end_of_a_day_is_24() {
        let weekend = window("", "", &["sat-mon"], "UTC");
        let days = ["2026-11-27T12:00:00Z", "2026-11-28T12:00:00Z", "2026-11-29T12:00:00Z", "2026-11-30T12:00:00Z"];
        assert_eq!(inside(&weekend, &days), [false, true, true, true]);
        let evening = window("18:00", "24:00", &["Wednesday"], "UTC");
        assert_eq!(inside(&evening, &["2026-11-25T23:59:59Z", "2026-11-26T00:00:00Z"]), [true, false]);
        for text in ["", "someday", "mon-", "mon-fri-sun", "1"] {
            assert_eq!(Days::NONE.and(text), None, "{text:?}");
        }
        for (from, to) in
            [("9", "17:00"), ("09:00", "25:00"), ("09:60", "10:00"), ("09:00", "+9:00"), ("24:30", "1:00")]
        {
            assert!(Hours::new(from, to).is_err(), "{from} {to}");
        }
        assert_eq!(Hours::new("00:00", "24:00"), Err(None));
    }
}
