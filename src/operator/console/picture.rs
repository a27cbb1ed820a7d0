//! Showing a screenshot inside the terminal, where its name says that it can.
//!
//! Kitty's graphics protocol (<https://sw.kovidgoyal.net/kitty/graphics-protocol/>) and iTerm2's inline images
//! (<https://iterm2.com/documentation-images.html>). Never asks the terminal, never guesses: what is not known to show
//! pictures is told the file's name instead. The bytes of a picture are only ever sent encoded.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::gate::ApprovalId;

/// Larger pictures are named, not shown.
const LARGEST: usize = 4 * 1024 * 1024;
/// Kitty takes so much encoded data at once.
const CHUNK: usize = 4096;

/// How this terminal shows pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Inline {
    /// Kitty's protocol; PNG only.
    Kitty,
    /// iTerm2's.
    Iterm,
    /// Not at all.
    No,
}

impl Inline {
    /// By the terminal's names. Inside a multiplexer none of them works.
    pub(super) fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let named = |name: &str| variable(name).unwrap_or_default();
        let (term, program) = (named("TERM"), named("TERM_PROGRAM"));
        if term.starts_with("tmux") || term.starts_with("screen") || variable("TMUX").is_some() {
            Self::No
        } else if term == "xterm-kitty" || term == "xterm-ghostty" || program == "ghostty" {
            Self::Kitty
        } else if program == "iTerm.app" || program == "WezTerm" {
            Self::Iterm
        } else {
            Self::No
        }
    }

    /// Whether it shows this picture.
    pub(super) fn shows(self, image: &[u8]) -> bool {
        let is_png = image.starts_with(b"\x89PNG\r\n\x1a\n");
        let is_jpeg = image.starts_with(b"\xff\xd8\xff");
        image.len() <= LARGEST
            && match self {
                Self::Kitty => is_png,
                Self::Iterm => is_png || is_jpeg,
                Self::No => false,
            }
    }

    /// What shows the picture from the second row on, in so many columns and rows.
    pub(super) fn show(self, image: &[u8], columns: u16, rows: u16) -> String {
        let encoded = base64(image);
        match self {
            Self::Kitty => kitty(&encoded, columns, rows),
            Self::Iterm => format!(
                "\u{1b}[2;1H\u{1b}]1337;File=inline=1;size={};width={columns};height={rows};preserveAspectRatio=1:{encoded}\u{7}",
                image.len()
            ),
            Self::No => String::new(),
        }
    }

    /// What takes it away; with the others clearing the screen is enough.
    pub(super) fn clear(self) -> &'static str {
        match self {
            Self::Kitty => "\u{1b}_Ga=d,d=A,q=2\u{1b}\\",
            Self::Iterm | Self::No => "",
        }
    }
}

/// The data goes in chunks; all but the last say that more follows. Only the rows are given, so that the width follows.
fn kitty(encoded: &str, _columns: u16, rows: u16) -> String {
    let mut out = "\u{1b}[2;1H".to_owned();
    let mut rest = encoded;
    let mut control = format!("a=T,f=100,q=2,r={rows},");
    loop {
        let (chunk, after) = rest.split_at(rest.len().min(CHUNK));
        let more = u8::from(!after.is_empty());
        out.push_str(&format!("\u{1b}_G{control}m={more};{chunk}\u{1b}\\"));
        if after.is_empty() {
            return out;
        }
        (rest, control) = (after, String::new());
    }
}

