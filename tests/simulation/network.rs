//! The network between daemon and provider: every call has two legs, each of which may be slow or lost.
//!
//! A request that has left arrives whether its caller waits for it, gives up, or dies.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::{future, stream};
use holdpoint::api::{
    ApiError, Capabilities, ErrorClass, EventStream, MessageId, Messages, PauseAnswer, Provider, Screenshot, Session,
    SessionId, Status, StreamItem,
};
use tokio::sync::{mpsc, oneshot};

use crate::truth::{By, Stream, Unknown, refused};
use crate::world::{Happening, Shared, World};

/// How long a caller waits.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE_PATIENCE: Duration = Duration::from_secs(5);
/// When a second request for a pause leaves.
const HEDGE: Duration = Duration::from_millis(750);
/// A stream without news says that it lives this often.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// What is asked of the provider.
#[derive(Clone, Debug)]
pub enum What {
    List,
    Session,
    Status,
    Messages(MessageId),
    Stream,
    Screenshot,
    Pause,
    Resume,
    Cancel,
    Delete,
    Message(String),
}

/// What becomes of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Way {
    Well,
    /// It never arrives.
    LostBefore,
    /// Its answer never arrives.
    LostAfter,
    /// It is refused on the way: this is the answer, and it never gets there.
    Refused(ErrorClass),
    /// It is accepted, and nothing comes of it.
    Dud,
}

pub struct Call {
    pub what: What,
    pub session: Option<SessionId>,
    way: Way,
    left: Duration,
    /// A pause on its way when its process died, whose approval was not durable.
    pub orphan: bool,
    asker: Option<oneshot::Sender<Result<Reply, ErrorClass>>>,
    reply: Option<Result<Reply, ErrorClass>>,
}

/// What the provider says.
pub enum Reply {
    Done,
    Sessions(Vec<Session>),
    Session(Session),
    Status(Status),
    Messages(Messages),
    Stream(mpsc::UnboundedReceiver<Result<StreamItem, ApiError>>),
    Screenshot(Screenshot),
}

/// The daemon's end of the network.
pub struct Line {
    pub shared: Shared,
}

impl Line {
    async fn ask(&self, what: What, session: Option<&SessionId>) -> Result<Reply, ErrorClass> {
        let answer = self.shared.lock().issue(what, session.cloned());
        self.shared.sooner.notify_one();
        match tokio::time::timeout(PATIENCE, answer).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => Err(ErrorClass::Unknown { detail: "connection reset".to_owned() }),
            Err(_) => Err(ErrorClass::Unknown { detail: "time-out".to_owned() }),
        }
    }

    async fn call(&self, what: What, session: Option<&SessionId>) -> Result<Reply, ApiError> {
        let name = format!("{what:?}");
        self.ask(what, session).await.map_err(|class| ApiError { call: name, class })
    }

    /// One request, and a second one when the first is slow.
    async fn hedged(&self, id: &SessionId) -> Result<PauseAnswer, ErrorClass> {
        let mut first = Box::pin(self.ask(What::Pause, Some(id)));
        if let Ok(answer) = tokio::time::timeout(HEDGE, &mut first).await {
            return single(answer);
        }
        let second = Box::pin(self.ask(What::Pause, Some(id)));
        let (one, other) = future::select(first, second).await.factor_first();
        if let Ok(Reply::Done) = one {
            return Ok(PauseAnswer::Accepted);
        }
        // "Paused already" to one is settled by the other, which may have been the cause; and so is a failure.
        let rest = tokio::time::timeout(PAUSE_PATIENCE - HEDGE, other).await;
        match (one, rest) {
            (_, Ok(Ok(_))) => Ok(PauseAnswer::Accepted),
            (Err(ErrorClass::AlreadyPaused), Ok(Err(ErrorClass::Unknown { .. })) | Err(_))
            | (Err(ErrorClass::Unknown { .. }), Ok(Err(ErrorClass::AlreadyPaused))) => Ok(PauseAnswer::InDoubt),
            (Err(ErrorClass::AlreadyPaused), Ok(Err(_))) | (_, Ok(Err(ErrorClass::AlreadyPaused))) => {
                Ok(PauseAnswer::AlreadyPaused)
            }
            (Err(class @ ErrorClass::Unknown { .. }), _) | (_, Ok(Err(class))) => Err(class),
            (_, Err(_)) => Err(ErrorClass::Unknown { detail: "no answer".to_owned() }),
        }
    }
}

fn single(answer: Result<Reply, ErrorClass>) -> Result<PauseAnswer, ErrorClass> {
    match answer {
        Ok(_) => Ok(PauseAnswer::Accepted),
        Err(ErrorClass::AlreadyPaused) => Ok(PauseAnswer::AlreadyPaused),
        Err(class) => Err(class),
    }
}

