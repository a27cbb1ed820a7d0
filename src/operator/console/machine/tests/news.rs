//! What is told of what became of approvals, and how they are listed.

use super::bench::Bench;
use super::views::{buying, draft, with};
use crate::control::fixtures::{at, by, ended, open, revised, snapshot};
use crate::control::{Act, ApprovalView, Decided};
use crate::gate::{Delivery, Outcome, Timing};
use crate::operator::console::machine::{Input, Shot};
use crate::policy::{Confirm, Risk};

#[test]
fn another_operator_who_answers_takes_the_card_away_and_the_next_is_read_anew() {
    let views = [open(1, "first"), open(2, "second")];
    let mut bench = Bench::asking(&views);
    bench.later(2_000);
    bench.told(ended(&views[0], Outcome::Denied, by("ops2", None), Delivery::Applying, ""));
    bench.later(5).typed("y");
    assert_eq!(bench.acts(), []);
    let screen = bench.screen();
    assert!(screen.contains("3333  was denied by ops2\n"), "{screen}");
    bench.told(ended(&views[0], Outcome::Denied, by("ops2", None), Delivery::Applied, "cancelled, confirmed"));
    let screen = bench.screen();
    assert!(screen.contains("3333  was denied by ops2; cancelled ") && screen.contains(", confirmed"), "{screen}");
    assert!(bench.flushes >= 2, "what was typed for the first card is thrown away");
}

#[test]
fn whoever_says_the_same_a_moment_later_is_told_who_decided() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.later(2_000).typed("n");
    bench.answered(view.card.approval, Ok(Decided::Outcome { outcome: Outcome::Denied }));
    bench.told(ended(&view, Outcome::Denied, by("ops2", None), Delivery::Applied, "cancelled, confirmed"));
    let screen = bench.screen();
    assert!(screen.contains("3333  was denied by ops2; cancelled "), "{screen}");
}

#[test]
fn what_ended_while_the_connection_was_lost_is_said() {
    let views = [open(1, "first"), open(2, "second")];
    let mut bench = Bench::asking(&views);
    bench.input(Input::Lost { why: "broken pipe".into() });
    let gone = ended(&views[0], Outcome::Denied, by("ops2", None), Delivery::Applying, "");
    bench.connected(snapshot(vec![gone, views[1].clone()]));
    assert!(bench.screen().contains("3333  was denied by ops2"), "{}", bench.screen());
    assert!(bench.screen().contains("> 4444"), "{}", bench.screen());
}

#[test]
fn what_a_daemon_with_an_older_store_does_not_know_any_more_leaves_the_queue() {
    let views = [open(1, "first"), open(2, "second")];
    let mut bench = Bench::asking(&views);
    bench.input(Input::Lost { why: "broken pipe".into() });
    bench.connected(snapshot(vec![views[1].clone()]));
    let screen = bench.screen();
    assert!(screen.contains("3333  the daemon does not know this approval any more"), "{screen}");
    assert!(screen.contains("> 4444") && !screen.contains("first"), "{screen}");
    bench.presses("y");
    let decided: Vec<_> = bench.decisions.iter().map(|sent| sent.approval).collect();
    assert_eq!(decided, [views[1].card.approval]);

    bench.input(Input::Lost { why: "broken pipe".into() });
    bench.connected(snapshot(vec![]));
    bench.presses("n");
    assert_eq!((bench.decisions.len(), bench.console.queue.len()), (1, 0));
}

#[test]
fn what_had_ended_and_waits_again_in_an_older_store_is_asked_again() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.told(ended(&view, Outcome::Denied, by("ops2", None), Delivery::Applied, "cancelled, confirmed"));
    assert_eq!(bench.console.queue, []);
    bench.input(Input::Lost { why: "broken pipe".into() });
    bench.connected(snapshot(vec![view.clone()]));
    assert_eq!((bench.console.queue.clone(), bench.console.history.len()), (vec![view], 0));
    bench.presses("y");
    assert_eq!(bench.acts(), [Act::approve()]);
}

#[test]
fn what_became_of_it_is_said_in_order() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.presses("y");
    bench.told(ended(&view, Outcome::Approved, by("ops1", None), Delivery::Applying, ""));
    assert!(bench.screen().contains("3333  resuming…"), "{}", bench.screen());
    bench.told(ended(&view, Outcome::Approved, by("ops1", None), Delivery::Applied, "resumed, confirmed"));
    assert!(bench.screen().contains("3333  resumed 13:02:44, confirmed"), "{}", bench.screen());
    let failed = "resume failed: still paused";
    bench.told(ended(&view, Outcome::Approved, by("ops1", None), Delivery::Failed, failed));
    assert!(bench.screen().contains("approved, but resume failed: still paused"), "{}", bench.screen());
}

