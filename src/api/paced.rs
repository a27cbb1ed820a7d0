//! A provider as those use it who watch: its reads heed a rate limit that any of them met, and are so many at once and no more.
//!
//! The provider's limits are those of the account, not of a session. A fleet's first polls would each open a connection beside
//! its stream, and a pause would find no file left. Who acts, and what a gate has to know, is not among them: they have the
//! provider itself.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

use super::{
    ApiError, Capabilities, ErrorClass, EventStream, MessageId, Messages, PauseAnswer, Provider, Screenshot, Session,
    SessionId, Status,
};

/// So many reads of watchers are under way at once, besides those that hang.
const AT_ONCE: usize = 256;

/// A read counts among them for this long.
const PLACE_MOST: Duration = Duration::from_secs(2);

/// What one call is asked to wait holds off the others for this long at most: longer, and all sessions would count as unseen.
const SHARED_MOST: Duration = Duration::from_secs(5);

/// How long a rate limit holds off everybody that names no time. Whoever met it backs off further.
const UNSTATED: Duration = Duration::from_secs(1);

/// What all who watch share; makes their providers.
#[derive(Clone)]
pub struct Pace {
    provider: Arc<dyn Provider>,
    not_before: watch::Sender<Instant>,
    places: Arc<Semaphore>,
}

impl Pace {
    /// For those who watch the sessions of `provider`.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>) -> Self {
        let not_before = watch::Sender::new(Instant::now());
        Self { provider, not_before, places: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// The provider, for a watcher.
    #[must_use]
    pub fn watching(&self) -> Arc<dyn Provider> {
        self.paced(Some(self.places.clone()))
    }

    /// The provider, for whoever lists: one read at a time, which waits for no watcher's.
    #[must_use]
    pub fn listing(&self) -> Arc<dyn Provider> {
        self.paced(None)
    }

    fn paced(&self, places: Option<Arc<Semaphore>>) -> Arc<dyn Provider> {
        let (provider, not_before) = (self.provider.clone(), self.not_before.clone());
        Arc::new(Paced { provider, not_before, places })
    }
}

struct Paced {
    provider: Arc<dyn Provider>,
    not_before: watch::Sender<Instant>,
    places: Option<Arc<Semaphore>>,
}

impl Paced {
    async fn read<T>(&self, call: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        let not_before = *self.not_before.borrow();
        if not_before > Instant::now() {
            tokio::time::sleep_until(not_before).await;
        }
        let answer = match &self.places {
            Some(places) => in_its_place(places, call).await,
            None => call.await,
        };
        if let Err(ApiError { class: ErrorClass::RateLimited { retry_after }, .. }) = &answer {
            let until = Instant::now() + retry_after.unwrap_or(UNSTATED).min(SHARED_MOST);
            self.not_before.send_modify(|not_before| *not_before = until.max(*not_before));
        }
        answer
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

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        self.read(self.provider.list()).await
    }

    async fn session(&self, id: &SessionId) -> Result<Session, ApiError> {
        self.read(self.provider.session(id)).await
    }

    async fn status(&self, id: &SessionId) -> Result<Status, ApiError> {
        self.read(self.provider.status(id)).await
    }

    async fn messages(&self, id: &SessionId, after: MessageId) -> Result<Messages, ApiError> {
        self.read(self.provider.messages(id, after)).await
    }

    async fn events(&self, id: &SessionId) -> Result<EventStream, ApiError> {
        self.read(self.provider.events(id)).await
    }

    async fn pause(&self, id: &SessionId) -> Result<PauseAnswer, ApiError> {
        self.provider.pause(id).await
    }

    async fn resume(&self, id: &SessionId) -> Result<(), ApiError> {
        self.provider.resume(id).await
    }

    async fn cancel(&self, id: &SessionId) -> Result<(), ApiError> {
        self.provider.cancel(id).await
    }

    async fn delete(&self, id: &SessionId) -> Result<(), ApiError> {
        self.provider.delete(id).await
    }

    async fn message(&self, id: &SessionId, text: &str) -> Result<(), ApiError> {
        self.provider.message(id, text).await
    }

    async fn screenshot(&self, id: &SessionId) -> Result<Screenshot, ApiError> {
        self.provider.screenshot(id).await
    }
}
