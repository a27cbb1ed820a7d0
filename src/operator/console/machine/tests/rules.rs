//! What decides, and what does not.

use super::bench::Bench;
use super::views::{buying, deny, draft, with};
use crate::control::fixtures::{by, ended, event, open, snapshot};
use crate::control::{Act, ApprovalView, Change, Decided, OperatorName, Refusal, Role, State, Vote};
use crate::gate::{Delivery, Digest, Hold, Outcome, Revision, Subject};
use crate::operator::console::ConsoleEnd;
use crate::operator::console::machine::Input;
use crate::policy::{Confirm, OnDeny, ReasonFor, Risk};

#[test]
fn y_after_reading_approves_exactly_what_is_on_the_card() {
    let view = buying();
    let mut bench = Bench::with(&view);
    assert_eq!(bench.lock().as_deref(), Some("reading"));
    bench.presses("y");
    let [sent] = &bench.decisions[..] else { panic!("{:?}", bench.decisions) };
    assert_eq!((sent.approval, sent.revision, sent.digest), (view.card.approval, Revision(1), view.digest));
    assert!(sent.nonce.is_some() && sent.act == Act::approve(), "{sent:?}");
    bench.presses("y");
    assert_eq!(bench.decisions.len(), 1, "the second y comes while the first is on its way");
}

#[test]
fn y_before_the_arming_time_is_nothing() {
    for (wait, risk, approves) in
        [(740, Risk::Medium, false), (760, Risk::Medium, true), (1_490, Risk::High, false), (1_510, Risk::High, true)]
    {
        let mut bench = Bench::with(&with(|card| card.risk = risk));
        bench.later(wait).typed("y");
        assert_eq!(bench.decisions.len(), usize::from(approves), "{wait} ms, {risk:?}");
    }
}

#[test]
fn a_key_counts_by_its_arrival_not_by_when_it_is_looked_at() {
    let mut bench = Bench::with(&buying());
    let early = std::time::Duration::from_millis(bench.now + 100);
    bench.later(5_000);
    bench.input(Input::Typed { at: early, bytes: b"y".to_vec(), late: false });
    bench.input(Input::Typed { at: early, bytes: b"y".to_vec(), late: true });
    assert_eq!(bench.acts(), []);
    bench.draws = false;
    bench.told(with(|card| card.revision = Revision(2)));
    bench.later(5_000).typed("n").typed("y");
    assert_eq!(bench.acts(), [], "the new revision is not on screen");
}

