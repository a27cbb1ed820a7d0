//! The calls of the API: recorded, struck by faults, answered.

use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{NewSession, StreamOpen, World};
use crate::clock::Moment;
use crate::simulator::fault::{Endpoint, Fault, FaultAnswer};
use crate::simulator::picture;
use crate::simulator::record::{Call, nanos};
use crate::simulator::request::{self, RawCall, Target};
use crate::simulator::scenario::Page;
use crate::simulator::session::Taken;
use crate::simulator::wire::{self, Answer};

/// What the shell does with a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It waits this long and then comes back with the ticket ([`World::resume_call`]).
    Wait(Duration, Ticket),
    /// It is decided; the answer is held back this long.
    Decided(Duration, Decided),
}

/// How many sessions, deleted ones among them, are looked at for a list before somebody else has a turn.
pub(super) const LISTED: usize = 128;

/// A decided call.
#[derive(Clone, Debug, PartialEq)]
pub enum Decided {
    /// An answer.
    Answer(Answer),
    /// The list of sessions, which is put together piece by piece from here on: the record has its status already.
    List,
    /// An event stream.
    Stream(StreamOpen),
    /// No answer, ever.
    Hang,
    /// The connection is reset.
    Reset,
}

/// A call that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    seq: usize,
    target: Target,
    fault: Option<Fault>,
}

impl World {
    /// Takes a call.
    pub fn call(&mut self, now: Moment, raw: &RawCall) -> Outcome {
        let target = request::target(&raw.method, &raw.path);
        let seq = self.write_down(raw, target.as_ref().ok());
        let target = match target {
            Ok(target) => target,
            Err(answer) => return self.decide(seq, Duration::ZERO, Decided::Answer(answer)),
        };
        if let Some(Err(wait)) = self.taken.as_mut().map(|taken| taken.take(now.mono)) {
            let answer = Answer { retry_after: Some(wait.to_string()), ..Answer::detail(429, "Too many requests") };
            return self.decide(seq, Duration::ZERO, Decided::Answer(answer));
        }
        let fault = self.strike(&target);
        if let (Some(fault), Some(call)) = (&fault, self.record.call_mut(seq)) {
            call.faulted = fault.answer.is_some() || fault.stream.is_some();
        }
        let delay = fault.as_ref().map_or(Duration::ZERO, |fault| fault.delay.0);
        let ticket = Ticket { seq, target, fault };
        if delay == Duration::ZERO { self.resume_call(now, raw, ticket) } else { Outcome::Wait(delay, ticket) }
    }

    /// Takes a call that has waited.
    pub fn resume_call(&mut self, now: Moment, raw: &RawCall, ticket: Ticket) -> Outcome {
        let Ticket { seq, target, fault } = ticket;
        if !raw.authorized {
            let answer = Answer::detail(self.rules.auth_status, "Invalid API key");
            return self.decide(seq, Duration::ZERO, Decided::Answer(answer));
        }
        let applies = fault.as_ref().is_none_or(|fault| fault.applied || !fault.hides());
        let truth = applies.then(|| self.perform(now, &target, raw, fault.as_ref()));
        if let Some(call) = self.record.call_mut(seq) {
            call.applied = applies;
        }
        let hold = fault.as_ref().map_or(Duration::ZERO, |fault| fault.hold.0);
        let lie = fault.and_then(|fault| fault.answer);
        let decided = self.answer(&target, truth, lie);
        self.decide(seq, hold, decided)
    }

    fn decide(&mut self, seq: usize, hold: Duration, decided: Decided) -> Outcome {
        let status = match &decided {
            Decided::Answer(answer) => Some(answer.status),
            Decided::List | Decided::Stream(_) => Some(200),
            Decided::Hang | Decided::Reset => None,
        };
        if let Some(call) = self.record.call_mut(seq) {
            call.status = status;
        }
        Outcome::Decided(hold, decided)
    }

    fn write_down(&mut self, raw: &RawCall, target: Option<&Target>) -> usize {
        let seq = self.record.end().calls;
        self.record.calls.push(Call {
            seq,
            endpoint: target.map(|target| target.endpoint),
            method: raw.method.clone(),
            path: raw.target.clone(),
            session: target.and_then(|target| target.session.clone()),
            body: Some(raw.body.clone()).filter(|body| !body.is_empty()),
            received_ns: nanos(raw.received),
            received_at: raw.received.wall,
            status: None,
            faulted: false,
            applied: false,
        });
        seq
    }

    fn strike(&mut self, target: &Target) -> Option<Fault> {
        let session = target.session.as_deref();
        let own = session.and_then(|id| self.slots.get_mut(id)).map(|slot| &mut slot.faults);
        let struck = own.and_then(|book| book.strike(target.endpoint, session));
        struck.or_else(|| self.faults.strike(target.endpoint, session))
    }

