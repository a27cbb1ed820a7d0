use std::sync::Arc;
use std::time::Duration;

use super::address::AddressPattern;
use super::detect::Detector;
use super::expression::Expression;
use super::glob::{DomainPattern, Glob};
use super::money::Money;
use super::rate::Rate;
use super::rule::{KindName, Pattern, Phrase};
use super::window::{Days, Hours, Window};
use super::*;
use crate::api::{Event, EventKind, SessionId};
use crate::clock::Moment;

fn terms(name: &str, effect: Effect) -> RuleTerms {
    RuleTerms {
        name: name.to_owned(),
        place: "config.toml:1".to_owned(),
        effect,
        risk: Risk::Medium,
        confirm: None,
        cooldown: None,
        max_repeats: 3,
        instruct: None,
        answer: None,
        refusal: None,
        on_deny: None,
        timeout: None,
        consent: Consent::default(),
    }
}

fn rule(name: &str, effect: Effect, when: Conditions) -> RuleSpec {
    RuleSpec { terms: Arc::new(terms(name, effect)), when, unless: None, tests: Vec::new() }
}

fn event(kind: EventKind, text: &str) -> Event {
    Event { id: None, kind, text: text.to_owned(), at: None, url: None, title: None, truncated: false }
}

fn thought(text: &str) -> Event {
    event(EventKind::Thought, text)
}

fn at(url: &str, event: Event) -> Event {
    Event { url: Some(url.to_owned()), ..event }
}

fn session(agent: Option<&str>) -> SessionInfo {
    SessionInfo { id: SessionId::try_from("s-1").unwrap(), agent: agent.map(str::to_owned), goal: None }
}

fn detect() -> Conditions {
    Conditions { detect: [Detector::Purchase].into(), ..Conditions::default() }
}

fn text(phrase: &str) -> Conditions {
    Conditions { text: vec![Phrase::new(phrase).unwrap()], ..Conditions::default() }
}

fn verdict(rules: Vec<RuleSpec>, events: &[Event]) -> Verdict {
    let policy = Policy::compile(rules).unwrap();
    let mut context = Context::default();
    let session = session(Some("agi-0"));
    events.iter().map(|event| policy.evaluate(&session, &mut context, event, NOON)).last().unwrap()
}

fn effect(when: Conditions, effect: Effect, events: &[Event]) -> Effect {
    verdict(vec![rule("r", effect, when)], events).effect
}

const NOON: Moment = Moment { mono: Duration::from_secs(1_000), wall: jiff::Timestamp::constant(1_767_268_800, 0) };

const CLICK: &str = "Clicking 'Place your order' now";

#[test]
fn a_purchase_is_asked_about_with_its_words_total_and_domain() {
    let events = [
        at("https://Shop.Example.com/cart", thought("The cart says: order total 410.00 USD, shipping 5 USD")),
        thought("Everything is filled in."),
        thought(CLICK),
    ];
    let verdict = verdict(vec![rule("purchase", Effect::Ask, detect())], &events);
    let amount = AmountSeen {
        number: Some("410.00".to_owned()),
        currency: Some("USD".to_owned()),
        words: "410.00 USD".to_owned(),
        earlier: true,
    };
    let matched = vec![Match { condition: "detect purchase".to_owned(), words: CLICK.to_owned() }];
    let fired =
        Fired { rule: Arc::new(terms("purchase", Effect::Ask)), effect: Effect::Ask, matched, undecided: vec![] };
    assert_eq!(
        verdict,
        Verdict {
            effect: Effect::Ask,
            fired: vec![fired],
            amount: Some(amount),
            domain: Some("shop.example.com".to_owned())
        }
    );
}

