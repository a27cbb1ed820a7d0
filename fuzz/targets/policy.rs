//! An event against the ready-made rules: judged the same each time and as it is explained; a phrase that stands plainly in the
//! text is found whatever stands around it.
#![no_main]

use std::sync::LazyLock;

use holdpoint::api::agi::event;
use holdpoint::api::{EventKind, SessionId};
use holdpoint::clock::Moment;
use holdpoint::config::Config;
use holdpoint::policy::{Context, Effect, Policy, SessionInfo};
use libfuzzer_sys::fuzz_target;

/// The phrase that a rule asks about.
const PHRASE: &str = "hand over the parcel";

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let presets = ["cautious", "balanced", "quiet"].map(|name| format!("preset = '{name}'\n"));
    let own = [
        format!("[[rule]]\nname = 'phrase'\neffect = 'ask'\ntext = '{PHRASE}'\n"),
        "[[rule]]\nname = 'over'\neffect = 'deny'\namount_over = '80 EUR'\n\
         [[rule]]\nname = 'often'\neffect = 'ask'\nregex = ['[a-z]{3}']\ncount = { over = 2, per = '1m' }\n\
         [[rule]]\nname = 'typed'\neffect = 'ask'\nwhen = 'event.text.size() > 40 && event.kind == \"step\"'\n"
            .to_owned(),
    ];
    let read = |text: &String| Config::parse("fuzz.toml", text).expect("a policy").config.policy;
    presets.iter().chain(&own).map(read).collect()
});

static SESSION: LazyLock<SessionInfo> = LazyLock::new(|| SessionInfo {
    id: SessionId::try_from("s-1").expect("an id"),
    agent: Some("shopper".to_owned()),
    goal: Some("buy what is on the list".to_owned()),
});

fuzz_target!(|text: &str| {
    let now = Moment { wall: jiff::Timestamp::UNIX_EPOCH, mono: std::time::Duration::from_secs(1) };
    let events: Vec<_> = text.lines().take(8).map(|line| event::from_message(line, 1 << 16)).collect();
    for policy in POLICIES.iter() {
        let (mut one, mut other) = (Context::default(), Context::default());
        for event in &events {
            let verdict = policy.evaluate(&SESSION, &mut one, event, now);
            let explained = policy.explain(&SESSION, &mut other, event, now);
            assert_eq!(verdict, explained.verdict, "judged twice, in two ways: {event:?}");
        }
    }
    for event in &events {
        let stands = event.text.split(PHRASE).collect::<Vec<_>>();
        let plainly = |pair: &[&str]| {
            (pair[0].is_empty() || pair[0].ends_with(' ')) && (pair[1].is_empty() || pair[1].starts_with(' '))
        };
        let acts = event.kind == EventKind::Thought || event.kind == EventKind::Step;
        if acts && stands.windows(2).any(plainly) {
            let verdict = POLICIES[3].evaluate(&SESSION, &mut Context::default(), event, now);
            assert_eq!(verdict.effect, Effect::Ask, "a phrase is hidden by what stands around it: {:?}", event.text);
        }
    }
});
