//! What is left out because it cannot matter does not matter: the whole presets, with and without looking only where needles may
//! begin, say the same of the same sessions.

use proptest::prelude::*;
use proptest::sample::select;

use super::detect::Detector;
use super::{Context, Effect, Policy, SessionInfo, Verdict};
use crate::api::{Event, EventKind, SessionId};
use crate::clock::Moment;
use crate::config::Config;

/// Two copies of all presets with a few rules on words, the second of which searches every text whole.
fn policies() -> (Policy, Policy) {
    let rules = "preset = 'cautious'
        [[rule]]\nname = 'words'\neffect = 'alert'\ntext = ['the sum', 'refund*', '$ 1', '注文', 'über', '-1']
        [[rule]]\nname = 'sites'\neffect = 'alert'\ndetect = ['new_domain', 'form_submit']
        [[rule]]\nname = 'sums'\neffect = 'ask'\ndetect = ['purchase', 'transfer']\namount_over = '100 USD'
        [[rule]]\nname = 'often'\neffect = 'ask'\nregex = ['pa[yi]']\ncount = { over = 1, per = '1m' }\n";
    let policy = || Config::parse("c.toml", rules).unwrap_or_else(|error| panic!("{error}")).config.policy;
    let (quick, mut whole) = (policy(), policy());
    whole.matcher.search_everywhere();
    (quick, whole)
}

/// The words of all detectors, as they are searched for.
fn cues() -> Vec<String> {
    Detector::ALL.into_iter().flat_map(Detector::cues).map(|cue| cue.words).collect()
}

/// Words and phrases of all sorts, as agents and those who would deceive them write.
fn piece() -> impl Strategy<Value = String> {
    const PLAIN: &[&str] = &[
        "the",
        "page",
        "three",
        "results",
        "I",
        "now",
        "it",
        "cart",
        "headset",
        "placed",
        "orders",
        "buyer",
        "sender",
        "é",
        "naïve",
        "次",
        "ブラウザ",
        "—",
        "…",
        "😀",
        "a",
        "b",
        "c",
        "e.g.",
        "x1",
        "2fa",
        "not",
        "if",
        "user",
        "to the",
        "of",
        "\"",
        "'",
        "button",
    ];
    const LEADS: &[&str] = &[
        "I will",
        "I will now",
        "Let me",
        "clicking",
        "Clicking the",
        "The next step is to",
        "Should I",
        "je vais",
        "ich werde jetzt",
        "First,",
        "After that,",
        "I need to",
        "- ",
        "2. ",
        "click(",
        "send_money(",
        "POST /api/orders",
        "place_order(1)",
        "tool: ",
        "goto ",
    ];
    const SUMS: &[&str] = &[
        "$1,299.00",
        "129,00 €",
        "USD 40",
        "total: 12.50",
        "five hundred dollars",
        "三千円",
        "4111 1111 1111 1111",
        "12",
        "3 x $20",
        "DE89 3704 0044 0532 0130 00",
        "1.5 million euros",
        "٣٠٠ USD",
        "cvv 123",
    ];
    const URLS: &[&str] = &[
        "https://shop.example.com/a?b=1",
        "http://xn--bcher-kva.example/",
        "example.org",
        "mailto:a@b.example",
        "file.html",
    ];
    let own = cues();
    let changed = select(own.clone()).prop_flat_map(|cue| {
        let spelled = |joint: &str| cue.chars().map(String::from).collect::<Vec<_>>().join(joint);
        select(vec![
            cue.to_uppercase(),
            cue.replace('a', "а").replace('o', "ο").replace('e', "е"),
            spelled(" "),
            spelled("."),
            spelled("\u{200b}"),
            spelled("**"),
            cue.replace(' ', "\u{a0}"),
            cue.replace(' ', "  "),
            cue.replace(' ', "_"),
            cue.replace(' ', "&nbsp;"),
            format!("{cue}s"),
            format!("x{cue}"),
            cue.chars().rev().collect(),
            cue.chars().map(|c| if c.is_ascii_lowercase() { wide(c) } else { c }).collect(),
        ])
    });
    let some = |of: &'static [&'static str]| select(of).prop_map(str::to_owned);
    prop_oneof![5 => select(own), 3 => changed, 4 => some(PLAIN), 3 => some(LEADS), 1 => some(SUMS), 1 => some(URLS), 1 => "\\PC{0,3}"]
}

/// A letter in its full-width form.
fn wide(c: char) -> char {
    char::from_u32(u32::from(c) + 0xFEE0).unwrap_or(c)
}

fn text() -> impl Strategy<Value = String> {
    const JOINTS: &[&str] = &[
        " ", " ", " ", " ", "", ", ", ". ", "\n", "-\n", "\u{200b}", "_", "-", "(", ": ", "\t", "\r\n", "\u{b}",
        "\u{85}", " \n ",
    ];
    prop::collection::vec((piece(), select(JOINTS)), 0..9)
        .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, joint)| [piece, joint.to_owned()]).collect())
}

fn event() -> impl Strategy<Value = Event> {
    let kinds = vec![EventKind::Thought, EventKind::Step, EventKind::Question, EventKind::Log, EventKind::Done];
    let urls = vec!["https://shop.example.com/", "https://pay.example.org/x", "about:blank", ""];
    (select(kinds), text(), prop::option::of(select(urls)), prop::bool::weighted(0.05)).prop_map(
        |(kind, text, url, truncated)| Event {
            id: None,
            kind,
            text,
            at: None,
            url: url.map(str::to_owned),
            title: None,
            truncated,
        },
    )
}

proptest! {
    #[test]
    fn searching_only_where_needles_may_begin_changes_no_verdict(events in prop::collection::vec(event(), 1..4)) {
        thread_local!(static POLICIES: (Policy, Policy) = policies());
        let session = SessionInfo { id: SessionId::try_from("s").unwrap(), agent: None, goal: None };
        let now = Moment::of(jiff::Timestamp::UNIX_EPOCH);
        POLICIES.with(|(quick, whole)| {
            let evaluate = |policy: &Policy| -> Vec<Verdict> {
                let mut context = Context::default();
                let mut judge = |event: &Event| {
                    let mut told = 0;
                    let verdict = policy.evaluate_ahead(&session, &mut context, event, now, &mut || told += 1);
                    // What is told ahead of a verdict is so, and all of it is.
                    assert_eq!(told, i32::from(verdict.effect > Effect::Alert), "{event:?}: {verdict:?}");
                    verdict
                };
                events.iter().map(&mut judge).collect()
            };
            prop_assert_eq!(evaluate(quick), evaluate(whole));
            Ok(())
        })?;
    }
}