#[test]
fn the_strictest_effect_wins_whatever_the_order() {
    let rules = |order: [usize; 3]| {
        let all = [
            rule("a", Effect::Alert, text("order")),
            rule("b", Effect::Deny, text("order")),
            rule("c", Effect::Ask, text("order")),
        ];
        order.map(|n| all[n].clone()).to_vec()
    };
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let verdict = verdict(rules(order), &[thought("an order")]);
        let names: Vec<&str> = verdict.fired.iter().map(|fired| fired.rule.name.as_str()).collect();
        assert_eq!((verdict.effect, names), (Effect::Deny, vec!["b", "c", "a"]), "{order:?}");
    }
    let hash = |order| Policy::compile(rules(order)).unwrap().hash();
    assert_eq!(hash([0, 1, 2]), hash([2, 1, 0]));
}

#[test]
fn the_hash_changes_with_anything_that_a_rule_says() {
    let hash = |rule: RuleSpec| Policy::compile(vec![rule]).unwrap().hash();
    let base = hash(rule("r", Effect::Ask, text("order")));
    assert_ne!(base, hash(rule("r", Effect::Deny, text("order"))));
    assert_ne!(base, hash(rule("r", Effect::Ask, text("order*"))));
    let unless = RuleSpec { unless: Some(text("test")), ..rule("r", Effect::Ask, text("order")) };
    assert_ne!(base, hash(unless));
}

#[test]
fn phrases_are_whole_words_unless_their_end_is_left_open() {
    for (phrase, said, fires) in [
        ("rate limit", "Rate  LIMIT exceeded", true),
        ("rate limit", "rate limited", false),
        ("rate limit*", "rate limited", true),
        ("order", "reordering", false),
        ("order", "place_order(1)", true),
        ("注文", "これを注文する", true),
        ("place order", "Pl\u{200b}ace order", true),
    ] {
        let got = effect(text(phrase), Effect::Ask, &[thought(said)]);
        assert_eq!(got == Effect::Ask, fires, "{phrase:?} in {said:?}");
    }
}

#[test]
fn expressions_meet_the_raw_and_the_folded_text() {
    let regex = |source: &str| Conditions { regex: vec![Pattern::new(source).unwrap()], ..Conditions::default() };
    for (source, said, fires) in
        [(r"DROP\s+TABLE", "DROP  TABLE x", true), ("drop table", "DROP\nTABLE", true), ("Drop", "DROP", false)]
    {
        assert_eq!(
            effect(regex(source), Effect::Ask, &[thought(said)]) == Effect::Ask,
            fires,
            "{source:?} in {said:?}"
        );
    }
}

#[test]
fn only_events_of_the_agent_count_unless_a_rule_lists_kinds() {
    for kind in [EventKind::Step, EventKind::Question, EventKind::Unknown("plan".to_owned())] {
        assert_eq!(effect(detect(), Effect::Ask, &[event(kind, "click Place order")]), Effect::Ask);
    }
    for kind in [EventKind::User, EventKind::Log, EventKind::Error] {
        assert_eq!(effect(detect(), Effect::Ask, &[event(kind, CLICK)]), Effect::Allow);
    }
    let errors = Conditions { events: [KindName::Error].into(), ..text("rate limit") };
    assert_eq!(effect(errors.clone(), Effect::Alert, &[event(EventKind::Error, "rate limit")]), Effect::Alert);
    assert_eq!(effect(errors, Effect::Alert, &[thought("rate limit")]), Effect::Allow);
}

#[test]
fn a_report_at_the_end_is_the_agent_s_and_only_rules_that_name_it_look_at_it() {
    let unknown = EventKind::Unknown("plan".to_owned());
    let known = [EventKind::Step, EventKind::Thought, EventKind::Question, EventKind::Done, EventKind::Error];
    let others = [EventKind::Log, EventKind::User, EventKind::Paused, EventKind::Resumed, unknown];
    for kind in known.into_iter().chain(others) {
        let looked_at = kind.is_agent_emitted() && kind != EventKind::Done;
        assert_eq!(KindName::of(&kind).is_looked_at_unnamed(), looked_at, "{kind:?}");
        let said = [event(kind.clone(), "no newsletter")];
        let fires = if looked_at { Effect::Alert } else { Effect::Allow };
        assert_eq!(effect(text("newsletter"), Effect::Alert, &said), fires, "{kind:?}");
    }
    let reports = Conditions { events: [KindName::Done].into(), ..text("newsletter") };
    assert_eq!(effect(reports, Effect::Alert, &[event(EventKind::Done, "no newsletter")]), Effect::Alert);
}

