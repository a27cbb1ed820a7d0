//! The executor: one provider call per effect, each a task of its own, so that none waits for another.
//!
//! Decides nothing and repeats nothing. A release can only be sent with the gate's [`Release`].

use std::sync::Arc;

use crate::api::{ApiError, ErrorClass, Event, MessageId, PauseAnswer, Provider, Screenshot, SessionId};
use crate::crash::{self, Point};
use crate::gate::{Observed, Release};

/// Makes the calls of one session.
#[derive(Clone)]
pub struct Executor {
    provider: Arc<dyn Provider>,
    session: SessionId,
}

impl Executor {
    /// An executor for `session`.
    #[must_use]
    pub fn new(provider: Arc<dyn Provider>, session: SessionId) -> Self {
        Self { provider, session }
    }

    /// Pauses.
    pub async fn pause(self) -> Result<PauseAnswer, ApiError> {
        crossing([Point::PauseUnsent, Point::PauseUnheard], self.provider.pause(&self.session)).await
    }

    /// Ends the task.
    pub async fn cancel(self) -> Result<(), ApiError> {
        crossing([Point::CancelUnsent, Point::CancelUnheard], self.provider.cancel(&self.session)).await
    }

    /// Deletes the session.
    pub async fn delete(self) -> Result<(), ApiError> {
        crossing([Point::DeleteUnsent, Point::DeleteUnheard], self.provider.delete(&self.session)).await
    }

    /// Resumes, as a durable approval allows.
    pub async fn resume(self, _release: Release) -> Result<(), ApiError> {
        crossing([Point::ResumeUnsent, Point::ResumeUnheard], self.provider.resume(&self.session)).await
    }

    /// Sends a message, as a durable approval allows.
    pub async fn message(self, _release: Release, text: String) -> Result<(), ApiError> {
        crossing([Point::MessageUnsent, Point::MessageUnheard], self.provider.message(&self.session, &text)).await
    }

    /// Reads the lifecycle status, then what was said after `after` with the execution status: whatever the agent said
    /// before the first status was read is among what was said.
    pub async fn read(self, after: MessageId) -> Result<(Vec<Event>, Observed), ApiError> {
        crash::at(Point::ReadUnsent);
        let session = self.provider.session(&self.session).await?;
        crash::at(Point::ReadHalf);
        let messages = self.provider.messages(&self.session, after).await.map_err(transient)?;
        crash::at(Point::ReadUnheard);
        Ok((messages.events, Observed { lifecycle: Some(session.status), execution: Some(messages.status) }))
    }

    /// Takes a picture of the page.
    pub async fn screenshot(self) -> Result<Screenshot, String> {
        let points = [Point::ScreenshotUnsent, Point::ScreenshotUnheard];
        crossing(points, self.provider.screenshot(&self.session)).await.map_err(|error| error.to_string())
    }
}

/// A call between its two crash points: not yet sent, and answered but not yet heard.
async fn crossing<T>([unsent, unheard]: [Point; 2], call: impl Future<Output = T>) -> T {
    crash::at(unsent);
    let answer = call.await;
    crash::at(unheard);
    answer
}

/// The session is there but its messages are not: seen live just after a message was sent, and it passes.
fn transient(error: ApiError) -> ApiError {
    match error.class {
        ErrorClass::NotFound { detail } => ApiError { call: error.call, class: ErrorClass::Unknown { detail } },
        ErrorClass::Auth { .. }
        | ErrorClass::AlreadyPaused
        | ErrorClass::NotPaused
        | ErrorClass::RateLimited { .. }
        | ErrorClass::Refused { .. }
        | ErrorClass::Unknown { .. }
        | ErrorClass::Unreachable { .. } => error,
    }
}
