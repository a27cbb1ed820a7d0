//! A configuration file: it is read or refused with reasons, the same each time, and nothing in it reaches a terminal as it is.
#![no_main]

use holdpoint::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let (one, other) = (Config::parse("fuzzed.toml", text), Config::parse("fuzzed.toml", text));
    match (one, other) {
        (Ok(one), Ok(other)) => {
            assert_eq!(one.config.policy.hash(), other.config.policy.hash(), "one file is two policies");
            one.notes.iter().for_each(|note| printable(note));
        }
        (Err(one), Err(other)) => {
            assert!(!one.list().is_empty(), "refused without a reason");
            assert_eq!(one, other, "refused for different reasons");
            printable(&one.to_string());
        }
        _ => panic!("a file is read once and refused once"),
    }
});

fn printable(text: &str) {
    let hostile = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(hostile, None, "a control character reaches the terminal: {text:?}");
}
