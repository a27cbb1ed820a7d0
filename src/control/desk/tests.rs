//! What the desk lets pass and what it does not.

mod random;

use super::*;
use crate::control::fixtures::{at, by, ended, open, revised, session};
use crate::control::protocol::{Act, SessionState, Sight, Stillness, Vote};
use crate::gate::{Delivery, Outcome, Subject};
use crate::policy::{AmountSeen, Confirm, OnDeny};

const NONCE: Nonce = Nonce(7);

fn ms(mono: u64) -> Moment {
    Moment { mono: Duration::from_millis(mono), wall: at("2026-11-23T13:02:11Z") }
}

fn name(name: &str) -> OperatorName {
    OperatorName(name.to_owned())
}

fn decision(view: &ApprovalView, act: Act) -> Decision {
    let card = &view.card;
    Decision {
        approval: card.approval,
        revision: card.revision,
        digest: view.digest,
        nonce: Some(NONCE),
        typed: None,
        act,
    }
}

fn approve(view: &ApprovalView) -> Decision {
    decision(view, Act::approve())
}

fn deny(view: &ApprovalView) -> Decision {
    Decision { nonce: None, ..decision(view, Act::Deny { reason: None }) }
}

/// A desk with one open approval that was presented to one client at 0 ms.
fn presented() -> (Desk, ClientId, ApprovalView) {
    let mut desk = Desk::new(DeskSettings::default());
    let view = open(1, "Buying");
    desk.published(view.clone());
    let client = desk.connected(name("ops1"), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(desk.presented(client, view.card.approval, view.card.revision, view.digest, ms(0), NONCE), Ok(NONCE));
    (desk, client, view)
}

#[test]
fn an_approval_passes_once_the_card_was_on_screen_for_the_dwell_time() {
    let (mut desk, client, view) = presented();
    assert_eq!(desk.check(client, &approve(&view), ms(699)), Err(Refusal::TooSoon { wait_ms: 1 }));
    assert_eq!(desk.check(client, &approve(&view), ms(0)), Err(Refusal::TooSoon { wait_ms: 700 }));
    assert_eq!(desk.check(client, &approve(&view), ms(700)), Ok(Passed::Forward));
}

#[test]
fn where_the_card_takes_typing_the_daemon_checks_what_was_typed() {
    let amount = |number: &str| AmountSeen {
        number: Some(number.into()),
        currency: Some("USD".into()),
        words: "$".into(),
        earlier: false,
    };
    let (mut desk, client, view) = presented();
    let code = view.card.code().to_string();
    let typed = |number: &str, typed: Option<&str>, desk: &mut Desk| {
        let view = revised(&view, |card| {
            card.confirm = Confirm::Type;
            card.amount = Some(amount(number));
        });
        desk.published(view.clone());
        assert_eq!(
            desk.presented(client, view.card.approval, view.card.revision, view.digest, ms(0), NONCE),
            Ok(NONCE)
        );
        desk.check(client, &Decision { typed: typed.map(str::to_owned), ..approve(&view) }, ms(900))
    };
    for line in
        ["410.00", "410", "410,00", "$410.00", "410.00 USD", "410 usd", &code, &format!(" {} ", code.to_lowercase())]
    {
        assert_eq!(typed("410.00", Some(line), &mut desk), Ok(Passed::Forward), "{line:?}");
    }
    let refused = Err(Refusal::NotConfirmed { code });
    assert_eq!(typed("410.00", None, &mut desk), refused);
    for line in ["y", "", "41", "410.000", "410.01", "410.00 EUR", "4100", "USD", "7K2", "410,000"] {
        assert_eq!(typed("410.00", Some(line), &mut desk), refused, "{line:?}");
    }
    assert_eq!(typed("410.50", Some("410"), &mut desk), refused);
    assert_eq!(typed("410.50", Some("410.50"), &mut desk), Ok(Passed::Forward));
}

#[test]
fn a_nonce_is_good_for_one_decision() {
    let (mut desk, client, view) = presented();
    assert_eq!(desk.check(client, &approve(&view), ms(700)), Ok(Passed::Forward));
    assert_eq!(desk.check(client, &approve(&view), ms(700)), Err(Refusal::NotPresented));
}

#[test]
fn everything_that_releases_is_throttled_and_extending_is_not() {
    let (mut desk, client, view) = presented();
    let text = || "use the test shop".to_owned();
    let soon = Err(Refusal::TooSoon { wait_ms: 690 });
    assert_eq!(desk.check(client, &decision(&view, Act::Instruct { text: text() }), ms(10)), soon);
    assert_eq!(desk.check(client, &decision(&view, Act::Extend), ms(10)), Ok(Passed::Forward));

    let question = revised(&view, |card| {
        card.subject = Subject::Question;
        card.revision = Revision(2);
    });
    desk.published(question.clone());
    assert_eq!(desk.presented(client, question.card.approval, Revision(2), question.digest, ms(0), NONCE), Ok(NONCE));
    assert_eq!(desk.check(client, &decision(&question, Act::Answer { text: text() }), ms(10)), soon);
}

#[test]
fn a_denial_needs_no_nonce_and_no_patience() {
    let (mut desk, _, view) = presented();
    let other = desk.connected(name("ops2"), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(desk.check(other, &deny(&view), ms(0)), Ok(Passed::Forward));
}

#[test]
fn only_the_client_that_was_shown_the_card_may_release() {
    let (mut desk, client, view) = presented();
    let other = desk.connected(name("ops1"), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(desk.check(other, &approve(&view), ms(900)), Err(Refusal::NotPresented));
    let wrong = Decision { nonce: Some(Nonce(8)), ..approve(&view) };
    assert_eq!(desk.check(client, &wrong, ms(900)), Err(Refusal::NotPresented));
    assert_eq!(desk.check(client, &Decision { nonce: None, ..approve(&view) }, ms(900)), Err(Refusal::NotPresented));
    assert_eq!(
        desk.check(client, &Decision { nonce: None, ..decision(&view, Act::Extend) }, ms(900)),
        Err(Refusal::NotPresented)
    );
    desk.disconnected(client);
    assert_eq!(desk.check(client, &approve(&view), ms(900)), Err(Refusal::NotPresented));
}

#[test]
fn a_new_revision_makes_approvals_stale_and_their_nonce_dies() {
    let (mut desk, client, view) = presented();
    let newer = revised(&view, |card| card.revision = Revision(2));
    desk.published(newer.clone());
    assert_eq!(desk.check(client, &approve(&view), ms(900)), Err(Refusal::Stale { revision: Revision(2) }));
    assert_eq!(desk.check(client, &approve(&newer), ms(900)), Err(Refusal::NotPresented));
    assert_eq!(
        desk.presented(client, view.card.approval, Revision(1), view.digest, ms(900), NONCE),
        Err(Refusal::Stale { revision: Revision(2) })
    );
}

#[test]
fn another_digest_under_the_same_revision_is_stale_too() {
    let (mut desk, client, view) = presented();
    let other = Decision { digest: Digest::ZERO, ..approve(&view) };
    assert_eq!(desk.check(client, &other, ms(900)), Err(Refusal::Stale { revision: Revision(1) }));
    desk.published(revised(&view, |card| card.notes.push("a note".into())));
    assert_eq!(desk.check(client, &approve(&view), ms(900)), Err(Refusal::Stale { revision: Revision(1) }));
}

#[test]
fn a_stale_denial_passes_unless_it_would_release() {
    let (mut desk, client, view) = presented();
    desk.published(revised(&view, |card| card.revision = Revision(2)));
    assert_eq!(desk.check(client, &deny(&view), ms(0)), Ok(Passed::Forward));
    desk.published(revised(&view, |card| {
        card.revision = Revision(3);
        card.then.deny = OnDeny::Instruct;
    }));
    assert_eq!(desk.check(client, &deny(&view), ms(0)), Err(Refusal::Stale { revision: Revision(3) }));
}

/// A denial that sends a refusal and lets the agent go on.
fn refusing(view: &ApprovalView) -> ApprovalView {
    revised(view, |card| {
        card.revision = card.revision.next();
        card.then.deny = OnDeny::Instruct;
        card.then.refusal = Some("No.".to_owned());
    })
}

#[test]
fn a_denial_that_releases_needs_the_card_on_screen_and_time_to_read_it_and_no_typing() {
    let (mut desk, client, view) = presented();
    let card = revised(&refusing(&view), |card| card.confirm = Confirm::Type);
    desk.published(card.clone());
    assert_eq!(desk.check(client, &deny(&card), ms(900)), Err(Refusal::NotPresented));
    assert_eq!(desk.presented(client, card.card.approval, card.card.revision, card.digest, ms(0), NONCE), Ok(NONCE));
    let no = Decision { nonce: Some(NONCE), ..deny(&card) };
    assert_eq!(desk.check(client, &no, ms(10)), Err(Refusal::TooSoon { wait_ms: 690 }));
    assert_eq!(desk.check(client, &no, ms(700)), Ok(Passed::Forward));
    assert_eq!(desk.check(client, &no, ms(700)), Err(Refusal::NotPresented), "its nonce is spent");
}

#[test]
fn a_denial_that_releases_is_not_taken_for_a_draft() {
    let (mut desk, client, view) = presented();
    let mut draft = refusing(&view);
    draft.state = State::Draft;
    desk.published(draft.clone());
    let no = Decision { nonce: Some(NONCE), ..deny(&draft) };
    assert_eq!(desk.check(client, &no, ms(900)), Err(Refusal::NotPausedYet));
}

#[test]
fn a_tighter_policy_makes_every_nonce_die() {
    let (mut desk, client, view) = presented();
    desk.policy_tightened();
    assert_eq!(desk.check(client, &approve(&view), ms(900)), Err(Refusal::NotPresented));
}

#[test]
fn a_draft_can_be_denied_and_nothing_else() {
    let mut desk = Desk::new(DeskSettings::default());
    let mut view = revised(&open(1, "Buying"), |card| card.revision = Revision(0));
    view.state = State::Draft;
    desk.published(view.clone());
    let client = desk.connected(name("ops1"), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(
        desk.presented(client, view.card.approval, Revision(0), view.digest, ms(0), NONCE),
        Err(Refusal::NotPausedYet)
    );
    for act in [Act::approve(), Act::Extend, Act::Instruct { text: "x".into() }] {
        assert_eq!(desk.check(client, &decision(&view, act), ms(900)), Err(Refusal::NotPausedYet));
    }
    assert_eq!(desk.check(client, &deny(&view), ms(0)), Ok(Passed::Forward));
}

#[test]
fn while_somebody_decides_only_a_denial_passes() {
    let (mut desk, client, view) = presented();
    desk.published(ApprovalView { state: State::Deciding { by: name("ops2") }, ..view.clone() });
    let deciding = Err(Refusal::Deciding { by: "ops2".into() });
    assert_eq!(desk.check(client, &approve(&view), ms(900)), deciding);
    assert_eq!(desk.check(client, &decision(&view, Act::Extend), ms(900)), deciding);
    assert_eq!(desk.check(client, &deny(&view), ms(900)), Ok(Passed::Forward));
}

#[test]
fn the_same_decision_again_is_success_and_a_different_one_is_told_who_was_first() {
    let (mut desk, client, view) = presented();
    desk.published(ended(&view, Outcome::Denied, by("ops1", Some("too dear")), Delivery::Applied, ""));
    let again = Decision { nonce: None, ..decision(&view, Act::Deny { reason: Some("too dear".into()) }) };
    let denied = Passed::Again(Decided::Outcome { outcome: Outcome::Denied });
    let already = Err(Refusal::AlreadyDecided { outcome: Outcome::Denied, by: "ops1".into() });
    assert_eq!(desk.check(client, &again, ms(0)), Ok(denied.clone()));
    assert_eq!(desk.check(client, &approve(&view), ms(900)), already);
    assert_eq!(desk.check(client, &deny(&view), ms(900)), already);
    let other = desk.connected(name("ops2"), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(desk.check(other, &again, ms(0)), already);
    desk.stopping();
    assert_eq!(desk.check(client, &again, ms(0)), Ok(denied));
}

#[test]
fn one_of_several_approvals_is_success_again_and_costs_no_nonce() {
    let (mut desk, client, view) = presented();
    let view = revised(&view, |card| card.terms.approvals = 2);
    let vote = Vote { by: name("ops1"), at: jiff::Timestamp::UNIX_EPOCH, reason: None };
    let view = ApprovalView { votes: vec![vote], ..view };
    desk.published(view.clone());
    let again = Decision { nonce: None, ..approve(&view) };
    assert_eq!(desk.check(client, &again, ms(0)), Ok(Passed::Again(Decided::Counted { given: 1, needed: 2 })));
    let other = desk.connected(name("ops2"), jiff::Timestamp::UNIX_EPOCH);
    assert_eq!(desk.check(other, &again, ms(0)), Err(Refusal::NotPresented));
    let text = "use the test shop".to_owned();
    let instruct = desk.check(client, &decision(&view, Act::Instruct { text }), ms(900));
    assert!(matches!(instruct, Err(Refusal::NotPossible { .. })), "{instruct:?}");

    desk.published(ended(&view, Outcome::Approved, by("ops2", None), Delivery::Applied, ""));
    let approved = Passed::Again(Decided::Outcome { outcome: Outcome::Approved });
    assert_eq!(desk.check(client, &again, ms(0)), Ok(approved));
}

#[test]
fn an_excluded_operator_keeps_the_nonce_and_may_deny() {
    let (mut desk, client, view) = presented();
    let view = revised(&view, |card| card.terms.not_by = vec!["ops1".into()]);
    desk.published(view.clone());
    let excluded = Err(Refusal::Excluded { who: "ops1".into(), what: "ops1".into() });
    assert_eq!(desk.check(client, &approve(&view), ms(900)), excluded);
    assert_eq!(desk.check(client, &deny(&view), ms(0)), Ok(Passed::Forward));
}

#[test]
fn an_outcome_never_changes_and_a_revision_never_goes_back() {
    let (mut desk, _, view) = presented();
    let newer = revised(&view, |card| card.revision = Revision(2));
    assert!(desk.published(newer.clone()).is_some());
    assert_eq!(desk.published(view.clone()), None);
    let denied = ended(&newer, Outcome::Denied, by("ops1", None), Delivery::Applying, "");
    assert!(desk.published(denied.clone()).is_some());
    assert_eq!(desk.published(denied), None);
    assert_eq!(desk.published(newer.clone()), None);
    assert_eq!(desk.published(ended(&newer, Outcome::Approved, by("ops1", None), Delivery::Applied, "")), None);
    assert!(desk.published(ended(&newer, Outcome::Denied, by("ops1", None), Delivery::Applied, "cancelled")).is_some());
}

#[test]
fn acts_have_to_fit_what_is_asked() {
    let (mut desk, client, view) = presented();
    let possible = |result: Result<Passed, Refusal>| !matches!(result, Err(Refusal::NotPossible { .. }));
    for (act, fits) in [
        (Act::Answer { text: "x".into() }, false),
        (Act::Instruct { text: "  ".into() }, false),
        (Act::Instruct { text: "x".repeat(10_001) }, false),
        (Act::Instruct { text: "x".repeat(10_000) }, true),
        (Act::Deny { reason: Some("x".repeat(10_001)) }, false),
    ] {
        assert_eq!(possible(desk.check(client, &decision(&view, act.clone()), ms(0))), fits, "{act:?}");
    }
}

#[test]
fn ended_approvals_are_remembered_up_to_a_number() {
    let mut desk = Desk::new(DeskSettings { ended_kept: 2, ..DeskSettings::default() });
    let views: Vec<_> = (1..=4).map(|n| open(n, "Buying")).collect();
    for view in &views[..3] {
        desk.published(ended(view, Outcome::Expired, EndedBy::Deadline, Delivery::Applied, ""));
    }
    desk.published(views[3].clone());
    let kept: Vec<_> = desk.snapshot().approvals.iter().map(|view| view.card.approval).collect();
    assert_eq!(kept, [views[1].card.approval, views[2].card.approval, views[3].card.approval]);
}

#[test]
fn a_code_names_one_approval_or_is_refused() {
    let mut desk = Desk::new(DeskSettings::default());
    let (one, mut twin) = (open(1, "Buying"), open(1, "Buying"));
    twin.card.approval = ApprovalId(uuid::Uuid::from_u128(one.card.approval.0.as_u128() ^ (1 << 64)));
    desk.published(one.clone());
    let code = one.card.code().to_string();
    assert_eq!(twin.card.code().to_string(), code);
    assert_eq!(desk.resolve(&code.to_lowercase()), Ok(one.card.approval));
    assert_eq!(desk.resolve("????"), Err(Refusal::NoSuchApproval));
    desk.published(twin.clone());
    assert!(matches!(desk.resolve(&code), Err(Refusal::NotPossible { .. })));
    assert_eq!(desk.resolve(&twin.card.approval.to_string()), Ok(twin.card.approval));
    desk.published(ended(&twin, Outcome::Expired, EndedBy::Deadline, Delivery::Applied, ""));
    assert_eq!(desk.resolve(&code), Ok(one.card.approval));
}

#[test]
fn updates_are_numbered_without_gaps_and_a_snapshot_says_up_to_which() {
    let mut desk = Desk::new(DeskSettings::default());
    assert_eq!(desk.published(open(1, "Buying")).map(|update| update.seq), Some(1));
    assert_eq!(desk.notice("blind".into()).seq, 2);
    assert_eq!(desk.snapshot().seq, 2);
    assert_eq!(desk.stopping(), Update { seq: 3, change: Change::Stopping });
}

#[test]
fn a_desk_that_stops_takes_nothing_more() {
    let (mut desk, client, view) = presented();
    desk.stopping();
    assert_eq!(desk.check(client, &approve(&view), ms(900)), Err(Refusal::Stopping));
    assert_eq!(desk.check(client, &deny(&view), ms(900)), Err(Refusal::Stopping));
}

#[test]
fn a_session_s_counters_alone_are_no_news_and_stand_in_the_snapshot() {
    let mut desk = Desk::new(DeskSettings::default());
    let watched = SessionView { events: 1, ..session("refund-bot-14") };
    assert!(desk.session(watched.clone(), None).is_some());
    let counted = SessionView { events: 2, ..watched.clone() };
    assert_eq!(desk.session(counted.clone(), None), None);
    assert_eq!(desk.snapshot().sessions, std::slice::from_ref(&counted));
    let held = SessionView { state: SessionState::Held, events: 3, ..counted };
    assert!(desk.session(held.clone(), None).is_some());
    let blind = Sight::Blind { since: Timestamp::UNIX_EPOCH, why: "no heartbeat".to_owned() };
    assert!(desk.session(SessionView { sight: blind, ..held }, None).is_some());
    assert!(desk.session_gone(&watched.session).is_some());
    assert_eq!(desk.session_gone(&watched.session), None);
    assert_eq!(desk.snapshot().sessions, []);
}

#[test]
fn after_a_stop_of_everything_nothing_stands_still_before_its_driver_says_so() {
    let session = |standing, state| SessionView { state, standing, ..session("refund-bot-14") };
    let at = |second| Timestamp::from_second(second).expect("a time");
    let halt = |second| Halt { by: name("ops1"), at: at(second), reason: None };
    let with = |halt: Option<Halt>| DaemonInfo { halt, ..DaemonInfo::default() };
    let standing = |desk: &Desk| desk.snapshot().sessions[0].standing;
    let idle = session(Stillness::NothingRuns, SessionState::Idle);

    let mut desk = Desk::new(DeskSettings::default());
    desk.session(idle.clone(), None);
    assert_eq!(standing(&desk), Stillness::NothingRuns);
    let updates = desk.daemon(with(Some(halt(1))));
    let [Change::Daemon { .. }, Change::Session { view }] =
        updates.iter().map(|one| &one.change).collect::<Vec<_>>()[..]
    else {
        panic!("{updates:?}")
    };
    assert_eq!((view.standing, standing(&desk)), (Stillness::NotYet, Stillness::NotYet), "seen before the stop");
    assert_eq!(desk.session(idle.clone(), None), None, "of a driver that does not know of the stop yet");
    assert!(desk.session(idle.clone(), Some(halt(1))).is_some());
    assert_eq!(standing(&desk), Stillness::NothingRuns);

    desk.daemon(with(None));
    assert_eq!(standing(&desk), Stillness::NothingRuns, "without a stop what is known counts");
    desk.daemon(with(Some(halt(2))));
    assert_eq!(standing(&desk), Stillness::NotYet, "another stop");

    // A driver may be quicker than the desk.
    let mut desk = Desk::new(DeskSettings::default());
    desk.session(session(Stillness::Paused, SessionState::Held), Some(halt(1)));
    assert_eq!(desk.daemon(with(Some(halt(1)))).len(), 1, "nothing is told anew");
    assert_eq!(standing(&desk), Stillness::Paused);
}

#[test]
fn who_is_in_an_excluded_group_can_deny_and_nothing_else_and_an_observer_not_even_that() {
    let mut desk = Desk::new(DeskSettings::default());
    let view = revised(&open(1, "Buying"), |card| card.terms.not_by = vec!["@agents".to_owned()]);
    desk.published(view.clone());
    let person = |groups: &[&str], role| Person {
        name: name("ops1"),
        uid: 1000,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        role,
    };
    let since = jiff::Timestamp::UNIX_EPOCH;
    let id = view.card.approval;
    let agent = desk.connected(person(&["agents", "ops"], Role::Admin), since);
    desk.presented(agent, id, view.card.revision, view.digest, ms(0), NONCE).expect("open");
    let excluded = Refusal::Excluded { who: "ops1".to_owned(), what: "@agents".to_owned() };
    assert_eq!(desk.check(agent, &approve(&view), ms(900)), Err(excluded.clone()));
    assert_eq!(desk.check(agent, &Decision { act: Act::Extend, ..approve(&view) }, ms(900)), Err(excluded));
    assert_eq!(desk.check(agent, &deny(&view), ms(900)), Ok(Passed::Forward));
    let observer = desk.connected(person(&["ops"], Role::Observe), since);
    let needed = Refusal::NotPermitted { who: "ops1".to_owned(), needed: Role::Decide };
    assert_eq!(desk.check(observer, &deny(&view), ms(900)), Err(needed));
    let decider = desk.connected(person(&["ops"], Role::Decide), since);
    desk.presented(decider, id, view.card.revision, view.digest, ms(0), NONCE).expect("open");
    assert_eq!(desk.check(decider, &approve(&view), ms(900)), Ok(Passed::Forward));
}