    fn answer(&self, target: &Target, truth: Option<Decided>, lie: Option<FaultAnswer>) -> Decided {
        let untold = || Decided::Answer(Answer::detail(500, "Internal Server Error"));
        let session = || target.session.as_deref().and_then(|id| self.slots.get(id)).map(|slot| &slot.session);
        match lie {
            None => truth.unwrap_or_else(untold),
            Some(FaultAnswer::Hang) => Decided::Hang,
            Some(FaultAnswer::Reset) => Decided::Reset,
            Some(FaultAnswer::Error(error)) => Decided::Answer(Answer::fault(&error)),
            Some(FaultAnswer::Refuse) => {
                Decided::Answer(Answer::ok(&json!({ "success": false, "message": "Could not be done" })))
            }
            Some(FaultAnswer::StatusShape) => {
                let status = session().map_or("terminated", |session| session.status());
                Decided::Answer(Answer::ok(&json!({ "status": status })))
            }
            Some(FaultAnswer::BareScreenshot) => {
                let page = session().map(|session| session.page().clone()).unwrap_or_default();
                Decided::Answer(screenshot(picture::BASE64, &page))
            }
            Some(FaultAnswer::BrokenScreenshot) => {
                let page = session().map(|session| session.page().clone()).unwrap_or_default();
                Decided::Answer(screenshot(&picture::broken_data_url(), &page))
            }
        }
    }

    /// Does what the call asks for.
    fn perform(&mut self, now: Moment, target: &Target, raw: &RawCall, fault: Option<&Fault>) -> Decided {
        let id = target.session.as_deref().unwrap_or_default();
        let answer = match target.endpoint {
            Endpoint::Create => self.create_session(now, raw),
            Endpoint::List => return Decided::List,
            Endpoint::Session => self.get(id),
            Endpoint::Delete => self.delete_session(id, raw),
            Endpoint::DeleteAll => Ok(self.delete_all()),
            Endpoint::Message => self.message_call(now, id, &raw.body),
            Endpoint::Status => self.status(id),
            Endpoint::Messages => self.messages(now, id, raw),
            Endpoint::Pause => self.pause(now, id),
            Endpoint::Resume => self.resume(now, id),
            Endpoint::Cancel => self.cancel(now, id),
            Endpoint::Navigate => self.navigate(now, id, &raw.body),
            Endpoint::Screenshot => self.screenshot(id),
            Endpoint::Models | Endpoint::Any => Ok(Answer::ok(&models(raw))),
            Endpoint::Events => match self.events(now, id, raw, fault) {
                Ok(open) => return Decided::Stream(open),
                Err(answer) => Err(answer),
            },
        };
        Decided::Answer(answer.unwrap_or_else(|answer| answer))
    }

    fn create_session(&mut self, now: Moment, raw: &RawCall) -> Result<Answer, Answer> {
        let body = request::create(&raw.body)?;
        let new = NewSession { agent: body.agent_name, goal: body.goal, kind: body.kind, scenario: None };
        self.create(now, &raw.fresh_id, new);
        self.get(&raw.fresh_id)
    }

