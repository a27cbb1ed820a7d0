//! One event against rule-sets of growing size, beside what one would use instead of them, in one run.
//!
//! `cargo bench --bench policy` prints medians and ratios; docs/BENCHMARKS.md says what is measured. Nothing here asserts times.

mod support;

use std::hint::black_box;
use std::time::{Duration, Instant};

use holdpoint::api::{Event, EventKind, SessionId, agi};
use holdpoint::clock::Moment;
use holdpoint::config::{Config, Preset};
use holdpoint::policy::{Context, Policy, SessionInfo, money};
use regex::RegexSet;

use support::{measure, ratio, show, spoken};

/// What the fleet's sessions do.
const FLEET: &str = include_str!("fleet/scenario.toml");
/// More than a processor's caches hold, in bytes.
const CACHES: usize = 256 << 20;
/// How agents announce a purchase there.
const ANNOUNCEMENTS: [&str; 5] = [
    "Everything looks right. Clicking 'Place your order' to complete the purchase of 129.00 USD.",
    "The address is filled in, so I will click the 'Buy now' button now. The total is 89.90 EUR.",
    "Placing the order now with the saved card, total 410.00 USD including shipping.",
    "I will now press 'Submit payment' to pay 59.00 USD for the headset.",
    "I will now click 'Confirm and pay'; the total is 1,299.00 USD.",
];
/// So many sessions are watched at once; each event is of another one, so that what is remembered of it is in no cache.
const SESSIONS: usize = 10_000;

const FRAME: &str = r#"{"text":"I will open the results page and compare the two headphones by battery life and weight before I go on.","message_id":4711,"url":"https://shop.example.com/search?q=headphones","title":"Search"}"#;

fn main() {
    let ordinary = event(&text_of(FRAME));
    println!("{:<60} {:>12}", "one event of ordinary text", "median");
    let json =
        show("JSON alone", measure(|| drop(black_box(serde_json::from_str::<serde_json::Value>(black_box(FRAME))))));
    let prices = show("prices alone", measure(|| drop(black_box(money::read(black_box(&ordinary.text))))));
    let facts = show("facts alone: no rule but one that never hits", pass(&policy(&one_rule()), &ordinary));
    for count in [4, 50, 200, 1_000] {
        let with = show(&format!("policy of {count} rules"), pass(&policy(&rules(count)), &ordinary));
        println!("{:<60} {:>12}", "  of it for the rules", spoken(with.saturating_sub(facts)));
    }
    let patterns: Vec<String> = (0..50).map(|n| format!(r"(?i)\bbuy item {n}\b")).collect();
    let set = RegexSet::new(&patterns).expect("patterns");
    let regexes =
        show("RegexSet of 50 phrases alone", measure(|| drop(black_box(set.matches(black_box(&ordinary.text))))));
    let cel = show("CEL interpreter, 50 expressions alone", interpreted(&ordinary.text, 50));
    let ours = show("policy of 50 `when` expressions", pass(&policy(&expressions(50)), &ordinary));
    let fifty = pass(&policy(&rules(50)), &ordinary);
    println!();
    println!("RegexSet : 50 rules {:>30.2}", ratio(regexes, fifty));
    println!("CEL interpreter : 50 `when` {:>22.2}", ratio(cel, ours));
    println!("JSON and prices : 50 rules {:>23.2}", ratio(json + prices, fifty));
    println!();
    let balanced = Preset::Balanced.policy().expect("a preset");
    let browsing = browsing();
    show("`balanced`, browsing, one session", sessions(&balanced, &browsing, 1));
    show("`balanced`, browsing, 10 000 sessions in turn", sessions(&balanced, &browsing, SESSIONS));
    show("`balanced`, an announcement until it is certain", announced(&balanced, || ()));
    let mut others = others(&balanced, &browsing);
    show("the same, 64 others between two", announced(&balanced, || (0..64).for_each(|_| others())));
    let mut memory = vec![0_u8; CACHES];
    let mut forget = || memory.iter_mut().step_by(64).for_each(|byte| *byte = black_box(byte.wrapping_add(1)));
    show("the same, nothing of it in a cache", announced(&balanced, &mut forget));
    println!();
    let hostile = ["a ", "order ", "$1 ", "1,", "buy item ", "\u{200b}x ", "total 1 "];
    for piece in hostile {
        let event = event(&piece.repeat((1 << 20) / piece.len()));
        let policy = policy(&rules(50));
        let once = || {
            let started = Instant::now();
            black_box(evaluate(&policy, &event));
            started.elapsed()
        };
        let best = (0..5).map(|_| once()).min().unwrap_or_default();
        println!("{:<60} {:>12}", format!("1 MiB of {piece:?}, 50 rules, best of 5"), spoken(best));
    }
}

