//! The operator: reads the cards of the daemon that lives now, answers as the story says, and remembers over all lives what
//! it was told.

use std::collections::BTreeMap;
use std::time::Duration;

use holdpoint::control::remote::{self, Client};
use holdpoint::control::{ApprovalView, Decided, Decision, Refusal, Snapshot, State};
use holdpoint::gate::{ApprovalId, Outcome, Subject};
use holdpoint::store::Store;

use crate::home::Home;
use crate::story::Story;

/// How often what tells nobody of its changes (a socket, a store, a provider) is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// What an operator remembers.
#[derive(Debug, Default)]
pub struct Memory {
    /// What was answered to a decision: it is so, and stays so.
    pub told: BTreeMap<ApprovalId, Outcome>,
    /// Whether an instruction was accepted.
    instructed: bool,
    /// Whether the stop of everything was confirmed, and then its end.
    halted: bool,
    end_asked: bool,
    halt_ended: bool,
    /// What must not have been.
    pub wrong: Vec<String>,
}

impl Memory {
    /// Plays one life of the daemon until the story is over.
    pub async fn play(&mut self, home: &Home, story: Story) {
        loop {
            let Ok(mut client) = remote::connect(&home.socket()).await else {
                tokio::time::sleep(LOOK).await;
                continue;
            };
            let first = client.hello().snapshot.clone();
            self.look_at_halt(&first);
            while let Ok(snapshot) = client.requests().snapshot().await {
                self.answer(&client, story, &snapshot).await;
                if is_over(home, story).await {
                    return;
                }
                // What the provider does next is no update.
                let _ = tokio::time::timeout(LOOK, client.next_update()).await;
            }
        }
    }

    async fn answer(&mut self, client: &Client, story: Story, snapshot: &Snapshot) {
        if story == Story::Halt && !self.halt_ended {
            return self.stop_everything(client, snapshot).await;
        }
        for view in &snapshot.approvals {
            if let Some(outcome) = self.told.get(&view.card.approval) {
                self.stands(view, *outcome);
            } else if view.state == State::Open {
                self.decide(client, story, view).await;
            }
        }
    }

    /// What an operator was told is never taken back.
    fn stands(&mut self, view: &ApprovalView, told: Outcome) {
        let fits = match &view.state {
            State::Ended { outcome, .. } => *outcome == told,
            State::Draft | State::Open | State::Deciding { .. } => false,
        };
        if !fits {
            self.wrong.push(format!("told that it is {told}, and now it is {:?}", view.state));
            self.told.remove(&view.card.approval);
        }
    }

    async fn decide(&mut self, client: &Client, story: Story, view: &ApprovalView) {
        let Some(act) = story.act(self.instructed && view.card.subject == Subject::Hold) else { return };
        let card = &view.card;
        let Ok(nonce) = client.requests().presented(card.approval, card.revision, view.digest).await else { return };
        let decision = Decision {
            approval: card.approval,
            revision: card.revision,
            digest: view.digest,
            nonce: Some(nonce),
            typed: None,
            act,
        };
        // A refusal, and an answer that was lost with the process, leave the card to be read again.
        if let Ok(Decided::Outcome { outcome }) = client.requests().decide(decision).await {
            self.told.insert(card.approval, outcome);
            self.instructed |= story == Story::Instruct;
        }
    }

    /// Stops everything once a card waits, then ends the stop.
    async fn stop_everything(&mut self, client: &Client, snapshot: &Snapshot) {
        if self.halted {
            self.end_asked = true;
            self.halt_ended = client.requests().end_halt().await.is_ok();
        } else if snapshot.daemon.halt.is_some() {
            // Asked for in an earlier life, whose answer was lost: the stop that is in force is answered as it is.
            self.halted = client.requests().halt(None).await.is_ok();
        } else if snapshot.approvals.iter().any(|view| view.state == State::Open) {
            let halted = client.requests().halt(Some("a test".to_owned())).await;
            if let Err(Refusal::StoreFailed { why }) = &halted {
                self.wrong.push(format!("the stop was not written: {why}"));
            }
            self.halted = halted.is_ok();
        }
    }

    /// A stop that was confirmed outlives the process; so does its end.
    fn look_at_halt(&mut self, snapshot: &Snapshot) {
        let in_force = snapshot.daemon.halt.is_some();
        match (self.halted, self.end_asked, self.halt_ended) {
            (true, false, _) if !in_force => self.wrong.push("the stop was confirmed, and is not in force".to_owned()),
            (_, _, true) if in_force => self.wrong.push("the end was confirmed, and everything is stopped".to_owned()),
            // Asked for in an earlier life, whose answer was lost: it was durable.
            (true, true, false) if !in_force => self.halt_ended = true,
            _ => (),
        }
    }
}

/// Whether the session is where the story leads, and nothing is left to be done about its approvals.
async fn is_over(home: &Home, story: Story) -> bool {
    let session = home.state().await;
    let kept = story.may_be_kept() && session.paused;
    if !kept && !story.has_ended(&session) {
        return false;
    }
    let Ok(store) = Store::open_to_read(&home.store()).await else { return false };
    let live = store.live().await;
    store.close().await;
    live.is_ok_and(|live| live.iter().all(|one| kept && one.holding && one.closed.is_some()) && kept != live.is_empty())
}
