//! The operator: reads the cards of the daemon that lives now, answers as the story says, and remembers over all lives what
//! it was told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use holdpoint::control::remote::{self, Client};
use holdpoint::control::{Act, ApprovalView, Decided, Decision, Refusal, Snapshot, State};
use holdpoint::gate::{ApprovalId, Outcome, Revision, Subject};
use holdpoint::store::Store;
use jiff::Timestamp;

use crate::home::Home;
use crate::story::Story;

/// How often what tells nobody of its changes (a socket, a store, a provider) is looked at.
const LOOK: Duration = Duration::from_millis(25);

/// A bit longer than operators have at first where the time is extended.
const SOON: Duration = Duration::from_secs(11);

/// What an operator remembers.
#[derive(Debug, Default)]
pub struct Memory {
    /// What was answered to a decision: it is so, and stays so.
    pub told: BTreeMap<ApprovalId, Outcome>,
    /// Whose approval counted, for which revision.
    pub counted: BTreeSet<(ApprovalId, Revision, String)>,
    /// Until when there is time, as was answered to an extension.
    pub extended: BTreeMap<ApprovalId, Timestamp>,
    /// Which process of the daemon this is, what was approved in it by whom, and when a card was first seen open in it.
    life: u32,
    votes: BTreeSet<(u32, ApprovalId, Revision, String)>,
    seen: BTreeMap<(u32, ApprovalId), Instant>,
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
        self.life += 1;
        loop {
            let Ok(mut client) = remote::connect(&home.socket()).await else {
                tokio::time::sleep(LOOK).await;
                continue;
            };
            let first = client.hello().snapshot.clone();
            self.look_at_halt(&first);
            while let Ok(snapshot) = client.requests().snapshot().await {
                self.answer(home, &client, story, &snapshot).await;
                if is_over(home, story).await {
                    return;
                }
                // What the provider does next is no update.
                let _ = tokio::time::timeout(LOOK, client.next_update()).await;
            }
        }
    }

    async fn answer(&mut self, home: &Home, client: &Client, story: Story, snapshot: &Snapshot) {
        if story == Story::Halt && !self.halt_ended {
            return self.stop_everything(client, snapshot).await;
        }
        for view in &snapshot.approvals {
            if let Some(outcome) = self.told.get(&view.card.approval) {
                self.stands(view, *outcome);
            } else if view.state == State::Open {
                match story {
                    Story::Votes => self.vote(home, client, view).await,
                    Story::Extend => self.extend(client, view).await,
                    Story::Approve
                    | Story::Deny
                    | Story::Expire
                    | Story::Cooldown
                    | Story::Instruct
                    | Story::Rule
                    | Story::Answer
                    | Story::Refuse
                    | Story::Delete
                    | Story::Halt => self.decide(client, story, view).await,
                }
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
        self.act(client, view, act).await;
        self.instructed |= story == Story::Instruct && self.told.contains_key(&view.card.approval);
    }

    /// A refusal, and an answer that was lost with the process, leave the card to be read again.
    async fn act(&mut self, client: &Client, view: &ApprovalView, act: Act) {
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
        let by = client.hello().you.operator.0.clone();
        if let Ok(decided) = client.requests().decide(decision).await {
            self.is_told(view, &by, decided);
        }
    }

    fn is_told(&mut self, view: &ApprovalView, by: &str, decided: Decided) {
        let (approval, revision) = (view.card.approval, view.card.revision);
        match decided {
            Decided::Outcome { outcome } => drop(self.told.insert(approval, outcome)),
            Decided::Counted { .. } => drop(self.counted.insert((approval, revision, by.to_owned()))),
            Decided::Extended { deadline, .. } => drop(self.extended.insert(approval, deadline)),
        }
    }

    /// Both operators approve each revision once; who is first changes with it.
    async fn vote(&mut self, home: &Home, client: &Client, view: &ApprovalView) {
        let (life, approval, revision) = (self.life, view.card.approval, view.card.revision);
        let given = |by: &str| (life, approval, revision, by.to_owned());
        for vote in view.votes.iter().filter(|vote| !self.votes.contains(&given(&vote.by.0))) {
            // A restart voids votes: whoever had approved has to see the card again.
            self.wrong.push(format!("{} counts for r{revision}, which it did not approve in this life", vote.by.0));
        }
        let me = client.hello().you.operator.0.clone();
        let mut both = [me.as_str(), "nobody"];
        if revision.0 % 2 == 0 {
            both.reverse();
        }
        let has_counted = |by: &str| self.counted.contains(&(approval, revision, by.to_owned()));
        let Some(by) = both.into_iter().find(|by| !has_counted(by)) else { return };
        self.votes.insert(given(by));
        if by == me {
            self.act(client, view, Act::approve()).await;
        } else if let Some(decided) = home.approve_as_nobody(view).await {
            self.is_told(view, by, decided);
        }
    }

    /// Extends the time, and approves once it would have been over without that, had it begun with this life.
    async fn extend(&mut self, client: &Client, view: &ApprovalView) {
        let approval = view.card.approval;
        let seen = *self.seen.entry((self.life, approval)).or_insert_with(Instant::now);
        let Some(until) = self.extended.get(&approval) else { return self.act(client, view, Act::Extend).await };
        if view.deadline < *until {
            self.wrong.push(format!("told that there is time until {until}, and now it is until {}", view.deadline));
        }
        if seen.elapsed() > SOON {
            self.act(client, view, Act::approve()).await;
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
