use std::sync::Arc;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::super::detect::Facts;
use super::super::evaluate::SessionInfo;
use super::super::matcher::Matcher;
use super::super::money::read;
use super::super::rule::KindName;
use super::super::text::Folded;
use super::super::{Context, address::Address};
use super::*;
use crate::api::{Event, EventKind, SessionId};
use crate::clock::Moment;

struct Setting {
    kind: EventKind,
    text: &'static str,
    url: Option<&'static str>,
    title: Option<&'static str>,
    goal: Option<&'static str>,
    truncated: bool,
}

const PLAIN: Setting = Setting {
    kind: EventKind::Step,
    text: "Clicking 'Pay $41.50' now",
    url: Some("https://my.bank/pay"),
    title: None,
    goal: Some("pay the rent"),
    truncated: false,
};

fn truth_of(expression: &Expression, setting: &Setting, looks_back: bool) -> Truth {
    let event = Event {
        id: None,
        kind: setting.kind.clone(),
        text: setting.text.to_owned(),
        at: None,
        url: None,
        title: None,
        truncated: setting.truncated,
    };
    let session =
        SessionInfo { id: SessionId::try_from("s-1").unwrap(), agent: None, goal: setting.goal.map(str::to_owned) };
    let folded = Folded::new(&event.text);
    let facts = Facts::new(&event.kind, &event.text, &folded);
    let matcher = Matcher::new(&[], &[], &[]).unwrap();
    let address = setting.url.and_then(Address::read);
    let amount = Context::default().relevant(&read(&event.text));
    let scene = Scene {
        session: &session,
        event: &event,
        kind: KindName::of(&event.kind),
        now: Moment::of(jiff::Timestamp::UNIX_EPOCH),
        hits: matcher.search(&facts, &mut |_| ()),
        facts,
        matcher: &matcher,
        address: address.as_ref(),
        url: setting.url,
        title: setting.title,
        amount: amount.clone(),
        own_amount: amount,
    };
    expression.truth(&scene, Reading { looks_back, excepts: false })
}

/// `Some` when decided.
fn holds(source: &str, setting: &Setting) -> Option<bool> {
    let expression = Expression::new(source).unwrap_or_else(|error| panic!("{source}: {error:?}"));
    match truth_of(&expression, setting, false) {
        Truth::True => Some(true),
        Truth::False => Some(false),
        Truth::Undecided(_) => None,
    }
}

fn refusal(source: &str) -> (String, String, String) {
    let error = Expression::new(source).expect_err(source);
    let at = error.range.map(|range| source[range].to_owned()).unwrap_or_default();
    (error.message, error.hint, at)
}

#[test]
fn the_example_of_the_design_asks_at_banks() {
    let source = r#"event.kind == "step" && event.domain.endsWith(".bank") && !session.goal.contains("balance")"#;
    assert_eq!(holds(source, &PLAIN), Some(true));
    assert_eq!(holds(source, &Setting { goal: Some("tell the balance"), ..PLAIN }), Some(false));
    assert_eq!(holds(source, &Setting { url: Some("https://a.example/"), ..PLAIN }), Some(false));
    assert_eq!(holds(source, &Setting { goal: None, ..PLAIN }), None);
    assert_eq!(holds(source, &Setting { url: None, kind: EventKind::Thought, ..PLAIN }), Some(false));
}