#[async_trait]
impl Provider for Line {
    fn capabilities(&self) -> Capabilities {
        Capabilities { soft_pause: true, hard_interrupt: false, native_approval: false }
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        let Reply::Sessions(sessions) = self.call(What::List, None).await? else { unreachable!("a list") };
        Ok(sessions)
    }

    async fn session(&self, id: &SessionId) -> Result<Session, ApiError> {
        let Reply::Session(session) = self.call(What::Session, Some(id)).await? else { unreachable!("a session") };
        Ok(session)
    }

    async fn status(&self, id: &SessionId) -> Result<Status, ApiError> {
        let Reply::Status(status) = self.call(What::Status, Some(id)).await? else { unreachable!("a status") };
        Ok(status)
    }

    async fn messages(&self, id: &SessionId, after: MessageId) -> Result<Messages, ApiError> {
        let Reply::Messages(messages) = self.call(What::Messages(after), Some(id)).await? else {
            unreachable!("messages")
        };
        Ok(messages)
    }

    async fn events(&self, id: &SessionId) -> Result<EventStream, ApiError> {
        let Reply::Stream(mut items) = self.call(What::Stream, Some(id)).await? else { unreachable!("a stream") };
        Ok(Box::pin(stream::poll_fn(move |context| items.poll_recv(context))))
    }

    async fn pause(&self, id: &SessionId) -> Result<PauseAnswer, ApiError> {
        let within = tokio::time::timeout(PAUSE_PATIENCE, self.hedged(id)).await;
        let late = || ErrorClass::Unknown { detail: "no answer in time".to_owned() };
        within.unwrap_or_else(|_| Err(late())).map_err(|class| ApiError { call: "pause".to_owned(), class })
    }

    async fn resume(&self, id: &SessionId) -> Result<(), ApiError> {
        self.call(What::Resume, Some(id)).await.map(drop)
    }

    async fn cancel(&self, id: &SessionId) -> Result<(), ApiError> {
        self.call(What::Cancel, Some(id)).await.map(drop)
    }

    async fn delete(&self, id: &SessionId) -> Result<(), ApiError> {
        match self.call(What::Delete, Some(id)).await {
            Err(ApiError { class: ErrorClass::NotFound { .. }, .. }) => Ok(()),
            answer => answer.map(drop),
        }
    }

    async fn message(&self, id: &SessionId, text: &str) -> Result<(), ApiError> {
        self.call(What::Message(text.to_owned()), Some(id)).await.map(drop)
    }

    async fn screenshot(&self, id: &SessionId) -> Result<Screenshot, ApiError> {
        let Reply::Screenshot(picture) = self.call(What::Screenshot, Some(id)).await? else {
            unreachable!("a picture")
        };
        Ok(picture)
    }
}

/// The way of a call.
impl World {
    fn issue(&mut self, what: What, session: Option<SessionId>) -> oneshot::Receiver<Result<Reply, ErrorClass>> {
        let way = self.way(&what);
        let number = self.number();
        self.step(format_args!("#{number} {} {what:?} leaves ({way:?})", name(session.as_ref())));
        let releases = matches!(what, What::Resume | What::Message(_));
        let times = if releases && self.chance(self.faults.echoes) { 2 } else { 1 };
        for _ in 0..times {
            let checked = self.judge_call(&what, session.as_ref());
            self.holds(checked);
        }
        let leg = self.leg();
        self.after(leg, Happening::Arrive(number));
        let (asker, answer) = oneshot::channel();
        self.calls.insert(
            number,
            Call { what, session, way, left: self.now(), orphan: false, asker: Some(asker), reply: None },
        );
        answer
    }

    fn way(&mut self, what: &What) -> Way {
        if matches!(what, What::Pause) && self.chance(self.faults.duds) {
            return Way::Dud;
        }
        if !self.chance(self.faults.calls) {
            return Way::Well;
        }
        let unknown = |detail: &str| ErrorClass::Unknown { detail: detail.to_owned() };
        let drawn = self.rng.u32(..10);
        self.judge.count(match drawn {
            0 | 1 => "requests lost",
            2..5 => "answers lost",
            _ => "calls refused",
        });
        match drawn {
            0 | 1 => Way::LostBefore,
            2..5 => Way::LostAfter,
            5 => Way::Refused(ErrorClass::Unreachable { detail: "no route".to_owned() }),
            6 => {
                let retry_after = self.rng.bool().then(|| self.millis(500, 8_000));
                Way::Refused(ErrorClass::RateLimited { retry_after })
            }
            7 => Way::Refused(unknown("502")),
            8 => match self.rng.u8(..4) {
                0 => Way::Refused(ErrorClass::Auth { status: 401, detail: "a gateway".to_owned() }),
                1 => Way::Refused(ErrorClass::NotFound { detail: "a gateway".to_owned() }),
                _ => Way::Refused(refused("no")),
            },
            _ => Way::Refused(refused("not now")),
        }
    }

