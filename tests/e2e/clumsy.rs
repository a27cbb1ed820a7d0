//! A driver that fails is a bug; its session is guarded again all the same.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use holdpoint::api::{
    ApiError, Capabilities, EventStream, MessageId, Messages, PauseAnswer, Provider, Screenshot, Session, SessionId,
    Status,
};
use holdpoint::gate::Outcome;

use crate::operator::outcome;
use crate::stage::{Play, stage};

/// The real client, except that the first picture makes it panic, with a text that must not reach a terminal raw.
struct Clumsy {
    inner: Arc<dyn Provider>,
    clumsy: AtomicBool,
}

#[async_trait]
impl Provider for Clumsy {
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities()
    }
    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        self.inner.list().await
    }
    async fn session(&self, id: &SessionId) -> Result<Session, ApiError> {
        self.inner.session(id).await
    }
    async fn status(&self, id: &SessionId) -> Result<Status, ApiError> {
        self.inner.status(id).await
    }
    async fn messages(&self, id: &SessionId, after: MessageId) -> Result<Messages, ApiError> {
        self.inner.messages(id, after).await
    }
    async fn events(&self, id: &SessionId) -> Result<EventStream, ApiError> {
        self.inner.events(id).await
    }
    async fn pause(&self, id: &SessionId) -> Result<PauseAnswer, ApiError> {
        self.inner.pause(id).await
    }
    async fn resume(&self, id: &SessionId) -> Result<(), ApiError> {
        self.inner.resume(id).await
    }
    async fn cancel(&self, id: &SessionId) -> Result<(), ApiError> {
        self.inner.cancel(id).await
    }
    async fn delete(&self, id: &SessionId) -> Result<(), ApiError> {
        self.inner.delete(id).await
    }
    async fn message(&self, id: &SessionId, text: &str) -> Result<(), ApiError> {
        self.inner.message(id, text).await
    }
    async fn screenshot(&self, id: &SessionId) -> Result<Screenshot, ApiError> {
        assert!(!self.clumsy.swap(false, Ordering::SeqCst), "clumsy \u{1b}[2J");
        self.inner.screenshot(id).await
    }
}

#[tokio::test]
async fn a_session_whose_driver_failed_is_taken_up_again_from_the_store() {
    let tune = |config: &mut holdpoint::daemon::Config| {
        let inner = config.provider.clone();
        config.provider = Arc::new(Clumsy { inner, clumsy: AtomicBool::new(true) });
    };
    let stage = stage(Play { tune, ..Play::default() }).await;
    let mut operator = stage.operator("ops").await;
    let said = operator.notice("started again from the store").await;
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let card = operator.card().await;
    assert!(card.card.notes.iter().any(|note| note.contains("restarted")), "{:?}", card.card.notes);
    assert_eq!(operator.approve(&card).await, outcome(Outcome::Approved));
    operator.ending(card.card.approval).await;
    assert_eq!(stage.bought().await, ["tea"]);
    stage.finish().await;
}
