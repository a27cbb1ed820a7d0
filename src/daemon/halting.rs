//! Writes the stop of everything down, in the order in which operators asked, so that no slow disk delays anything else.
//!
//! A stop is in force before it is written; it is tried until it is. The end of one counts only once it is written.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::control::{DeskService, Halt, OperatorName, Refusal};
use crate::crash::{self, Point};
use crate::error::chain;
use crate::operator::log::TOLD;
use crate::store::{Durable, StoreError};

/// How often a store that failed is tried again.
const AGAIN: Duration = Duration::from_secs(1);
/// How many times more, once nobody asks any more.
const LAST: u32 = 3;

/// What is to be written.
#[derive(Debug)]
pub enum Wish {
    /// Everything is stopped.
    Halted {
        /// Since when, by whom.
        halt: Halt,
        /// Where the answer goes once it is written.
        reply: oneshot::Sender<Result<Halt, Refusal>>,
    },
    /// The stop shall end.
    End {
        /// Which.
        halt: Halt,
        /// Who ends it.
        by: OperatorName,
        /// Where the answer goes.
        reply: oneshot::Sender<Result<(), Refusal>>,
    },
}

/// A stop whose end is durable.
#[derive(Debug)]
pub struct Ended {
    /// Which.
    pub halt: Halt,
    /// Who ended it.
    pub by: OperatorName,
    /// Where the answer goes once it has ended.
    pub reply: oneshot::Sender<Result<(), Refusal>>,
}

/// Whether the store has what was wished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// All of it.
    All,
    /// A stop is missing.
    NotAll,
}

/// Writes what `wishes` brings until its senders are gone.
pub async fn run(
    store: Arc<dyn Durable>,
    desk: DeskService,
    clock: Clock,
    mut wishes: mpsc::UnboundedReceiver<Wish>,
    ended: mpsc::UnboundedSender<Ended>,
) -> Written {
    let mut written = Written::All;
    while let Some(wish) = wishes.recv().await {
        match wish {
            Wish::Halted { halt, reply } => {
                if let Err(error) = store.halted(&halt).await {
                    let why = told(&desk, &error);
                    let _ = reply.send(Err(Refusal::Unknown { why }));
                    written = insist(&*store, &halt, &wishes).await;
                } else {
                    written = Written::All;
                    crash::at(Point::HaltUntold);
                    let _ = reply.send(Ok(halt));
                }
            }
            Wish::End { halt, by, reply } => match store.halt_ended(&halt, &by, clock.wall()).await {
                // A supervisor that is gone answers nobody: the dropped reply says that it is not known.
                Ok(()) => {
                    crash::at(Point::HaltEndUntold);
                    drop(ended.send(Ended { halt, by, reply }));
                }
                Err(error) => {
                    let why = chain(&error).join(": ");
                    let _ = reply.send(Err(Refusal::StoreFailed { why }));
                }
            },
        }
    }
    written
}

fn told(desk: &DeskService, error: &StoreError) -> String {
    let why = chain(error).join(": ");
    let text = format!("everything is stopped, and a restart would not know it: {why}; this is tried again");
    tracing::error!(target: TOLD, "{text}");
    desk.notice(text.clone());
    text
}

/// Tries on until the stop is written.
async fn insist(store: &dyn Durable, halt: &Halt, wishes: &mpsc::UnboundedReceiver<Wish>) -> Written {
    let mut last = 0;
    loop {
        tokio::time::sleep(AGAIN).await;
        last += u32::from(wishes.is_closed());
        match store.halted(halt).await {
            Ok(()) => return Written::All,
            Err(error) if last > LAST => {
                tracing::error!("the stop of everything is not written down: {error}; a restart does not know it");
                return Written::NotAll;
            }
            Err(_) => (),
        }
    }
}