#[test]
fn an_approval_is_called_out_once_and_once_more_when_half_its_time_is_over() {
    let mut bench = Bench::asking(&[open(1, "first"), draft(2)]);
    assert_eq!((bench.calls, &bench.titles[..]), (1, &[true][..]));
    bench.told(open(1, "first")).later(10_000);
    assert_eq!(bench.calls, 1);
    bench.told(open(2, "second"));
    assert_eq!(bench.calls, 2);
    bench.later(290_000).later(10_000).later(10_000);
    assert_eq!(bench.calls, 3, "both at once");
}

#[test]
fn what_was_said_about_a_line_goes_with_the_line() {
    let view = with(|card| card.confirm = Confirm::Type);
    let mut bench = Bench::with(&view);
    bench.presses("y");
    assert!(bench.screen().contains("(type 410.00 or 3333, then Enter)"), "{}", bench.screen());
    bench.told(ended(&view, Outcome::Denied, by("ops2", None), Delivery::Applied, "cancelled, confirmed"));
    assert!(!bench.screen().contains("then Enter"), "{}", bench.screen());

    let mut bench = Bench::asking(&[view, open(2, "b")]);
    bench.presses("y").presses("410,00\r");
    assert_eq!(bench.decisions.len(), 1);
    assert!(!bench.screen().contains("then Enter"), "{}", bench.screen());
}

#[test]
fn the_queue_is_in_the_order_of_every_list_and_the_pinned_card_stays() {
    let deadline = |view, text| ApprovalView { deadline: at(text), ..view };
    let risky = |n| revised(&open(n, "Buying"), |card| card.risk = Risk::High);
    let mut bench = Bench::asking(&[deadline(open(1, "a"), "2026-11-23T13:20:00Z")]);
    bench.told(deadline(open(2, "b"), "2026-11-23T13:10:00Z"));
    bench.told(deadline(risky(3), "2026-11-23T13:30:00Z"));
    let codes = |bench: &Bench| bench.console.queue.iter().map(|v| v.card.code().to_string()).collect::<Vec<_>>();
    assert_eq!(codes(&bench), ["5555", "4444", "3333"]);
    bench.presses("n");
    assert_eq!(bench.decisions[0].approval, open(1, "").card.approval, "the card under the finger");
    bench.told(ended(&open(1, "a"), Outcome::Denied, by("ops1", None), Delivery::Applied, ""));
    bench.told(deadline(open(2, "b"), "2026-11-23T13:40:00Z"));
    assert_eq!(codes(&bench), ["5555", "4444"]);
    bench.presses("n");
    assert_eq!(bench.decisions[1].approval, risky(3).card.approval, "the riskiest is next");
}

#[test]
fn a_card_in_the_queue_that_turns_late_says_so_there() {
    let mut bench = Bench::asking(&[open(1, "a"), open(2, "b")]);
    bench.told(revised(&open(2, "b"), |card| card.timing = Timing::Late));
    let screen = bench.screen();
    let row = screen.lines().find(|line| line.contains("   4444")).expect("a row");
    assert!(row.contains("LATE"), "{screen}");
}

#[test]
fn an_extension_says_how_many_are_left() {
    let view = buying();
    let mut bench = Bench::with(&view);
    bench.presses("x");
    let deadline = at("2026-11-23T13:22:11Z");
    bench.answered(view.card.approval, Ok(Decided::Extended { deadline, extensions_left: 1 }));
    assert!(bench.screen().contains("3333  now waits until 13:22:11, 1 extension left"), "{}", bench.screen());
}

#[test]
fn the_name_of_a_saved_screenshot_is_readable_at_eighty_columns() {
    let mut bench = Bench::sized((80, 24));
    bench.connected(snapshot(vec![buying()]));
    let path = "/var/lib/holdpoint/screenshots/3333-01930000-0001-0101-0101-010101010101.jpg";
    let result = Ok(Shot { path: path.to_owned(), showable: false });
    bench.input(Input::Screenshot { id: buying().card.approval, result });
    assert!(bench.screen().contains(&format!(" 3333  screenshot saved:\n  {path}\n")), "{}", bench.screen());
}

#[test]
fn a_long_sentence_in_the_history_leaves_room_for_what_it_was_about() {
    let mut bench = Bench::with(&buying());
    let over = "the task had ended before the pause took effect";
    let by = crate::control::EndedBy::Session { what: over.to_owned() };
    bench.told(ended(&buying(), Outcome::Withdrawn, by, Delivery::Applied, over));
    let said = bench.screen();
    assert_eq!(said.matches(over).count(), 1, "{said}");
    bench.typed("3");
    let screen = bench.screen();
    let row = screen.lines().find(|line| line.contains("withdrawn")).expect("a row");
    assert!(row.contains("PURCHASE") && row.contains("410.00 USD"), "{screen}");
}
