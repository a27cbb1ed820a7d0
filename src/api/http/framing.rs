//! Where the body of an HTTP/1.1 answer ends, and which bytes of the connection belong to it (RFC 9112 §6 and §7).
//!
//! Pure: bytes in, pieces of the body out, whatever the pieces were. Keeps no bytes.

use http::StatusCode;
use http::header::{CONTENT_LENGTH, HeaderMap, TRANSFER_ENCODING};

use super::live::Broken;

/// A line between chunks (its size and extensions, or a trailer) is not longer, in bytes.
const MAX_LINE: usize = 16 * 1024;

/// How the rest of a body is framed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many bytes are to come.
    Length(u64),
    /// Chunks.
    Chunks(Chunk),
    /// Everything until the connection ends.
    ToEnd,
    /// Nothing is to come.
    Over,
}

/// Where in a chunk the next byte stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// In the digits of its size, so many of which were read.
    Size { size: u64, digits: u8 },
    /// Behind the size: an extension, or the end of the line.
    Extension { size: u64, read: usize },
    /// In its data.
    Data(u64),
    /// In the line end behind its data; whether its carriage return was read.
    Behind { cr: bool },
    /// In a line of the trailer, of which so many bytes were read, and so many in all.
    Trailer { line: usize, read: usize },
}

const NEXT: Chunk = Chunk::Size { size: 0, digits: 0 };

impl Framing {
    /// How the body of an answer is framed, to any request but `HEAD` and `CONNECT`.
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Result<Self, Broken> {
        if matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
            return Ok(Self::Over);
        }
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter().peekable();
        if codings.peek().is_some() {
            // An encoding that was not asked for cannot be undone, and not be read over.
            let mut chunked = codings.next().is_some_and(|coding| coding.as_bytes().eq_ignore_ascii_case(b"chunked"));
            // Chunks in chunks are no better.
            chunked &= codings.next().is_none();
            return if chunked { Ok(Self::Chunks(NEXT)) } else { Err(Broken::Framing) };
        }
        let mut lengths = headers.get_all(CONTENT_LENGTH).iter().map(|length| digits(length.as_bytes()));
        let Some(first) = lengths.next() else { return Ok(Self::ToEnd) };
        match first {
            Some(length) if lengths.all(|other| other == first) => Ok(Self::length(length)),
            Some(_) | None => Err(Broken::Framing),
        }
    }

    /// How many bytes of the body are to come, where that was told.
    pub(super) fn told(&self) -> Option<u64> {
        match self {
            Self::Length(left) => Some(*left),
            Self::Over => Some(0),
            Self::Chunks(_) | Self::ToEnd => None,
        }
    }

    fn length(bytes: u64) -> Self {
        if bytes == 0 { Self::Over } else { Self::Length(bytes) }
    }

    /// Reads what came over the connection and hands on what belongs to the body; how many bytes stand behind its end.
    pub(super) fn read(&mut self, mut bytes: &[u8], body: &mut impl FnMut(&[u8])) -> Result<usize, Broken> {
        while !bytes.is_empty() {
            match self {
                Self::Over => break,
                Self::ToEnd => {
                    body(bytes);
                    return Ok(0);
                }
                Self::Length(left) => {
                    let piece = split(&mut bytes, *left);
                    body(piece);
                    *self = Self::length(*left - piece.len() as u64);
                }
                Self::Chunks(Chunk::Data(left)) => {
                    let piece = split(&mut bytes, *left);
                    body(piece);
                    let left = *left - piece.len() as u64;
                    *self = Self::Chunks(if left == 0 { Chunk::Behind { cr: false } } else { Chunk::Data(left) });
                }
                Self::Chunks(chunk) => {
                    *self = chunk.step(bytes[0])?;
                    bytes = &bytes[1..];
                }
            }
        }
        Ok(bytes.len())
    }

    /// The connection ended: whether the body is whole.
    pub(super) fn end(&mut self) -> Result<(), Broken> {
        match std::mem::replace(self, Self::Over) {
            Self::ToEnd | Self::Over => Ok(()),
            Self::Length(_) | Self::Chunks(_) => Err(Broken::Early),
        }
    }
}

