//! One test per rule of the prompt.

use std::time::Duration;

use super::bench::Bench;
use crate::control::fixtures::{by, ended, open, revised};
use crate::control::{Act, ApprovalView, Change, EndedBy, Nonce, OperatorName, Refusal, State, Update};
use crate::gate::{Delivery, Outcome, Revision, Subject, Timing};
use crate::operator::prompt::PromptEnd;
use crate::operator::prompt::machine::Input;
use crate::policy::{Confirm, OnDeny, Risk};

const NO: Act = Act::Deny { reason: None };

fn buying() -> ApprovalView {
    open(1, "Buying")
}

fn to_type() -> ApprovalView {
    revised(&buying(), |card| {
        card.confirm = Confirm::Type;
        card.risk = Risk::High;
    })
}

fn question() -> ApprovalView {
    revised(&buying(), |card| {
        card.subject = Subject::Question;
        card.hold = crate::gate::Hold::None;
        card.then.answer = Some("Yes, go on".into());
    })
}

fn draft() -> ApprovalView {
    let view = revised(&buying(), |card| card.revision = Revision(0));
    ApprovalView { state: State::Draft, ..view }
}

#[test]
fn y_approves_and_n_denies_exactly_the_card_that_was_shown() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.answers("y");
    let sent = &bench.decisions[0];
    assert_eq!((sent.approval, sent.revision, sent.digest), (view.card.approval, Revision(1), view.digest));
    assert_eq!((sent.nonce, &sent.act), (Some(Nonce(1)), &Act::approve()));

    let mut bench = Bench::asking(&[view]);
    bench.answers("n too dear");
    assert_eq!(bench.acts(), [Act::Deny { reason: Some("too dear".into()) }]);
}

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
    for wait in [30, 900] {
        bench.later(wait).typed("n not here").typed("\n");
        assert_eq!(bench.acts(), [NO]);
        assert!(bench.printed().contains("so soon after the last denial"));
    }
    bench.later(100).typed("n").typed("\n");
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

#[test]
fn end_of_input_leaves_and_decides_nothing() {
    let mut bench = Bench::asking(&[buying()]);
    bench.later(2000).typed("\x04");
    assert_eq!((bench.acts(), &bench.ends[..]), (vec![], &[PromptEnd::Eof][..]));
    let mut bench = Bench::asking(&[buying()]);
    bench.later(2000).typed("y").typed("\x04");
    assert_eq!((bench.acts(), &bench.ends[..]), (vec![], &[][..]));
}

#[test]
fn leaving_while_something_waits_takes_saying_so_twice() {
    let mut bench = Bench::asking(&[buying()]);
    bench.answers("q");
    assert_eq!((bench.acts(), &bench.ends[..]), (vec![], &[][..]));
    assert!(bench.screen.contains("q again leaves it to that"));
    bench.answers("l");
    bench.answers("q");
    assert_eq!(&bench.ends[..], &[][..]);
    bench.answers("q");
    assert_eq!((bench.acts(), &bench.ends[..]), (vec![], &[PromptEnd::Left][..]));
}

#[test]
fn while_everything_is_stopped_no_deadline_is_told() {
    let mut bench = Bench::with(&ApprovalView { frozen: true, ..buying() });
    assert!(bench.screen.contains("deadline"), "{}", bench.screen);
    bench.answers("q");
    assert!(bench.screen.contains("1 waiting; the deadline stands still while everything is stopped: q again leaves"));
    assert!(!bench.screen.contains("no answer by"), "{}", bench.screen);
}

#[test]
fn the_code_of_another_card_shows_that_one_and_decides_nothing() {
    let (first, second) = (buying(), open(2, "Another purchase"));
    let mut bench = Bench::asking(&[first.clone(), second.clone()]);
    bench.printed();
    bench.answers(&second.card.code().to_string().to_lowercase());
    assert_eq!(bench.acts(), vec![]);
    assert!(bench.printed().contains("Another purchase"));
    bench.answers("n");
    let denied: Vec<_> = bench.decisions.iter().map(|decision| decision.approval).collect();
    assert_eq!(denied, [second.card.approval]);
}

#[test]
fn bare_enter_and_what_is_not_understood_ask_again_and_arm_anew() {
    for (line, said) in [
        ("", ""),
        ("yy", "not understood"),
        ("a text", "m and a text"),
        ("m", "in the same line"),
        ("?", "Enter      asks again"),
    ] {
        let mut bench = Bench::asking(&[buying()]);
        bench.printed();
        bench.answers(line);
        assert!(
            bench.screen.contains(said) && bench.screen.ends_with("approve? [y/n/?] > "),
            "{line:?}: {}",
            bench.screen
        );
        bench.later(100).typed("y").typed("\n");
        assert_eq!(bench.acts(), [], "{line:?}");
    }
}

