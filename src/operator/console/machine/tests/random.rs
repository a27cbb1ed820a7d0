//! Any input in any order: what must hold whatever happens.

use proptest::prelude::*;

use super::bench::Bench;
use crate::control::fixtures::{by, ended, event, open, revised, snapshot};
use crate::control::{Act, ApprovalView, Decided, Refusal, State};
use crate::gate::{ApprovalId, Delivery, Outcome, Revision};
use crate::operator::console::machine::Input;
use crate::policy::Confirm;

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
    Draws,
    Resizes(u16, u16),
    Back,
    Loses,
    Connects(Vec<u8>),
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        8 => Just(b"y".to_vec()),
        1 => Just(b"\n".to_vec()),
        1 => Just(b"m".to_vec()),
        1 => Just(b"\x1b[6~".to_vec()),
        1 => Just(b"\x1b[200~y\n\x1b[201~".to_vec()),
        1 => Just(b"\x1b[I".to_vec()),
        2 => "[ -~]".prop_map(String::into_bytes),
        1 => any::<Vec<u8>>(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => bytes().prop_map(Step::Typed),
        1 => bytes().prop_map(Step::Late),
        6 => (0u64..2500).prop_map(Step::Waits),
        2 => (1u8..5).prop_map(Step::Opens),
        1 => (1u8..5).prop_map(Step::Drafts),
        1 => (1u8..5, 2u32..5).prop_map(|(n, revision)| Step::Changes(n, revision)),
        1 => (1u8..5).prop_map(Step::Ends),
        2 => any::<bool>().prop_map(Step::Answers),
        6 => Just(Step::Draws),
        1 => (20u16..120, 5u16..50).prop_map(|(columns, rows)| Step::Resizes(columns, rows)),
        1 => Just(Step::Back),
        1 => Just(Step::Loses),
        1 => prop::collection::vec(1u8..5, 0..3).prop_map(Step::Connects),
    ]
}

/// Every fourth takes typing, every other one is long.
fn buying(n: u8) -> ApprovalView {
    revised(&open(n, "Buying"), |card| {
        if n == 4 {
            card.confirm = Confirm::Type;
        }
        if n.is_multiple_of(2) {
            card.before = (0..5).map(|n| event(&format!("step {n}"))).collect();
        }
    })
}

fn take(bench: &mut Bench, step: Step) {
    match step {
        Step::Typed(bytes) => drop(bench.typed(bytes)),
        Step::Late(bytes) => {
            let at = std::time::Duration::from_millis(bench.now);
            bench.input(Input::Typed { at, bytes, late: true });
        }
        Step::Waits(ms) => drop(bench.later(ms)),
        Step::Opens(n) => drop(bench.told(buying(n))),
        Step::Drafts(n) => {
            let view = revised(&buying(n), |card| card.revision = Revision(0));
            bench.told(ApprovalView { state: State::Draft, ..view });
        }
        Step::Changes(n, revision) => drop(bench.told(revised(&buying(n), |card| card.revision = Revision(revision)))),
        Step::Ends(n) => {
            bench.told(ended(&buying(n), Outcome::Denied, by("ops2", None), Delivery::Applied, "cancelled"));
        }
        Step::Answers(yes) => {
            let Some(decision) = bench.decisions.last() else { return };
            let (id, outcome) = (decision.approval, Outcome::Approved);
            let result = if yes { Ok(Decided::Outcome { outcome }) } else { Err(Refusal::NotPresented) };
            bench.answered(id, result);
        }
        Step::Draws => bench.draw(),
        Step::Resizes(columns, rows) => bench.input(Input::Resized { columns, rows }),
        Step::Back => bench.input(Input::Back),
        Step::Loses => bench.input(Input::Lost { why: "gone".into() }),
        Step::Connects(waiting) => drop(bench.connected(snapshot(waiting.into_iter().map(buying).collect()))),
    }
}

/// What has to be true in the moment before an input that approves.
struct Before {
    lock: Option<String>,
    lock_for_text: bool,
    pinned: Option<(ApprovalId, Revision)>,
}

impl Before {
    fn of(bench: &Bench) -> Self {
        let console = &bench.console;
        Self {
            lock: bench.lock(),
            lock_for_text: console.lock_for_text(bench.moment().mono).is_some(),
            pinned: console.on_card().map(|(pinned, view)| (pinned.id, view.card.revision)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn an_approval_comes_only_from_one_key_on_an_unlocked_card(steps in prop::collection::vec(step(), 0..120)) {
        let mut bench = Bench::sized((80, 24));
        bench.draws = false;
        let mut last = None;
        for step in steps {
            let (sent, before) = (bench.decisions.len(), Before::of(&bench));
            let is_read = matches!(&step, Step::Typed(bytes) if bytes == b"y" || bytes == b"\n");
            take(&mut bench, step.clone());
            prop_assert!(bench.decisions.len() <= sent + 1, "two decisions from one input");
            let Some(decision) = bench.decisions.get(sent) else { continue };
            prop_assert_eq!(before.pinned, Some((decision.approval, decision.revision)), "another card than the one on screen");
            if matches!(decision.act, Act::Deny { .. }) {
                continue;
            }
            prop_assert!(decision.nonce.is_some() && decision.revision > Revision(0), "{:?}", decision);
            if decision.act == Act::Extend {
                continue;
            }
            prop_assert!(is_read, "{:?} by {:?}", decision, step);
            prop_assert!(!before.lock_for_text, "{:?} while locked: {:?}", decision, before.lock);
            prop_assert!(decision.typed.is_some() || decision.act != Act::approve() || before.lock.is_none(), "{:?}", before.lock);
            let again = last.is_none_or(|at| bench.now >= at + 750);
            prop_assert!(again, "two approvals without an arming time between");
            last = Some(bench.now);
        }
    }

    #[test]
    fn any_screen_is_whole_and_shows_only_what_can_be_seen(
        text in any::<String>(), columns in 20u16..140, rows in 4u16..60, page in "[123?d]", keys in "[jr ]{0,3}",
    ) {
        let view = revised(&open(1, &text), |card| {
            card.title = Some(text.clone());
            card.goal = Some(text.clone());
        });
        let mut bench = Bench::sized((columns, rows));
        bench.connected(snapshot(vec![view.clone(), open(2, "another")]));
        bench.told(ended(&view, Outcome::Denied, by("ops2", Some(&text)), Delivery::Failed, &text));
        bench.presses(&page).presses(&keys);
        let screen = bench.screen();
        prop_assert!(screen.chars().all(|c| !c.is_control() || c == '\n'), "{:?}", screen);
        prop_assert_eq!(screen.lines().count().max(1), usize::from(rows), "{}", screen);
    }
}