/// Saves a copy for an operator who cannot read the daemon's file; a fresh file that only this user can read.
pub(super) fn save(folder: &Path, id: ApprovalId, image: &[u8]) -> std::io::Result<PathBuf> {
    let ending = if image.starts_with(b"\x89PNG") { "png" } else { "jpg" };
    let free = |n: u32| folder.join(format!("holdpoint-{}-{n}.{ending}", id.code()));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    for n in 1..1_000 {
        match options.open(free(n)) {
            Ok(mut file) => return file.write_all(image).map(|()| free(n)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(std::io::Error::other("there are a thousand screenshots of this approval already"))
}

/// RFC 4648, with padding.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let at = |i: usize| u32::from(chunk.get(i).copied().unwrap_or(0));
        let bits = at(0) << 16 | at(1) << 8 | at(2);
        for i in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * i) & 63) as usize];
            out.push(if i > chunk.len() { '=' } else { char::from(letter) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    #[test]
    fn base64_is_as_in_the_rfc() {
        let words =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (text, encoded) in words {
            assert_eq!(base64(text.as_bytes()), encoded);
        }
    }

    #[test]
    fn only_terminals_that_are_known_to_show_pictures_get_them() {
        let of = |term: &'static str, program: &'static str| {
            Inline::of(move |name| match name {
                "TERM" => Some(term.to_owned()),
                "TERM_PROGRAM" => Some(program.to_owned()),
                _ => None,
            })
        };
        assert_eq!(of("xterm-kitty", ""), Inline::Kitty);
        assert_eq!(of("xterm-256color", "iTerm.app"), Inline::Iterm);
        assert_eq!(of("tmux-256color", "iTerm.app"), Inline::No);
        assert_eq!(of("xterm-256color", "Apple_Terminal"), Inline::No);
        assert!(Inline::Kitty.shows(PNG) && !Inline::Kitty.shows(b"\xff\xd8\xff jpeg") && !Inline::No.shows(PNG));
        assert!(!Inline::Iterm.shows(b"\x1b]0;owned"), "what is no picture is not sent");
    }

    #[test]
    fn what_is_sent_is_this_byte_by_byte() {
        // base64 of PNG.
        let encoded = "iVBORw0KGgpyZXN0";
        assert_eq!(
            Inline::Kitty.show(PNG, 80, 20),
            format!("\u{1b}[2;1H\u{1b}_Ga=T,f=100,q=2,r=20,m=0;{encoded}\u{1b}\\")
        );
        assert_eq!(Inline::Kitty.clear(), "\u{1b}_Ga=d,d=A,q=2\u{1b}\\");
        assert_eq!(
            Inline::Iterm.show(PNG, 80, 20),
            format!(
                "\u{1b}[2;1H\u{1b}]1337;File=inline=1;size=12;width=80;height=20;preserveAspectRatio=1:{encoded}\u{7}"
            )
        );
        assert_eq!((Inline::Iterm.clear(), Inline::No.show(PNG, 80, 20)), ("", String::new()));
    }

    #[test]
    fn kitty_gets_its_data_in_chunks_that_say_whether_more_follows() {
        let image = [PNG, &[7; 5_000]].concat();
        let sent = Inline::Kitty.show(&image, 80, 20);
        let chunks: Vec<&str> = sent.split("\u{1b}_G").skip(1).collect();
        assert_eq!(chunks.len(), 2);
        assert!(chunks[0].starts_with("a=T,f=100,q=2,r=20,m=1;") && chunks[1].starts_with("m=0;"));
        assert!(chunks.iter().all(|chunk| chunk.ends_with("\u{1b}\\")));
        let data: Vec<&str> = chunks.iter().map(|chunk| chunk.split(';').next_back().unwrap_or_default()).collect();
        let data = data.iter().map(|data| data.trim_end_matches("\u{1b}\\"));
        assert!(data.clone().all(|data| data.len() <= CHUNK && data.len() % 4 == 0), "kitty's bounds of a chunk");
        assert_eq!(data.collect::<String>(), base64(&image));
    }

    #[test]
    fn a_copy_never_overwrites_and_is_for_this_user_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a directory");
        let id = crate::control::fixtures::open(1, "x").card.approval;
        let first = save(folder.path(), id, PNG).expect("saved");
        let second = save(folder.path(), id, b"\xff\xd8\xff").expect("saved");
        assert_ne!(first, second);
        assert_eq!(std::fs::read(&first).expect("there"), PNG);
        assert_eq!(first.metadata().expect("there").permissions().mode() & 0o777, 0o600);
    }
}