#[test]
fn the_card_under_the_finger_is_not_swapped_by_an_arrival() {
    let mut bench = Bench::asking(&[open(2, "second")]);
    bench.later(2000).typed("n");
    bench.told(open(1, "first by id, later by arrival"));
    assert!(bench.screen.ends_with("4444  approve? [y/n/?] > n"), "{}", bench.screen);
    bench.typed("\n");
    assert_eq!(bench.decisions[0].approval, open(2, "").card.approval);
}

#[test]
fn another_operator_who_answers_while_a_line_is_typed_takes_the_card_down() {
    let (one, two) = (open(1, "a"), open(2, "b"));
    let mut bench = Bench::asking(&[one.clone(), two.clone()]);
    bench.later(2000).typed("y");
    bench.printed();
    bench.told(ended(&one, Outcome::Denied, by("ops2", None), Delivery::Applying, ""));
    assert!(bench.screen.starts_with("\n3333 was denied by ops2; your line was ignored\n"), "{}", bench.screen);
    assert!(bench.screen.ends_with("4444  approve? [y/n/?] > "));
    bench.typed("\n");
    assert_eq!(bench.acts(), []);
    bench.answers("y");
    assert_eq!(bench.decisions[0].approval, two.card.approval);
}

#[test]
fn a_changed_card_is_drawn_again_with_the_difference_and_arms_from_zero() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.later(2000).typed("y");
    let newer = revised(&view, |card| {
        card.revision = Revision(2);
        card.timing = Timing::Late;
        card.amount.as_mut().expect("an amount").number = Some("999.00".into());
    });
    bench.printed();
    bench.told(newer.clone());
    let first: Vec<&str> = bench.screen.lines().take(4).collect();
    assert_eq!(
        first,
        [
            "",
            "3333  CHANGED: total 410.00 USD → 999.00 USD; timing in time → late; y resumes → lets the session go",
            "      on; n cancels → cancels it",
            "(your line was ignored)"
        ]
    );
    bench.typed("\n");
    assert_eq!(bench.acts(), []);
    bench.answers("y");
    assert_eq!((bench.decisions[0].revision, bench.decisions[0].digest), (Revision(2), newer.digest));
}

#[test]
fn a_draft_is_one_line_that_can_be_denied_at_once_and_not_approved() {
    let mut bench = Bench::new();
    bench.told(draft());
    assert_eq!(bench.screen.lines().count(), 3);
    assert!(bench.screen.contains("pausing; n cancels now"), "{}", bench.screen);
    bench.answers("y");
    assert_eq!(bench.acts(), []);
    bench.answers("n");
    assert_eq!((bench.acts(), bench.decisions[0].nonce), (vec![NO], None));
}

#[test]
fn when_the_pause_is_confirmed_the_whole_card_comes_and_is_armed_from_zero() {
    let mut bench = Bench::new();
    bench.told(draft());
    bench.later(2000).typed("n");
    bench.told(buying());
    assert!(
        bench.screen.ends_with("3333  approve? [y/n/?] > ") && bench.screen.contains("| trigger"),
        "{}",
        bench.screen
    );
    assert!(!bench.screen.contains("CHANGED") && bench.screen.contains("your line was ignored"));
    bench.typed("\n");
    assert_eq!((bench.acts(), bench.bells), (vec![], 1));
}

#[test]
fn where_typing_is_asked_for_y_is_not_enough() {
    let mut bench = Bench::asking(&[to_type()]);
    bench.answers("y");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("type 410.00 or 3333 and Enter"));
    bench.answers("411");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("that is neither the amount nor the code: nothing was decided"));
    bench.answers("410");
    assert_eq!(bench.acts(), [Act::approve()]);
    let mut bench = Bench::asking(&[to_type()]);
    bench.answers("n");
    assert_eq!(bench.acts(), [NO]);
}

#[test]
fn an_instruction_that_releases_takes_the_same_typing() {
    let send = Act::Instruct { text: "use the test shop".into() };
    let mut bench = Bench::asking(&[to_type()]);
    bench.answers("m use the test shop");
    assert_eq!(bench.acts(), []);
    bench.answers("3333");
    assert_eq!(bench.acts(), vec![send.clone()]);

    let mut bench = Bench::asking(&[to_type()]);
    bench.answers("m use the test shop").answers("").answers("3333");
    assert_eq!(bench.acts(), [Act::approve()]);

    let mut bench = Bench::asking(&[buying()]);
    bench.answers("m use the test shop");
    assert_eq!(bench.acts(), [send]);
}