fn over(limit: &str, when: Conditions) -> Conditions {
    Conditions { amount_over: vec![Money::parse(limit).unwrap()], ..when }
}

fn on(domain: &str, when: Conditions) -> Conditions {
    Conditions { domains: vec![DomainPattern::new(domain).unwrap()], ..when }
}

#[test]
fn a_denial_that_cannot_be_decided_asks_and_says_why() {
    let verdict =
        verdict(vec![rule("r", Effect::Deny, on("*.shop.com", over("500 USD", detect())))], &[thought(CLICK)]);
    let fired = &verdict.fired[0];
    assert_eq!(
        (fired.effect, fired.undecided.clone()),
        (
            Effect::Ask,
            vec![
                "domains: it is not known where the session is".to_owned(),
                "amount_over: no price was seen".to_owned()
            ]
        )
    );
}

#[test]
fn milder_effects_do_not_fire_on_what_cannot_be_decided() {
    for mild in [Effect::Alert, Effect::Instruct, Effect::Cooldown] {
        assert_eq!(effect(over("500 USD", detect()), mild, &[thought(CLICK)]), Effect::Allow);
    }
}

#[test]
fn amounts_compare_exactly_within_a_currency_and_are_undecided_across() {
    for (said, expected) in [
        ("total $500.01", Effect::Deny),
        ("total $500.00", Effect::Allow),
        ("total 400,00 €", Effect::Ask),
        ("total 499 kr", Effect::Ask),
        ("total $1.2.3,4", Effect::Deny),
        ("total five hundred dollars", Effect::Deny),
    ] {
        let got = effect(over("500 USD", detect()), Effect::Deny, &[thought(said), thought(CLICK)]);
        assert_eq!(got, expected, "{said:?}");
    }
}

#[test]
fn a_rule_on_amounts_alone_looks_at_the_event_itself() {
    let events = [thought("total $600"), thought("scrolling")];
    assert_eq!(effect(over("500 USD", Conditions::default()), Effect::Ask, &events[..1]), Effect::Ask);
    assert_eq!(effect(over("500 USD", Conditions::default()), Effect::Ask, &events), Effect::Allow);
}

#[test]
fn an_exception_excepts_only_what_is_plainly_true() {
    let with = |unless| vec![RuleSpec { unless: Some(unless), ..rule("r", Effect::Ask, detect()) }];
    let under = Conditions { amount_under: vec![Money::parse("20 USD").unwrap()], ..Conditions::default() };
    let click = |url| [at(url, thought(CLICK))];
    assert_eq!(verdict(with(on("*.test", Conditions::default())), &click("https://a.test/")).effect, Effect::Allow);
    assert_eq!(verdict(with(on("*.test", Conditions::default())), &click("https://b.com/")).effect, Effect::Ask);
    assert_eq!(verdict(with(on("*.test", Conditions::default())), &[thought(CLICK)]).effect, Effect::Ask);
    assert_eq!(verdict(with(under.clone()), &[thought("total $5"), thought(CLICK)]).effect, Effect::Allow);
    assert_eq!(verdict(with(under.clone()), &[thought("total $5.6.7,8"), thought(CLICK)]).effect, Effect::Ask);
    assert_eq!(
        verdict(with(over("20 USD", Conditions::default())), &[thought("total $1.2.3,4"), thought(CLICK)]).effect,
        Effect::Ask
    );
    assert_eq!(verdict(with(under), &[thought(CLICK)]).effect, Effect::Ask);
}