#[test]
fn every_operator_and_function_does_what_it_says() {
    for (source, expected) in [
        ("event.text.contains('Pay')", true),
        ("event.text.contains('pay')", false),
        ("event.plain.contains('pay $41')", true),
        ("event.text.lowerAscii().startsWith('clicking')", true),
        ("event.text.endsWith('now')", true),
        (r"event.text.matches('\\$\\d+')", true),
        (r#"event.text.matches("^Paying")"#, false),
        ("event.kind in ['step', 'thought']", true),
        ("!(event.kind in ['question'])", true),
        ("event.kind != 'step'", false),
        ("event.amount > 41.49 && event.amount < 41.51", true),
        ("event.amount >= 41.5 && event.amount <= 41.50 && event.amount == 41.5", true),
        ("event.amount in [1, 41.5]", true),
        ("event.currency == 'USD'", true),
        ("size(event.text) == 25 && event.text.size() > 24u", true),
        ("event.domain == 'my.bank' && event.url.startsWith('https://')", true),
        ("event.truncated == false && !event.truncated", true),
        ("event.kind == 'step' ? event.text.contains('x') : true", false),
        ("session.id == 's-1' || session.id == 's-2'", true),
        ("session.goal.contains(session.id)", false),
        ("has(event.title)", false),
        ("has(session.goal) && has(event.amount) && has(event.text)", true),
        ("session.goal.lowerAscii() == \"pay the rent\"", true),
    ] {
        assert_eq!(holds(source, &PLAIN), Some(expected), "{source}");
    }
}

#[test]
fn what_is_missing_is_undecided_unless_the_rest_decides() {
    for (source, expected) in [
        ("event.title == 'x'", None),
        ("!(event.title == 'x')", None),
        ("event.title == 'x' && event.kind == 'step'", None),
        ("event.title == 'x' && event.kind == 'log'", Some(false)),
        ("event.title == 'x' || event.kind == 'step'", Some(true)),
        ("event.title == 'x' ? event.kind == 'step' : event.kind == 'step'", Some(true)),
        ("event.title == 'x' ? event.kind == 'step' : event.kind == 'log'", None),
        ("has(event.title) && event.title == 'x'", Some(false)),
        ("session.agent in ['a', 'b']", None),
        ("size(event.title) > 3", None),
    ] {
        assert_eq!(holds(source, &PLAIN), expected, "{source}");
    }
}

#[test]
fn of_a_cut_event_only_what_was_seen_is_certain() {
    let cut = Setting { truncated: true, text: "Clicking Pl", ..PLAIN };
    for (source, expected) in [
        ("event.text.contains('Click')", Some(true)),
        ("event.text.contains('Place')", None),
        ("event.text.startsWith('Click')", Some(true)),
        ("event.text.startsWith('Typing')", Some(false)),
        ("event.text.startsWith('Clicking Place')", None),
        ("event.text.endsWith('Pl')", None),
        ("event.text == 'Clicking Pl'", None),
        ("event.text.matches('Pl$')", None),
        ("size(event.text) < 20", None),
        ("event.amount > 1", None),
        ("event.truncated", Some(true)),
    ] {
        assert_eq!(holds(source, &cut), expected, "{source}");
    }
}

#[test]
fn no_price_is_neither_more_nor_less_unless_one_is_expected() {
    let none = Setting { text: "Clicking", ..PLAIN };
    let over = Expression::new("event.amount > 500").unwrap();
    assert_eq!(truth_of(&over, &none, false), Truth::False);
    assert_eq!(truth_of(&over, &none, true), Truth::Undecided("no price was seen"));
    let unread = Setting { text: "pay $1.2.3,4", ..PLAIN };
    assert_eq!(truth_of(&over, &unread, false), Truth::Undecided("the price cannot be read"));
    assert_eq!(holds("event.currency != 'USD'", &none), Some(true));
}

#[test]
fn what_is_not_there_is_refused_at_its_place_with_what_was_meant() {
    for (source, message, hint, at) in [
        ("event.knd == 'step'", "`event` has no field `knd`", "did you mean event.kind?", "knd"),
        ("evnt.kind == 'step'", "unknown name `evnt`", "did you mean event?", "evnt"),
        ("kind == 'step'", "unknown name `kind`", "did you mean event.kind?", "kind"),
        ("event.text.contain('x')", "there is no function `contain`", "did you mean contains?", "contain"),
        ("event.text.lower() == 'x'", "there is no function `lower`", USES, "lower"),
        (
            "event.kind == 'stepp'",
            "this is never true: there is no such kind of events",
            "did you mean \"step\"?",
            "==",
        ),
        (
            "event.domain == 'Shop.com'",
            "this is never true: a domain is a host in lower case",
            "such as \"shop.example.com\"",
            "==",
        ),
        ("event.plain.contains('Pay')", "this is never true: event.plain is in lower case", "\"pay\"", "contains"),
        ("event.amount > '5'", "only numbers are more or less: a number and a text", "event.amount > 500", ">"),
        ("event.text == 5", "a text is never equal to a number", "both sides have one type", "=="),
        (
            "event.text.matches(session.goal)",
            "`matches` takes a regular expression in quotes",
            "so that it is checked now",
            "goal",
        ),
        ("event.text", "an expression is true or false, this is a text", "", "text"),
        ("event.amount + 1 > 5", "`+` means nothing here", "there is no arithmetic and no indexing", "+"),
        ("event.amount > -1", "this number cannot be used", "0 or more, with at most 6 decimals", "1"),
        ("event.text.all(c, c == 'x')", LOOP, "write the cases out with || and &&", "all"),
        ("event.kind = 'step'", "this is no expression: token recognition error at: '= '", "write == to compare", "="),
        ("event.truncated and true", "this is no expression: mismatched input 'and'", "write && for and", "a"),
        ("event.truncated &&", "this is no expression: something is missing at its end", "", ""),
        ("é.x == 'é'", "this is no expression: token recognition error at: 'é'", "", "é"),
    ] {
        let expected = (message.to_owned(), hint.to_owned(), at.to_owned());
        let error = Expression::new(source).expect_err(source);
        let range = error.range.clone().unwrap_or(0..0);
        let got = (error.message, error.hint, source.get(range).unwrap_or_default().to_owned());
        assert_eq!(got, expected, "{source}");
    }
    assert_eq!(refusal("true").0, "this expression looks at nothing of the event or session");
    assert!(refusal("event.text.matches('(')").0.starts_with("this regular expression is refused"));
    assert!(refusal("event.text.matches('a*')").0.contains("matches every text"));
    assert!(refusal("[event.text].exists(t, t == 'x')").0.contains("loop"));
}

const USES: &str =
    "text.contains(text), .startsWith(text), .endsWith(text), .matches(\"regex\"), .lowerAscii(), .size(), has(field)";
const LOOP: &str = "this would loop, and nothing loops here";

/// Sources that would overflow a stack or take minutes if nothing were bounded.
#[test]
fn hostile_sources_are_refused_soon() {
    let long = |piece: &str, times: usize| piece.repeat(times);
    for source in [
        long("(", 4_000),
        long("[", 4_000),
        long("{", 4_000),
        long("f(", 2_000),
        long("!", 4_000) + "event.truncated",
        long("-", 4_000) + "1",
        "event".to_owned() + &long(".a", 2_000),
        long("event.truncated && ", 210) + "event.truncated",
        long("event.truncated == ", 200) + "event.truncated",
        long("event.truncated ? true : ", 150) + "false",
        long("a?", 2_000),
        long("1 + ", 1_000) + "1",
        long("event.text.contains('x') || ", 25) + "false",
        long("x", 100_000),
        "event.text.matches('(a{500}){500}')".to_owned(),
        long("\"", 3_999),
        long("'''\\", 900),
        "event.text in [".to_owned() + &long("'a',", 900) + "'b']",
    ] {
        let started = Instant::now();
        assert!(Expression::new(&source).is_err(), "{}", &source[..40.min(source.len())]);
        assert!(started.elapsed() < Duration::from_secs(20), "{}", &source[..40.min(source.len())]);
    }
}

#[test]
fn an_expression_at_its_bounds_is_read_on_a_small_stack() {
    let read = || {
        let deep = format!("{}event.truncated{}", "!(".repeat(11), ")".repeat(11));
        let wide = format!("{}event.truncated", "event.truncated || ".repeat(60));
        Expression::new(&deep).is_ok() && Expression::new(&wide).is_ok()
    };
    let thread = std::thread::Builder::new().stack_size(128 << 10).spawn(read).unwrap();
    assert!(thread.join().unwrap());
}

/// What `cel`'s own interpreter says, where nothing is missing.
fn interpreted(source: &str, setting: &Setting) -> Option<bool> {
    let program = cel::Program::compile(source).ok()?;
    let mut context = cel::Context::default();
    let map = |pairs: &[(&str, cel::Value)]| -> cel::Value {
        let pairs = pairs.iter().map(|(name, value)| (cel::objects::Key::from(*name), value.clone()));
        cel::Value::Map(cel::objects::Map { map: Arc::new(pairs.collect()) })
    };
    let text = |text: &str| cel::Value::String(Arc::new(text.to_owned()));
    let event = [
        ("kind", text(KindName::of(&setting.kind).name())),
        ("text", text(setting.text)),
        ("truncated", cel::Value::Bool(setting.truncated)),
        ("domain", text("my.bank")),
        ("currency", text("USD")),
        ("amount", cel::Value::Float(41.5)),
    ];
    context.add_variable_from_value("event", map(&event));
    context.add_variable_from_value("session", map(&[("goal", text(setting.goal?)), ("id", text("s-1"))]));
    match program.execute(&context) {
        Ok(cel::Value::Bool(value)) => Some(value),
        other => panic!("{source}: {other:?}"),
    }
}

fn sources() -> impl Strategy<Value = String> {
    let words = prop_oneof![Just("event.text"), Just("session.goal"), Just("event.domain"), Just("session.id")];
    let literal =
        prop_oneof![Just("'pay'"), Just("'Pay'"), Just("'my.bank'"), Just("''"), Just("'now'"), Just("'s-1'")];
    let test = prop_oneof![Just("contains"), Just("startsWith"), Just("endsWith")];
    let safe = |words: &str, literal: &str| words != "event.domain" || !literal.contains('P');
    let called = (words.clone(), test, literal.clone())
        .prop_filter("never true", move |(words, _, literal)| safe(words, literal))
        .prop_map(|(words, test, literal)| format!("{words}.{test}({literal})"));
    let order = prop_oneof![Just("<"), Just("<="), Just(">"), Just(">="), Just("=="), Just("!=")];
    let compared = (order, prop_oneof![Just("41.5"), Just("500.0"), Just("0.25")])
        .prop_map(|(order, number)| format!("event.amount {order} {number}"));
    let sized = (words, 0usize..40).prop_map(|(words, size)| format!("size({words}) > {size}"));
    let listed =
        prop_oneof![Just("event.kind in ['step', 'log']"), Just("event.kind == 'thought'"), Just("event.truncated")];
    let leaf = prop_oneof![called, compared, sized, listed.prop_map(str::to_owned)];
    leaf.prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} && {b})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("({a} || {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("(({a}) == ({b}))")),
            (inner.clone(), inner.clone(), inner).prop_map(|(a, b, c)| format!("(({a}) ? ({b}) : ({c}))")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn where_nothing_is_missing_the_tree_says_what_the_interpreter_says(source in sources()) {
        if let Ok(expression) = Expression::new(&source) {
            let value = match truth_of(&expression, &PLAIN, false) {
                Truth::True => true,
                Truth::False => false,
                Truth::Undecided(why) => panic!("{source}: {why}"),
            };
            let run = source.clone();
            let thread = std::thread::Builder::new().stack_size(256 << 20);
            let said = thread.spawn(move || interpreted(&run, &PLAIN)).unwrap().join().unwrap();
            prop_assert_eq!(said, Some(value), "{}", source);
        }
    }

    #[test]
    fn no_source_panics_and_every_place_is_inside(source in "(event|session|\\.text|\\.kind|[ (\\[!&|='\"a-zé.?:,0-9)\\]-]){0,20}") {
        if let Err(error) = Expression::new(&source)
            && let Some(range) = error.range
        {
            prop_assert!(range.start <= source.len() && source.is_char_boundary(range.start), "{source}: {range:?}");
        }
    }
}
