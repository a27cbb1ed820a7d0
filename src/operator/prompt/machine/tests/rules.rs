//! One test per rule of what an answer does and what is told.

use super::bench::Bench;
use super::views::{NO, buying, draft, question, to_type};
use crate::control::fixtures::{by, ended, open, revised};
use crate::control::{Act, ApprovalView, Change, EndedBy, Nonce, OperatorName, Refusal, State, Update};
use crate::gate::{Delivery, Outcome, Revision, Timing};
use crate::operator::prompt::PromptEnd;
use crate::operator::prompt::machine::Input;

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
