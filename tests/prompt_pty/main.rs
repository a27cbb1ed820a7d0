//! The prompt on a real pseudo-terminal: typed-ahead, pastes, end of input, hostile text, and every way out.

#[path = "../support/cards.rs"]
mod cards;
mod child;
#[path = "../support/pty.rs"]
mod pty;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use pty::Pty;
use rustix::process::Signal;

/// Once the question that is put after `at` is armed, `y` approves, and nothing else was decided before.
fn approves_once(mut pty: Pty, at: usize) {
    pty.armed(at);
    pty.typed("y");
    pty.typed("\r");
    pty.wait("3333  resumed, confirmed");
    assert_eq!(pty.ledger(), ["3333 Approve { reason: None }"]);
    pty.typed("\x04");
    assert!(pty.ends_clean().contains("END Eof"));
}

#[test]
fn what_was_typed_before_the_question_decides_nothing() {
    let mut pty = Pty::start("one");
    pty.typed("y\r");
    pty.wait("running 1 test");
    pty.typed("y\r");
    let at = pty.wait("approve? [y/n/?] > ");
    pty.typed("y\r");
    let at = pty.wait_after(at, "discarded");
    assert_eq!(pty.ledger(), [""; 0]);
    pty.armed(at);
    pty.typed("n too dear\r");
    pty.wait("3333  cancelled, confirmed");
    assert_eq!(pty.ledger(), [r#"3333 Deny { reason: Some("too dear") }"#]);
    pty.typed("q\r");
    assert!(pty.ends_clean().contains("END Left"));
}

#[test]
fn a_line_begun_before_the_question_can_be_answered_is_discarded_and_one_begun_after_counts() {
    for after in [50, 600] {
        let mut pty = Pty::start("one");
        let at = pty.wait("approve? [y/n/?] > ");
        let asked = Instant::now();
        sleep(Duration::from_millis(after));
        // The question was there before it was seen, so a stall here can only make this line count.
        let too_early = asked.elapsed() < Duration::from_millis(700);
        pty.typed("y\r");
        if too_early {
            let at = pty.wait_after(at, "discarded");
            assert_eq!(pty.ledger(), [""; 0], "{after} ms after");
            pty.wait_after(at, "approve? [y/n/?] > ");
        }
        pty.leaves();
    }
    let mut pty = Pty::start("one");
    pty.wait("approve? [y/n/?] > ");
    sleep(Duration::from_millis(900));
    pty.typed("y");
    pty.typed("\r");
    pty.wait("3333  resumed, confirmed");
    assert_eq!(pty.ledger(), ["3333 Approve { reason: None }"]);
    pty.typed("\x04");
    pty.ends_clean();
}

#[test]
fn a_paste_decides_nothing_and_y_does() {
    let mut pty = Pty::start("one");
    let at = pty.armed(0);
    assert!(pty.screen().bracketed_paste());
    pty.typed("\x1b[200~y\r\x1b[201~\r");
    let at = pty.wait_after(at, "pasted text never decides");
    let at = pty.armed(at);
    pty.typed("y\ry\ry\r");
    let at = pty.wait_after(at, "like a paste; discarded");
    assert_eq!(pty.ledger(), [""; 0]);
    approves_once(pty, at);
}

#[test]
fn three_cards_and_three_fast_y_give_one_approval_at_most() {
    let mut pty = Pty::start("three");
    pty.armed(0);
    let mut at = 0;
    for _ in 0..3 {
        pty.typed("y");
        pty.typed("\r");
    }
    if !pty.ledger().is_empty() {
        at = pty.wait("3333  resumed, confirmed");
    }
    pty.armed(at);
    assert!(pty.ledger().len() <= 1, "{:?}", pty.ledger());
    pty.typed("\x04");
    pty.ends_clean();
}

#[test]
fn hostile_text_reaches_the_terminal_as_text() {
    let mut pty = Pty::start("hostile");
    pty.armed(0);
    let shown = pty.screen().contents();
    assert!(shown.contains("running 1 test"), "the screen was cleared:\n{shown}");
    assert!(shown.contains("<U+001B>[2J<U+001B>]0;owned<U+0007><U+202E>evil<U+200B><U+000D> ⏎"), "{shown}");
    assert!(shown.contains("<U+003C>U+0041>"), "{shown}");
    assert!(!shown.lines().any(|line| line.trim_start().starts_with("7K2M  approved")), "{shown}");
    pty.typed("\x04");
    pty.ends_clean();
}

#[test]
fn a_log_line_is_printed_above_the_question_and_what_was_typed() {
    let mut pty = Pty::start("chatty");
    pty.armed(0);
    pty.typed("n too d");
    pty.wait("INFO a log line from the daemon\r\n3333  approve? [y/n/?] > n too d");
    pty.typed("ear\r");
    pty.wait("3333  cancelled, confirmed");
    assert_eq!(pty.ledger(), [r#"3333 Deny { reason: Some("too dear") }"#]);
    pty.signal(Signal::TERM);
    pty.ends_clean();
}

#[test]
fn every_signal_that_ends_gives_the_terminal_back_and_nothing_typed_spills() {
    for signal in [Signal::TERM, Signal::INT, Signal::QUIT] {
        let mut pty = Pty::start("one");
        pty.armed(0);
        pty.typed("rm -rf important");
        pty.wait("> rm -rf important");
        pty.signal(signal);
        assert!(pty.ends_clean().contains("END Stopped"), "{signal:?}");
    }
}

#[test]
fn control_c_at_the_terminal_ends_like_any_interrupt() {
    let mut pty = Pty::start("one");
    pty.wait("approve? [y/n/?] > ");
    pty.typed("\x03");
    assert!(pty.ends_clean().contains("END Stopped"));
}

#[test]
fn a_panic_gives_the_terminal_back_before_it_is_printed() {
    let pty = Pty::start("panic");
    let seen = pty.ends_clean();
    let (restored, bug) = (seen.find("\x1b[?2004l").expect("restored"), seen.find("a bug").expect("printed"));
    assert!(restored < bug, "{seen}");
}

#[test]
fn a_hang_up_signal_with_a_live_terminal_is_none_of_the_prompts_business() {
    let mut pty = Pty::start("one");
    let at = pty.armed(0);
    pty.signal(Signal::HUP);
    pty.typed("l\r");
    let at = pty.wait_after(at, "session refund-bot-14");
    pty.armed(at);
    pty.typed("\x04");
    assert!(pty.ends_clean().contains("END Eof"));
}

#[test]
fn a_terminal_that_takes_no_output_holds_up_nobody() {
    let mut pty = Pty::start("blocked");
    pty.armed(0);
    pty.typed("\x13");
    pty.typed("d\r");
    pty.signal(Signal::TERM);
    pty.wait_ledger("END Stopped");
    pty.is_as_before();
    pty.typed("\x11");
    pty.wait_exit();
}

#[test]
fn without_a_terminal_nothing_is_asked_and_nothing_is_read() {
    let ledger = tempfile::NamedTempFile::new().expect("a file");
    let mut child = Command::new(std::env::current_exe().expect("this test"))
        .args(["--ignored", "--exact", "child::child", "--nocapture", "--quiet"])
        .env(child::SCENARIO, "one")
        .env(child::LEDGER, ledger.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the child");
    let mut typed = child.stdin.take().expect("a pipe");
    typed.write_all(b"y\ny\n3333\n410.00\n").expect("room");
    let mut said = String::new();
    BufReader::new(child.stderr.take().expect("a pipe")).read_line(&mut said).expect("a line");
    assert!(said.starts_with("3333 waits for an answer (session refund-bot-14); no answer by "), "{said}");
    assert!(said.contains("start holdpoint at a terminal to answer"), "{said}");
    let unread = rustix::io::ioctl_fionread(&typed).expect("a pipe");
    assert_eq!((unread, std::fs::read_to_string(ledger.path()).expect("a file")), (16, String::new()));
    child.kill().expect("it lives");
    child.wait().expect("a child");
}

#[test]
fn a_vanished_terminal_ends_the_prompt() {
    let pty = Pty::start_until("one", Some("approve? [y/n/?] > "));
    assert_eq!(pty.hang_up(), "END TerminalGone\n");
}

#[test]
fn suspended_the_terminal_is_given_back_and_continued_the_question_is_put_anew() {
    let mut pty = Pty::start("one");
    let at = pty.armed(0);
    pty.typed("y\x1a");
    pty.wait_stopped();
    pty.is_as_before();
    pty.signal(Signal::CONT);
    let at = pty.wait_after(at, "still waits");
    pty.typed("\r");
    let at = pty.armed(at);
    pty.typed("\r");
    let at = pty.armed(at);
    assert_eq!(pty.ledger(), [""; 0]);
    pty.typed("y\r");
    pty.wait_after(at, "3333  resumed, confirmed");
    assert_eq!(pty.ledger(), ["3333 Approve { reason: None }"]);
    pty.typed("q\r");
    pty.ends_clean();
}

#[test]
fn a_connection_that_is_cut_is_made_again_and_what_was_being_typed_answers_nothing() {
    let mut pty = Pty::start("cut");
    let at = pty.armed(0);
    pty.typed("y");
    let at = pty.wait_after(at, "y");
    pty.signal(Signal::USR1);
    let at = pty.wait_after(at, "the connection to the daemon was lost");
    let at = pty.wait_after(at, "connected again");
    let at = pty.armed(at);
    pty.typed("\r");
    let at = pty.wait_after(at, "discarded");
    assert_eq!(pty.ledger(), [""; 0]);
    approves_once(pty, at);
}
