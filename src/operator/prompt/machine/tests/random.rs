//! Any input in any order: what must hold whatever happens.

use std::time::Duration;

use proptest::prelude::*;

use super::bench::Bench;
use crate::control::fixtures::{by, ended, open, revised};
use crate::control::{Act, ApprovalView, Decided, Refusal, State};
use crate::gate::card::Then;
use crate::gate::{Delivery, Outcome, Revision};
use crate::operator::keys::{Key, Keys};
use crate::operator::prompt::machine::Input;
use crate::policy::{Confirm, OnDeny};

#[derive(Clone, Debug)]
enum Step {
    Typed(Vec<u8>),
    Late(Vec<u8>),
    Waits(u64),
    Opens(u8),
    Drafts(u8),
    Changes(u8, u32),
    Ends(u8),
    Answers(bool),
    Logs(String),
    Draws,
    Back,
    /// The connection is lost and made again; then this waits, or nothing.
    Reconnects(Option<u8>),
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => Just(b"y".to_vec()),
        4 => Just(b"\n".to_vec()),
        1 => Just(b"y\n".to_vec()),
        1 => Just(b"n\n".to_vec()),
        1 => Just(b"m go on".to_vec()),
        1 => Just(b"410".to_vec()),
        1 => Just(b"3333".to_vec()),
        1 => Just(b"q".to_vec()),
        1 => Just(b"\x15".to_vec()),
        1 => Just(b"\x7f".to_vec()),
        1 => Just(b"\x1b[200~y\n\x1b[201~".to_vec()),
        2 => any::<Vec<u8>>(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => bytes().prop_map(Step::Typed),
        1 => bytes().prop_map(Step::Late),
        4 => (0u64..2000).prop_map(Step::Waits),
        2 => (1u8..4).prop_map(Step::Opens),
        1 => (1u8..4).prop_map(Step::Drafts),
        1 => (1u8..4, 2u32..5).prop_map(|(n, revision)| Step::Changes(n, revision)),
        1 => (1u8..4).prop_map(Step::Ends),
        2 => any::<bool>().prop_map(Step::Answers),
        1 => any::<String>().prop_map(Step::Logs),
        3 => Just(Step::Draws),
        1 => Just(Step::Back),
        1 => prop::option::of(1u8..4).prop_map(Step::Reconnects),
    ]
}

/// Every second one takes typing; saying no to the second lets the agent go on.
fn buying(n: u8) -> ApprovalView {
    let confirm = if n % 2 == 1 { Confirm::Type } else { Confirm::Key };
    revised(&open(n, "Buying"), |card| {
        card.confirm = confirm;
        if n == 2 {
            card.then = Then { deny: OnDeny::Instruct, refusal: Some("No.".to_owned()), ..card.then.clone() };
        }
    })
}

fn take(bench: &mut Bench, step: Step) {
    match step {
        Step::Typed(bytes) => drop(bench.typed(bytes)),
        Step::Late(bytes) => {
            let at = Duration::from_millis(bench.now);
            bench.input(Input::Typed { at, bytes, late: true });
        }
        Step::Waits(ms) => drop(bench.later(ms)),
        Step::Opens(n) => drop(bench.told(buying(n))),
        Step::Drafts(n) => {
            let mut view = revised(&buying(n), |card| card.revision = Revision(0));
            view.state = State::Draft;
            bench.told(view);
        }
        Step::Changes(n, revision) => {
            bench.told(revised(&buying(n), |card| card.revision = Revision(revision)));
        }
        Step::Ends(n) => {
            bench.told(ended(&buying(n), Outcome::Denied, by("ops2", None), Delivery::Applied, "done"));
        }
        Step::Answers(yes) => {
            let Some(decision) = bench.decisions.last() else { return };
            let (id, outcome) = (decision.approval, Outcome::Approved);
            let result = if yes { Ok(Decided::Outcome { outcome }) } else { Err(Refusal::NotPresented) };
            bench.input(Input::Decided { id, result });
        }
        Step::Logs(line) => bench.input(Input::Log(line)),
        Step::Draws => bench.draw(),
        Step::Back => bench.input(Input::Back),
        Step::Reconnects(opens) => {
            bench.input(Input::Away { why: "lost".to_owned() });
            let views = opens.map(buying).into_iter().collect();
            bench.input(Input::Snapshot(Box::new(crate::control::fixtures::snapshot(views))));
        }
    }
}

proptest! {
    #[test]
    fn what_lets_a_session_go_on_always_follows_a_fresh_question_that_was_armed(steps in prop::collection::vec(step(), 0..80)) {
        let mut bench = Bench::new();
        bench.draws = false;
        let mut last = None;
        // When the line that is being typed was begun, as somebody beside the terminal sees it.
        let (mut keys, mut begun) = (Keys::default(), None);
        for step in steps {
            if !bench.ends.is_empty() {
                // Whoever has left types to nobody here any more: the terminal is read no further.
                break;
            }
            let before = bench.decisions.len();
            let mut line = bench.now;
            if let Step::Typed(bytes) | Step::Late(bytes) = &step {
                for key in keys.read(bytes, Duration::from_millis(bench.now)) {
                    match key {
                        Key::Char(_) | Key::Tab => drop(begun.get_or_insert(bench.now)),
                        Key::KillLine => begun = None,
                        Key::Enter => {
                            line = begun.take().unwrap_or(bench.now);
                            break;
                        }
                        _ => {}
                    }
                }
            }
            take(&mut bench, step);
            prop_assert!(bench.decisions.len() <= before + 1, "two decisions from one input");
            let Some(sent) = bench.decisions.get(before) else { continue };
            let drawn = bench.drawn_at.expect("a question on screen");
            prop_assert!(line >= drawn, "decided by a line that was begun before its question");
            let is_releasing = sent.approval == buying(2).card.approval;
            if matches!(sent.act, Act::Extend) || (matches!(sent.act, Act::Deny { .. }) && !is_releasing) {
                continue;
            }
            prop_assert!(line >= drawn + 750, "approved by a line that was begun too soon");
            prop_assert!(sent.nonce.is_some() && sent.revision > Revision(0), "{sent:?}");
            prop_assert!(last.is_none_or(|at| bench.now >= at + 750), "two approvals without an arming time between");
            last = Some(bench.now);
        }
        let shown = bench.screen.chars().all(|c| !c.is_control() || c == '\n' || c == '\u{8}');
        prop_assert!(shown, "{:?}", bench.screen);
    }
}
