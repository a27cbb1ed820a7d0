//! Which of what is typed counts: by when a line began, and by how it came.

use std::time::Duration;

use super::bench::Bench;
use super::views::{NO, buying, draft, question, to_type};
use crate::control::fixtures::{by, ended, open, revised};
use crate::control::{Act, ApprovalView, EndedBy, Refusal, State};
use crate::gate::{Delivery, Outcome};
use crate::operator::prompt::PromptEnd;
use crate::operator::prompt::machine::Input;
use crate::policy::{OnDeny, Risk};

#[test]
fn typed_ahead_counts_only_after_the_arming_time() {
    for (offset, counts) in
        [(-500, false), (-50, false), (50, false), (600, false), (749, false), (750, true), (900, true)]
    {
        let mut bench = Bench::new();
        bench.draws = false;
        bench.input(Input::Snapshot(Box::new(crate::control::fixtures::snapshot(vec![buying()]))));
        let shown = bench.now + 1000;
        let typed = shown.saturating_add_signed(offset);
        if offset < 0 {
            bench.now = typed;
            bench.typed("y").typed("\n");
        }
        bench.now = shown;
        bench.draw();
        if offset >= 0 {
            bench.now = typed;
            bench.typed("y").typed("\n");
        }
        assert_eq!(bench.acts(), if counts { vec![Act::approve()] } else { vec![] }, "{offset} ms");
        bench.later(2000);
        assert_eq!(bench.screen.contains("discarded"), !counts, "{offset} ms");
    }
}