/// The events of the fleet's sessions, as the provider's decoder reads them.
fn browsing() -> Vec<Event> {
    let scenario: toml::Table = FLEET.parse().expect("a scenario");
    let page = scenario["page"].as_table().expect("a page");
    let event = |step: &toml::Value| {
        let frame = match (step.get("thought"), step.get("step").and_then(toml::Value::as_table)) {
            (Some(thought), _) => ("thought", serde_json::json!({ "content": thought })),
            (None, Some(act)) => {
                ("step", serde_json::json!(act.clone().into_iter().chain(page.clone()).collect::<toml::Table>()))
            }
            (None, None) => panic!("neither a thought nor a step: {step}"),
        };
        agi::decode_event(frame.0, &frame.1.to_string(), 1 << 20)
    };
    scenario["step"].as_array().expect("steps").iter().map(event).collect()
}

/// One pass of a policy over events of many sessions in turn, each of which is somewhere else in what it does.
fn sessions(policy: &Policy, events: &[Event], count: usize) -> Duration {
    let id = |n: usize| SessionId::try_from(format!("s-{n}").as_str()).expect("an id");
    let info = |n: usize| SessionInfo { id: id(n), agent: None, goal: None };
    let mut sessions: Vec<(SessionInfo, Context)> = (0..count).map(|n| (info(n), Context::default())).collect();
    let now = Moment::of(jiff::Timestamp::UNIX_EPOCH);
    let mut turn = |n: usize| {
        let (session, context) = &mut sessions[n % count];
        drop(black_box(policy.evaluate(session, context, &events[(n + n / count) % events.len()], now)));
    };
    // Until every session has been told where it is.
    (0..count * events.len()).for_each(&mut turn);
    let mut n = 0;
    measure(|| {
        turn(n);
        n += 1;
    })
}

/// From an announcement of a purchase to the certainty that a rule holds, on which a pause leaves, with something in between two of
/// them. The median of twenty passes over all announcements.
fn announced(policy: &Policy, mut between: impl FnMut()) -> Duration {
    let session = SessionInfo { id: SessionId::try_from("s").expect("an id"), agent: None, goal: None };
    let now = Moment::of(jiff::Timestamp::UNIX_EPOCH);
    let mut once = |announcement: &str| {
        let (event, mut context, mut certain) = (event(announcement), Context::default(), None);
        between();
        let started = Instant::now();
        let mut holds = || certain = Some(started.elapsed());
        drop(black_box(policy.evaluate_ahead(&session, &mut context, &event, now, &mut holds)));
        certain.expect("an announcement")
    };
    let mut took: Vec<Duration> = (0..20).flat_map(|_| ANNOUNCEMENTS).map(&mut once).collect();
    took.sort();
    took[took.len() / 2]
}

/// What another session does, each time the next of [`SESSIONS`].
fn others<'a>(policy: &'a Policy, browsing: &'a [Event]) -> impl FnMut() + 'a {
    let id = |n: usize| SessionId::try_from(format!("s-{n}").as_str()).expect("an id");
    let session = |n: usize| (SessionInfo { id: id(n), agent: None, goal: None }, Context::default());
    let mut sessions: Vec<(SessionInfo, Context)> = (0..SESSIONS).map(session).collect();
    let mut turn = 0;
    move || {
        let (session, context) = &mut sessions[turn % SESSIONS];
        let now = Moment::of(jiff::Timestamp::UNIX_EPOCH);
        drop(black_box(policy.evaluate(session, context, &browsing[turn % browsing.len()], now)));
        turn += 1;
    }
}

