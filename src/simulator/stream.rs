//! Frames of an event stream as bytes, with everything that may go wrong in them. Pure.

use serde_json::Value;

use super::fault::StreamFault;
use super::record::Emitted;

/// What the shell does next with an open stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// It sends these bytes as a packet of their own.
    Bytes(Vec<u8>),
    /// It closes the stream cleanly.
    End,
    /// It resets the connection.
    Reset,
    /// It sends nothing more and keeps the connection open.
    Stall,
}

/// Turns the events of one stream into bytes.
#[derive(Clone, Debug)]
pub struct Encoder {
    fault: StreamFault,
    sent: usize,
    begun: bool,
}

impl Encoder {
    /// An encoder for a stream in which `fault` goes wrong.
    #[must_use]
    pub fn new(fault: StreamFault) -> Self {
        Self { fault, sent: 0, begun: false }
    }

    /// What is sent before the first event.
    pub fn begin(&mut self) -> Vec<Piece> {
        if std::mem::replace(&mut self.begun, true) {
            return Vec::new();
        }
        let mut pieces = Vec::new();
        if let Some(length) = self.fault.giant {
            let data = format!("{{\"text\":\"{}\"}}", "x".repeat(length));
            self.push(b"thought", data.as_bytes(), None, &mut pieces);
        }
        if self.fault.invalid_utf8 {
            self.push(b"thought", b"{\"text\":\"caf\xe9 \xff\"}", None, &mut pieces);
        }
        if self.fault.not_json {
            self.push(b"thought", b"this is {not JSON", None, &mut pieces);
        }
        pieces.extend(self.stop());
        pieces
    }

    /// What is sent for an event.
    pub fn event(&mut self, event: &Emitted) -> Vec<Piece> {
        let mut pieces = self.begin();
        if pieces.last().is_some_and(|piece| !matches!(piece, Piece::Bytes(_))) {
            return pieces;
        }
        let id = event.id.filter(|_| !self.fault.no_ids);
        let data = self.data(event);
        for _ in 0..if self.fault.twice { 2 } else { 1 } {
            self.push(event.name.as_bytes(), data.as_bytes(), id, &mut pieces);
        }
        self.sent += 1;
        pieces.extend(self.stop());
        pieces
    }

    /// A heartbeat, unless the stream has none.
    #[must_use]
    pub fn heartbeat(&self, timestamp: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        if !self.fault.no_heartbeat {
            let data = serde_json::json!({ "timestamp": timestamp }).to_string();
            self.push(b"heartbeat", data.as_bytes(), None, &mut pieces);
        }
        pieces
    }

    fn data(&self, event: &Emitted) -> String {
        match &event.data {
            Value::Object(data) if self.fault.no_ids => {
                let mut data = data.clone();
                data.remove("message_id");
                Value::Object(data).to_string()
            }
            Value::String(raw) => raw.clone(),
            data => data.to_string(),
        }
    }

    fn stop(&self) -> Option<Piece> {
        let reached = |limit: Option<usize>| limit.is_some_and(|limit| self.sent >= limit);
        if reached(self.fault.reset_after) {
            Some(Piece::Reset)
        } else if reached(self.fault.eof_after) {
            Some(Piece::End)
        } else if reached(self.fault.stall_after) {
            Some(Piece::Stall)
        } else {
            None
        }
    }