#[test]
fn high_risk_arms_longer() {
    let mut bench = Bench::asking(&[revised(&buying(), |card| card.risk = Risk::High)]);
    bench.later(1400).typed("y").typed("\n");
    assert_eq!(bench.acts(), []);
    bench.later(1600).typed("y").typed("\n");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn a_line_begun_too_early_is_tainted_until_enter() {
    let mut bench = Bench::asking(&[buying()]);
    bench.later(100).typed("y");
    bench.later(2000).typed("\n");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("begun too soon after this question was last put"));
    let said = bench.screen.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("please answer again, after another 0.8 s)"), "it begins anew: {said}");
    bench.answers("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn the_rest_of_a_line_that_was_begun_for_another_card_is_not_a_line_of_its_own() {
    let (one, two) = (open(1, "a"), open(2, "b"));
    let mut bench = Bench::asking(&[one.clone(), two]);
    bench.later(2000).typed("m is this ok? ");
    bench.told(ended(&one, Outcome::Expired, EndedBy::Deadline, Delivery::Applied, ""));
    bench.later(2000).typed("y").typed("\n");
    assert_eq!(bench.acts(), []);
    bench.answers("y");
    assert_eq!(bench.acts(), [Act::approve()]);

    let mut bench = Bench::asking(&[open(1, "a"), open(2, "b")]);
    bench.later(2000).typed("y").typed("\n").typed("hm, ");
    bench.taken(one.card.approval, Outcome::Approved);
    bench.later(2000);
    assert!(bench.screen.contains("typed too soon after this question was put, and discarded"));
    bench.typed("y").typed("\n");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn what_lets_nothing_go_on_works_at_once() {
    for (line, said) in
        [("l", "session refund-bot-14"), ("?", "Enter      asks again"), ("d", "digest"), ("s", "taking a screenshot")]
    {
        let mut bench = Bench::asking(&[revised(&buying(), |card| card.risk = Risk::High)]);
        bench.printed();
        bench.later(20).typed(line).typed("\n");
        assert!(bench.screen.contains(said), "{line}: {}", bench.screen);
    }
    let (first, second) = (to_type(), open(2, "Another purchase"));
    let mut bench = Bench::asking(&[first, second.clone()]);
    bench.later(20).typed("4444").typed("\n");
    assert!(bench.screen.contains("Another purchase"), "{}", bench.screen);
    bench.later(20).typed("n").typed("\n");
    assert_eq!((bench.acts(), bench.decisions[0].approval), (vec![NO], second.card.approval));
    let mut bench = Bench::with(&buying());
    bench.later(20).typed("x").typed("\n");
    assert_eq!(bench.acts(), [Act::Extend]);
}

#[test]
fn a_denial_on_the_heels_of_another_cards_denies_nothing() {
    let (first, second) = (buying(), open(2, "another"));
    let mut bench = Bench::asking(&[first.clone(), second.clone()]);
    bench.later(20).typed("n").typed("\n").taken(first.card.approval, Outcome::Denied);
    for wait in [30, 1_490] {
        bench.later(wait).typed("n not here").typed("\n");
        assert_eq!(bench.acts(), [NO]);
        assert!(bench.printed().contains("so soon after another card had gone"));
    }
    // Its first byte counts, as for everything that is typed.
    bench.later(1_490).typed("n").later(3_000).typed("\n");
    assert_eq!(bench.acts(), [NO]);
    bench.later(1_500).typed("n").typed("\n");
    assert_eq!((bench.acts(), bench.decisions[1].approval), (vec![NO, NO], second.card.approval));
    // What was refused is said again at once: it is of the card that was read.
    bench.refused(second.card.approval, Refusal::NotPresented).later(20).typed("n").typed("\n");
    assert_eq!(bench.acts(), [NO, NO, NO]);
}

#[test]
fn what_lets_a_session_go_on_is_locked_until_the_card_could_be_read() {
    let asked = [buying(), question(), to_type()];
    for (view, line) in asked
        .iter()
        .flat_map(|view| ["y", "yes", "y because x", "m go on", "a 42", "410", "3333"].map(|line| (view, line)))
    {
        let mut bench = Bench::with(view);
        bench.later(20).typed(line).later(40).typed("\n");
        assert_eq!(bench.acts(), [], "{line}");
        // Nor does what follows an early line pass for a confirmation of it.
        bench.later(40).typed("410").typed("\n");
        assert_eq!(bench.acts(), [], "{line}");
    }
    let mut bench = Bench::asking(&[to_type()]);
    bench.answers("m use the test shop");
    bench.later(40).typed("410").typed("\n");
    assert!(bench.acts().is_empty() && bench.screen.contains("begun too soon"), "{}", bench.screen);
    bench.answers("410");
    assert_eq!(bench.acts(), [Act::Instruct { text: "use the test shop".into() }]);
}

#[test]
fn two_quick_q_leave_also_while_an_answer_is_on_its_way() {
    let mut bench = Bench::asking(&[revised(&buying(), |card| card.risk = Risk::High), open(2, "b")]);
    bench.later(20).typed("q").typed("\n").later(60).typed("q").typed("\n");
    assert_eq!((bench.acts(), &bench.ends[..]), (vec![], &[PromptEnd::Left][..]));
    let mut bench = Bench::asking(&[buying()]);
    bench.answers("n").later(20).typed("q").typed("\n").typed("q").typed("\n");
    assert_eq!((bench.acts(), &bench.ends[..]), (vec![NO], &[PromptEnd::Left][..]));
}

#[test]
fn a_denial_begun_before_its_card_was_on_screen_denies_nothing() {
    let mut bench = Bench::new();
    bench.draws = false;
    bench.told(buying());
    bench.later(20).typed("n").later(20);
    bench.draws = true;
    bench.draw();
    bench.later(3000).typed("\n");
    assert!(bench.acts().is_empty() && bench.screen.contains("begun before this question was on screen"));
    // What is thrown away may have been the beginning of the line that goes on.
    let mut bench = Bench::new();
    bench.draws = false;
    bench.told(buying());
    let ask = bench.undrawn[0];
    bench.input(Input::OnScreen { ask, at: Duration::from_millis(bench.now), flushed: true });
    bench.later(20).typed("n").typed("\n");
    assert_eq!(bench.acts(), []);
    bench.later(20).typed("n").typed("\n");
    assert_eq!(bench.acts(), [NO]);
}

#[test]
fn a_denial_begun_for_a_card_that_has_just_gone_does_not_deny_the_next() {
    let first = buying();
    let mut bench = Bench::asking(&[first.clone(), open(2, "another")]);
    bench.later(5_000).told(ended(&first, Outcome::Denied, by("ops2", None), Delivery::Applied, "cancelled"));
    bench.later(300).typed("n").typed("\n");
    assert_eq!(bench.acts(), []);
    bench.later(1_500).typed("n").typed("\n");
    assert_eq!(bench.acts(), [NO]);
}

/// Saying no sends this and lets the agent go on.
fn refusing(view: &ApprovalView) -> ApprovalView {
    revised(view, |card| (card.then.deny, card.then.refusal) = (OnDeny::Instruct, Some("No.".to_owned())))
}

#[test]
fn a_denial_that_lets_the_agent_go_on_waits_for_the_arming_time_as_an_approval_does() {
    for card in [refusing(&buying()), refusing(&question())] {
        let mut bench = Bench::with(&card);
        bench.later(20).typed("n").later(3000).typed("\n");
        assert_eq!(bench.acts(), [], "begun before the arming time");
        bench.later(20).typed("n no\n");
        assert_eq!(bench.acts(), []);
        bench.answers("n");
        assert_eq!(bench.acts(), [NO]);
        assert!(bench.decisions[0].nonce.is_some());
    }
    let mut bench = Bench::with(&refusing(&to_type()));
    bench.answers("n");
    assert_eq!(bench.acts(), [NO], "saying no never takes typing");
}

#[test]
fn a_denial_that_lets_the_agent_go_on_waits_for_the_whole_card() {
    let mut bench = Bench::with(&ApprovalView { state: State::Draft, ..refusing(&draft()) });
    bench.answers("n");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("answers count when the whole card is here"), "{}", bench.screen);
    bench.told(refusing(&buying())).answers("n");
    assert_eq!(bench.acts(), [NO]);
}

