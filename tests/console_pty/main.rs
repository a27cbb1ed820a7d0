//! The console on a real pseudo-terminal and a real socket: typed-ahead, bursts, pastes, other operators, accidental keys,
//! and every way out.

#[path = "../support/cards.rs"]
mod cards;
mod child;
#[path = "../support/pty.rs"]
mod pty;
mod trials;

use std::num::NonZeroU16;
use std::thread::sleep;
use std::time::{Duration, Instant};

use pty::Pty;
use rustix::process::Signal;

/// The question while `y` approves; the card itself says what `y` does at all times.
const ARMED: &str = "approve?  y resumes";

fn decisions(pty: &Pty) -> Vec<String> {
    pty.ledger().into_iter().filter(|line| !line.starts_with("END")).collect()
}

fn leave(mut pty: Pty) {
    // What is typed just when a card appears is thrown away, so that one key may not be enough.
    while !pty.has_ended() {
        pty.typed("q");
        for _ in 0..100 {
            if pty.has_ended() {
                break;
            }
            sleep(ms(10));
        }
    }
    assert!(pty.ends_clean().contains("END Left"));
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

#[test]
fn y_on_a_card_that_was_read_approves_it_and_what_became_of_it_is_shown() {
    let mut pty = Pty::start("one");
    pty.shows("y is locked: reading");
    assert!(pty.screen().alternate_screen() && pty.screen().bracketed_paste());
    pty.shows(ARMED);
    pty.typed("y");
    pty.shows("3333  resumed ");
    assert_eq!(decisions(&pty), ["3333 Approve { reason: None }"]);
    pty.shows("nothing waits for an answer");
    leave(pty);
}

#[test]
fn what_is_typed_around_the_arrival_of_a_card_approves_nothing() {
    for before in [500, 50] {
        let mut pty = Pty::start("arrives");
        pty.shows("nothing waits for an answer");
        pty.typed("y");
        sleep(ms(before));
        pty.go();
        pty.shows(ARMED);
        assert_eq!(decisions(&pty), [""; 0], "{before} ms before");
        leave(pty);
    }
    for after in [50, 600] {
        let mut pty = Pty::start("arrives");
        pty.shows("nothing waits for an answer");
        pty.go();
        let published = Instant::now();
        sleep(ms(after));
        let in_time = published.elapsed() < ms(700);
        pty.typed("y");
        pty.shows("approve?");
        pty.shows(ARMED);
        assert!(!in_time || decisions(&pty).is_empty(), "{after} ms after");
        leave(pty);
    }
}

#[test]
fn nine_hundred_milliseconds_after_the_card_it_can_be_approved() {
    let mut pty = Pty::start("arrives");
    pty.shows("nothing waits for an answer");
    pty.go();
    let published = Instant::now();
    pty.shows(ARMED);
    assert!(published.elapsed() >= ms(700), "armed after {:?}", published.elapsed());
    sleep(ms(900).saturating_sub(published.elapsed()));
    pty.typed("y");
    pty.shows("resumed ");
    assert_eq!(decisions(&pty).len(), 1);
    leave(pty);
}

#[test]
fn a_burst_of_forty_y_approves_nothing() {
    let mut pty = Pty::start("one");
    pty.shows("approve?");
    for _ in 0..40 {
        pty.typed("y");
        sleep(ms(30));
    }
    assert_eq!(decisions(&pty), [""; 0]);
    pty.shows(ARMED);
    pty.typed(&"y".repeat(40));
    pty.shows("several keys at once");
    pty.shows(ARMED);
    assert_eq!(decisions(&pty), [""; 0]);
    leave(pty);
}

#[test]
fn a_paste_decides_nothing() {
    let mut pty = Pty::start("one");
    pty.shows(ARMED);
    pty.typed("\x1b[200~y\x1b[201~");
    pty.shows("pasted text decides nothing");
    pty.typed("\x1b[200~n\r\x1b[201~");
    pty.shows(ARMED);
    assert_eq!(decisions(&pty), [""; 0]);
    leave(pty);
}

#[test]
fn another_operator_who_answers_first_takes_the_card_from_under_the_finger() {
    let mut pty = Pty::start("ends");
    pty.shows(ARMED);
    pty.go();
    pty.shows("was denied by ops2");
    pty.typed("y");
    pty.shows(ARMED);
    assert_eq!(decisions(&pty), [""; 0]);
    leave(pty);
}

#[test]
fn a_card_that_changes_while_armed_is_locked_again_and_says_what_changed() {
    let mut pty = Pty::start("changes");
    pty.shows(ARMED);
    pty.go();
    let screen = pty.shows("CHANGED total 410.00 USD → 4100.00 USD");
    assert!(screen.contains("y is locked: changed"), "{screen}");
    pty.typed("y");
    pty.shows(ARMED);
    assert_eq!(decisions(&pty), [""; 0]);
    leave(pty);
}

#[test]
fn three_cards_and_three_fast_y_are_one_approval_at_most() {
    let mut pty = Pty::start("three");
    pty.shows(ARMED);
    for _ in 0..3 {
        pty.typed("y");
        sleep(ms(120));
    }
    pty.shows("3333  resumed ");
    pty.shows(ARMED);
    assert_eq!(decisions(&pty), ["3333 Approve { reason: None }"]);
    leave(pty);
}

#[test]
fn a_daemon_that_goes_and_comes_back_locks_the_card_and_it_is_read_anew() {
    let mut pty = Pty::start("restarts");
    pty.shows(ARMED);
    pty.go();
    pty.shows("DISCONNECTED since");
    pty.typed("y");
    pty.shows("y is locked: disconnected");
    pty.go();
    pty.shows("connected again");
    pty.shows(ARMED);
    assert_eq!(decisions(&pty), [""; 0]);
    pty.typed("y");
    pty.shows("resumed ");
    leave(pty);
}

#[test]
fn hostile_text_reaches_the_terminal_as_text() {
    let mut pty = Pty::start("hostile");
    let screen = pty.shows("<U+001B>[2J<U+001B>]0;owned<U+0007><U+202E>evil<U+200B><U+000D> ⏎");
    assert!(screen.contains("<U+003C>U+0041>"), "{screen}");
    assert!(!pty.seen.contains("\x1b]0;owned"), "the title was taken over");
    leave(pty);
}

#[test]
fn a_screenshot_is_named_and_shown_only_where_the_terminal_is_known_to_show_it() {
    // base64 of child::PICTURE; the window has 50 rows, of which six are left to the words around it.
    let kitty = "\x1b[2;1H\x1b_Ga=T,f=100,q=2,r=44,m=0;iVBORw0KGgpyZXN0\x1b\\";
    let iterm =
        "\x1b[2;1H\x1b]1337;File=inline=1;size=12;width=100;height=44;preserveAspectRatio=1:iVBORw0KGgpyZXN0\x07";
    for (variables, shown) in [
        ([("TERM", "xterm-kitty")].as_slice(), Some((kitty, "\x1b_Ga=d,d=A,q=2\x1b\\"))),
        (&[("TERM_PROGRAM", "iTerm.app")], Some((iterm, ""))),
        (&[("TERM", "xterm-256color")], None),
        (&[("TERM", "xterm-kitty"), ("TMUX", "/tmp/x,1,0")], None),
    ] {
        let mut pty = Pty::start_in("one", variables);
        pty.shows(ARMED);
        pty.typed("s");
        if let Some((picture, gone)) = shown {
            let at = pty.wait(picture);
            sleep(ms(500));
            pty.typed(" ");
            pty.wait_after(at, gone);
        }
        pty.shows("screenshot saved: ");
        pty.shows(ARMED);
        let pictures = ["\x1b_G", "\x1b]1337"].map(|start| pty.seen.contains(start));
        assert_eq!(pictures.contains(&true), shown.is_some(), "{variables:?}");
        assert_eq!(decisions(&pty), [""; 0], "{variables:?}");
        leave(pty);
    }
}

#[test]
fn a_reason_is_typed_with_a_cursor_and_sent_with_the_denial() {
    let mut pty = Pty::start("one");
    pty.shows(ARMED);
    assert!(pty.screen().hide_cursor());
    pty.typed("r");
    pty.shows("deny, because:");
    sleep(ms(600));
    for letter in ["t", "o", "o", " ", "d", "e", "a", "r"] {
        pty.typed(letter);
        sleep(ms(20));
    }
    pty.shows("deny, because: too dear");
    assert!(!pty.screen().hide_cursor());
    let (row, column) = pty.screen().cursor_position();
    let line = pty.screen().contents().lines().nth(usize::from(row)).map(str::to_owned).expect("a line");
    assert_eq!(line.trim_end().chars().count(), usize::from(column), "{line:?}");
    pty.typed("\r");
    pty.shows("3333  cancelled ");
    assert_eq!(decisions(&pty), [r#"3333 Deny { reason: Some("too dear") }"#]);
    leave(pty);
}

#[test]
fn the_smallest_window_is_usable_and_a_smaller_one_says_so() {
    let size = |n| NonZeroU16::new(n).expect("not zero");
    let mut pty = Pty::start_at("one", None, (size(12), size(40)));
    pty.shows("y locked: read to the end");
    for _ in 0..8 {
        pty.typed("\x1b[6~");
        sleep(ms(30));
    }
    pty.shows("3333  y resumes");
    pty.resize(11, 39);
    pty.shows("a card needs a window of 40 × 12");
    pty.resize(12, 40);
    pty.shows("3333  y resumes");
    pty.typed("y");
    pty.shows("resumed ");
    leave(pty);
}

#[test]
fn every_signal_that_ends_gives_the_terminal_back_and_nothing_typed_spills() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT, Signal::HUP] {
        let mut pty = Pty::start("one");
        // What is typed before the terminal has been emptied is not seen at all.
        pty.shows(ARMED);
        pty.typed("rm -f important");
        pty.shows("several keys at once");
        pty.signal(signal);
        pty.ends_clean();
    }
    let mut pty = Pty::start("one");
    pty.shows("approve?");
    pty.typed("\x03");
    assert!(pty.ends_clean().contains("END Stopped"), "Ctrl-C at the terminal");
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let mut pty = Pty::start("panic");
    pty.shows("approve?");
    pty.go();
    assert!(pty.ends_clean().contains("a bug"));
}

#[test]
fn ctrl_z_gives_the_terminal_back_and_fg_draws_everything_anew() {
    let mut pty = Pty::start("one");
    pty.shows(ARMED);
    pty.typed("\x1a");
    pty.wait_stopped();
    // It was written before the process stopped, and may be read after.
    pty.wait_screen("approve?", false);
    pty.is_as_before();
    assert!(!pty.screen().alternate_screen());
    pty.signal(Signal::CONT);
    pty.shows("y is locked: reading");
    assert!(pty.screen().alternate_screen());
    pty.shows(ARMED);
    leave(pty);
}

#[test]
fn a_terminal_that_vanishes_ends_it_and_decides_nothing() {
    let mut pty = Pty::start_until("one", Some("y is locked: reading"));
    pty.shows("y is locked: reading");
    pty.typed("y");
    assert_eq!(pty.hang_up(), "END TerminalGone\n");
}