#[test]
fn words_that_a_cut_event_may_have_had_are_undecided() {
    let cut = Event { truncated: true, ..thought("nothing to see") };
    let verdict = verdict(vec![rule("r", Effect::Deny, text("secret"))], std::slice::from_ref(&cut));
    assert_eq!(verdict.fired[0].effect, Effect::Ask);
    assert_eq!(verdict.fired[0].undecided, ["text: the event was cut, so not all of it was seen"]);
    assert_eq!(effect(text("secret"), Effect::Alert, &[cut]), Effect::Allow);
}

#[test]
fn agents_and_sessions_are_globs_and_an_unnamed_agent_is_undecided() {
    let agents = Conditions { agents: vec![Glob::new("agi-*").unwrap()], ..text("x") };
    let policy = Policy::compile(vec![rule("r", Effect::Deny, agents)]).unwrap();
    for (agent, expected) in [(Some("agi-0"), Effect::Deny), (Some("other"), Effect::Allow), (None, Effect::Ask)] {
        let verdict = policy.evaluate(&session(agent), &mut Context::default(), &thought("x"), NOON);
        assert_eq!(verdict.effect, expected, "{agent:?}");
    }
    let sessions = Conditions { sessions: vec![Glob::new("s-?").unwrap()], ..text("x") };
    assert_eq!(effect(sessions, Effect::Ask, &[thought("x")]), Effect::Ask);
}

fn per(over: u32, seconds: u64) -> Option<Rate> {
    Some(Rate { over, per: Duration::from_secs(seconds) })
}

/// The effects of events that arrive at these seconds.
fn effects(rules: Vec<RuleSpec>, events: &[(u64, Event)]) -> Vec<Effect> {
    let policy = Policy::compile(rules).unwrap();
    let mut context = Context::default();
    let session = session(None);
    let at = |seconds: &u64| NOON.after(Duration::from_secs(*seconds));
    events.iter().map(|(seconds, event)| policy.evaluate(&session, &mut context, event, at(seconds)).effect).collect()
}

#[test]
fn where_when_and_how_often_are_part_of_the_hash() {
    let with = |change: fn(&mut Conditions)| {
        let mut when = text("x");
        change(&mut when);
        Policy::compile(vec![rule("r", Effect::Ask, when)]).unwrap().hash()
    };
    let window = |zone: &str| Window::new(None, Days::ALL, jiff::tz::TimeZone::get(zone).unwrap());
    let hashes = [
        with(|_| {}),
        with(|when| when.url = vec![AddressPattern::new("/a").unwrap()]),
        with(|when| when.url = vec![AddressPattern::new("/b").unwrap()]),
        with(|when| when.count = per(1, 60)),
        with(|when| when.count = per(2, 60)),
        with(|when| when.count = per(2, 61)),
        with(|when| when.expression = Some(Expression::new("event.truncated").unwrap())),
        with(|when| when.expression = Some(Expression::new("!event.truncated").unwrap())),
    ];
    let zones = ["UTC", "Europe/Berlin"].map(|zone| {
        let when = Conditions { time: vec![window(zone)], ..text("x") };
        Policy::compile(vec![rule("r", Effect::Ask, when)]).unwrap().hash()
    });
    let all: std::collections::BTreeSet<String> = hashes.iter().chain(&zones).map(|hash| format!("{hash:?}")).collect();
    assert_eq!(all.len(), hashes.len() + zones.len());
}

#[test]
fn a_count_fires_on_the_one_too_many_and_only_what_the_rule_matches_counts() {
    let when = Conditions { count: per(2, 60), ..text("send") };
    let said = |at: u64, words: &str| (at, thought(words));
    let events =
        [said(0, "send"), said(1, "other"), said(2, "send"), said(3, "send"), said(61, "send"), said(130, "send")];
    let (no, yes) = (Effect::Allow, Effect::Alert);
    assert_eq!(effects(vec![rule("r", Effect::Alert, when)], &events), [no, no, no, yes, yes, no]);
}