fn text_of(frame: &str) -> String {
    let value: serde_json::Value = serde_json::from_str(frame).expect("a frame");
    value["text"].as_str().unwrap_or_default().to_owned()
}

fn event(text: &str) -> Event {
    let url = Some("https://shop.example.com/search?q=headphones".to_owned());
    Event { id: None, kind: EventKind::Thought, text: text.to_owned(), at: None, url, title: None, truncated: false }
}

/// Rules as people write them: phrases, detectors, hosts, amounts, addresses, rates, in turn.
fn rules(count: usize) -> String {
    let rule = |n: usize| {
        let when = match n % 8 {
            0 => format!("text = ['buy item {n}', 'order number {n}']"),
            1 => "detect = ['purchase']\namount_over = '500 USD'".to_owned(),
            2 => format!("domains = ['*.shop{n}.example']"),
            3 => format!("regex = ['item-{n}-[a-z]+']"),
            4 => format!("text = 'delete file {n}'\ncount = {{ over = 5, per = '1m' }}"),
            5 => format!("url = 'shop{n}.example/checkout'"),
            6 => "amount_over = '900 USD'".to_owned(),
            _ => format!("events = ['step']\ntext = 'send message {n}'"),
        };
        format!("[[rule]]\nname = 'rule {n}'\neffect = 'alert'\n{when}\n")
    };
    (0..count).map(rule).collect()
}

fn one_rule() -> String {
    "[[rule]]\nname = 'never'\neffect = 'alert'\ntext = 'qqqq zzzz'\n".to_owned()
}

fn expressions(count: usize) -> String {
    let rule = |n: usize| format!("[[rule]]\nname = '{n}'\neffect = 'alert'\nwhen = '{}'\n", expression(n));
    (0..count).map(rule).collect()
}

fn expression(n: usize) -> String {
    format!(r#"event.kind == "thought" && event.text.contains("buy item {n}")"#)
}

fn policy(rules: &str) -> Policy {
    Config::parse("bench.toml", rules).unwrap_or_else(|error| panic!("{error}")).config.policy
}

fn evaluate(policy: &Policy, event: &Event) -> usize {
    let session = SessionInfo { id: SessionId::try_from("s-1").expect("an id"), agent: None, goal: None };
    policy.evaluate(&session, &mut Context::default(), event, Moment::of(jiff::Timestamp::UNIX_EPOCH)).fired.len()
}

/// One pass of a policy, in a session that has begun.
fn pass(policy: &Policy, event: &Event) -> Duration {
    let session = SessionInfo { id: SessionId::try_from("s-1").expect("an id"), agent: None, goal: None };
    let mut context = Context::default();
    let now = Moment::of(jiff::Timestamp::UNIX_EPOCH);
    measure(|| drop(black_box(policy.evaluate(&session, &mut context, black_box(event), now))))
}

/// What `cel` itself takes for the same expressions, its variables made once for each event.
fn interpreted(text: &str, count: usize) -> Duration {
    let compile =
        move || (0..count).map(|n| cel::Program::compile(&expression(n)).expect("a program")).collect::<Vec<_>>();
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(compile).expect("a thread");
    let programs = thread.join().expect("programs");
    let root = cel::Context::default();
    measure(|| {
        let mut context = root.new_inner_scope();
        let pairs = [("kind", "thought"), ("text", text)];
        let pairs = pairs.map(|(name, value)| (cel::objects::Key::from(name), cel::Value::from(value)));
        let event = cel::objects::Map { map: std::sync::Arc::new(pairs.into_iter().collect()) };
        context.add_variable_from_value("event", cel::Value::Map(event));
        for program in &programs {
            drop(black_box(program.execute(&context)));
        }
    })
}
