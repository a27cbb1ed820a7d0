//! What counts as evidence of where a session is, from the provider's payloads to the verdict.

use super::Context;
use crate::api::{SessionId, agi};
use crate::clock::Moment;
use crate::config::Config;
use crate::policy::{Effect, SessionInfo};

const NOW: Moment = Moment { mono: std::time::Duration::ZERO, wall: jiff::Timestamp::UNIX_EPOCH };

/// The effect that `rule` has on the last of these events; each is a kind and the provider's payload.
fn last(rule: &str, events: &[(&str, &str)]) -> Effect {
    effects(rule, events).pop().unwrap()
}

fn effects(rule: &str, events: &[(&str, &str)]) -> Vec<Effect> {
    let text = format!("[[rule]]\nname = 'r'\neffect = 'ask'\n{rule}\n");
    let policy = Config::parse("c.toml", &text).unwrap_or_else(|wrong| panic!("{wrong}")).config.policy;
    let session = SessionInfo { id: SessionId::try_from("s").unwrap(), agent: None, goal: None };
    let mut context = Context::default();
    let event = |(kind, data): &(&str, &str)| agi::decode_event(kind, data, 1_000);
    events.iter().map(|one| policy.evaluate(&session, &mut context, &event(one), NOW).effect).collect()
}

