//! What a typed line asks for.
//!
//! Only whole, exact lines mean something; anything else is not understood, and never decides.

use crate::operator::terms::because;

/// A line that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Bare Enter.
    Again,
    Yes {
        reason: Option<String>,
    },
    No {
        reason: Option<String>,
    },
    Message(String),
    Answer(String),
    Extend,
    Screenshot,
    Details,
    List,
    Leave,
    Help,
    /// `m` or `a` without its text.
    NeedsText(char),
    /// Anything else.
    Unknown,
}

/// Reads one line. The case of a single letter does not matter; `n`, `m` and `a` may be followed by text.
pub(super) fn parse(line: &str) -> Command {
    let line = line.trim();
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let text = rest.trim();
    let (head, reason) = because(line);
    match (word.to_ascii_lowercase().as_str(), text) {
        ("", "") => Command::Again,
        ("y" | "yes", "") => Command::Yes { reason: None },
        ("y" | "yes", _) if head == word => Command::Yes { reason },
        ("n" | "no", "") => Command::No { reason: None },
        ("n", reason) => Command::No { reason: Some(reason.to_owned()) },
        ("m", "") => Command::NeedsText('m'),
        ("m", text) => Command::Message(text.to_owned()),
        ("a", "") => Command::NeedsText('a'),
        ("a", text) => Command::Answer(text.to_owned()),
        ("x", "") => Command::Extend,
        ("s", "") => Command::Screenshot,
        ("d", "") => Command::Details,
        ("l", "") => Command::List,
        ("q", "") => Command::Leave,
        ("?" | "h" | "help", "") => Command::Help,
        _ => Command::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_has_its_line() {
        let yes = |reason: Option<&str>| Command::Yes { reason: reason.map(str::to_owned) };
        let no = |reason: &str| Command::No { reason: Some(reason.to_owned()) };
        let lines = [
            ("", Command::Again),
            ("  ", Command::Again),
            ("y", yes(None)),
            ("Y ", yes(None)),
            ("yes", yes(None)),
            ("y because it is due", yes(Some("it is due"))),
            ("n because it is dear", no("because it is dear")),
            ("n", Command::No { reason: None }),
            ("n too dear", no("too dear")),
            ("m use the  other card", Command::Message("use the  other card".into())),
            ("m", Command::NeedsText('m')),
            ("a 42", Command::Answer("42".into())),
            ("a ", Command::NeedsText('a')),
            ("x", Command::Extend),
            ("?", Command::Help),
        ];
        for (line, command) in lines {
            assert_eq!(parse(line), command, "{line:?}");
        }
    }

    #[test]
    fn nothing_that_is_not_exactly_yes_means_yes() {
        for line in [
            "yy",
            "ye",
            "y y",
            "yes please",
            "y because",
            "y  because x",
            "y y because x",
            "because y",
            "\u{fffd}y",
            "ｙ",
            "y\u{200b}",
            "not now",
            "no way",
            "1",
            "ok",
            "-y",
        ] {
            assert_eq!(parse(line), Command::Unknown, "{line:?}");
        }
    }
}
