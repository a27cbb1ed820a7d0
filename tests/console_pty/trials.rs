//! Keys that were meant for something else: more than a thousand of them, and none approves.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::pty::Pty;

/// So many consoles at once; each sees this many words and this many lone keys.
const CONSOLES: u64 = 8;
const WORDS: u64 = 85;
const LONE: u64 = 50;

/// A console's own dice: the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// What a hand finds on a keyboard; not `q` and not `n`, which leave and deny.
const KEYS: [&str; 16] =
    ["y", "y", "y", "y", "Y", "\r", " ", "a", "m", "x", "d", "j", "\x1b", "\x1b[A", "\x1b[200~y\x1b[201~", "\t"];

/// Words, one key at a time, faster than the quiet that `y` wants. A stall of ours would be a pause that an operator made.
fn words(pty: &mut Pty, dice: &mut Dice) -> u64 {
    let mut last = Instant::now();
    for _ in 0..WORDS {
        for _ in 0..=dice.roll(6) {
            sleep(Duration::from_millis(5 + dice.roll(60)));
            let key = KEYS[usize::try_from(dice.roll(16)).expect("small")];
            pty.typed(if last.elapsed() > Duration::from_millis(200) { "z" } else { key });
            last = Instant::now();
        }
        pty.catch_up();
        if dice.roll(4) == 0 {
            pty.go();
        }
    }
    WORDS
}

/// One `y` each, at any moment in which its card is younger than anybody reads.
fn lone(pty: &mut Pty, dice: &mut Dice) -> u64 {
    let mut trials = 0;
    for _ in 0..LONE {
        pty.typed("1");
        pty.go();
        let published = Instant::now();
        sleep(Duration::from_millis(dice.roll(550)));
        if published.elapsed() < Duration::from_millis(600) {
            pty.typed("y");
            trials += 1;
        }
        pty.catch_up();
    }
    trials
}

fn console(n: u64) -> u64 {
    let mut pty = Pty::start("stream");
    let mut dice = Dice(n);
    pty.shows("approve?");
    let trials = words(&mut pty, &mut dice) + lone(&mut pty, &mut dice);
    let approved: Vec<String> = pty.ledger().into_iter().filter(|line| !line.contains(" Extend")).collect();
    assert_eq!(approved, [""; 0], "console {n}");
    // The last card can be approved all the same, so that it was not the console that was deaf.
    pty.typed("1");
    pty.go();
    pty.shows("approve?  y resumes");
    pty.typed("y");
    pty.shows("resumed ");
    trials
}

#[test]
fn a_thousand_accidental_keys_approve_nothing() {
    let consoles: Vec<_> = (0..CONSOLES).map(|n| std::thread::spawn(move || console(n))).collect();
    let trials: u64 = consoles.into_iter().map(|console| console.join().expect("a console")).sum();
    assert!(trials >= 1_000, "only {trials} trials");
}
