//! Scripted bad days: what goes wrong with which call, how often, and whether the call had its effect all the same.
//!
//! A fault is written in a scenario (`[[fault]]`), handed in by a test, or posted to `/_sim/faults`; the form is the same:
//!
//! ```toml
//! [[fault]]
//! endpoint = "resume"                    # see [`Endpoint`]; "any" is all of them
//! answer   = "reset"                     # see [`FaultAnswer`]; absent: the true answer, late or through a bad stream
//! applied  = true                        # the call takes effect, only the answer is lost
//! times    = 2                           # default 1; `always = true` never wears off
//! skip     = 1                           # let this many calls pass first
//! delay    = "200ms"                     # before the call is looked at
//! hold     = "1s"                        # between the effect and the answer
//!
//! [[fault]]
//! endpoint = "pause"
//! answer   = { error = { status = 429, body = "detail", retry_after = 2 } }
//!
//! [[fault]]
//! endpoint = "events"
//! stream   = { eof_after = 3 }           # see [`StreamFault`]
//! ```
//!
//! Lengths of time of faults are real ones: the speed of a script does not change them.

use serde::{Deserialize, Serialize};

use super::span::Span;

/// One thing that goes wrong, or a sequence of the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The call that it strikes.
    pub endpoint: Endpoint,
    /// The only session that it strikes; absent: all. In a scenario it is always the scenario's own session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// How many calls it strikes; absent: one.
    #[serde(default = "once")]
    pub times: u32,
    /// Whether it never wears off, whatever `times` says.
    #[serde(default)]
    pub always: bool,
    /// How many matching calls pass before the first is struck.
    #[serde(default)]
    pub skip: u32,
    /// How long the call waits before anything happens.
    #[serde(default)]
    pub delay: Span,
    /// How long the answer is held back after the call took effect.
    #[serde(default)]
    pub hold: Span,
    /// Whether the call takes effect although `answer` hides it. With answers that hide nothing (`status_shape`, the
    /// screenshots) and without an `answer` it always does.
    #[serde(default)]
    pub applied: bool,
    /// What is answered instead of the truth.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer: Option<FaultAnswer>,
    /// What goes wrong inside an event stream that is answered truly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream: Option<StreamFault>,
}

/// The calls of the API, by the name that faults and the record of calls use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// `POST /v1/sessions`
    Create,
    /// `GET /v1/sessions`
    List,
    /// `GET /v1/sessions/{id}`
    Session,
    /// `DELETE /v1/sessions/{id}`
    Delete,
    /// `DELETE /v1/sessions`
    DeleteAll,
    /// `POST /v1/sessions/{id}/message`
    Message,
    /// `GET /v1/sessions/{id}/status`
    Status,
    /// `GET /v1/sessions/{id}/messages`
    Messages,
    /// `GET /v1/sessions/{id}/events`
    Events,
    /// `POST /v1/sessions/{id}/pause`
    Pause,
    /// `POST /v1/sessions/{id}/resume`
    Resume,
    /// `POST /v1/sessions/{id}/cancel`
    Cancel,
    /// `POST /v1/sessions/{id}/navigate`
    Navigate,
    /// `GET /v1/sessions/{id}/screenshot`
    Screenshot,
    /// `GET /v1/models`
    Models,
    /// Every call.
    Any,
}

/// An answer that is not the true one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultAnswer {
    /// An HTTP status with a body of some shape.
    Error(ErrorAnswer),
    /// Status 200 with `{"success": false, "message": …}`.
    Refuse,
    /// The true effect, told as status 200 with `{"status": …}`, as the vendor's C# client expects of pause, resume and cancel.
    StatusShape,
    /// No answer, ever; the connection stays open.
    Hang,
    /// The connection is reset (TCP RST) instead of an answer.
    Reset,
    /// A screenshot without its `data:` prefix.
    BareScreenshot,
    /// A screenshot whose base64 padding is broken.
    BrokenScreenshot,
}

/// An HTTP error and how it words itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorAnswer {
    /// HTTP status, 100 to 999; 200 with an odd body is possible too.
    pub status: u16,
    /// The shape of the body.
    #[serde(default)]
    pub body: BodyShape,
    /// The words in it; absent: the status's usual ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The `Retry-After` header; absent: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<RetryAfter>,
}

/// A `Retry-After` header: seconds, or any text (a date, or nonsense).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum RetryAfter {
    /// Whole seconds.
    Seconds(u64),
    /// Sent as written.
    Text(String),
}

/// Bodies of errors that were seen from the vendor, its gateway or its clients' fixtures.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyShape {
    /// `{"detail": "…"}`
    #[default]
    Detail,
    /// `{"detail": [{"loc": …, "msg": "…", "type": …}]}`
    Validation,
    /// `{"message": "…"}`
    Message,
    /// `{"error": "…", "code": …}`
    Error,
    /// `{"error": {"message": "…"}}`
    ErrorObject,
    /// A gateway's HTML page.
    Html,
    /// No body.
    Empty,
    /// The text itself, as `text/plain`.
    Plain,
}