impl Chunk {
    /// One byte between the data of two chunks. A lone line feed ends a line, as RFC 9112 §2.2 allows.
    fn step(&self, byte: u8) -> Result<Framing, Broken> {
        let next = match (self, byte) {
            (Self::Size { digits, .. }, b'\n' | b'\r' | b';' | b' ' | b'\t') if *digits == 0 => {
                return Err(Broken::Framing);
            }
            (Self::Size { size, .. } | Self::Extension { size, .. }, b'\n') => match size {
                0 => Self::Trailer { line: 0, read: 0 },
                size => Self::Data(*size),
            },
            (Self::Size { size, .. }, b'\r' | b';' | b' ' | b'\t') => Self::Extension { size: *size, read: 0 },
            // Sixteen digits are more than any 64-bit size needs.
            (Self::Size { size, digits: digits @ 0..16 }, byte) => {
                let digit = char::from(byte).to_digit(16).ok_or(Broken::Framing)?;
                Self::Size { size: size * 16 + u64::from(digit), digits: digits + 1 }
            }
            (Self::Extension { size, read }, _) if *read < MAX_LINE => Self::Extension { size: *size, read: read + 1 },
            (Self::Behind { cr: false }, b'\r') => Self::Behind { cr: true },
            (Self::Behind { .. }, b'\n') => NEXT,
            (Self::Trailer { line: 0, .. }, b'\n') => return Ok(Framing::Over),
            (Self::Trailer { line: 0, read }, b'\r') if *read < MAX_LINE => Self::Trailer { line: 0, read: read + 1 },
            (Self::Trailer { read, .. }, b'\n') => Self::Trailer { line: 0, read: read + 1 },
            (Self::Trailer { line, read }, _) if *read < MAX_LINE => Self::Trailer { line: line + 1, read: read + 1 },
            (
                Self::Size { .. } | Self::Extension { .. } | Self::Behind { .. } | Self::Data(_) | Self::Trailer { .. },
                _,
            ) => {
                return Err(Broken::Framing);
            }
        };
        Ok(Framing::Chunks(next))
    }
}

