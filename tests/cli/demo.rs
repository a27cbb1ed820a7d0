//! The demo where nobody can answer, and where somebody leaves.

use rustix::process::Signal;

use crate::bench::{Home, Process, is_empty};

#[test]
fn without_a_terminal_the_demo_ends_by_its_deadlines_with_nothing_bought() {
    let home = Home::new();
    let ended = home.output(&["demo"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""), "{}", ended.stderr);
    ended.says(&[
        "There is no terminal here, so nobody can answer",
        "Clicking 'Place your order'",
        "The story has ended.",
        "bought    nothing",
        "audit     whole",
    ]);
    assert!(is_empty(&home.path("tmp")));
}

#[test]
fn leaving_the_demo_at_any_moment_is_clean() {
    for (signal, when) in [
        (Signal::INT, "An AI agent works"),
        (Signal::INT, "thinks"),
        (Signal::TERM, "Place your order"),
        (Signal::HUP, "session paused"),
    ] {
        let home = Home::new();
        let mut demo = Process::start(&mut home.command(&["demo"]));
        demo.wait(when);
        let ended = demo.stop(signal);
        assert_eq!(ended.code, Some(0), "{when}: {}", ended.stderr);
        ended.says(&["nothing was decided for you", "bought    nothing", "audit     whole"]);
        assert!(is_empty(&home.path("tmp")), "{when}");
    }
}