const PAY: (&str, &str) = ("step", r#"{"text":"pay"}"#);
const AT_SHOP: (&str, &str) = ("step", r#"{"text":"look","url":"https://shop.example/"}"#);
const AT_EVIL: (&str, &str) = ("step", r#"{"text":"look","url":"https://evil.test/"}"#);
const EXCEPT: &str = "text = 'pay'\nunless = { domains = ['shop.example'] }";

#[test]
fn only_the_page_that_the_agents_own_event_tells_excepts() {
    assert_eq!(last(EXCEPT, &[AT_SHOP, PAY]), Effect::Allow);
    assert_eq!(
        last(EXCEPT, &[("step", r#"{"text":"pay","metadata":{"url":"https://shop.example/"}}"#)]),
        Effect::Allow
    );
    let foreign = [
        vec![("step", r#"{"text":"pay","args":{"url":"https://shop.example/"}}"#)],
        vec![AT_EVIL, ("step", r#"{"tool":"open","args":{"url":"https://shop.example/"}}"#), PAY],
        vec![AT_EVIL, ("step", r#"{"text":"goto https://shop.example/"}"#), PAY],
        vec![("user", r#"{"text":"go","metadata":{"url":"https://shop.example/"}}"#), PAY],
        vec![AT_EVIL, ("log", r#"{"text":"see","url":"https://shop.example/"}"#), PAY],
        vec![("step", r#"{"text":"pay","content":[{"url":"https://shop.example/img.png"}]}"#)],
        vec![("thought", r#"{"content":[{"url":"https://shop.example/img.png"}]}"#), PAY],
        vec![("step", r#"{"text":"pay","action":{"url":"https://shop.example/"}}"#)],
    ];
    for events in foreign {
        assert_eq!(last(EXCEPT, &events), Effect::Ask, "{events:?}");
    }
}

#[test]
fn what_may_have_led_elsewhere_makes_it_unknown_where_the_session_is() {
    for away in [
        ("step", r#"{"tool":"open","args":{"url":"https://evil.test/"}}"#),
        ("step", r#"{"text":"goto evil.test"}"#),
        ("log", r#"{"text":"loaded","url":"https://evil.test/"}"#),
        ("user", r#"{"text":"go on","metadata":{"url":"https://evil.test/"}}"#),
        ("step", r#"{"text":"look","url":"about:blank"}"#),
    ] {
        assert_eq!(last(EXCEPT, &[AT_SHOP, away, PAY]), Effect::Ask, "{away:?}");
        assert_eq!(last(EXCEPT, &[AT_SHOP, away, AT_SHOP, PAY]), Effect::Allow, "{away:?}");
        let guard = "text = 'pay'\ndomains = ['evil.test']";
        assert_eq!(last(guard, &[AT_SHOP, away, PAY]), Effect::Ask, "{away:?}");
    }
    for here in [
        ("step", r#"{"text":"goto https://shop.example/cart"}"#),
        ("log", r#"{"text":"loaded","url":"https://shop.example/"}"#),
        ("log", r#"{"text":"see https://evil.test/"}"#),
        ("step", r#"{"text":"click See https://evil.test/"}"#),
    ] {
        assert_eq!(last(EXCEPT, &[AT_SHOP, here, PAY]), Effect::Allow, "{here:?}");
    }
}

#[test]
fn a_page_that_is_asked_for_is_guarded_before_the_session_is_there() {
    let guard = "text = 'open'\ndomains = ['evil.test']";
    let open = ("step", r#"{"tool":"open","args":{"url":"https://evil.test/"}}"#);
    assert_eq!(last(guard, &[AT_SHOP, open]), Effect::Ask);
}

#[test]
fn a_new_site_is_told_once_however_it_was_told() {
    use Effect::{Allow, Ask};
    let rule = "detect = ['new_domain']";
    let hm = ("thought", r#"{"text":"hm"}"#);
    let log = ("log", r#"{"text":"loaded","url":"https://evil.test/"}"#);
    assert_eq!(effects(rule, &[AT_SHOP, AT_EVIL, hm, PAY, AT_EVIL, hm]), [Allow, Ask, Allow, Allow, Allow, Allow]);
    assert_eq!(effects(rule, &[AT_SHOP, log, ("log", "{}"), PAY, PAY]), [Allow, Allow, Allow, Ask, Allow]);
    let acts = "detect = ['new_domain']\nevents = ['step']";
    assert_eq!(effects(acts, &[AT_SHOP, log, hm, PAY, PAY]), [Allow, Allow, Allow, Ask, Allow]);
    let logs = "detect = ['new_domain']\nevents = ['log']";
    assert_eq!(effects(logs, &[AT_SHOP, log, ("log", "{}"), hm]), [Allow, Ask, Allow, Allow]);
}

#[test]
fn a_step_to_a_new_site_is_told_with_or_without_a_scheme() {
    let rule = "detect = ['new_domain']";
    for (step, want) in [
        (r#"{"text":"goto b.example"}"#, Effect::Ask),
        (r#"{"text":"navigate to b.example/x?y=1."}"#, Effect::Ask),
        (r#"{"text":"open www.evil.com"}"#, Effect::Ask),
        (r#"{"tool":"goto","args":{"to":"b.example"}}"#, Effect::Ask),
        (r#"{"tool":"act","args":{"url":"https://b.example/"}}"#, Effect::Ask),
        (r#"{"text":"goto m.shop.example"}"#, Effect::Allow),
        (r#"{"text":"goto checkout.html"}"#, Effect::Allow),
        (r#"{"text":"open README.md"}"#, Effect::Allow),
        (r#"{"text":"get order.items 2.5"}"#, Effect::Allow),
        (r#"{"text":"click b.example"}"#, Effect::Allow),
        (r#"{"text":"go write to a@b.example"}"#, Effect::Allow),
    ] {
        assert_eq!(last(rule, &[AT_SHOP, ("step", step)]), want, "{step}");
    }
}

#[test]
fn a_screenshot_of_a_new_site_is_told_with_the_next_event_of_the_agent() {
    let text = "[[rule]]\nname = 'r'\neffect = 'ask'\ndetect = ['new_domain']\n";
    let policy = Config::parse("c.toml", text).unwrap().config.policy;
    let session = SessionInfo { id: SessionId::try_from("s").unwrap(), agent: None, goal: None };
    let mut context = Context::default();
    context.page(Some("https://shop.example/"), None);
    context.page(Some("https://evil.test/"), Some("Evil"));
    let mut say = |kind| policy.evaluate(&session, &mut context, &agi::decode_event(kind, "{}", 1_000), NOW).effect;
    assert_eq!([say("log"), say("thought"), say("thought")], [Effect::Allow, Effect::Ask, Effect::Allow]);
}
