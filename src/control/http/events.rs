//! `GET /v1/events`: a client's seat. `hello` with everything there is, then each change, then the reason of the end.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use tokio::time::{Interval, MissedTickBehavior, interval};
use utoipa::ToSchema;

use super::Api;
use super::answer::Problem;
use super::extract::Caller;
use super::seats::Seat;
use crate::control::protocol::{Hello, Refusal, Role};
use crate::control::service::{Client, Gone};

/// How often a quiet stream says that it lives, and a person's role is looked at again.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// The last event of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(in crate::control) struct Farewell {
    /// Why it ends.
    pub(in crate::control) gone: Gone,
    /// The same in a sentence.
    pub(in crate::control) message: String,
}

pub(super) async fn events(State(api): State<Arc<Api>>, caller: Caller) -> Result<Response, Problem> {
    caller.needs(Role::Observe)?;
    let stopping = || Problem::Refused(Refusal::Stopping);
    let mut client = api.desk.connect(caller.person.clone()).await.ok_or_else(stopping)?;
    let snapshot = client.snapshot().await.map_err(|_| stopping())?;
    let seat = api.seats.take(caller.person.uid, client.requests()).ok_or_else(stopping)?;
    let hello = Hello { client: seat.token.clone(), you: caller.person.you(), snapshot };
    let mut beat = interval(HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.reset();
    let uid = caller.person.uid;
    let told = Told { api, client, beat, uid, next: Next::Hello(Box::new(hello)), _seat: seat };
    let events = stream::unfold(told, |mut told| async move { Some((told.event().await?, told)) });
    Ok(Sse::new(stream::StreamExt::map(events, Ok::<_, Infallible>)).into_response())
}

/// What a client is being told.
struct Told {
    api: Arc<Api>,
    client: Client,
    beat: Interval,
    uid: u32,
    next: Next,
    _seat: Seat,
}

enum Next {
    Hello(Box<Hello>),
    Change,
    Nothing,
}

impl Told {
    async fn event(&mut self) -> Option<Event> {
        match std::mem::replace(&mut self.next, Next::Change) {
            Next::Hello(hello) => Some(json("hello", &hello).id(hello.snapshot.seq.to_string())),
            Next::Change => Some(self.change().await),
            Next::Nothing => None,
        }
    }

    async fn change(&mut self) -> Event {
        let stop = self.api.stop.clone();
        tokio::select! {
            biased;
            update = self.client.next_update() => match update {
                Ok(update) => json("update", &update).id(update.seq.to_string()),
                Err(gone) => self.farewell(gone),
            },
            () = stop.cancelled() => self.farewell(Gone::Ended),
            _ = self.beat.tick() => self.heartbeat().await,
        }
    }

    async fn heartbeat(&mut self) -> Event {
        match self.api.people.person(self.uid).await {
            Ok(_) => Event::default().comment("still here"),
            Err(_) => self.farewell(Gone::NotPermitted),
        }
    }

    fn farewell(&mut self, gone: Gone) -> Event {
        self.next = Next::Nothing;
        json("gone", &Farewell { gone, message: gone.to_string() })
    }
}

/// Our own types always serialise; were one not to, its event would be empty and its client would ask for a snapshot.
fn json<T: Serialize>(name: &str, data: &T) -> Event {
    let event = Event::default().event(name);
    event.json_data(data).unwrap_or_else(|_| Event::default().event(name))
}