#[test]
fn a_key_shortly_after_another_key_does_not_approve() {
    let mut bench = Bench::with(&buying());
    bench.later(5_000).typed("z").later(300);
    assert_eq!(bench.lock().as_deref(), Some("keys still arriving"));
    bench.typed("y").later(390).typed("y");
    assert_eq!(bench.acts(), []);
    bench.later(410);
    assert_eq!(bench.lock(), None);
    bench.typed("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn a_burst_a_paste_and_the_keys_that_confirm_elsewhere_decide_nothing() {
    let mut bench = Bench::with(&buying());
    for keys in
        ["yy", "ny", "\n", " ", "\x1b", "\x1b[200~y\x1b[201~", "\x1b[200~n\nn\x1b[201~", "\x1by", "\x1bn", "\t", "Y\n"]
    {
        bench.later(5_000).typed(keys).later(5_000);
        bench.typed("1");
    }
    assert_eq!(bench.acts(), []);
}

#[test]
fn a_paste_focus_and_a_new_size_start_the_reading_again() {
    for again in [&b"\x1b[200~y\x1b[201~"[..], b"\x1b[I"] {
        let mut bench = Bench::with(&buying());
        bench.later(5_000).typed(again).later(500).typed("y");
        assert_eq!(bench.acts(), [], "{again:?}");
    }
    let mut bench = Bench::with(&buying());
    bench.later(5_000).input(Input::Resized { columns: 90, rows: 30 });
    bench.later(500).typed("y");
    assert_eq!(bench.acts(), []);
    bench.input(Input::Back);
    bench.later(500).typed("y");
    assert_eq!(bench.acts(), []);
}

#[test]
fn a_denial_is_taken_at_once_and_needs_no_nonce() {
    let mut bench = Bench::asking(&[draft(1), open(2, "another")]);
    bench.notes = false;
    bench.typed("k").later(10).typed("n");
    assert_eq!(bench.acts(), [deny(None)]);
    assert_eq!(bench.decisions[0].approval, draft(1).card.approval);
}

#[test]
fn a_key_that_is_held_down_denies_one_card_and_not_the_queue() {
    let (first, second) = (open(1, "a"), open(2, "b"));
    let mut bench = Bench::asking(&[first.clone(), second.clone()]);
    bench.later(5_000).typed("n").told(ended(&first, Outcome::Denied, by("ops1", None), Delivery::Applying, ""));
    for wait in [660, 30, 30, 1_490] {
        bench.later(wait).typed("n");
        assert_eq!(bench.acts(), [deny(None)], "{wait}");
        assert!(bench.screen().contains("another card has just gone"));
    }
    bench.later(1_500).typed("n");
    assert_eq!((bench.acts(), bench.decisions[1].approval), (vec![deny(None); 2], second.card.approval));
    // What was refused is said again at once: it is of the card that was read.
    bench.answered(second.card.approval, Err(Refusal::NotPresented)).later(30).typed("n");
    assert_eq!(bench.acts(), vec![deny(None); 3]);
}

#[test]
fn a_key_that_is_held_down_while_nothing_waits_does_not_deny_what_comes() {
    for held in [b"n".as_slice(), b"nn", b"N"] {
        let first = open(1, "a");
        let mut bench = Bench::with(&first);
        bench.later(5_000).typed("n").told(ended(&first, Outcome::Denied, by("ops1", None), Delivery::Applying, ""));
        for _ in 0..40 {
            bench.later(100).typed(held);
        }
        bench.told(open(2, "b")).later(100).typed("n");
        assert_eq!(bench.acts(), [deny(None)]);
    }
}

#[test]
fn an_n_for_a_card_that_has_just_gone_does_not_deny_the_next() {
    let first = open(1, "a");
    let mut bench = Bench::asking(&[first.clone(), open(2, "b")]);
    bench.later(5_000).told(ended(&first, Outcome::Denied, by("ops2", None), Delivery::Applying, ""));
    bench.later(300).typed("n");
    assert_eq!(bench.acts(), []);
    bench.later(1_500).typed("n");
    assert_eq!(bench.acts(), [deny(None)]);
}

#[test]
fn the_rest_of_a_line_that_was_closed_under_the_keys_is_no_command() {
    let typed = |bench: &mut Bench, keys: &str| {
        for key in keys.chars() {
            bench.later(150).typed(key.to_string());
        }
    };
    // Begun before the line takes anything.
    let mut bench = Bench::with(&buying());
    bench.later(5_000).typed("m").later(150);
    typed(&mut bench, "continue on, now");
    assert_eq!((bench.acts(), bench.console.entry.is_some()), (vec![], false));
    bench.later(410).typed("n");
    assert_eq!(bench.acts(), [deny(None)]);
    // There is no such line.
    let mut bench = Bench::with(&buying());
    bench.later(5_000).typed("a").later(150);
    typed(&mut bench, "no, not now");
    assert_eq!(bench.acts(), []);
    // `y` would have opened it.
    let mut bench = Bench::with(&with(|card| card.confirm = Confirm::Type));
    bench.later(100).typed("y");
    typed(&mut bench, "410.00, no");
    assert_eq!(bench.acts(), []);
    // Its card goes meanwhile.
    let first = buying();
    let mut bench = Bench::asking(&[first.clone(), open(2, "b")]);
    bench.later(5_000).typed("m").later(600).typed("g");
    bench.told(ended(&first, Outcome::Denied, by("ops2", None), Delivery::Applying, ""));
    typed(&mut bench, "o on with what is there, then tell me, now");
    assert_eq!(bench.acts(), []);
}

#[test]
fn a_denial_that_lets_the_agent_go_on_is_locked_as_an_approval_is() {
    let refusing = || with(|card| (card.then.deny, card.then.refusal) = (OnDeny::Instruct, Some("No.".to_owned())));
    for (wait, denies) in [(10, false), (740, false), (760, true)] {
        let mut bench = Bench::with(&refusing());
        bench.later(wait).typed("n");
        assert_eq!(bench.decisions.len(), usize::from(denies), "{wait} ms");
        assert!(bench.decisions.iter().all(|sent| sent.nonce.is_some()));
    }
    let mut bench = Bench::with(&refusing());
    bench.later(5_000).typed("z").later(300).typed("n");
    assert_eq!(bench.acts(), [], "keys still arriving");
    bench.later(410).typed("n");
    assert_eq!(bench.acts(), [deny(None)]);
    let mut bench = Bench::with(&ApprovalView { state: State::Draft, ..refusing() });
    bench.later(5_000).typed("n");
    assert_eq!(bench.acts(), [], "not paused yet");
}

#[test]
fn a_denial_never_comes_from_a_key_older_than_the_card() {
    let mut bench = Bench::sized((100, 40));
    bench.draws = false;
    bench.draw();
    bench.connected(snapshot(vec![buying()]));
    bench.typed("n").later(50).typed("n");
    bench.draw();
    assert_eq!(bench.acts(), []);
    bench.later(10).typed("n");
    assert_eq!(bench.acts(), [deny(None)]);
}

#[test]
fn three_cards_and_three_fast_y_are_one_approval() {
    let views = [open(1, "first"), open(2, "second"), open(3, "third")];
    let mut bench = Bench::asking(&views);
    bench.later(2_000).typed("y");
    bench.told(ended(&views[0], Outcome::Approved, by("ops1", None), Delivery::Applying, ""));
    bench.later(350).typed("y").later(350).typed("y");
    assert_eq!(bench.acts(), [Act::approve()]);
    bench.later(800).typed("y");
    assert_eq!(bench.decisions[1].approval, views[1].card.approval);
}

#[test]
fn the_card_under_the_finger_never_changes_by_itself() {
    let mut bench = Bench::with(&open(5, "the first to come"));
    bench.told(open(1, "more important")).told(draft(2)).later(1_000);
    assert!(bench.screen().contains("> 7777"), "{}", bench.screen());
    bench.typed("k").later(100);
    assert!(bench.screen().contains("> 4444"), "{}", bench.screen());
}

#[test]
fn a_changed_card_says_what_is_different_and_is_read_anew() {
    let mut bench = Bench::with(&with(|card| card.amount.as_mut().expect("amount").number = Some("41.00".into())));
    bench.later(2_000).told(with(|card| card.revision = Revision(2)));
    assert_eq!(bench.lock().as_deref(), Some("changed"));
    assert!(bench.screen().contains("CHANGED total 41.00 USD → 410.00 USD"), "{}", bench.screen());
    bench.later(500).typed("y");
    assert_eq!(bench.acts(), []);
    bench.presses("y");
    assert_eq!(bench.decisions[0].revision, Revision(2));
}

#[test]
fn a_card_that_does_not_fit_has_to_be_read_to_its_end() {
    let view = with(|card| card.before = (0..5).map(|n| event(&format!("step {n}"))).collect());
    let mut bench = Bench::sized((80, 16));
    bench.connected(snapshot(vec![view]));
    bench.presses("y");
    assert_eq!(bench.acts(), []);
    assert_eq!(bench.lock().as_deref(), Some("read to the end"));
    for _ in 0..5 {
        bench.later(100).typed("\x1b[6~");
    }
    bench.presses("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn a_window_that_becomes_too_small_for_a_card_has_it_read_again() {
    let view = with(|card| card.before = (0..5).map(|n| event(&format!("step {n}"))).collect());
    let mut bench = Bench::sized((80, 40));
    bench.connected(snapshot(vec![view]));
    bench.later(5_000).input(Input::Resized { columns: 80, rows: 16 });
    bench.presses("y");
    assert_eq!((bench.acts().len(), bench.lock().as_deref()), (0, Some("read to the end")));
    for _ in 0..5 {
        bench.later(100).typed("\x1b[6~");
    }
    bench.later(2_000).input(Input::Resized { columns: 80, rows: 40 });
    bench.presses("y");
    assert_eq!(bench.acts(), [Act::approve()], "all of it is on screen");
}

#[test]
fn text_that_the_card_shortens_has_to_be_read_in_full() {
    let view = with(|card| {
        card.trigger = event(&"Comparing offers. ".repeat(120));
        card.trigger.whole = Some(Digest::of(b"the whole"));
    });
    let mut bench = Bench::sized((100, 80));
    bench.connected(snapshot(vec![view]));
    bench.presses("y");
    assert!(bench.screen().contains("y is locked: read to the end (d shows all of it)"), "{}", bench.screen());
    bench.presses("d").presses("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn a_window_that_is_too_small_shows_no_card_and_approves_nothing() {
    let mut bench = Bench::with(&buying());
    bench.later(2_000).input(Input::Resized { columns: 39, rows: 40 });
    bench.presses("y").presses("n");
    assert_eq!(bench.acts(), []);
    assert_eq!(bench.lock().as_deref(), Some("window too small"));
}

#[test]
fn what_is_not_paused_yet_cannot_be_approved() {
    let mut bench = Bench::with(&draft(1));
    bench.presses("y").presses("x");
    assert_eq!(bench.acts(), []);
    assert_eq!(bench.lock().as_deref(), Some("not paused yet"));
    bench.told(open(1, "Buying"));
    bench.later(300).typed("y");
    assert_eq!(bench.acts(), [], "the whole card has to be read");
    bench.presses("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn without_a_connection_nothing_is_decided_and_after_it_everything_is_read_anew() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.later(2_000).input(Input::Lost { why: "broken pipe".into() });
    bench.presses("y").presses("n").presses("x");
    assert_eq!(bench.lock().as_deref(), Some("disconnected"));
    bench.connected(snapshot(vec![view])).later(500).typed("y");
    assert_eq!(bench.acts(), []);
    bench.presses("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn an_observer_decides_nothing() {
    let mut bench = Bench::sized((100, 40));
    bench.connected_as(Role::Observe, snapshot(vec![buying()]));
    bench.presses("y").presses("n").presses("x");
    assert_eq!(bench.acts(), []);
    assert_eq!(bench.lock().as_deref(), Some("observers decide nothing"));
}

#[test]
fn a_card_for_two_takes_another_operator_after_ones_own_approval() {
    let mut view = with(|card| card.terms.approvals = 2);
    let id = view.card.approval;
    let mut bench = Bench::with(&view);
    bench.presses("y").answered(id, Ok(Decided::Counted { given: 1, needed: 2 }));
    let vote = |name: &str| Vote { by: OperatorName(name.into()), at: view.card.opened_at, reason: None };
    view.votes = vec![vote("ops1")];
    bench.told(view);
    bench.presses("y");
    assert_eq!(bench.acts(), [Act::approve()]);
    assert_eq!(bench.lock().as_deref(), Some("needs a second operator"));
    assert!(bench.screen().contains("approved by ops1, needs 1 more"), "{}", bench.screen());
    bench.presses("n");
    assert_eq!(bench.acts()[1], deny(None));
}

#[test]
fn a_card_that_takes_typing_wants_the_amount_or_the_code() {
    let view = with(|card| card.confirm = Confirm::Type);
    let mut bench = Bench::with(&view);
    bench.presses("y").presses("\n").presses("y").presses("yes\n");
    bench.presses("y").presses("\x1b[200~410.00\x1b[201~").presses("\n");
    assert_eq!(bench.acts(), []);
    bench.presses("y").presses("410.00\n");
    let [sent] = &bench.decisions[..] else { panic!("{:?}", bench.decisions) };
    assert_eq!((sent.typed.as_deref(), &sent.act), (Some("410.00"), &Act::approve()));
}

#[test]
fn an_instruction_is_typed_and_passes_the_same_locks() {
    let mut bench = Bench::with(&buying());
    bench.typed("m").presses("use the test shop");
    bench.told(with(|card| card.revision = Revision(2)));
    bench.later(100).typed("\n");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen().contains("what you were typing was dropped"), "{}", bench.screen());
    bench.presses("m").presses("use the test shop\n");
    assert_eq!(bench.acts(), [Act::Instruct { text: "use the test shop".into() }]);
}

#[test]
fn an_instruction_for_a_card_that_takes_typing_takes_it_too() {
    let mut bench = Bench::with(&with(|card| card.confirm = Confirm::Type));
    bench.presses("m").presses("use the test shop\n");
    assert_eq!(bench.acts(), []);
    bench.presses("3333\n");
    assert_eq!(bench.acts(), [Act::Instruct { text: "use the test shop".into() }]);
}

#[test]
fn a_pasted_reason_is_text_and_is_not_sent_by_the_enter_that_follows_it() {
    let mut bench = Bench::with(&buying());
    bench.presses("r").presses("\x1b[200~too\ndear\n\x1b[201~");
    bench.typed("\n").later(50).typed("\n");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen().contains("deny, because: too dear"), "{}", bench.screen());
    bench.presses("\n");
    assert_eq!(bench.acts(), [deny(Some("too dear"))]);
}

#[test]
fn a_line_that_comes_in_one_read_is_not_sent() {
    let mut bench = Bench::with(&buying());
    bench.presses("r").later(1_000).typed("too dear\n");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen().contains("like a paste"), "{}", bench.screen());
    bench.later(100).typed("\n");
    assert_eq!(bench.acts(), [deny(Some("too dear"))]);
}

#[test]
fn a_word_typed_for_something_else_sends_nothing() {
    for word in ["make test\n", "mv a b\n", "rm -r x\n", "yes\n"] {
        let mut bench = Bench::with(&with(|card| card.confirm = Confirm::Type));
        bench.presses(word);
        assert_eq!(bench.acts(), [], "{word:?}");
    }
}

#[test]
fn escape_leaves_the_line_and_its_letters_are_no_commands() {
    let mut bench = Bench::with(&buying());
    bench.presses("r").presses("qyn").typed("\x1b").later(200);
    assert!(!bench.screen().contains("deny, because"), "{}", bench.screen());
    assert_eq!((bench.acts(), bench.ends.len()), (vec![], 0));
}

#[test]
fn a_reason_that_the_rule_wants_is_asked_for() {
    let mut bench = Bench::with(&with(|card| card.terms.reason = ReasonFor::Both));
    bench.presses("n").presses("\n");
    assert_eq!(bench.acts(), []);
    bench.presses("too dear\n");
    assert_eq!(bench.acts(), [deny(Some("too dear"))]);
    let mut bench = Bench::with(&with(|card| card.terms.reason = ReasonFor::Approve));
    bench.presses("y").presses("the boss wants it\n");
    assert_eq!(bench.acts(), [Act::Approve { reason: Some("the boss wants it".into()) }]);
}

#[test]
fn a_question_is_answered_by_its_set_answer_or_by_a_typed_one() {
    let question = |answer: Option<&str>| {
        with(|card| {
            card.subject = Subject::Question;
            card.hold = Hold::None;
            card.then.answer = answer.map(str::to_owned);
        })
    };
    let mut bench = Bench::with(&question(None));
    bench.presses("y").presses("m");
    assert_eq!(bench.lock().as_deref(), Some("no set answer, a types one"));
    bench.presses("a").presses("42\n");
    assert_eq!(bench.acts(), [Act::Answer { text: "42".into() }]);
    let mut bench = Bench::with(&question(Some("yes, go on")));
    bench.presses("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn a_refusal_is_said_and_the_card_is_read_anew() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.presses("y").answered(view.card.approval, Err(Refusal::NotPresented));
    assert!(bench.screen().contains("not done: this card was not shown"), "{}", bench.screen());
    bench.later(500).typed("y");
    assert_eq!(bench.decisions.len(), 1);
    bench.presses("y");
    assert_eq!(bench.decisions.len(), 2);
}

#[test]
fn leaving_decides_nothing() {
    let mut bench = Bench::with(&buying());
    bench.later(2_000).typed("seq\nq\nrm -r x\n");
    assert_eq!((bench.acts(), &bench.ends[..]), (vec![], &[][..]), "the rest of a paste would go to the shell");
    bench.typed("q");
    assert_eq!((bench.acts(), &bench.ends[..]), (vec![], &[ConsoleEnd::Left][..]));
}

#[test]
fn a_card_that_comes_back_from_another_page_is_read_anew() {
    let mut bench = Bench::with(&buying());
    bench.later(2_000).typed("2").later(2_000).typed("y").later(2_000).typed("n");
    assert_eq!(bench.acts(), [], "no card is on screen");
    bench.typed("1").later(500).typed("y");
    assert_eq!(bench.acts(), []);
    bench.presses("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn a_picture_takes_the_screen_and_any_key_gives_it_back() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.presses("s");
    assert_eq!(bench.wishes, [view.card.approval]);
    bench.pictured(view.card.approval, true);
    assert_eq!(bench.pictures, 1);
    assert!(!bench.screen().contains("approve?"), "{}", bench.screen());
    bench.presses("y").presses("y");
    assert_eq!(bench.acts(), [Act::approve()], "the first y only took the picture away");
    let mut bench = Bench::with(&view);
    bench.presses("s").pictured(view.card.approval, false);
    assert!(bench.screen().contains("screenshot saved: /tmp/shot.png"), "{}", bench.screen());
    assert_eq!(bench.pictures, 0);
}

#[test]
fn another_policy_makes_the_card_be_read_anew() {
    let mut bench = Bench::with(&buying());
    let daemon = crate::control::DaemonInfo { policy: Digest::of(b"another"), ..Default::default() };
    bench.later(2_000).changed(Change::Daemon { daemon: Box::new(daemon) });
    bench.later(500).typed("y");
    assert_eq!(bench.acts(), []);
}
