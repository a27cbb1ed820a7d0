//! `holdpoint demo` on a real pseudo-terminal: `y` buys, `n` does not, and leaving puts everything back.

mod stage;

use rustix::process::Signal;
use stage::Stage;

/// The purchase's question, armed: a high risk takes 1.5 s by contract.
fn asked(stage: &mut Stage) -> usize {
    let at = stage.wait_after(0, "approve? [y/n/?] > ");
    stage.armed();
    at
}

#[test]
fn y_lets_the_order_be_placed_and_n_keeps_the_newsletter_away() {
    let mut stage = Stage::start();
    let at = asked(&mut stage);
    assert!(stage.seen.contains("410.00 USD") && stage.seen.contains("in time"), "{}", stage.seen);
    stage.typed("y\r");
    let at = stage.wait_after(at, "resumed, confirmed");
    let at = stage.wait_after(at, "has been placed");
    let at = stage.wait_after(at, "send this answer? [y/a/n/?] > ");
    stage.armed();
    stage.typed("n\r");
    stage.wait_after(at, "No newsletter then.");
    let seen = stage.ends_clean();
    assert!(seen.contains("The story has ended."), "{seen}");
    assert!(seen.contains("ledger    purchase: 1 wireless headset H-200 for 410.00 USD"), "{seen}");
    assert!(!seen.contains("ledger    subscription") && seen.contains("audit     whole"), "{seen}");
}

#[test]
fn n_cancels_and_nothing_is_bought() {
    let mut stage = Stage::start();
    asked(&mut stage);
    stage.typed("n too dear\r");
    let seen = stage.ends_clean();
    assert!(seen.contains("cancelled, confirmed") && seen.contains("The story has ended."), "{seen}");
    assert!(seen.contains("bought    nothing") && seen.contains("audit     whole"), "{seen}");
}

#[test]
fn ctrl_c_at_the_question_leaves_without_deciding() {
    let mut stage = Stage::start();
    asked(&mut stage);
    stage.typed("\u{3}");
    let seen = stage.ends_clean();
    assert!(seen.contains("nothing was decided for you") && seen.contains("bought    nothing"), "{seen}");
}

#[test]
fn a_signal_between_the_questions_is_clean_too() {
    for signal in [Signal::INT, Signal::TERM] {
        let mut stage = Stage::start();
        stage.wait_after(0, "best reviews");
        stage.signal(signal);
        let seen = stage.ends_clean();
        assert!(seen.contains("nothing was decided for you") && seen.contains("bought    nothing"), "{seen}");
    }
}
