//! Untrusted text on its way to a terminal: nothing that acts on one is left, nothing grows without bound, nothing changes when it
//! is shown again.
#![no_main]

use holdpoint::operator::escape::{again, block, escape};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (most, text) = (usize::from(input.0) + 1, input.1);
    let one = escape(text, most);
    harmless(&one.text);
    assert!(one.cut || text.chars().count() <= most, "longer than asked for, and not cut");
    assert_eq!(again(&one.text), one.text, "shown again it is another text");
    let lines = block(text, most);
    lines.lines.iter().for_each(|line| harmless(line));
    // Each character becomes one piece of at most eleven characters; the note of what was cut is short.
    let bound = 16 * (most + 8);
    assert!(one.text.chars().count() <= bound, "{} characters from {most}", one.text.chars().count());
});

fn harmless(text: &str) {
    let hostile = |c: char| {
        let steers = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}');
        c.is_control() || steers || matches!(c, '\u{feff}' | '\u{ad}' | '\u{61c}' | '\u{e0000}'..='\u{e007f}')
    };
    assert_eq!(text.chars().find(|c| hostile(*c)), None, "{text:?}");
}
