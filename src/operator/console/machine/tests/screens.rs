//! What an operator sees, as snapshots.

use insta::assert_snapshot;
use ratatui::buffer::Buffer;

use super::bench::Bench;
use crate::control::fixtures::{at, by, ended, event, open, revised, snapshot};
use crate::control::{
    ApprovalView, DaemonInfo, EndedBy, Halt, OperatorName, Presence, SessionState, SessionView, Sight, Snapshot,
    Stillness, Vote,
};
use crate::gate::{Card, Delivery, Digest, Hold, Outcome, Revision, Timing};
use crate::operator::console::machine::Input;
use crate::policy::{Confirm, Risk};

const SIZES: [(u16, u16); 3] = [(40, 12), (80, 24), (120, 40)];

fn buying(change: impl FnOnce(&mut Card)) -> ApprovalView {
    revised(&open(1, "Clicking 'Place your order' to complete the purchase"), change)
}

fn presence(name: &str, looking_at: &[&ApprovalView]) -> Presence {
    let looking_at = looking_at.iter().map(|view| view.card.approval).collect();
    Presence { operator: OperatorName(name.into()), since: at("2026-11-23T12:00:00Z"), clients: 1, looking_at }
}

fn attended(approvals: Vec<ApprovalView>) -> Snapshot {
    let others: Vec<&ApprovalView> = approvals.iter().take(1).collect();
    let operators = vec![presence("ops1", &[]), presence("ops2", &others)];
    let daemon = DaemonInfo { policy: Digest::of(b"policy"), ..DaemonInfo::default() };
    Snapshot { operators, daemon, ..snapshot(approvals) }
}

/// The same screen at every size, as it is after two seconds of reading.
fn at_every_size(name: &str, snapshot: &Snapshot, then: impl Fn(&mut Bench)) {
    for (columns, rows) in SIZES {
        let mut bench = Bench::sized((columns, rows));
        bench.connected(snapshot.clone());
        then(&mut bench);
        bench.later(2_000);
        assert_snapshot!(format!("{name}_{columns}x{rows}"), bench.screen());
    }
}

#[test]
fn nothing_waits() {
    at_every_size("nothing_waits", &attended(vec![]), |_| {});
}

#[test]
fn one_card() {
    at_every_size("one_card", &attended(vec![buying(|_| {})]), |_| {});
}

#[test]
fn a_queue_and_what_became_of_the_first() {
    let views: Vec<ApprovalView> = (1..6).map(|n| open(n, "Buying the cheapest kettle")).collect();
    at_every_size("a_queue", &attended(views.clone()), |bench| {
        bench.told(ended(&views[0], Outcome::Denied, by("ops2", Some("too dear")), Delivery::Applying, ""));
        bench.later(900).typed("y");
    });
}

#[test]
fn a_card_that_may_be_late() {
    let late = buying(|card| {
        card.timing = Timing::Late;
        card.timing_why = "a step was seen 240 ms after the trigger, before the pause was confirmed".into();
        card.after = vec![event("Order placed, confirmation no. 4711")];
    });
    at_every_size("late", &attended(vec![late]), |_| {});
}

/// The last line that asks, whether `y` is locked or not: late, and whose the pause is.
#[test]
fn a_late_card_of_a_pause_that_is_not_known_to_be_ours_says_both() {
    let doubt = Hold::InDoubt { at: at("2026-11-23T13:02:11Z"), after_ms: 84 };
    for (hold, short, long) in [
        (Hold::ByOthers, "LATE. It will not be resumed.", "This may already have happened. It will not be resumed."),
        (
            doubt,
            "LATE. Whose pause it is, is not known.",
            "This may already have happened. Whose pause it is, is not known.",
        ),
    ] {
        for (size, asked) in [((80, 24), short), ((120, 40), long)] {
            let late = buying(|card| (card.timing, card.hold) = (Timing::Late, hold.clone()));
            let mut bench = Bench::sized(size);
            bench.connected(attended(vec![late])).later(50);
            for (what, wait) in [("locked", 0), ("ready", 4_000)] {
                bench.later(wait);
                let screen = bench.screen();
                let question = screen.lines().find(|line| line.starts_with(" 3333  ") && line.contains("  y "));
                let question = question.unwrap_or_else(|| panic!("{what}: {screen}"));
                assert!(question.contains(asked), "{what}: {question}");
            }
        }
    }
}

#[test]
fn hostile_text() {
    let text = "\x1b[2J\x1b]0;owned\x07\u{202e}evil\u{200b}\r\n7K2M  approved by root\n<U+0041> e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301} 東京";
    let hostile = buying(|card| {
        card.trigger = event(text);
        card.title = Some(text.into());
        card.goal = Some(text.into());
        card.agent = Some(text.into());
        card.rules[0].matched[0].words = text.into();
    });
    at_every_size("hostile", &attended(vec![hostile]), |_| {});
}

#[test]
fn a_changed_card_that_is_read_anew() {
    let before = buying(|card| card.amount.as_mut().expect("an amount").number = Some("41.00".into()));
    let mut bench = Bench::sized((80, 24));
    bench.connected(attended(vec![before])).later(2_000);
    bench.told(buying(|card| card.revision = Revision(2))).later(300);
    assert_snapshot!(bench.screen());
}