/// What goes wrong inside one event stream. All parts may be combined; counts are of events, history included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamFault {
    /// The server closes the stream cleanly after this many events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eof_after: Option<usize>,
    /// The connection is reset after this many events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reset_after: Option<usize>,
    /// Nothing more is sent after this many events, heartbeats neither; the connection stays open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_after: Option<usize>,
    /// No heartbeats; events come.
    #[serde(default)]
    pub no_heartbeat: bool,
    /// Frames carry no `id:` line and no `message_id`.
    #[serde(default)]
    pub no_ids: bool,
    /// Lines end with CR LF.
    #[serde(default)]
    pub crlf: bool,
    /// Every frame is sent in pieces of this many bytes, each in a packet of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<usize>,
    /// Every event is sent twice.
    #[serde(default)]
    pub twice: bool,
    /// A `thought` of this many bytes is sent before the first event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub giant: Option<usize>,
    /// A `thought` that is not UTF-8 is sent before the first event.
    #[serde(default)]
    pub invalid_utf8: bool,
    /// A `thought` whose data is not JSON is sent before the first event.
    #[serde(default)]
    pub not_json: bool,
}

/// Faults that wait for their calls, in the order they were handed in.
#[derive(Clone, Debug, Default)]
pub struct FaultBook(Vec<Armed>);

#[derive(Clone, Debug)]
struct Armed {
    fault: Fault,
    passed: u32,
    struck: u32,
}

impl Fault {
    /// A fault of one call of `endpoint`, answered with `answer` without taking effect.
    #[must_use]
    pub fn once(endpoint: Endpoint, answer: FaultAnswer) -> Self {
        Self { answer: Some(answer), ..Self::truth(endpoint) }
    }

    /// A fault of one stream that is opened truly and then goes wrong.
    #[must_use]
    pub fn stream(fault: StreamFault) -> Self {
        Self { stream: Some(fault), ..Self::truth(Endpoint::Events) }
    }

    /// A fault of one call of `endpoint` that changes nothing yet; for struct update syntax.
    #[must_use]
    pub fn truth(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            session: None,
            times: 1,
            always: false,
            skip: 0,
            delay: Span::default(),
            hold: Span::default(),
            applied: false,
            answer: None,
            stream: None,
        }
    }

    /// Whether the call's true answer is kept from the caller by something that is not an effect of the call itself.
    #[must_use]
    pub fn hides(&self) -> bool {
        match self.answer {
            None | Some(FaultAnswer::BareScreenshot | FaultAnswer::BrokenScreenshot | FaultAnswer::StatusShape) => {
                false
            }
            Some(FaultAnswer::Error(_) | FaultAnswer::Refuse | FaultAnswer::Hang | FaultAnswer::Reset) => true,
        }
    }

    fn strikes(&self, endpoint: Endpoint, session: Option<&str>) -> bool {
        let here = self.endpoint == endpoint || self.endpoint == Endpoint::Any;
        here && self.session.as_deref().is_none_or(|wanted| session == Some(wanted))
    }
}

impl FaultAnswer {
    /// An error with the usual words in a `detail`.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::Error(ErrorAnswer { status, body: BodyShape::Detail, text: None, retry_after: None })
    }
}

impl FaultBook {
    /// A book of `faults`.
    #[must_use]
    pub fn new(faults: &[Fault]) -> Self {
        let mut book = Self::default();
        faults.iter().for_each(|fault| book.add(fault.clone()));
        book
    }

    /// Adds a fault behind all others.
    pub fn add(&mut self, fault: Fault) {
        self.0.push(Armed { fault, passed: 0, struck: 0 });
    }

    /// Removes all faults.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The fault that strikes this call, if any; the first that matches, and only it, counts the call.
    pub fn strike(&mut self, endpoint: Endpoint, session: Option<&str>) -> Option<Fault> {
        let at = self.0.iter().position(|armed| armed.fault.strikes(endpoint, session))?;
        let armed = &mut self.0[at];
        if armed.passed < armed.fault.skip {
            armed.passed += 1;
            return None;
        }
        armed.struck += 1;
        let fault = armed.fault.clone();
        if !fault.always && armed.struck >= fault.times {
            self.0.remove(at);
        }
        Some(fault)
    }
}

fn once() -> u32 {
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_skips_then_strikes_as_often_as_it_says() {
        let fault = Fault { skip: 1, times: 2, ..Fault::once(Endpoint::Pause, FaultAnswer::Hang) };
        let mut book = FaultBook::new(&[fault]);
        let struck: Vec<bool> = (0..5).map(|_| book.strike(Endpoint::Pause, Some("a")).is_some()).collect();
        assert_eq!(struck, [false, true, true, false, false]);
    }

    #[test]
    fn a_fault_of_one_session_leaves_the_others_alone() {
        let fault = Fault { session: Some("a".to_owned()), ..Fault::once(Endpoint::Any, FaultAnswer::Reset) };
        let mut book = FaultBook::new(&[fault]);
        assert_eq!(book.strike(Endpoint::List, None), None);
        assert_eq!(book.strike(Endpoint::Cancel, Some("b")), None);
        assert!(book.strike(Endpoint::Cancel, Some("a")).is_some());
    }

    #[test]
    fn a_fault_is_read_from_json() {
        let text = r#"{"endpoint":"resume","applied":true,"answer":"reset"}"#;
        let expected = Fault { applied: true, ..Fault::once(Endpoint::Resume, FaultAnswer::Reset) };
        assert_eq!(serde_json::from_str::<Fault>(text).unwrap(), expected);
        assert!(serde_json::from_str::<Fault>(r#"{"endpoint":"resume","apllied":true}"#).is_err());
    }
}
