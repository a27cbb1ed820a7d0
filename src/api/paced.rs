//! A provider as its users share it: each request has its turn, and what a gate does, or has to know, has it at once.
//!
//! The provider's limits are those of the account, not of a session: a rate limit that one watcher met holds for all
//! ([`bucket`]). Gates wait for nobody, and a refusal of theirs teaches nothing. A fleet's first polls
//! would each open a connection beside its stream, and a pause would find no file left: watchers' reads are so many at once
//! and no more.

pub mod bucket;
#[cfg(test)]
mod tests;
pub mod turns;

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};

use self::bucket::{Lane, Rate, SHARED_MOST};
use self::turns::{Pressure, Turns};
use super::{
    ApiError, Capabilities, ErrorClass, EventStream, MessageId, Messages, PauseAnswer, Provider, Screenshot, Session,
    SessionId, Status,
};

/// So many reads of watchers are under way at once, besides those that hang.
const AT_ONCE: usize = 256;

/// Attempts of a read that is rate limited for a short time, the first included.
const ATTEMPTS: u32 = 3;

/// A read counts among them for this long.
const PLACE_MOST: Duration = Duration::from_secs(2);

/// What all users of a provider share; makes their providers.
#[derive(Clone)]
pub struct Pace {
    provider: Arc<dyn Provider>,
    turns: Turns,
    places: Arc<Semaphore>,
}

impl Pace {
    /// For the users of `provider`, which takes `rate` requests, if that is known. Requests that it repeats of its own accord
    /// are counted from now on.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, rate: Option<Rate>) -> Self {
        let turns = Turns::start(rate);
        provider.count_with(&turns);
        Self { provider, turns, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The provider, for those who act: nothing of theirs waits, and all of it is counted.
    #[must_use]
    pub fn acting(&self) -> Arc<dyn Provider> {
        self.paced(None, None)
    }

    /// The provider, for a watcher whose session may act.
    #[must_use]
    pub fn watching(&self) -> Arc<dyn Provider> {
        self.paced(Some(Lane::Watch), Some(self.places.clone()))
    }

    /// The provider, for a watcher in whose session no task runs.
    #[must_use]
    pub fn resting(&self) -> Arc<dyn Provider> {
        self.paced(Some(Lane::Rest), Some(self.places.clone()))
    }

    /// The provider, for whoever lists: one read at a time, which takes no watcher's place.
    #[must_use]
    pub fn listing(&self) -> Arc<dyn Provider> {
        self.paced(Some(Lane::List), None)
    }

    /// How much is wanted, as it changes.
    #[must_use]
    pub fn pressure(&self) -> watch::Receiver<Pressure> {
        self.turns.pressure()
    }

    fn paced(&self, lane: Option<Lane>, places: Option<Arc<Semaphore>>) -> Arc<dyn Provider> {
        Arc::new(Paced { provider: self.provider.clone(), turns: self.turns.clone(), lane, places })
    }
}

struct Paced {
    provider: Arc<dyn Provider>,
    turns: Turns,
    /// Where reads wait; none where they do not.
    lane: Option<Lane>,
    places: Option<Arc<Semaphore>>,
}

impl Paced {
    /// Reads, and again where the provider asked for a short time: each time in its turn.
    async fn read_again<T, C>(&self, call: impl Fn() -> C) -> Result<T, ApiError>
    where
        C: Future<Output = Result<T, ApiError>>,
    {
        for _ in 1..ATTEMPTS {
            let answer = self.read(call()).await;
            let Err(ApiError { class: ErrorClass::RateLimited { retry_after: Some(wait) }, .. }) = &answer else {
                return answer;
            };
            if *wait > SHARED_MOST {
                return answer;
            }
            tokio::time::sleep(*wait).await;
        }
        self.read(call()).await
    }

    async fn read<T>(&self, call: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        let Some(lane) = self.lane else { return self.act(call).await };
        self.turns.turn(lane).await;
        let answer = match &self.places {
            Some(places) => in_its_place(places, call).await,
            None => call.await,
        };
        if let Err(ApiError { class: ErrorClass::RateLimited { retry_after }, .. }) = &answer {
            self.turns.refused(*retry_after);
        }
        answer
    }

    /// A call that waits for nobody. It is counted once it has begun: not even that comes before a pause is on its way.
    async fn act<T>(&self, call: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        let mut call = std::pin::pin!(call);
        let begun = std::future::poll_fn(|cx| Poll::Ready(call.as_mut().poll(cx))).await;
        self.turns.spend();
        match begun {
            Poll::Ready(answer) => answer,
            Poll::Pending => call.await,
        }
    }
}

/// Waits for one of the places, and gives it back when the call takes long: what hangs keeps nobody waiting.
async fn in_its_place<T>(places: &Semaphore, call: impl Future<Output = T>) -> T {
    let mut call = std::pin::pin!(call);
    // Never closed.
    let place = places.acquire().await.ok();
    if let Ok(answer) = tokio::time::timeout(PLACE_MOST, &mut call).await {
        return answer;
    }
    drop(place);
    call.await
}

#[async_trait]
impl Provider for Paced {
    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    fn count_with(&self, turns: &Turns) {
        self.provider.count_with(turns);
    }

    fn stream_broke(&self) {
        self.provider.stream_broke();
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        self.read_again(|| self.provider.list()).await
    }

    async fn session(&self, id: &SessionId) -> Result<Session, ApiError> {
        self.read_again(|| self.provider.session(id)).await
    }

    async fn status(&self, id: &SessionId) -> Result<Status, ApiError> {
        self.read_again(|| self.provider.status(id)).await
    }

    async fn messages(&self, id: &SessionId, after: MessageId) -> Result<Messages, ApiError> {
        self.read_again(|| self.provider.messages(id, after)).await
    }

    async fn events(&self, id: &SessionId) -> Result<EventStream, ApiError> {
        self.read(self.provider.events(id)).await
    }

    async fn pause(&self, id: &SessionId) -> Result<PauseAnswer, ApiError> {
        self.act(self.provider.pause(id)).await
    }

    async fn resume(&self, id: &SessionId) -> Result<(), ApiError> {
        self.act(self.provider.resume(id)).await
    }

    async fn cancel(&self, id: &SessionId) -> Result<(), ApiError> {
        self.act(self.provider.cancel(id)).await
    }

    async fn delete(&self, id: &SessionId) -> Result<(), ApiError> {
        self.act(self.provider.delete(id)).await
    }

    async fn message(&self, id: &SessionId, text: &str) -> Result<(), ApiError> {
        self.act(self.provider.message(id, text)).await
    }

    async fn screenshot(&self, id: &SessionId) -> Result<Screenshot, ApiError> {
        self.read(self.provider.screenshot(id)).await
    }
}