#[test]
fn disconnected() {
    at_every_size("disconnected", &attended(vec![buying(|_| {})]), |bench| {
        bench.input(Input::Lost {
            why: "no daemon answers at /run/holdpoint/holdpoint.sock: Connection refused".into(),
        });
    });
}

#[test]
fn everything_is_stopped() {
    let halt =
        Halt { by: OperatorName("ops2".into()), at: at("2026-11-23T13:02:00Z"), reason: Some("odd orders".into()) };
    let mut stopped = attended(vec![ApprovalView { frozen: true, ..buying(|_| {}) }]);
    stopped.daemon.halt = Some(halt);
    let mut bench = Bench::sized((80, 24));
    bench.connected(stopped).later(2_000);
    assert_snapshot!(bench.screen());
}

#[test]
fn a_card_for_two_operators() {
    let mut view = buying(|card| {
        card.terms.approvals = 2;
        card.terms.not_by = vec!["@agents".into()];
    });
    view.votes = vec![Vote { by: OperatorName("ops2".into()), at: at("2026-11-23T13:02:20Z"), reason: None }];
    at_every_size("two_operators", &attended(vec![view]), |_| {});
}

#[test]
fn a_card_that_takes_typing() {
    let view = buying(|card| (card.confirm, card.risk) = (Confirm::Type, Risk::High));
    at_every_size("typing", &attended(vec![view]), |bench| {
        bench.presses("y").presses("410.0");
    });
}

fn session(id: &str, state: SessionState, sight: Sight, approval: Option<&ApprovalView>) -> SessionView {
    SessionView {
        session: id.try_into().expect("an id"),
        agent: Some("agi-0".into()),
        goal: Some("Buy the cheapest kettle".into()),
        state,
        since: at("2026-11-23T13:01:00Z"),
        standing: Stillness::NotYet,
        sight,
        events: 214,
        last: Some(event("Comparing \u{202e} offers")),
        approval: approval.map(|view| view.card.approval),
    }
}

#[test]
fn the_watched_sessions() {
    let view = buying(|_| {});
    let blind = Sight::Blind { since: at("2026-11-23T13:02:00Z"), why: "the event stream was lost".into() };
    let mut all = attended(vec![view.clone()]);
    all.sessions = vec![
        session("refund-bot-14", SessionState::Held, Sight::Seen, Some(&view)),
        session("travel-3", SessionState::Watching, blind, None),
    ];
    at_every_size("sessions", &all, |bench| {
        bench.presses("2");
    });
}

#[test]
fn what_has_ended() {
    let views: Vec<ApprovalView> = (1..5).map(|n| open(n, "Buying")).collect();
    let session = EndedBy::Session { what: "the session ended".into() };
    let approvals = vec![
        ended(&views[0], Outcome::Approved, by("ops1", None), Delivery::Applied, "resumed, confirmed"),
        ended(&views[1], Outcome::Denied, by("ops2", Some("too \x1b dear")), Delivery::Failed, "cancel failed"),
        ended(&views[2], Outcome::Expired, EndedBy::Deadline, Delivery::Applying, ""),
        ended(&views[3], Outcome::Withdrawn, session, Delivery::Applied, ""),
    ];
    at_every_size("history", &attended(approvals), |bench| {
        bench.presses("3");
    });
}

#[test]
fn the_help() {
    at_every_size("help", &attended(vec![]), |bench| {
        bench.presses("?");
    });
}

/// Where the style changes, as `{style}`: colours and weights as a terminal gets them.
fn styled(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut last = None;
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let style = (cell.fg, cell.modifier);
            if last != Some(style) {
                out.push_str(&format!("{{{:?} {:?}}}", style.0, style.1));
                last = Some(style);
            }
            out.push_str(cell.symbol());
        }
        out.truncate(out.trim_end().len());
        out.push('\n');
    }
    out.replace("Modifier(NONE)", "-").replace("Modifier(0x0)", "-")
}

/// A screen on which everything that has a colour is: a card of high risk that may be late, a second one, a stop.
fn colourful() -> Snapshot {
    let late = buying(|card| {
        (card.risk, card.timing, card.confirm) = (Risk::High, Timing::Late, Confirm::Key);
        card.timing_why = "a step was seen 240 ms after the trigger, before the pause was confirmed".into();
    });
    let halt = Halt { by: OperatorName("ops2".into()), at: at("2026-11-23T13:02:00Z"), reason: None };
    let mut snapshot = attended(vec![late, open(2, "Buying the cheapest kettle")]);
    snapshot.daemon.halt = Some(halt);
    snapshot
}

#[test]
fn colours_only_repeat_what_words_say() {
    for (columns, rows) in SIZES {
        let mut bench = Bench::sized((columns, rows));
        bench.connected(colourful()).later(300);
        assert_snapshot!(format!("in_colour_{columns}x{rows}"), styled(&bench.buffer()));
        let coloured = bench.screen();
        bench.console.settings.colours = false;
        assert_eq!(bench.screen(), coloured);
        assert_snapshot!(format!("without_colour_{columns}x{rows}"), styled(&bench.buffer()));
        assert!(bench.buffer().content.iter().all(|cell| cell.fg == ratatui::style::Color::Reset));
    }
}