    fn push(&self, name: &[u8], data: &[u8], id: Option<u64>, pieces: &mut Vec<Piece>) {
        let end: &[u8] = if self.fault.crlf { b"\r\n" } else { b"\n" };
        let id = id.map(|id| id.to_string());
        let mut frame = Vec::with_capacity(data.len() + 64);
        let lines =
            [(&b"id: "[..], id.as_deref().map(str::as_bytes)), (b"event: ", Some(name)), (b"data: ", Some(data))];
        for (field, value) in lines {
            let Some(value) = value else { continue };
            frame.extend_from_slice(field);
            frame.extend_from_slice(value);
            frame.extend_from_slice(end);
        }
        frame.extend_from_slice(end);
        match self.fault.split {
            Some(size) => pieces.extend(frame.chunks(size.max(1)).map(|part| Piece::Bytes(part.to_vec()))),
            None => pieces.push(Piece::Bytes(frame)),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn thought(id: u64) -> Emitted {
        Emitted {
            session: "s".to_owned(),
            id: Some(id),
            name: "thought".to_owned(),
            data: json!({ "text": "hm", "message_id": id }),
            message_type: None,
            content: Value::Null,
            metadata: None,
            hidden: false,
            closes: false,
            beside: false,
            due_ns: 0,
            written_ns: 0,
            at: Timestamp::UNIX_EPOCH,
        }
    }

    fn bytes(pieces: &[Piece]) -> Vec<u8> {
        let parts = pieces.iter().filter_map(|piece| match piece {
            Piece::Bytes(bytes) => Some(bytes.as_slice()),
            Piece::End | Piece::Reset | Piece::Stall => None,
        });
        parts.collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_frame_is_id_event_and_one_line_of_data() {
        let pieces = Encoder::new(StreamFault::default()).event(&thought(42));
        let text = "id: 42\nevent: thought\ndata: {\"message_id\":42,\"text\":\"hm\"}\n\n";
        assert_eq!(pieces, [Piece::Bytes(text.into())]);
    }

    #[test]
    fn a_heartbeat_has_no_id() {
        let pieces = Encoder::new(StreamFault::default()).heartbeat("now");
        assert_eq!(pieces, [Piece::Bytes("event: heartbeat\ndata: {\"timestamp\":\"now\"}\n\n".into())]);
    }

    #[test]
    fn split_frames_are_the_same_bytes_in_small_pieces() {
        let fault = StreamFault { split: Some(3), crlf: true, ..StreamFault::default() };
        let pieces = Encoder::new(fault).event(&thought(1));
        assert!(pieces.iter().all(|piece| matches!(piece, Piece::Bytes(bytes) if bytes.len() <= 3)));
        assert_eq!(bytes(&pieces), b"id: 1\r\nevent: thought\r\ndata: {\"message_id\":1,\"text\":\"hm\"}\r\n\r\n");
    }

    #[test]
    fn a_stream_ends_resets_or_stalls_after_its_count() {
        let cases = [
            (StreamFault { eof_after: Some(1), ..StreamFault::default() }, Piece::End),
            (StreamFault { reset_after: Some(1), ..StreamFault::default() }, Piece::Reset),
            (StreamFault { stall_after: Some(1), ..StreamFault::default() }, Piece::Stall),
        ];
        for (fault, last) in cases {
            let mut encoder = Encoder::new(fault);
            assert_eq!(encoder.begin(), []);
            assert_eq!(encoder.event(&thought(1)).last(), Some(&last));
        }
        let at_once = StreamFault { eof_after: Some(0), ..StreamFault::default() };
        assert_eq!(Encoder::new(at_once).begin(), [Piece::End]);
    }

    #[test]
    fn odd_events_come_before_the_first_and_only_once() {
        let fault =
            StreamFault { invalid_utf8: true, not_json: true, no_ids: true, twice: true, ..StreamFault::default() };
        let mut encoder = Encoder::new(fault);
        let first = bytes(&encoder.event(&thought(1)));
        assert!(String::from_utf8(first.clone()).is_err());
        let text = String::from_utf8_lossy(&first).into_owned();
        assert!(text.contains("data: this is {not JSON\n\n"), "{text}");
        assert!(text.ends_with(&"event: thought\ndata: {\"text\":\"hm\"}\n\n".repeat(2)), "{text}");
        assert_eq!(
            bytes(&encoder.event(&thought(2))),
            "event: thought\ndata: {\"text\":\"hm\"}\n\n".repeat(2).into_bytes()
        );
    }
}
