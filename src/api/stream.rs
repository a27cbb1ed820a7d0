//! Server-sent events, decoded: bytes in, frames out.
//!
//! Follows the WHATWG algorithm (`text/event-stream`, HTML Living Standard §9.2.6) with four differences, each on the side of
//! seeing more: a frame may have a name and no data; a comment is reported, because it proves that the stream lives; an id
//! belongs to its own frame only; and a frame larger than the bound is delivered cut instead of growing for ever.
//! Pure: knows no HTTP, no JSON, no clock, and never fails.

#[cfg(test)]
mod tests;

/// What the decoder found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A comment line (`: …`): a keep-alive without content.
    Comment,
    /// An event.
    Event(RawEvent),
}

/// An event as it stood on the wire; invalid UTF-8 is replaced by U+FFFD, nothing is stripped.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RawEvent {
    /// The `id` field of this frame.
    pub id: Option<String>,
    /// The `event` field.
    pub name: Option<String>,
    /// The `data` lines, joined with a line feed.
    pub data: String,
    /// Whether the frame was larger than the bound, so that its rest was skipped.
    pub truncated: bool,
}

/// An incremental decoder. The frames do not depend on how the bytes are split between calls.
#[derive(Debug)]
pub struct Decoder {
    /// Bound on one frame's data and on one line, in bytes.
    max: usize,
    line: Vec<u8>,
    line_cut: bool,
    first_line: bool,
    after_cr: bool,
    pending: Pending,
}

/// The frame being read.
#[derive(Debug, Default)]
struct Pending {
    id: Option<String>,
    name: Option<String>,
    data: Option<Vec<u8>>,
    truncated: bool,
}

impl Decoder {
    /// A decoder whose frames carry at most `max_event_bytes` bytes of data. It holds at most about twice as many.
    #[must_use]
    pub fn new(max_event_bytes: usize) -> Self {
        Self {
            max: max_event_bytes,
            line: Vec::new(),
            line_cut: false,
            first_line: true,
            after_cr: false,
            pending: Pending::default(),
        }
    }

    /// Reads the next bytes and appends the frames they complete to `out`.
    pub fn feed(&mut self, mut bytes: &[u8], out: &mut impl Extend<Frame>) {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else {
                return self.extend_line(bytes);
            };
            let line = &bytes[..end];
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            out.extend(self.end_line(line));
        }
    }

    /// Ends the stream: the frame that had begun, if it has any content. It may be cut short anywhere.
    #[must_use]
    pub fn finish(mut self) -> Option<RawEvent> {
        if !self.line.is_empty() {
            let _comment = self.end_line(&[]);
        }
        self.pending.take()
    }

    fn extend_line(&mut self, bytes: &[u8]) {
        let room = self.room().saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
        self.line_cut |= bytes.len() > room;
    }

    /// Bound on a line: room for the field's name on top of the bound on data, so that data of exactly the bound fits.
    fn room(&self) -> usize {
        self.max + 16
    }

    /// Ends a line whose last bytes are `rest`. Only one that came in pieces was copied.
    fn end_line(&mut self, rest: &[u8]) -> Option<Frame> {
        if self.line.is_empty() && rest.len() <= self.room() {
            return self.whole_line(rest, false);
        }
        self.extend_line(rest);
        let line = std::mem::take(&mut self.line);
        let cut = std::mem::take(&mut self.line_cut);
        self.whole_line(&line, cut)
    }

    fn whole_line(&mut self, line: &[u8], cut: bool) -> Option<Frame> {
        let first = std::mem::take(&mut self.first_line);
        let line = if first { line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line) } else { line };
        match line.first() {
            None => self.pending.take().map(Frame::Event),
            Some(b':') => Some(Frame::Comment),
            Some(_) => {
                self.pending.field(line, cut, self.max);
                None
            }
        }
    }
}

impl Pending {
    fn take(&mut self) -> Option<RawEvent> {
        let Self { id, name, data, truncated } = std::mem::take(self);
        if data.is_none() && name.is_none() {
            return None;
        }
        let data = data.map(text).unwrap_or_default();
        Some(RawEvent { id, name, data, truncated })
    }

    fn field(&mut self, line: &[u8], cut: bool, max: usize) {
        let (name, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &line[line.len()..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match name {
            b"data" => self.data_line(value, cut, max),
            b"event" => self.name = Some(String::from_utf8_lossy(value).into_owned()),
            // Half an id would be another id.
            b"id" if !cut && !value.contains(&0) => self.id = Some(String::from_utf8_lossy(value).into_owned()),
            _ => {}
        }
    }

    fn data_line(&mut self, value: &[u8], cut: bool, max: usize) {
        let data = match &mut self.data {
            Some(data) if data.len() < max => {
                data.push(b'\n');
                data
            }
            Some(data) => data,
            None => self.data.insert(Vec::new()),
        };
        let room = max - data.len().min(max);
        self.truncated |= cut || value.len() > room;
        data.extend_from_slice(&value[..value.len().min(room)]);
    }
}

/// Text; only invalid UTF-8 is copied.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
