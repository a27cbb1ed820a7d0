//! The conditions of a rule, and of its `unless`.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::super::reader::{Item, Section, closest, listed};
use super::super::sections::globs;
use crate::operator::escape::short;
use crate::policy::Conditions;
use crate::policy::address::AddressPattern;
use crate::policy::detect::Detector;
use crate::policy::expression::Expression;
use crate::policy::glob::DomainPattern;
use crate::policy::money::Money;
use crate::policy::rate::Rate;
use crate::policy::rule::{KindName, Pattern, Phrase};
use crate::policy::window::{Days, Hours, Window};

/// The conditions that stand in a rule, or in its `unless`.
pub(super) fn read(section: &mut Section<'_>) -> Conditions {
    let texts = "text in quotes, or a list such as [\"a\", \"b\"]";
    let amounts = "an amount with its currency, such as \"500 USD\", or a list of such";
    let mut each = |key: &'static str| {
        let expected = if key.starts_with("amount") { amounts } else { texts };
        section.get(key).and_then(|item| item.list(expected)).unwrap_or_default()
    };
    let events = each("events").iter().filter_map(kind).collect::<BTreeSet<_>>();
    let text = each("text").iter().filter_map(phrase).collect();
    let regex = each("regex").iter().filter_map(pattern).collect();
    let detect = each("detect").iter().filter_map(detector).collect::<BTreeSet<_>>();
    let domains = each("domains").iter().filter_map(domain).collect();
    let url = each("url").iter().filter_map(address).collect();
    let amount_over = limits(&each("amount_over"));
    let amount_under = limits(&each("amount_under"));
    let mut names = |key| section.get(key).map(|item| globs(&item)).unwrap_or_default();
    let (agents, sessions) = (names("agents"), names("sessions"));
    let time = section.get("time").map(|item| windows(&item)).unwrap_or_default();
    let expression = section.get("when").and_then(|item| expression(&item));
    let count = section.get("count").and_then(|item| rate(&item));
    Conditions {
        events,
        text,
        regex,
        detect,
        domains,
        url,
        agents,
        sessions,
        amount_over,
        amount_under,
        time,
        count,
        expression,
    }
}

fn kind(item: &Item<'_>) -> Option<KindName> {
    item.word(&KindName::ALL.map(|kind| (kind.name(), kind)))
}

fn phrase(item: &Item<'_>) -> Option<Phrase> {
    let phrase = Phrase::new(item.text()?);
    if phrase.is_none() {
        item.wrong(
            "there is nothing to look for in this phrase",
            "1 to 200 characters with a letter or digit; `*` only at the end",
        );
    }
    phrase
}

fn pattern(item: &Item<'_>) -> Option<Pattern> {
    let pattern = Pattern::new(item.text()?);
    if let Err(error) = &pattern {
        let place = error.range.as_ref().map_or_else(|| item.place.clone(), |range| item.inside(range));
        let expected = "a regular expression that takes linear time: no look-around, no back-references";
        item.wrong_at(place, &format!("this regular expression is refused: {}", short(&error.message)), expected, None);
    }
    pattern.ok()
}

fn expression(item: &Item<'_>) -> Option<Expression> {
    let expression = Expression::new(item.text()?);
    if let Err(error) = &expression {
        let place = error.range.as_ref().map_or_else(|| item.place.clone(), |range| item.inside(range));
        let hint = (!error.hint.is_empty()).then(|| short(&error.hint));
        item.wrong_at(place, &short(&error.message), "", hint);
    }
    expression.ok()
}

fn detector(item: &Item<'_>) -> Option<Detector> {
    let name = item.text()?;
    let found = Detector::ALL.into_iter().find(|detector| detector.name() == name);
    if found.is_none() {
        let names = Detector::ALL.map(Detector::name);
        let message = format!("there is no detector {}", item.shown());
        let hint = closest(name, &names).map(|known| format!("did you mean \"{known}\"?"));
        let hint = hint.or_else(|| Some("`text` and `regex` find what no detector does".to_owned()));
        item.wrong_with(&message, &format!("one of {}", listed(&names)), hint);
    }
    found
}

fn domain(item: &Item<'_>) -> Option<DomainPattern> {
    let domain = DomainPattern::new(item.text()?);
    if let Err(error) = &domain {
        item.wrong(&format!("{} is not a domain pattern", item.shown()), &error.to_string());
    }
    domain.ok()
}

fn address(item: &Item<'_>) -> Option<AddressPattern> {
    let address = AddressPattern::new(item.text()?);
    if let Err(error) = &address {
        let hint = "`domains` is for hosts alone; \"*/checkout*\" is that path anywhere".to_owned();
        item.wrong_with(&format!("{} is not a pattern of addresses", item.shown()), &error.to_string(), Some(hint));
    }
    address.ok()
}

