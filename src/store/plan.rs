//! What of a batch is written, and what that makes of the chain and of each approval.
//!
//! Pure: what stands in the store is an argument. An outcome that stands is not changed, whether it stood before or came earlier
//! in the same batch.

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{Conflict, Write};
use crate::audit::{Entry, Head, approval_name};
use crate::gate::{self, ApprovalId, Closed, Digest, Kept};

/// What the journal keeps beside the columns.
#[derive(Serialize)]
struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kept: Option<&'a RawValue>,
}

/// The outcomes that stand.
pub(super) type Standing<'a> = HashMap<ApprovalId, Stands<'a>>;

/// An outcome that stands.
pub(super) struct Stands<'a> {
    /// Its name.
    pub(super) outcome: Cow<'a, str>,
    /// All of it; `None` when it cannot be read. That refuses its approval only, not everything else that waits to be written.
    pub(super) closed: Option<Cow<'a, Closed>>,
}

/// What is written.
#[derive(Debug)]
pub(super) struct Plan {
    /// One for each record of the batch.
    pub(super) results: Vec<Result<(), Conflict>>,
    pub(super) lines: Vec<Line>,
    /// The newest entry then.
    pub(super) head: Head,
}

/// An entry of the journal, and how its approval stands afterwards, unless a later one of the batch says that.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) entry: Entry,
    pub(super) hash: Digest,
    pub(super) state: Option<State>,
}

/// An approval as its newest entry leaves it.
#[derive(Debug)]
pub(super) struct State {
    pub(super) id: String,
    pub(super) session: String,
    pub(super) outcome: Option<&'static str>,
    pub(super) delivery: Option<&'static str>,
    pub(super) live: bool,
    /// All of it, as JSON.
    pub(super) kept: String,
}

impl Plan {
    /// Goes through `writes` in order, upon `head` and what is `standing`.
    ///
    /// # Errors
    /// When a record cannot be told as JSON.
    pub(super) fn of<'a>(
        head: Head,
        mut standing: Standing<'a>,
        writes: &[&'a Write],
    ) -> Result<Self, serde_json::Error> {
        let mut plan =
            Self { results: Vec::with_capacity(writes.len()), lines: Vec::with_capacity(writes.len()), head };
        let mut newest = HashMap::new();
        for write in writes {
            let kept = write.record.kept.as_ref();
            match kept.map_or(Verdict::Free, |kept| judge(&standing, kept)) {
                Verdict::Same if write.record.entry == gate::Entry::Decided => plan.results.push(Ok(())),
                Verdict::Free | Verdict::Same => {
                    let earlier = kept.and_then(|kept| newest.insert(kept.card.approval, plan.lines.len()));
                    if let Some(line) = earlier.and_then(|earlier| plan.lines.get_mut(earlier)) {
                        line.state = None;
                    }
                    if let Some((kept, closed)) = kept.and_then(|kept| Some((kept, kept.closed.as_ref()?))) {
                        let outcome = Cow::Borrowed(closed.outcome.name());
                        standing.insert(kept.card.approval, Stands { outcome, closed: Some(Cow::Borrowed(closed)) });
                    }
                    plan.add(write)?;
                    plan.results.push(Ok(()));
                }
                Verdict::Other(conflict) => plan.results.push(Err(conflict)),
            }
        }
        Ok(plan)
    }

    fn add(&mut self, write: &Write) -> Result<(), serde_json::Error> {
        let kept = write.record.kept.as_ref();
        let text = kept.map(to_raw_value).transpose()?;
        let body = Body { note: write.record.note.as_deref(), kept: text.as_deref() };
        let entry = Entry {
            seq: self.head.seq + 1,
            at: write.at.to_string(),
            entry: write.record.entry.name().to_owned(),
            session: Some(write.session.to_string()),
            approval: kept.map(|kept| approval_name(kept.card.approval)),
            body: serde_json::to_string(&body)?,
        };
        self.head = self.head.then(&entry);
        let state = kept.zip(text).map(|(kept, text)| State::of(kept, text));
        self.lines.push(Line { entry, hash: self.head.hash, state });
        Ok(())
    }
}

impl State {
    fn of(kept: &Kept, text: Box<RawValue>) -> Self {
        let closed = kept.closed.as_ref();
        Self {
            id: approval_name(kept.card.approval),
            session: kept.card.session.to_string(),
            outcome: closed.map(|closed| closed.outcome.name()),
            delivery: closed.map(|closed| closed.delivery.name()),
            live: kept.is_live(),
            kept: Box::<str>::from(text).into_string(),
        }
    }
}

enum Verdict {
    Free,
    Same,
    Other(Conflict),
}

/// Whether an outcome stands already, and whether it is the one to be written.
fn judge(standing: &Standing<'_>, kept: &Kept) -> Verdict {
    let Some(stands) = standing.get(&kept.card.approval) else { return Verdict::Free };
    let same = stands.closed.as_deref().zip(kept.closed.as_ref()).is_some_and(|(one, other)| {
        (one.outcome, one.revision, &one.by, one.at) == (other.outcome, other.revision, &other.by, other.at)
    });
    if same {
        return Verdict::Same;
    }
    let (approval, outcome) = (approval_name(kept.card.approval), stands.outcome.to_string());
    Verdict::Other(Conflict { approval, outcome })
}