#[test]
fn a_question_is_answered_with_the_set_answer_or_as_typed() {
    let mut bench = Bench::asking(&[question()]);
    assert!(bench.screen.contains("y sends \"Yes, go on\" · a types an answer"), "{}", bench.screen);
    bench.answers("a take the blue one");
    assert_eq!(bench.acts(), [Act::Answer { text: "take the blue one".into() }]);
    let mut bench = Bench::asking(&[question()]);
    bench.answers("m no").answers("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn text_that_the_card_cuts_has_to_be_read_before_approving() {
    let long = format!("{}{}", "click ".repeat(400), "and pay");
    let mut bench = Bench::asking(&[open(1, &long)]);
    bench.answers("y");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("d shows all of it, then decide"));
    bench.answers("d").answers("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn a_refusal_is_said_and_the_question_is_put_again() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.answers("y").printed();
    bench.refused(view.card.approval, Refusal::TooSoon { wait_ms: 40 });
    let said = "3333  not done: too soon: the card must be on screen for 40 ms more\n3333  approve? [y/n/?] > ";
    assert_eq!(bench.printed(), said);
    bench.typed("y").typed("\n");
    assert_eq!(bench.decisions.len(), 1);
    bench.answers("y");
    assert_eq!(bench.decisions.len(), 2);
}

#[test]
fn a_decision_on_a_card_that_had_changed_is_followed_by_the_new_card() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.answers("y").printed();
    bench.told(revised(&view, |card| card.revision = Revision(2)));
    assert_eq!(bench.printed(), "");
    bench.refused(view.card.approval, Refusal::Stale { revision: Revision(2) });
    assert!(bench.screen.contains("the card changed") && bench.screen.contains("| trigger"), "{}", bench.screen);
    bench.answers("y");
    assert_eq!(bench.decisions[1].revision, Revision(2));
}

#[test]
fn after_a_decision_its_delivery_is_said() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.answers("y").printed();
    bench.taken(view.card.approval, Outcome::Approved);
    assert_eq!(bench.printed(), "3333  resuming…\n");
    let over = |delivery, detail| ended(&view, Outcome::Approved, by("ops1", None), delivery, detail);
    bench.told(over(Delivery::Applying, ""));
    assert_eq!(bench.printed(), "");
    bench.told(over(Delivery::Failed, "resume failed: still paused"));
    assert_eq!(bench.printed(), "13:02:44  3333  approved, but resume failed: still paused\n");
    bench.told(over(Delivery::Applied, "resumed, confirmed"));
    assert_eq!(bench.printed(), "13:02:44  3333  resumed, confirmed\n");
}

#[test]
fn an_outcome_that_comes_before_the_answer_is_said_once() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.answers("y").printed();
    bench.told(ended(&view, Outcome::Approved, by("ops1", None), Delivery::Applying, ""));
    bench.taken(view.card.approval, Outcome::Approved);
    assert_eq!(bench.printed(), "3333  resuming…\n");
}

#[test]
fn whoever_says_the_same_a_moment_later_is_told_who_decided() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.answers("n").printed();
    bench.told(ended(&view, Outcome::Denied, by("ops2", None), Delivery::Applied, "cancelled, confirmed"));
    assert!(bench.printed().contains("3333 was denied by ops2\n"), "{}", bench.screen);
}

#[test]
fn a_time_out_is_called_a_time_out() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.told(ended(&view, Outcome::Expired, EndedBy::Deadline, Delivery::Applied, "cancelled, confirmed"));
    assert!(
        bench.screen.ends_with("3333 expired: nobody answered in time\n13:02:44  3333  cancelled, confirmed\n"),
        "{}",
        bench.screen
    );
}

#[test]
fn why_an_approval_was_withdrawn_is_said_once() {
    let view = buying();
    let mut bench = Bench::with(&view);
    let over = "the session is over";
    let by = EndedBy::Session { what: over.to_owned() };
    bench.told(ended(&view, Outcome::Withdrawn, by, Delivery::Applied, over));
    assert!(bench.screen.ends_with("\n3333 was withdrawn: the session is over\n"), "{}", bench.screen);
}

#[test]
fn a_daemon_that_does_not_answer_holds_up_no_other_card() {
    let mut bench = Bench::asking(&[open(1, "a"), open(2, "b")]);
    bench.answers("y");
    bench.later(4000);
    assert!(bench.screen.ends_with("4444  approve? [y/n/?] > "));
    bench.refused(open(1, "a").card.approval, Refusal::NotPausedYet);
    bench.answers("n").taken(open(2, "b").card.approval, Outcome::Denied);
    assert!(bench.screen.ends_with("3333  approve? [y/n/?] > "), "{}", bench.screen);
}

