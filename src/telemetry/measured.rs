//! A provider whose calls are counted. Changes nothing about them.

use std::sync::Arc;

use async_trait::async_trait;

use super::metrics::{Endpoint, Metrics};
use crate::api::paced::turns::Turns;
use crate::api::{
    ApiError, Capabilities, EventStream, MessageId, Messages, PauseAnswer, Provider, Screenshot, Session, SessionId,
    Status,
};

/// Counts the calls to a provider.
pub struct Measured {
    provider: Arc<dyn Provider>,
    metrics: Arc<Metrics>,
}

impl Measured {
    /// `provider`, counted in `metrics`.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, metrics: Arc<Metrics>) -> Self {
        Self { provider, metrics }
    }

    fn count<T>(&self, endpoint: Endpoint, answer: Result<T, ApiError>) -> Result<T, ApiError> {
        self.metrics.call(endpoint, answer.as_ref().err().map(|error| &error.class));
        answer
    }
}

#[async_trait]
impl Provider for Measured {
    fn capabilities(&self) -> Capabilities {
        self.provider.capabilities()
    }

    fn count_with(&self, turns: &Turns) {
        self.provider.count_with(turns);
    }

    fn stream_broke(&self) {
        self.metrics.stream_broke();
        self.provider.stream_broke();
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        self.count(Endpoint::List, self.provider.list().await)
    }

    async fn session(&self, id: &SessionId) -> Result<Session, ApiError> {
        self.count(Endpoint::Session, self.provider.session(id).await)
    }

    async fn status(&self, id: &SessionId) -> Result<Status, ApiError> {
        self.count(Endpoint::Status, self.provider.status(id).await)
    }

    async fn messages(&self, id: &SessionId, after: MessageId) -> Result<Messages, ApiError> {
        self.count(Endpoint::Messages, self.provider.messages(id, after).await)
    }

    async fn events(&self, id: &SessionId) -> Result<EventStream, ApiError> {
        self.count(Endpoint::Stream, self.provider.events(id).await)
    }

    async fn pause(&self, id: &SessionId) -> Result<PauseAnswer, ApiError> {
        self.count(Endpoint::Pause, self.provider.pause(id).await)
    }

    async fn resume(&self, id: &SessionId) -> Result<(), ApiError> {
        self.count(Endpoint::Resume, self.provider.resume(id).await)
    }

    async fn cancel(&self, id: &SessionId) -> Result<(), ApiError> {
        self.count(Endpoint::Cancel, self.provider.cancel(id).await)
    }

    async fn delete(&self, id: &SessionId) -> Result<(), ApiError> {
        self.count(Endpoint::Delete, self.provider.delete(id).await)
    }

    async fn message(&self, id: &SessionId, text: &str) -> Result<(), ApiError> {
        self.count(Endpoint::Message, self.provider.message(id, text).await)
    }

    async fn screenshot(&self, id: &SessionId) -> Result<Screenshot, ApiError> {
        self.count(Endpoint::Screenshot, self.provider.screenshot(id).await)
    }
}