    /// Adds the next sessions after `after` to `list`, a JSON array, and gives the last that was looked at, or `None` once the array is
    /// whole. A few at a time: to write ten thousand takes milliseconds in which nobody else would be served. What `list` says of a
    /// session was so when it was added.
    ///
    /// The list lacks `vnc_url`, as the vendor's documentation allows.
    pub(in crate::simulator) fn list_some(&self, after: Option<&str>, list: &mut Vec<u8>) -> Option<Arc<str>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let mut last = None;
        for (looked_at, (id, slot)) in (1..=LISTED).zip(self.slots.range::<str, _>((from, Bound::Unbounded))) {
            last = (looked_at == LISTED).then_some(id);
            if slot.deleted {
                continue;
            }
            list.push(if list.is_empty() { b'[' } else { b',' });
            // Text and options can always be written.
            let _ = serde_json::to_writer(&mut *list, &slot.listed(id));
        }
        if last.is_none() {
            list.extend_from_slice(if list.is_empty() { b"[]" } else { b"]" });
        }
        last.cloned()
    }

    fn get(&self, id: &str) -> Result<Answer, Answer> {
        let slot = self.slot(id)?;
        Ok(Answer::ok(&Value::Object(slot.wire(id))))
    }

    fn delete_session(&mut self, id: &str, raw: &RawCall) -> Result<Answer, Answer> {
        request::delete(&raw.query)?;
        let there = self.slots.get_key_value(id).filter(|(_, slot)| !slot.deleted).map(|(id, _)| Arc::clone(id));
        let Some(id) = there else {
            let body = json!({ "success": false, "deleted": false, "message": "Session not found" });
            let unknown = if self.rules.delete_unknown == 200 { Answer::ok(&body) } else { not_found() };
            return Ok(unknown);
        };
        self.delete(&id);
        Ok(Answer::ok(&json!({ "success": true, "deleted": true, "message": "Session deleted successfully" })))
    }

    fn delete_all(&mut self) -> Answer {
        let there = self.slots.iter().filter(|(_, slot)| !slot.deleted);
        let ids: Vec<Arc<str>> = there.map(|(id, _)| Arc::clone(id)).collect();
        ids.iter().for_each(|id| self.delete(id));
        let message = format!("{} sessions deleted", ids.len());
        Answer::ok(&json!({ "success": true, "deleted": !ids.is_empty(), "message": message }))
    }

    fn message_call(&mut self, now: Moment, id: &str, body: &str) -> Result<Answer, Answer> {
        self.slot(id)?;
        let (text, start_url) = request::message(body)?;
        self.message(now, id, &text);
        if let Some(url) = start_url {
            self.go(now, id, url);
        }
        Ok(Answer::success("Message sent successfully"))
    }

    fn status(&self, id: &str) -> Result<Answer, Answer> {
        let slot = self.slot(id)?;
        Ok(Answer::ok(&json!({ "status": slot.session.execution() })))
    }

    fn messages(&mut self, now: Moment, id: &str, raw: &RawCall) -> Result<Answer, Answer> {
        self.watch(now, id).ok_or_else(not_found)?;
        let slot = self.slot(id)?;
        let (after, sanitize) = request::messages(&raw.query)?;
        let wanted = slot.history.iter().filter(|event| event.id > Some(after) && !(sanitize && event.hidden));
        let messages: Vec<Value> = wanted.filter_map(|event| wire::message(event)).collect();
        Ok(Answer::ok(&json!({ "messages": messages, "status": slot.session.execution(), "has_agent": true })))
    }

    fn events(&mut self, now: Moment, id: &str, raw: &RawCall, fault: Option<&Fault>) -> Result<StreamOpen, Answer> {
        let query = request::stream(&raw.query)?;
        let fault = fault.and_then(|fault| fault.stream.clone()).unwrap_or_default();
        self.open(now, id, query, fault).ok_or_else(not_found)
    }

    fn pause(&mut self, now: Moment, id: &str) -> Result<Answer, Answer> {
        let taken = self.with(now, id, |session| session.pause(now.mono)).ok_or_else(not_found)?;
        match taken {
            Taken::Accepted => Ok(Answer::success("Session paused successfully")),
            Taken::Already => Err(self.already(id, "already_paused: the session is already paused")),
            Taken::NoTask => Err(self.already(id, "not_running: the session has no running task")),
        }
    }

    fn resume(&mut self, now: Moment, id: &str) -> Result<Answer, Answer> {
        let taken = self.with(now, id, |session| session.resume(now.mono)).ok_or_else(not_found)?;
        match taken {
            Taken::Accepted => Ok(Answer::success("Session resumed successfully")),
            Taken::Already | Taken::NoTask => Err(self.already(id, "not_paused: the session is not paused")),
        }
    }

    fn cancel(&mut self, now: Moment, id: &str) -> Result<Answer, Answer> {
        let cancelled = self.with(now, id, |session| {
            session.cancel();
            ((), Vec::new())
        });
        cancelled.ok_or_else(not_found).map(|()| Answer::success("Session cancelled successfully"))
    }

    fn navigate(&mut self, now: Moment, id: &str, body: &str) -> Result<Answer, Answer> {
        self.slot(id)?;
        let url = request::navigate(body)?;
        let answer = Answer::ok(&json!({ "current_url": url }));
        self.go(now, id, url);
        Ok(answer)
    }

    fn screenshot(&self, id: &str) -> Result<Answer, Answer> {
        let slot = self.slot(id)?;
        Ok(screenshot(&picture::data_url(), slot.session.page()))
    }

    fn go(&mut self, now: Moment, id: &str, url: String) {
        let host = url::Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let page = Page { url, title: host.unwrap_or_default() };
        self.with(now, id, |session| {
            session.navigate(page);
            ((), Vec::new())
        });
    }

    fn already(&self, id: &str, detail: &str) -> Answer {
        let status = self.slots.get(id).map_or(400, |slot| slot.session.scenario().pause.again);
        Answer::detail(status, detail)
    }

    fn slot(&self, id: &str) -> Result<&super::Slot, Answer> {
        self.slots.get(id).filter(|slot| !slot.deleted).ok_or_else(not_found)
    }
}

fn not_found() -> Answer {
    Answer::detail(404, "Session not found")
}

fn screenshot(data: &str, page: &Page) -> Answer {
    Answer::ok(&json!({ "screenshot": data, "url": page.url, "title": page.title }))
}

fn models(raw: &RawCall) -> Value {
    let desktop = raw.query.get("filter").is_some_and(|filter| filter == "desktop");
    let names: &[&str] = if desktop { &["agi-2-claude", "agi-2-qwen"] } else { &["agi-0", "agi-0-fast"] };
    json!({ "models": names })
}
