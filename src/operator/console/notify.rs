//! Calling an operator through the terminal: bell, window title, desktop notification.
//!
//! Only constant text: nothing that a provider, an agent or an operator wrote is ever in a title or a notification.

/// What the terminal understands beside the bell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Notices {
    /// OSC 9, as iTerm2 has it and many others.
    Osc9,
    /// OSC 777, as rxvt-unicode has it.
    Osc777,
    /// Only the bell.
    None,
}

impl Notices {
    /// By the name of the terminal. A multiplexer keeps notifications to itself; a console has none.
    pub(super) fn of(term: &str, program: &str) -> Self {
        let is = |names: &[&str]| names.iter().any(|name| term.starts_with(name));
        if is(&["tmux", "screen", "linux", "vt", "dumb"]) || term.is_empty() {
            Self::None
        } else if is(&["rxvt", "foot"]) || program == "vscode" {
            Self::Osc777
        } else {
            Self::Osc9
        }
    }

    /// What calls the operator.
    pub(super) fn call(self) -> &'static str {
        match self {
            Self::Osc9 => "\u{7}\u{1b}]9;holdpoint: an approval waits\u{1b}\\",
            Self::Osc777 => "\u{7}\u{1b}]777;notify;holdpoint;an approval waits\u{1b}\\",
            Self::None => "\u{7}",
        }
    }
}

/// What names the window.
pub(super) fn title(waits: bool) -> &'static str {
    if waits { "\u{1b}]2;holdpoint: an approval waits\u{1b}\\" } else { "\u{1b}]2;holdpoint\u{1b}\\" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_what_it_understands() {
        let notices = [
            ("xterm-256color", "iTerm.app", Notices::Osc9),
            ("xterm-kitty", "", Notices::Osc9),
            ("rxvt-unicode-256color", "", Notices::Osc777),
            ("tmux-256color", "iTerm.app", Notices::None),
            ("linux", "", Notices::None),
            ("", "", Notices::None),
        ];
        for (term, program, expected) in notices {
            assert_eq!(Notices::of(term, program), expected, "{term} {program}");
        }
    }
}
