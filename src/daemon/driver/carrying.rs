//! Carrying out what the gate wants: calls as tasks, records to the writer, views to the desk. Decides nothing.

use super::{Back, Driver, log};
use crate::crash::{self, Point};
use crate::gate::{Answer, Effect, Notice, Ticket};
use crate::operator::log::TOLD;
use crate::store::Write;

impl Driver {
    /// An operator is answered last: whoever has the answer finds everything else shown as the answer says.
    pub(super) fn carry_out(&mut self, mut effects: Vec<Effect>) {
        let is_answer = |effect: &Effect| matches!(effect, Effect::Reply { .. } | Effect::Done { .. });
        effects.sort_by_key(is_answer);
        if effects.iter().any(|effect| matches!(effect, Effect::Record { .. })) {
            crash::at(Point::TurnUntouched);
        }
        // The records of one turn stand or fall together: a crash must not fall between the end of an approval and the
        // opening of the one that follows it.
        let mut together = Vec::new();
        for effect in effects {
            if is_answer(&effect) {
                self.show();
            }
            if let Effect::Record { ticket, record } = effect {
                log::record(&self.session, &record, self.known.halt.is_some());
                let write = Write { session: self.session.clone(), record: *record, at: self.now().wall };
                match ticket {
                    None => together.push(write),
                    Some(ticket) => {
                        self.keep(std::mem::take(&mut together));
                        self.must(ticket, write);
                    }
                }
            } else {
                self.carry_out_one(effect);
            }
        }
        self.keep(together);
    }

    fn carry_out_one(&mut self, effect: Effect) {
        let executor = self.executor.clone();
        match effect {
            Effect::Pause { call } => {
                self.calls.spawn(async move { Back::Answer(call, Answer::Pause(executor.pause().await)) });
            }
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
                self.calls.spawn(async move { Back::Read(call, executor.read(after).await) });
            }
            Effect::Screenshot { call, approval } => {
                self.calls.spawn(async move { Back::Picture(call, approval, executor.screenshot().await) });
            }
            Effect::Record { .. } => (), // Written with the others of its turn.
            Effect::Publish(view) => self.desk.publish(*view),
            Effect::Notice(Notice { text, wakes }) => {
                if wakes {
                    tracing::warn!(target: TOLD, session = %self.session, "{text}");
                } else {
                    tracing::info!(target: TOLD, session = %self.session, "{text}");
                }
                self.desk.notice(text);
            }
            Effect::Reply { to, result } => {
                if let Some(reply) = self.replies.remove(&to) {
                    crash::at(Point::ReplyUnsent);
                    // A client that left has no use for the answer; the decision stands in the journal.
                    let _ = reply.send(result);
                    crash::at(Point::ReplySent);
                }
            }
            Effect::Done { to, result } => {
                if let Some(reply) = self.asked.remove(&to) {
                    let _ = reply.send(result);
                }
            }
        }
    }

    fn keep(&mut self, writes: Vec<Write>) {
        if !writes.is_empty() {
            crash::at(Point::TurnUnrecorded);
            self.unsent.push_back(writes);
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
        self.calls.spawn(async move {
            let result = match asked {
                Ok(answered) => answered.await.unwrap_or_else(|_| Err("the writer is gone".to_owned())),
                Err(why) => Err(why),
            };
            Back::Recorded(ticket, result)
        });
    }

    pub(super) fn flush(&mut self) {
        while let Some(writes) = self.unsent.pop_front() {
            if let Err(writes) = self.writer.keep(writes) {
                self.unsent.push_front(writes);
                break;
            }
        }
    }
}