#[test]
fn a_count_on_undecided_matches_asks_and_a_milder_rule_waits() {
    let when = || on("a.example", Conditions { count: per(1, 60), ..text("send") });
    let events = [(0, thought("send")), (1, thought("send"))];
    assert_eq!(effects(vec![rule("r", Effect::Deny, when())], &events), [Effect::Allow, Effect::Ask]);
    assert_eq!(effects(vec![rule("r", Effect::Alert, when())], &events), [Effect::Allow; 2]);
}

#[test]
fn a_count_in_an_exception_lets_pass_what_comes_too_often() {
    let unless = Conditions { count: per(2, 60), ..Conditions::default() };
    let rules = vec![RuleSpec { unless: Some(unless), ..rule("r", Effect::Ask, text("send")) }];
    let events: Vec<(u64, Event)> = (0..4).map(|at| (at, thought("send"))).collect();
    let (no, yes) = (Effect::Allow, Effect::Ask);
    assert_eq!(effects(rules, &events), [yes, yes, no, no]);
}

#[test]
fn windows_look_at_the_arrival_and_also_except() {
    let zone = || jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let hours = Hours::new("13:00", "14:00").unwrap();
    let window = || Conditions { time: vec![Window::new(Some(hours), Days::ALL, zone())], ..Conditions::default() };
    let events = [(0, thought("x")), (3_599, thought("x")), (3_600, thought("x"))];
    let (no, yes) = (Effect::Allow, Effect::Ask);
    assert_eq!(effects(vec![rule("r", Effect::Ask, window())], &events), [yes, yes, no], "noon UTC is 13:00 there");
    let except = vec![RuleSpec { unless: Some(window()), ..rule("r", Effect::Ask, text("x")) }];
    assert_eq!(effects(except, &events), [no, no, yes]);
}

#[test]
fn addresses_are_compared_and_an_unknown_one_is_undecided() {
    let checkout = || Conditions { url: vec![AddressPattern::new("*/checkout").unwrap()], ..text("x") };
    for (url, expected) in [
        (Some("https://a.example/checkout/2"), Effect::Deny),
        (Some("https://a.example/help"), Effect::Allow),
        (Some("about:blank"), Effect::Ask),
        (None, Effect::Ask),
    ] {
        let event = Event { url: url.map(str::to_owned), ..thought("x") };
        assert_eq!(effect(checkout(), Effect::Deny, &[event]), expected, "{url:?}");
    }
    let except = vec![RuleSpec { unless: Some(checkout()), ..rule("r", Effect::Ask, text("x")) }];
    assert_eq!(verdict(except, &[thought("x")]).effect, Effect::Ask);
}

#[test]
fn rules_without_conditions_or_with_one_name_are_no_policy() {
    let twice = vec![rule("r", Effect::Ask, text("x")), rule("r", Effect::Deny, text("y"))];
    let faults = Policy::compile(twice).unwrap_err();
    assert_eq!((faults.len(), faults[0].rule), (1, Some(1)));
    assert_eq!(Policy::compile(vec![rule("r", Effect::Ask, Conditions::default())]).unwrap_err().len(), 1);
    let never = RuleSpec { unless: Some(Conditions::default()), ..rule("r", Effect::Ask, text("x")) };
    assert_eq!(Policy::compile(vec![never]).unwrap_err().len(), 1);
}