    fn leg(&mut self) -> Duration {
        if self.chance(self.faults.slow) { self.millis(300, 12_000) } else { self.millis(1, 60) }
    }

    pub fn arrives(&mut self, number: u64) {
        let Some(call) = self.calls.get(&number) else { return };
        let (what, session, way) = (call.what.clone(), call.session.clone(), call.way.clone());
        let reply = match way {
            Way::LostBefore => {
                self.step(format_args!("#{number} is lost"));
                self.calls.remove(&number);
                return;
            }
            Way::Refused(class) => Err(class),
            Way::Dud => self.dud(session.as_ref()),
            // Somebody else is a moment faster.
            Way::Well | Way::LostAfter if matches!(what, What::Pause) && self.chance(self.faults.strangers) => {
                let _ = session.as_ref().map(|id| self.pause(id, By::Stranger));
                self.effect(&what, session.as_ref())
            }
            Way::Well | Way::LostAfter => self.effect(&what, session.as_ref()),
        };
        let said = reply.as_ref().map(|_| "done").map_err(Clone::clone);
        if said.is_ok() && matches!(what, What::Pause) {
            self.judge_race(number, session.as_ref());
        }
        if said.is_ok() && self.calls[&number].orphan {
            self.truth(session.as_ref().expect("a session")).unknown = Some(Unknown::TakenByACrash);
        }
        self.step(format_args!("#{number} {} {what:?} arrives: {said:?}", name(session.as_ref())));
        let leg = self.leg();
        self.after(leg, Happening::Answer(number));
        if let Some(call) = self.calls.get_mut(&number) {
            call.reply = Some(reply);
        }
    }

    /// A pause that takes effect after another request of the same call was accepted: who sent it has no reason to think that
    /// it is still on its way.
    fn judge_race(&mut self, number: u64, session: Option<&SessionId>) {
        let (Some(call), Some(id)) = (self.calls.get(&number), session) else { return };
        let (left, given_up) = (call.left, call.asker.as_ref().is_none_or(oneshot::Sender::is_closed));
        let truth = self.truth(id);
        let overtaken = truth.accepted.iter().any(|other| *other > left && *other < left + PAUSE_PATIENCE);
        // While it is held anyway, it is known.
        let held = session.and_then(|id| self.newest(id)).is_some_and(|kept| kept.closed.is_none() || kept.holding);
        if given_up && overtaken && !held {
            self.step(format_args!("{id}: #{number} had lost its race"));
            self.judge.count("pauses that had lost their race");
            self.truth(id).unknown = Some(Unknown::LostItsRace);
        }
        self.truth(id).accepted.push(left);
        self.truth(id).pause_left = left;
    }

    pub fn answers(&mut self, number: u64) {
        let Some(mut call) = self.calls.remove(&number) else { return };
        let (Some(asker), Some(reply)) = (call.asker.take(), call.reply.take()) else { return };
        self.step(format_args!("#{number} is answered{}", if call.way == Way::LostAfter { ", in vain" } else { "" }));
        if call.way == Way::LostAfter {
            return;
        }
        let checked = self.judge_answer(&call.what, call.session.as_ref(), reply.as_ref().map(drop));
        self.holds(checked);
        // Whoever asked may have given up.
        let _ = asker.send(reply);
    }

    /// A provider that says that it pauses, and does not.
    fn dud(&mut self, session: Option<&SessionId>) -> Result<Reply, ErrorClass> {
        let now = self.now();
        let truth = session.and_then(|id| self.sessions.get_mut(id));
        let truth = truth.ok_or_else(|| refused("no session"))?;
        truth.found()?;
        if truth.held_by().is_some() {
            return Err(ErrorClass::AlreadyPaused);
        }
        // Whoever is told so has to believe it.
        truth.took.push(now);
        Ok(Reply::Done)
    }

    fn effect(&mut self, what: &What, session: Option<&SessionId>) -> Result<Reply, ErrorClass> {
        let hides = self.setup.hides_pauses;
        let Some(id) = session else {
            let all = self.sessions.values().filter_map(|truth| truth.session(hides).ok());
            return Ok(Reply::Sessions(all.collect()));
        };
        if !self.sessions.contains_key(id) {
            return Err(ErrorClass::NotFound { detail: "unknown".to_owned() });
        }
        match what {
            What::List => Err(refused("a list has no session")),
            What::Session => self.truth(id).session(hides).map(Reply::Session),
            What::Status => self.truth(id).status(hides).map(Reply::Status),
            What::Messages(after) => self.truth(id).messages(*after, hides).map(Reply::Messages),
            What::Stream => self.open_stream(id),
            What::Screenshot => self.truth(id).found().map(|()| Reply::Screenshot(picture())),
            What::Pause => self.pause(id, By::Us).map(|()| Reply::Done),
            What::Resume => self.resume(id, By::Us).map(|()| Reply::Done),
            What::Cancel => self.cancel(id).map(|()| Reply::Done),
            What::Delete => self.delete(id).map(|()| Reply::Done),
            What::Message(text) => self.message(id, text).map(|()| Reply::Done),
        }
    }

