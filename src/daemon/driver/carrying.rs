//! Carrying out what the gate wants: calls as tasks, records to the writer, views to the desk. Decides nothing.

use std::task::{Context, Poll, Waker};

use tokio::task::JoinSet;
use tokio::task::coop::unconstrained;

use super::answering::Said;
use super::{Back, Driver, log};
use crate::crash::{self, Point};
use crate::daemon::executor::Executor;
use crate::daemon::ramp::Recovering;
use crate::daemon::writer::Keep;
use crate::gate::{Answer, CallId, Effect, Notice, Ticket};
use crate::operator::log::TOLD;
use crate::store::Write;

impl Driver {
    pub(super) fn carry_out(&mut self, effects: Vec<Effect>) {
        if effects.iter().any(|effect| matches!(effect, Effect::Record { .. })) {
            crash::at(Point::TurnUntouched);
        }
        // The records of one turn stand or fall together: a crash must not fall between the end of an approval and the
        // opening of the one that follows it.
        let (mut together, mut answers) = (Vec::new(), Vec::new());
        for effect in effects {
            match effect {
                Effect::Record { ticket, record } => {
                    log::record(&self.session, &record, self.known.halt.is_some());
                    let write = Write { session: self.session.clone(), record: *record, at: self.now().wall };
                    match ticket {
                        None => together.push(write),
                        Some(ticket) => {
                            self.keep(std::mem::take(&mut together));
                            self.must(ticket, write);
                        }
                    }
                }
                Effect::Reply { to, result } => answers.push(Said::Decided(to, result)),
                Effect::Done { to, result } => answers.push(Said::Done(to, result)),
                Effect::Pause { .. }
                | Effect::Cancel { .. }
                | Effect::Delete { .. }
                | Effect::Resume { .. }
                | Effect::Message { .. }
                | Effect::Read { .. }
                | Effect::Screenshot { .. }
                | Effect::Publish(_)
                | Effect::Notice(_) => self.carry_out_one(effect),
            }
        }
        let refused = self.promise(answers, !together.is_empty());
        self.keep(together);
        self.answer(refused);
        self.answer_promised();
    }

    fn carry_out_one(&mut self, effect: Effect) {
        let executor = self.executor.clone();
        match effect {
            Effect::Pause { call } => begin_pause(&mut self.calls, executor, call),
            Effect::Cancel { call } => {
                self.calls.spawn(async move { Back::Answer(call, Answer::Act(executor.cancel().await)) });
            }
            Effect::Delete { call } => {
                self.calls.spawn(async move { Back::Answer(call, Answer::Act(executor.delete().await)) });
            }
            Effect::Resume { call, release } => {
                self.calls.spawn(async move { Back::Answer(call, Answer::Act(executor.resume(release).await)) });
            }
            Effect::Message { call, release, text } => {
                self.calls.spawn(async move { Back::Answer(call, Answer::Act(executor.message(release, text).await)) });
            }
            Effect::Read { call, after } => {
                // The gate's id may be one of the stream's own, after which no message ever comes. What comes twice is known.
                let after = after.min(self.cursor);
                let after_pauses = self.recovering.as_ref().map(Recovering::after_pauses);
                self.calls.spawn(async move {
                    if let Some(after_pauses) = after_pauses {
                        after_pauses.await;
                    }
                    Back::Read(call, executor.read(after).await)
                });
            }
            Effect::Screenshot { call, approval } => {
                self.calls.spawn(async move { Back::Picture(call, approval, executor.screenshot().await) });
            }
            // Written with the others of its turn, and answered after them.
            Effect::Record { .. } | Effect::Reply { .. } | Effect::Done { .. } => (),
            Effect::Publish(view) => self.desk.publish(*view),
            Effect::Notice(Notice { text, wakes }) => {
                if wakes {
                    tracing::warn!(target: TOLD, session = %self.session, "{text}");
                } else {
                    tracing::info!(target: TOLD, session = %self.session, "{text}");
                }
                self.desk.notice(text);
            }
        }
    }

    fn keep(&mut self, writes: Vec<Write>) {
        if !writes.is_empty() {
            crash::at(Point::TurnUnrecorded);
            let tried = self.told_when_tried();
            self.unsent.push_back(Keep { writes, tried });
            self.flush();
            crash::at(Point::TurnRecorded);
        }
    }

    fn must(&mut self, ticket: Ticket, write: Write) {
        self.flush();
        crash::at(Point::DecisionUnasked);
        let asked = if self.unsent.is_empty() {
            self.writer.must(write)
        } else {
            Err("the store is too slow: earlier records still wait".to_owned())
        };
        crash::at(Point::DecisionAsked);
        self.writing += 1;
        self.calls.spawn(async move {
            let result = match asked {
                Ok(answered) => answered.await.unwrap_or_else(|_| Err("the writer is gone".to_owned())),
                Err(why) => Err(why),
            };
            Back::Recorded(ticket, result)
        });
    }

    pub(super) fn flush(&mut self) {
        while let Some(keep) = self.unsent.pop_front() {
            if let Err(keep) = self.writer.keep(keep) {
                self.unsent.push_front(keep);
                break;
            }
        }
    }
}

/// Sends a pause. Where a connection is open its request is on the wire when this returns: a task of its own would begin only when
/// the one that spawns it rests, and then behind those that other effects woke.
pub(super) fn begin_pause(calls: &mut JoinSet<Back>, executor: Executor, call: CallId) {
    // A turn of the driver that did much has used up its share of the runtime's time: not even that holds up a pause.
    let mut pausing = Box::pin(unconstrained(executor.pause()));
    let begun = pausing.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    calls.spawn(async move {
        let answer = match begun {
            Poll::Ready(answer) => answer,
            Poll::Pending => pausing.await,
        };
        Back::Answer(call, Answer::Pause(answer))
    });
}