#[test]
fn a_site_where_the_session_has_not_been_is_new_once_and_before_it_is_there() {
    let when = Conditions { detect: [Detector::NewDomain].into(), ..Conditions::default() };
    let policy = Policy::compile(vec![rule("new", Effect::Ask, when)]).unwrap();
    let mut context = Context::default();
    let mut at = |text: &str, url: Option<&str>| {
        let event = Event { kind: EventKind::Step, url: url.map(str::to_owned), ..thought(text) };
        policy.evaluate(&session(None), &mut context, &event, Moment::of(jiff::Timestamp::UNIX_EPOCH)).effect
    };
    assert_eq!(at("goto(\"https://shop.example.com\")", None), Effect::Allow, "nothing is known yet");
    assert_eq!(at("read", Some("https://shop.example.com/")), Effect::Allow, "the first is where it was sent");
    assert_eq!(at("goto(\"https://pay.example.com/x\")", Some("https://www.example.com/")), Effect::Allow);
    assert_eq!(at("goto(\"https://other.test/x\")", None), Effect::Ask, "about to go");
    assert_eq!(at("type\nhttps://other.test/x", None), Effect::Allow, "only written");
    assert_eq!(at("read", Some("https://other.test/x")), Effect::Ask, "arrived");
    assert_eq!(at("read", Some("https://other.test/y")), Effect::Allow, "known by now");
}

#[test]
fn a_policy_whose_tests_fail_does_not_compile() {
    let with = |expect| {
        let test = RuleTest {
            place: String::new(),
            event: thought(CLICK),
            agent: None,
            goal: None,
            at: None,
            times: 1,
            expect,
        };
        Policy::compile(vec![RuleSpec { tests: vec![test], ..rule("purchase", Effect::Ask, detect()) }])
    };
    assert!(with(Effect::Ask).is_ok());
    assert_eq!(with(Effect::Allow).unwrap_err()[0].message, "the verdict is `ask` by rule `purchase`, not `allow`");
}

#[test]
fn an_empty_policy_allows_everything() {
    assert_eq!(verdict(Vec::new(), &[thought(CLICK)]), Verdict::default());
}

/// Texts that would take minutes if anything here were quadratic.
#[test]
fn a_giant_hostile_event_is_evaluated_in_linear_time() {
    let rules = || {
        let everything = Conditions {
            text: vec![Phrase::new("a a a").unwrap(), Phrase::new("order*").unwrap()],
            regex: vec![Pattern::new(r"(a+)+b").unwrap()],
            detect: Detector::ALL.into(),
            ..Conditions::default()
        };
        vec![rule("r", Effect::Ask, over("500 USD", everything.clone())), rule("u", Effect::Alert, everything)]
    };
    for piece in [
        "a ",
        "1 ",
        "1",
        "$",
        "$1 ",
        "1,",
        "111 ",
        "4111 1111 ",
        "de89",
        "not ",
        "card number ",
        "place order",
        "total ",
        "one dollar ",
        "\n",
        "\u{200b}",
        "注文する",
        ". ",
        "é ",
        "ß",
        "kr",
        "million dollars ",
        "click, ",
    ] {
        let text = piece.repeat(100_000 / piece.len());
        let _ = verdict(rules(), &[thought(&text), event(EventKind::Step, &text)]);
    }
    // Of one line, the words before and the blanks behind must not be multiplied.
    for text in [
        "a ".repeat(100_000) + &" ".repeat(200_000),
        "1 ".repeat(200_000),
        "send((".repeat(60_000),
        "x".repeat(999) + "(",
    ] {
        let verdict = verdict(rules(), &[event(EventKind::Step, &text)]);
        assert!(verdict.fired.len() <= 2);
    }
}