    fn open_stream(&mut self, id: &SessionId) -> Result<Reply, ErrorClass> {
        self.truth(id).found()?;
        let (number, opened) = (self.number(), self.now());
        let (out, items) = mpsc::unbounded_channel();
        let truth = self.truth(id);
        let history = truth.said.len();
        truth.streams.insert(
            number,
            Stream { out, next: 0, history, opened, busy: false, turn: 0, stalled: false, ends: false },
        );
        if history > 0 {
            self.item_soon(id, number);
        } else {
            self.heartbeat_later(id, number);
        }
        Ok(Reply::Stream(items))
    }

    /// The next item of a stream arrives, or its end.
    pub fn item_comes(&mut self, id: &SessionId, number: u64, turn: u64) {
        let Some(stream) = self.truth(id).streams.get_mut(&number) else { return };
        if stream.turn != turn {
            return;
        }
        if stream.out.is_closed() || stream.stalled {
            let closed = stream.out.is_closed();
            if closed {
                self.truth(id).streams.remove(&number);
            }
            return;
        }
        stream.busy = false;
        let (next, history, ends, opened) = (stream.next, stream.history, stream.ends, stream.opened);
        if ends || self.chance(self.faults.streams) {
            return self.stream_fails(id, number, ends);
        }
        let said = self.truth(id).said.get(next).cloned();
        let Some(said) = said else {
            self.step(format_args!("{id} stream {number}: a heartbeat"));
            self.send(id, number, StreamItem::Heartbeat);
            return self.heartbeat_later(id, number);
        };
        let event = said.event;
        self.step(format_args!("{id} stream {number}: {} {:?}", event.kind.name(), event.id.map(|id| id.0)));
        let live = next >= history && self.now() > opened + Duration::from_secs(15);
        self.judge_item(id, &event, live, said.said_at);
        let now = self.now();
        let truth = self.truth(id);
        if said.foreign && live {
            truth.meddled = Some((said.said_at, now));
        }
        truth.streams.get_mut(&number).expect("a stream").next += 1;
        self.send(id, number, StreamItem::Event(event));
        if next + 1 < self.truth(id).said.len() {
            self.item_soon(id, number);
        } else {
            self.heartbeat_later(id, number);
        }
    }

    fn heartbeat_later(&mut self, id: &SessionId, number: u64) {
        let turn = self.number();
        if let Some(stream) = self.truth(id).streams.get_mut(&number) {
            stream.turn = turn;
            self.after(HEARTBEAT, Happening::Item(id.clone(), number, turn));
        }
    }

    fn stream_fails(&mut self, id: &SessionId, number: u64, ends: bool) {
        let how = if ends { 0 } else { self.rng.u32(..6) };
        self.judge.count("streams that broke");
        self.step(format_args!("{id} stream {number} fails ({how})"));
        let said = self.truth(id).said.len();
        let stream = self.truth(id).streams.get_mut(&number).expect("a stream");
        match how {
            0 | 1 => drop(self.truth(id).streams.remove(&number)),
            2 => {
                let class = ErrorClass::Unknown { detail: "reset".to_owned() };
                let _ = stream.out.send(Err(ApiError { call: "stream".to_owned(), class }));
                self.truth(id).streams.remove(&number);
            }
            3 => stream.stalled = true,
            4 => {
                // What it leaves out is read back when it has ended.
                (stream.next, stream.ends) = ((stream.next + 1).min(said), true);
                self.item_soon(id, number);
            }
            _ => {
                stream.next = stream.next.saturating_sub(2);
                self.item_soon(id, number);
            }
        }
    }

    fn send(&mut self, id: &SessionId, number: u64, item: StreamItem) {
        if let Some(stream) = self.truth(id).streams.get(&number) {
            let _ = stream.out.send(Ok(item));
        }
    }
}

fn name(session: Option<&SessionId>) -> &str {
    session.map_or("-", SessionId::as_str)
}

fn picture() -> Screenshot {
    Screenshot {
        image: vec![1],
        media_type: "image/jpeg".to_owned(),
        url: Some("https://shop.example/cart".to_owned()),
        title: Some("Cart".to_owned()),
    }
}
