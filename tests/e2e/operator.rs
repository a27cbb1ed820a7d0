//! An operator's client: reads cards, presents them, decides as the prompt does.

use std::collections::BTreeMap;
use std::time::Duration;

use holdpoint::control::{Act, ApprovalView, Change, Client, Decided, Decision, EndedBy, Refusal, SessionView, State};
use holdpoint::gate::{ApprovalId, Delivery, Outcome, Revision};

use crate::stage::LIMIT;

pub struct Operator {
    pub client: Client,
    views: BTreeMap<ApprovalId, ApprovalView>,
    pub notices: Vec<String>,
}

/// How an approval ended, as a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    pub outcome: Outcome,
    pub by: EndedBy,
    pub delivery: Delivery,
    pub detail: String,
}

impl Ending {
    pub fn words(&self) -> (Outcome, Delivery, &str) {
        (self.outcome, self.delivery, self.detail.as_str())
    }
}

impl Operator {
    pub async fn new(mut client: Client) -> Self {
        let snapshot = client.snapshot().await.unwrap();
        let views = snapshot.approvals.into_iter().map(|view| (view.card.approval, view)).collect();
        Self { client, views, notices: Vec::new() }
    }

    /// Waits until `met` finds something in what the operator knows.
    pub async fn until<T>(&mut self, what: &str, mut met: impl FnMut(&Self) -> Option<T>) -> T {
        let wait = async {
            loop {
                if let Some(found) = met(self) {
                    return found;
                }
                self.hear().await;
            }
        };
        match tokio::time::timeout(LIMIT, wait).await {
            Ok(found) => found,
            Err(_) => panic!("no {what}; known: {:#?}\nnotices: {:#?}", self.views, self.notices),
        }
    }

    async fn hear(&mut self) {
        match self.client.next_update().await.unwrap().change {
            Change::Approval { view } => drop(self.views.insert(view.card.approval, *view)),
            Change::Notice { text } => self.notices.push(text),
            Change::Session { .. } | Change::SessionGone { .. } | Change::Presence { .. } | Change::Daemon { .. } => {}
            Change::Stopping => self.notices.push("stopping".to_owned()),
        }
    }

    /// Waits until a session is shown like that. Snapshots have its counters, too.
    pub async fn session(&mut self, session: &str, met: impl Fn(&SessionView) -> bool) -> SessionView {
        let wait = async {
            loop {
                let sessions = self.client.snapshot().await.unwrap().sessions;
                if let Some(view) = sessions.into_iter().find(|view| view.session.as_str() == session && met(view)) {
                    return view;
                }
                // Counters are no update that could be waited for.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("session {session} is never shown like that"))
    }

    /// The approvals known now, oldest first.
    pub fn known(&self) -> Vec<&ApprovalView> {
        self.views.values().collect()
    }

    /// Waits for a complete card that can be decided.
    pub async fn card(&mut self) -> ApprovalView {
        self.until("open card", |me| me.views.values().find(|view| view.state == State::Open).cloned()).await
    }

    /// Waits for a complete card newer than `revision` of an approval.
    pub async fn revised(&mut self, old: &ApprovalView) -> ApprovalView {
        let (id, revision) = (old.card.approval, old.card.revision);
        let newer = |view: &&ApprovalView| view.state == State::Open && view.card.revision > revision;
        self.until("newer revision", |me| me.views.get(&id).filter(newer).cloned()).await
    }

    /// Waits for an open card of another approval than `old`.
    pub async fn next_card(&mut self, old: &ApprovalView) -> ApprovalView {
        let id = old.card.approval;
        let other = |view: &&ApprovalView| view.state == State::Open && view.card.approval != id;
        self.until("card of another approval", |me| me.views.values().find(other).cloned()).await
    }

    /// Waits for a card of any state.
    pub async fn draft(&mut self) -> ApprovalView {
        self.until("card", |me| me.views.values().find(|view| !is_ended(view)).cloned()).await
    }

    /// Waits for an approval in any state, ended ones too: what has a deadline may have met it.
    pub async fn approval(&mut self) -> ApprovalId {
        self.until("approval", |me| me.views.keys().next().copied()).await
    }

    /// Waits until an approval has its outcome and its delivery has come to an end.
    pub async fn ending(&mut self, id: ApprovalId) -> Ending {
        self.until("ending", |me| match &me.views.get(&id)?.state {
            State::Ended { delivery: Delivery::Applying, .. } => None,
            State::Ended { outcome, by, delivery, detail, .. } => {
                Some(Ending { outcome: *outcome, by: by.clone(), delivery: *delivery, detail: detail.clone() })
            }
            State::Draft | State::Open | State::Deciding { .. } => None,
        })
        .await
    }

    /// Waits for a notice that has these words, and returns it.
    pub async fn notice(&mut self, words: &str) -> String {
        let what = format!("notice with {words:?}");
        self.until(&what, |me| me.notices.iter().find(|text| text.contains(words)).cloned()).await
    }

    /// Presents a card and decides on it, as often as the dwell time asks for.
    pub async fn decide(&self, view: &ApprovalView, act: Act) -> Result<Decided, Refusal> {
        loop {
            let nonce = self.client.presented(view.card.approval, view.card.revision, view.digest).await?;
            let decision = Decision { nonce: Some(nonce), ..decision(view, act.clone()) };
            // The dwell time counts from the presenting, so it is waited for here, as a reader would.
            tokio::time::sleep(Duration::from_millis(10)).await;
            match self.client.decide(decision).await {
                Err(Refusal::TooSoon { .. }) => {}
                result => return result,
            }
        }
    }

    pub async fn approve(&self, view: &ApprovalView) -> Result<Decided, Refusal> {
        self.decide(view, Act::approve()).await
    }

    /// A denial needs no presenting, unless it lets the agent go on.
    pub async fn deny(&self, view: &ApprovalView) -> Result<Decided, Refusal> {
        if view.card.denial_releases() {
            return self.decide(view, Act::Deny { reason: None }).await;
        }
        self.client.decide(decision(view, Act::Deny { reason: None })).await
    }
}

/// A decision without a nonce.
pub fn decision(view: &ApprovalView, act: Act) -> Decision {
    let card = &view.card;
    Decision { approval: card.approval, revision: card.revision, digest: view.digest, nonce: None, typed: None, act }
}

pub fn outcome(outcome: Outcome) -> Result<Decided, Refusal> {
    Ok(Decided::Outcome { outcome })
}

pub fn is_ended(view: &ApprovalView) -> bool {
    matches!(view.state, State::Ended { .. })
}

pub fn is_draft(view: &ApprovalView) -> bool {
    view.state == State::Draft || view.card.revision == Revision(0)
}