/// Conditions of every kind, one or two at a time.
fn any_conditions() -> impl proptest::strategy::Strategy<Value = Conditions> {
    use proptest::prelude::*;
    let one = prop_oneof![
        Just(text("order")),
        Just(text("pay")),
        Just(detect()),
        Just(Conditions { regex: vec![Pattern::new("or.er").unwrap()], ..Conditions::default() }),
        Just(on("*.shop.example", Conditions::default())),
        Just(on("a-*.example", Conditions::default())),
        Just(on("shop.example", text("cart"))),
        Just(Conditions { url: vec![AddressPattern::new("shop.example/cart").unwrap()], ..Conditions::default() }),
        Just(Conditions { url: vec![AddressPattern::new("*/cart").unwrap()], ..Conditions::default() }),
        Just(over("50 USD", Conditions::default())),
        Just(over("50 USD", text("order"))),
        Just(Conditions { events: [KindName::Step, KindName::Log].into(), ..Conditions::default() }),
        Just(Conditions { events: [KindName::Step].into(), ..text("cart") }),
        Just(Conditions { count: per(2, 60), ..text("cart") }),
        Just(Conditions { count: per(3, 60), ..Conditions::default() }),
        Just(Conditions {
            expression: Some(Expression::new("event.amount > 5 || event.plain.contains('cart')").unwrap()),
            ..Conditions::default()
        }),
        Just(Conditions {
            expression: Some(Expression::new("event.domain == 'shop.example'").unwrap()),
            ..over("5 USD", Conditions::default())
        }),
    ];
    one.boxed()
}

proptest::proptest! {
    #[test]
    fn leaving_out_what_cannot_fire_changes_no_verdict(
        whens in proptest::collection::vec((any_conditions(), 0usize..3, proptest::option::of(any_conditions())), 1..7),
        said in proptest::collection::vec("(order|pay|cart|place order| |\\.|\\$5|total \\$90){0,5}", 1..6),
        at in 0usize..4,
        cut in proptest::bool::ANY,
        kinds in proptest::collection::vec(0usize..4, 6),
    ) {
        let effects = [Effect::Alert, Effect::Ask, Effect::Deny];
        let rules: Vec<RuleSpec> = whens
            .into_iter()
            .enumerate()
            .map(|(n, (when, effect, unless))| RuleSpec { unless, ..rule(&n.to_string(), effects[effect], when) })
            .collect();
        let indexed = Policy::compile(rules.clone()).unwrap();
        let mut whole = Policy::compile(rules).unwrap();
        whole.index = super::index::Index::everything(whole.rules.len());
        let urls = [None, Some("https://shop.example/cart/2"), Some("https://b.shop.example/"), Some("https://a-1.example/cart")];
        let all_kinds = [EventKind::Step, EventKind::Thought, EventKind::Log, EventKind::Unknown("x".to_owned())];
        let (mut one, mut other) = (Context::default(), Context::default());
        let session = session(None);
        for (n, words) in said.iter().enumerate() {
            let event = Event { url: urls[at].map(str::to_owned), truncated: cut && n == 1, ..event(all_kinds[kinds[n]].clone(), words) };
            let left = indexed.evaluate(&session, &mut one, &event, NOON);
            proptest::prop_assert_eq!(left, whole.evaluate(&session, &mut other, &event, NOON));
        }
        proptest::prop_assert_eq!(one, other);
    }

    #[test]
    fn one_more_rule_never_makes_the_verdict_milder(
        effects in proptest::collection::vec(0usize..5, 1..6),
        phrases in proptest::collection::vec("order|pay|cart|buy", 6),
        said in "(order|pay|cart|buy| |\\.|\\$5){0,8}",
    ) {
        let all = [Effect::Alert, Effect::Instruct, Effect::Cooldown, Effect::Ask, Effect::Deny];
        let rules: Vec<RuleSpec> = effects
            .iter()
            .enumerate()
            .map(|(n, effect)| rule(&n.to_string(), all[*effect], text(&phrases[n])))
            .collect();
        let fewer = verdict(rules[1..].to_vec(), &[thought(&said)]);
        let more = verdict(rules.clone(), &[thought(&said)]);
        proptest::prop_assert!(more.effect >= fewer.effect);
        proptest::prop_assert!(more.fired.is_sorted_by_key(|fired| std::cmp::Reverse(fired.effect)));
        let reversed = verdict(rules.into_iter().rev().collect(), &[thought(&said)]);
        proptest::prop_assert_eq!(reversed.effect, more.effect);
    }
}