#[test]
fn log_lines_never_land_inside_the_prompt() {
    let mut bench = Bench::asking(&[buying()]);
    bench.later(2000).typed("n too d");
    bench.printed();
    bench.input(Input::Log("INFO something \x1b[2J".into()));
    assert_eq!(bench.printed(), "\nINFO something <U+001B>[2J\n3333  approve? [y/n/?] > n too d");
    bench.typed("ear").typed("\n");
    assert_eq!(bench.acts(), [Act::Deny { reason: Some("too dear".into()) }]);
}

#[test]
fn a_log_line_is_one_line_whatever_is_in_it() {
    let mut bench = Bench::asking(&[buying()]);
    bench.printed();
    bench.input(Input::Log("INFO a\n3333  approved by root".into()));
    assert_eq!(bench.printed(), "\nINFO a ⏎ 3333  approved by root\n3333  approve? [y/n/?] > ");
}

#[test]
fn a_question_whose_card_has_scrolled_away_says_again_what_it_is_about() {
    let mut bench = Bench::asking(&[buying()]);
    bench.printed();
    (0..30).for_each(|n| bench.input(Input::Log(format!("line {n}"))));
    assert_eq!(bench.screen.matches("PURCHASE").count(), 1);
}

#[test]
fn nothing_typed_while_idle_answers_the_card_that_comes_next() {
    let mut bench = Bench::new();
    bench.typed("y");
    bench.told(buying());
    bench.typed("\n");
    bench.later(2000).typed("\n");
    assert_eq!(bench.acts(), []);
    assert!(bench.screen.contains("what you were typing was dropped"));
}

#[test]
fn the_idle_prompt_knows_a_few_commands() {
    let mut bench = Bench::new();
    bench.answers("l").answers("y").answers("?");
    assert!(
        bench.screen.contains("nothing waits for an answer") && bench.screen.contains("nothing is asked right now")
    );
    bench.answers("q");
    assert_eq!(bench.ends, [PromptEnd::Left]);
}

#[test]
fn extending_and_screenshots_keep_the_question() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.answers("s");
    bench.input(Input::Screenshot { id: view.card.approval, result: Ok("/tmp/a\u{202e}.jpg".into()) });
    assert!(bench.screen.contains("3333  screenshot saved: /tmp/a<U+202E>.jpg\n3333  approve?"), "{}", bench.screen);
    bench.answers("x");
    assert_eq!((bench.acts(), bench.wishes.len()), (vec![Act::Extend], 1));
    let deadline = crate::control::fixtures::at("2026-11-23T13:22:11Z");
    let result = Ok(crate::control::Decided::Extended { deadline, extensions_left: 2 });
    bench.input(Input::Decided { id: view.card.approval, result });
    assert!(bench.screen.ends_with("3333  now waits until 13:22:11, 2 extensions left\n3333  approve? [y/n/?] > "));
}

#[test]
fn another_operators_decision_in_the_making_is_not_called_an_approval_and_can_still_be_denied() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.told(ApprovalView { state: State::Deciding { by: OperatorName("ops2".into()) }, ..view.clone() });
    let said = "3333  ops2 is deciding this; should that be an approval, n still denies it";
    assert!(bench.screen.contains(said) && !bench.screen.contains("approved"), "{}", bench.screen);
    bench.told(view);
    assert!(bench.screen.contains("3333  that decision was not carried out; it is asked again"), "{}", bench.screen);
    bench.answers("n");
    assert_eq!(bench.acts(), [NO]);
}

#[test]
fn a_stopping_daemon_ends_the_prompt() {
    let mut bench = Bench::asking(&[buying()]);
    bench.input(Input::Update(Box::new(Update { seq: 1, change: Change::Stopping })));
    assert_eq!(bench.ends, [PromptEnd::Lost]);
}

#[test]
fn back_from_a_suspension_the_question_is_put_anew() {
    let mut bench = Bench::asking(&[buying()]);
    bench.later(2000).typed("y");
    bench.printed();
    bench.input(Input::Back);
    // A shell that hands the terminal over can make it be taken twice.
    bench.input(Input::Back);
    assert!(bench.screen.starts_with('\n') && !bench.screen.contains("> 13:02"), "{}", bench.screen);
    bench.typed("\n");
    bench.later(2000).typed("\n");
    assert_eq!(bench.acts(), []);
    bench.answers("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}
