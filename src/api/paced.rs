//! A provider whose calls wait for their turn in a budget that all of them share.
//!
//! Whoever calls says once how urgent its reads are ([`Pace::of`]). Calls are counted, not what a call repeats. A rate limit that one
//! of them meets holds off all watching and listing for seconds: the provider's limits are those of the account, not of a session. So many reads of
//! watchers are under way at once and no more: a fleet's first polls would each open a connection beside its stream, and a
//! pause would find no file left.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::budget::{Budget, Urgency};
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

/// A budget and whose it is; makes providers that keep it.
#[derive(Clone)]
pub struct Pace {
    provider: Arc<dyn Provider>,
    shared: Arc<Shared>,
}

struct Shared {
    origin: Instant,
    /// A lock and no task: it is held for a few additions, and a task would put its own wake-up before each call.
    budget: Mutex<Budget>,
    watching: Semaphore,
}

impl Pace {
    /// Calls of `provider` share `budget` from now on.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, budget: Budget) -> Self {
        let budget = Mutex::new(budget);
        Self {
            provider,
            shared: Arc::new(Shared { origin: Instant::now(), budget, watching: Semaphore::new(AT_ONCE) }),
        }
    }

    /// The provider, for somebody whose reads are so urgent.
    #[must_use]
    pub fn of(&self, urgency: Urgency) -> Arc<dyn Provider> {
        Arc::new(Paced { provider: self.provider.clone(), shared: self.shared.clone(), urgency })
    }
}

struct Paced {
    provider: Arc<dyn Provider>,
    shared: Arc<Shared>,
    urgency: Urgency,
}

impl Shared {
    async fn turn(&self, urgency: Urgency) {
        let now = self.origin.elapsed();
        let wait = self.budget().wait(now, urgency);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    fn hold_off(&self, wait: Duration) {
        let now = self.origin.elapsed();
        self.budget().hold_off(now, wait);
    }

    fn budget(&self) -> MutexGuard<'_, Budget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Paced {
    async fn read<T>(&self, call: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
        self.shared.turn(self.urgency).await;
        let answer = match self.urgency {
            Urgency::Watch => self.in_its_place(call).await,
            Urgency::List | Urgency::Act | Urgency::Verify => call.await,
        };
        if let Err(ApiError { class: ErrorClass::RateLimited { retry_after }, .. }) = &answer {
            self.shared.hold_off(retry_after.unwrap_or(UNSTATED).min(SHARED_MOST));
        }
        answer
    }

    /// Waits for one of the places, and gives it back when the call takes long: what hangs keeps nobody waiting.
    async fn in_its_place<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = std::pin::pin!(call);
        // Never closed.
        let place = self.shared.watching.acquire().await.ok();
        if let Ok(answer) = tokio::time::timeout(PLACE_MOST, &mut call).await {
            return answer;
        }
        drop(place);
        call.await
    }

    async fn act(&self) {
        self.shared.turn(Urgency::Act).await;
    }
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
        self.act().await;
        self.provider.pause(id).await
    }

    async fn resume(&self, id: &SessionId) -> Result<(), ApiError> {
        self.act().await;
        self.provider.resume(id).await
    }

    async fn cancel(&self, id: &SessionId) -> Result<(), ApiError> {
        self.act().await;
        self.provider.cancel(id).await
    }

    async fn delete(&self, id: &SessionId) -> Result<(), ApiError> {
        self.act().await;
        self.provider.delete(id).await
    }

    async fn message(&self, id: &SessionId, text: &str) -> Result<(), ApiError> {
        self.act().await;
        self.provider.message(id, text).await
    }

    async fn screenshot(&self, id: &SessionId) -> Result<Screenshot, ApiError> {
        self.provider.screenshot(id).await
    }
}
