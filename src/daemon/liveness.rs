//! Whether the daemon's loops turn: each answers a beat through the queue that its work comes by.
//!
//! A loop that hangs in one piece of work, a queue that nobody empties and a task that has ended all show as no answer.
//! Judges nothing: who asks decides how long is too long. Keeps no loop alive.

use std::fmt;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::writer::WriterPulse;
use crate::control::DeskService;

/// Asks a loop to answer when it comes to it.
pub type Beat = oneshot::Sender<()>;

/// A loop that has to turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loop {
    /// Finds sessions and hands operators' orders to them.
    Supervisor,
    /// Tells clients what there is, and checks what they decide.
    Desk,
    /// Writes the store.
    Writer,
}

impl fmt::Display for Loop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Supervisor => "the supervisor",
            Self::Desk => "the desk",
            Self::Writer => "the writer of the store",
        })
    }
}

/// Feels the pulse of a daemon. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Pulse {
    pub(super) supervisor: mpsc::WeakSender<Beat>,
    pub(super) desk: DeskService,
    pub(super) writer: WriterPulse,
}

impl Pulse {
    /// The loops that do not answer within `bound`; empty when all turn.
    pub async fn hanging(&self, bound: Duration) -> Vec<Loop> {
        let (supervisor, desk, writer) = tokio::join!(
            answers(bound, |beat| ask(&self.supervisor, beat)),
            answers(bound, async |beat| self.desk.beat(beat)),
            answers(bound, |beat| self.writer.beat(beat)),
        );
        let all = [(Loop::Supervisor, supervisor), (Loop::Desk, desk), (Loop::Writer, writer)];
        all.into_iter().filter(|(_, answered)| !answered).map(|(which, _)| which).collect()
    }
}

async fn ask(beats: &mpsc::WeakSender<Beat>, beat: Beat) {
    if let Some(beats) = beats.upgrade() {
        // A loop that has ended answers by the beat that is dropped.
        let _ = beats.send(beat).await;
    }
}

async fn answers(bound: Duration, ask: impl AsyncFnOnce(Beat)) -> bool {
    let (beat, answer) = oneshot::channel();
    let answered = async {
        ask(beat).await;
        answer.await.is_ok()
    };
    tokio::time::timeout(bound, answered).await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::recorder::channel;
    use super::*;
    use crate::clock::Clock;
    use crate::control::{DeskSettings, Drivers};
    use crate::daemon::writer::Writer;
    use crate::store::Store;

    const BOUND: Duration = Duration::from_millis(200);

    fn desk() -> DeskService {
        let (decisions, _) = mpsc::channel(1);
        let (screenshots, _) = mpsc::channel(1);
        let (orders, _) = mpsc::channel(1);
        DeskService::start(DeskSettings::default(), Drivers { decisions, screenshots, orders }, Clock::start())
    }

    #[tokio::test]
    async fn a_loop_that_hangs_and_a_loop_that_has_ended_are_named_and_the_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&folder.path().join("holdpoint.db")).await.unwrap();
        let desk = desk();
        let (_, recording) = channel(None, Default::default(), Clock::start());
        let (writer, writing) =
            Writer::start(Arc::new(store), desk.clone(), Default::default(), recording, Clock::start());
        let (beats, mut felt) = mpsc::channel::<Beat>(1);
        let pulse = Pulse { supervisor: beats.downgrade(), desk, writer: writer.pulse() };

        assert_eq!(pulse.hanging(BOUND).await, [Loop::Supervisor], "nobody empties its queue");
        let answering = tokio::spawn(async move {
            while let Some(beat) = felt.recv().await {
                // The first has been given up.
                let _ = beat.send(());
            }
        });
        assert_eq!(pulse.hanging(Duration::from_secs(30)).await, []);

        drop(writer);
        writing.await.expect("the pulse does not keep the writer going");
        assert_eq!(pulse.hanging(Duration::from_secs(30)).await, [Loop::Writer]);
        drop(beats);
        answering.await.expect("nor the supervisor");
        assert_eq!(pulse.hanging(Duration::from_secs(30)).await, [Loop::Supervisor, Loop::Writer]);
    }
}