/// A number of digits and nothing else: `parse` would take a sign as well.
fn digits(text: &[u8]) -> Option<u64> {
    let text = str::from_utf8(text).ok()?.trim_ascii();
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// Takes at most `most` bytes from the front.
fn split<'a>(bytes: &mut &'a [u8], most: u64) -> &'a [u8] {
    let at = usize::try_from(most).unwrap_or(usize::MAX).min(bytes.len());
    let (piece, rest) = bytes.split_at(at);
    *bytes = rest;
    piece
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(headers: &[(&'static str, &'static str)]) -> Result<Framing, String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a value"));
        }
        Framing::of(StatusCode::OK, &map).map_err(|broken| broken.to_string())
    }

    /// Reads `wire` in pieces of `at` bytes, then the end; the body, and whether it is whole.
    fn body(mut framing: Framing, wire: &[u8], at: usize) -> (Vec<u8>, bool) {
        let mut body = Vec::new();
        let read = wire
            .chunks(at)
            .try_for_each(|piece| framing.read(piece, &mut |bytes| body.extend_from_slice(bytes)).map(drop));
        let whole = read.and_then(|()| framing.end()).is_ok();
        (body, whole)
    }

    #[test]
    fn the_headers_tell_how_a_body_ends() {
        assert_eq!(of(&[]), Ok(Framing::ToEnd));
        assert_eq!(of(&[("content-length", "0")]), Ok(Framing::Over));
        assert_eq!(of(&[("content-length", "7"), ("content-length", "7")]), Ok(Framing::Length(7)));
        assert_eq!(of(&[("content-length", "7"), ("transfer-encoding", "Chunked")]), Ok(Framing::Chunks(NEXT)));
        let unclear = Err(Broken::Framing.to_string());
        assert_eq!(of(&[("content-length", "7"), ("content-length", "8")]), unclear);
        assert_eq!(of(&[("content-length", "-1")]), unclear);
        assert_eq!(of(&[("content-length", "+7")]), unclear);
        assert_eq!(of(&[("transfer-encoding", "gzip, chunked")]), unclear);
        assert_eq!(of(&[("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")]), unclear);
        let empty = Framing::of(StatusCode::NO_CONTENT, &HeaderMap::new());
        assert_eq!(empty.expect("a framing"), Framing::Over);
    }

    #[test]
    fn chunks_are_read_whatever_the_pieces() {
        let wire = b"5\r\nhello\r\n0A;name=\"v\"\r\n, you all.\r\n1 \n!\n0\r\nTrailer: x\r\n\r\nnot of the body";
        for at in 1..=wire.len() {
            assert_eq!(body(Framing::Chunks(NEXT), wire, at), (b"hello, you all.!".to_vec(), true), "{at}");
        }
    }

    #[test]
    fn what_stands_behind_an_answer_is_told() {
        let behind = |mut framing: Framing, wire: &[u8]| framing.read(wire, &mut |_| {}).expect("a body");
        assert_eq!(behind(Framing::Length(2), b"abc"), 1);
        assert_eq!(behind(Framing::Chunks(NEXT), b"1\r\na\r\n0\r\n\r\nHTTP"), 4);
        assert_eq!(behind(Framing::Over, b"ab"), 2);
        assert_eq!((behind(Framing::ToEnd, b"ab"), behind(Framing::Length(3), b"abc")), (0, 0));
    }

    #[test]
    fn a_body_that_is_cut_off_is_not_whole() {
        let wire = b"5\r\nhello\r\n0\r\n\r\n";
        for cut in 0..wire.len() {
            let (read, whole) = body(Framing::Chunks(NEXT), &wire[..cut], 3);
            assert!(!whole, "{cut}");
            assert!(b"hello".starts_with(&read), "{cut}");
        }
        assert_eq!(body(Framing::Length(3), b"ab", 1), (b"ab".to_vec(), false));
        assert_eq!(body(Framing::Length(2), b"abc", 1), (b"ab".to_vec(), true));
        assert_eq!(body(Framing::ToEnd, b"abc", 2), (b"abc".to_vec(), true));
    }

    #[test]
    fn what_is_no_chunk_is_refused() {
        let bad = ["\r\n", "x\r\n", "-1\r\n", ";\r\n", "1\r\nab", "11111111111111111\r\n", "1\r\na\r\r\nb"];
        for wire in bad {
            let mut framing = Framing::Chunks(NEXT);
            assert!(framing.read(wire.as_bytes(), &mut |_| {}).is_err(), "{wire:?}");
        }
        let endless = format!("1;{}", "x".repeat(MAX_LINE + 2));
        assert!(Framing::Chunks(NEXT).read(endless.as_bytes(), &mut |_| {}).is_err());
        let endless = format!("0\r\n{}", "a: b\r\n".repeat(MAX_LINE));
        assert!(Framing::Chunks(NEXT).read(endless.as_bytes(), &mut |_| {}).is_err());
    }

    proptest! {
        /// Any body, in any chunks, through any pieces, comes out as it went in.
        #[test]
        fn what_was_framed_comes_out(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..40), 0..6), at in 1_usize..50) {
            let mut wire = Vec::new();
            for part in &parts {
                wire.extend_from_slice(format!("{:x}\r\n", part.len()).as_bytes());
                wire.extend_from_slice(part);
                wire.extend_from_slice(b"\r\n");
            }
            wire.extend_from_slice(b"0\r\n\r\n");
            prop_assert_eq!(body(Framing::Chunks(NEXT), &wire, at), (parts.concat(), true));
        }

        /// Any bytes at all are read or refused, alike in one piece and in many.
        #[test]
        fn the_pieces_change_nothing(wire in prop::collection::vec(prop::sample::select(b"0123aF;\r\n x".to_vec()), 0..60), at in 1_usize..10) {
            prop_assert_eq!(body(Framing::Chunks(NEXT), &wire, at), body(Framing::Chunks(NEXT), &wire, 100));
        }
    }
}