#[test]
fn leaving_while_an_answer_is_on_its_way_says_so() {
    let mut bench = Bench::asking(&[buying()]);
    bench.answers("y").answers("q");
    assert!(bench.screen.contains("your answer is on its way: q again leaves"), "{}", bench.screen);
    assert_eq!((bench.acts(), &bench.ends[..]), (vec![Act::approve()], &[][..]));
    bench.answers("q");
    assert_eq!(bench.ends, [PromptEnd::Left]);
}

#[test]
fn the_last_line_of_a_paste_that_came_in_pieces_denies_nothing() {
    let mut bench = Bench::asking(&[buying()]);
    bench.later(2000).typed("one\ntwo\n").typed("n no\n");
    assert_eq!(bench.acts(), []);
    bench.later(1000).typed("n").typed("\n");
    assert_eq!(bench.acts(), [NO]);
}

#[test]
fn control_u_begins_a_line_anew() {
    let mut bench = Bench::asking(&[buying()]);
    bench.typed("y").later(2000).typed("\x15").typed("y").typed("\n");
    assert_eq!(bench.acts(), [Act::approve()]);
    let mut bench = Bench::asking(&[buying()]);
    bench.typed("y").later(2000).typed("\x7f").typed("y").typed("\n");
    assert_eq!(bench.acts(), [], "rubbed out, it is still the line that was begun too soon");
}

#[test]
fn a_question_that_is_not_on_screen_yet_takes_no_answer() {
    let mut bench = Bench::new();
    bench.draws = false;
    bench.told(buying());
    bench.answers("y");
    assert_eq!(bench.acts(), []);
}

#[test]
fn what_the_reader_cannot_vouch_for_never_counts() {
    let mut bench = Bench::asking(&[buying()]);
    bench.now += 5000;
    bench.input(Input::Typed { at: Duration::from_millis(bench.now), bytes: b"y\n".to_vec(), late: true });
    assert_eq!(bench.acts(), []);
}

#[test]
fn a_burst_of_forty_y_decides_nothing_and_three_fast_ones_at_most_once() {
    let mut bench = Bench::asking(&[open(1, "a"), open(2, "b"), open(3, "c")]);
    bench.later(2000).typed("y".repeat(40)).typed("\n");
    assert_eq!(bench.acts(), []);
    bench.later(2000).typed("y\n".repeat(40));
    assert_eq!(bench.acts(), []);
    bench.later(2000);
    for _ in 0..3 {
        bench.typed("y").typed("\n");
        if let Some(sent) = bench.decisions.last().cloned() {
            bench.taken(sent.approval, Outcome::Approved);
        }
        bench.now += 60;
    }
    assert_eq!(bench.acts(), [Act::approve()]);
    assert!(bench.flushes > 0);
}

#[test]
fn a_paste_never_decides() {
    let mut bench = Bench::asking(&[buying()]);
    bench.later(2000).typed("\x1b[200~y\n\x1b[201~").typed("\n");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("pasted text never decides"));
    bench.later(2000).typed("y\nn\n");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("like a paste"));
}

#[test]
fn unknown_bytes_and_cursor_keys_never_decide() {
    for bytes in [&b"\xffy"[..], b"y\xc3", b"\x1b[A\x1b[B", b"\x1by", b"\x1bOy", b"\xc2\x9b", b"y\xe2\x80\xae", b"\x00"]
    {
        let mut bench = Bench::asking(&[buying()]);
        bench.later(2000).typed(bytes).typed("\n");
        assert_eq!(bench.acts(), [], "{bytes:?}");
    }
    let mut bench = Bench::asking(&[buying()]);
    bench.later(2000).typed("\x1b[").typed("A").typed(b"n r\xc3");
    bench.answers("");
    assert_eq!(bench.acts().len(), 1);
}
