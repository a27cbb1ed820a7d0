//! What emphasis looks like. Words carry the meaning; colours, where there are any, only repeat it.

use ratatui::style::{Color, Modifier, Style};

/// The styles of one screen.
#[derive(Clone, Copy, Debug)]
pub(super) struct Theme {
    pub(super) colours: bool,
}

impl Theme {
    pub(super) fn plain(self) -> Style {
        Style::new()
    }

    pub(super) fn strong(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    pub(super) fn dim(self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    pub(super) fn bar(self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// Something to look at before answering.
    pub(super) fn warning(self) -> Style {
        self.coloured(Color::Yellow)
    }

    /// Something that stops or fails.
    pub(super) fn alarm(self) -> Style {
        self.coloured(Color::Red)
    }

    /// Ready.
    pub(super) fn ready(self) -> Style {
        self.coloured(Color::Green)
    }

    /// A key.
    pub(super) fn key(self) -> Style {
        if self.colours { Style::new().fg(Color::Cyan) } else { Style::new().add_modifier(Modifier::BOLD) }
    }

    fn coloured(self, colour: Color) -> Style {
        if self.colours { self.strong().fg(colour) } else { self.strong() }
    }
}