/// `{ over = 5, per = "1m" }`
fn rate(item: &Item<'_>) -> Option<Rate> {
    let mut section = item.section()?;
    let (over, per) = (section.get("over"), section.get("per"));
    if over.is_none() || per.is_none() {
        let missing = if over.is_none() { "over" } else { "per" };
        section.report(format!("a count without `{missing}`"), "`count = { over = 5, per = \"1m\" }`", "");
    }
    section.finish();
    let over = over.and_then(|item| item.integer(1..=1_000));
    let per = per.and_then(|item| item.duration(Duration::from_secs(1)..=Duration::from_secs(86_400)));
    Some(Rate { over: over?, per: per? })
}

const WINDOW: &str = "a window such as { from = \"09:00\", to = \"17:00\", days = [\"mon-fri\"], zone = \"Europe/Berlin\" }, or a \
                      list of such";

fn windows(item: &Item<'_>) -> Vec<Window> {
    item.sections(WINDOW).into_iter().filter_map(window).collect()
}

fn window(mut section: Section<'_>) -> Option<Window> {
    let (from, to) = (section.get("from"), section.get("to"));
    let days = section.get("days");
    let zone = section.get("zone");
    if from.is_some() != to.is_some() || (from.is_none() && days.is_none()) {
        section.report(
            "this is no window of time".to_owned(),
            WINDOW,
            "`from` and `to` go together; one of hours and `days` is needed",
        );
    }
    let hours = from.as_ref().zip(to.as_ref()).map(|(from, to)| hours(from, to));
    let days = days.map_or(Some(Days::ALL), |item| days_of(&item));
    let zone = zone.map_or_else(|| here(&section), |item| zone_of(&item));
    section.finish();
    let hours = hours.map_or(Some(None), |hours| hours.map(Some))?;
    Some(Window::new(hours, days?, zone?))
}

fn hours(from: &Item<'_>, to: &Item<'_>) -> Option<Hours> {
    let (from_text, to_text) = (from.text()?, to.text()?);
    match Hours::new(from_text, to_text) {
        Ok(hours) => return Some(hours),
        Err(Some(text)) => {
            let item = if text == from_text { from } else { to };
            item.wrong(&format!("{} is not a time of day", item.shown()), "hours and minutes, \"00:00\" to \"24:00\"");
        }
        Err(None) => to.wrong_with(
            "this window begins and ends at the same time",
            "another time than `from`",
            Some("leave `from` and `to` out for the whole day".to_owned()),
        ),
    }
    None
}

fn days_of(item: &Item<'_>) -> Option<Days> {
    let mut all = Some(Days::NONE);
    for item in item.list("days such as [\"mon-fri\", \"sun\"]")? {
        let days = item.text().and_then(|text| all.unwrap_or(Days::NONE).and(text));
        if days.is_none() && item.text().is_some() {
            item.wrong(
                &format!("{} is not a day of the week", item.shown()),
                "mon tue wed thu fri sat sun, or \"mon-fri\"",
            );
        }
        all = all.and(days);
    }
    all
}

fn zone_of(item: &Item<'_>) -> Option<TimeZone> {
    let zone = TimeZone::get(item.text()?);
    if zone.is_err() {
        let expected = "a zone of the IANA database, such as \"Europe/Berlin\" or \"UTC\"";
        item.wrong(&format!("{} is not a time zone that this machine knows", item.shown()), expected);
    }
    zone.ok()
}

/// The machine's own zone, which has to have a name so that the same rules mean the same tomorrow.
fn here(section: &Section<'_>) -> Option<TimeZone> {
    let zone = TimeZone::system();
    if zone.iana_name().is_some() {
        return Some(zone);
    }
    section.report(
        "this machine does not say in which time zone it is".to_owned(),
        "`zone = \"Europe/Berlin\"`, or \"UTC\"",
        "",
    );
    None
}

fn limits(items: &[Item<'_>]) -> Vec<Money> {
    let mut limits: Vec<Money> = Vec::new();
    for item in items {
        let Some(text) = item.text() else { continue };
        match Money::parse(text) {
            Ok(limit) if limits.iter().any(|other| other.currency == limit.currency) => {
                item.wrong(&format!("a second limit in {}", limit.currency), "one limit for each currency");
            }
            Ok(limit) => limits.push(limit),
            Err(error) => item.wrong(&format!("{} is not an amount", item.shown()), &error.to_string()),
        }
    }
    limits
}
