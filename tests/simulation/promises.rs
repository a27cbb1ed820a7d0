//! Promises: what operators were told is so, and what the disk has to hold from then on, whatever dies.
//!
//! An answer promises what is durable. Where the disk fails, or is slower than anybody is kept waiting, it may be ahead of it;
//! then a crash may take it back, and nothing else. An approval is never ahead of the disk.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use holdpoint::control::{Act, Decided, Decision, OperatorName, SessionAct, SessionDone, Snapshot, State};
use holdpoint::gate::{ApprovalId, Digest, Entry, Kept, Outcome, Record, Revision};
use jiff::{SignedDuration, Timestamp};

use crate::disk::Disk;
use crate::judge::Held;
use crate::world::World;

/// A deadline is told in less than this much detail.
const A_MOMENT: SignedDuration = SignedDuration::from_millis(10);

/// What somebody was told.
#[derive(Clone, Debug, PartialEq)]
enum Promise {
    /// An approval has this outcome.
    Outcome(ApprovalId, Outcome),
    /// Somebody's approval counts, for this revision.
    Counted(ApprovalId, Revision, Digest, OperatorName),
    /// There is time until then.
    Until(ApprovalId, Timestamp),
    /// An approval asks about the session, or did.
    Opened(ApprovalId),
    /// Everything is stopped. Holds until somebody asks for its end, which is after this request in any case.
    Stopped(u64),
}

/// Whether the disk has what somebody was told.
#[derive(PartialEq)]
enum Stands {
    Yes,
    NotYet,
    /// It has something else.
    No(String),
}

/// Everything that operators were told.
#[derive(Default)]
pub struct Promises {
    /// With whether the disk had it when it was told, or since.
    made: Vec<(Promise, bool)>,
    /// Requests that have no answer yet, and when they were made.
    asked: BTreeMap<u64, Duration>,
    last_asked: u64,
    /// The newest requests for a stop of everything, and for the end of one.
    stop_asked: u64,
    end_asked: u64,
    /// Votes that became durable.
    votes: BTreeMap<(ApprovalId, Revision, Digest), BTreeSet<OperatorName>>,
}

impl Promises {
    pub fn asks(&mut self, now: Duration) -> u64 {
        self.last_asked += 1;
        self.asked.insert(self.last_asked, now);
        self.last_asked
    }

    pub fn asks_for_a_stop(&mut self, now: Duration) -> u64 {
        self.stop_asked = self.asks(now);
        self.stop_asked
    }

    /// Somebody asks for the end of a stop: what was told of it before holds no longer.
    pub fn asks_for_the_end(&mut self, now: Duration) -> u64 {
        self.end_asked = self.asks(now);
        self.end_asked
    }

    pub fn is_answered(&mut self, asked: u64) {
        self.asked.remove(&asked);
    }

    pub fn all_answered(&self) -> bool {
        self.asked.is_empty()
    }

    pub fn voters(&self, card: &(ApprovalId, Revision, Digest)) -> BTreeSet<OperatorName> {
        self.votes.get(card).cloned().unwrap_or_default()
    }

    /// How many there are: what is looked at later shows these.
    pub fn made(&self) -> usize {
        self.made.len()
    }

    /// A record becomes durable. Time that stood still is another time.
    pub fn recorded(&mut self, record: &Record, kept: &Kept) {
        let id = kept.card.approval;
        match record.entry {
            Entry::Voted => {
                let card = (id, kept.card.revision, kept.card.digest());
                let voters = kept.votes.on(&kept.card).iter().map(|vote| vote.by.clone());
                self.votes.entry(card).or_default().extend(voters);
            }
            Entry::Frozen | Entry::Thawed => {
                for (promise, _) in &mut self.made {
                    if let Promise::Until(of, until) = promise
                        && *of == id
                    {
                        *until = Timestamp::MIN;
                    }
                }
            }
            Entry::Opened | Entry::Revised | Entry::Extended | Entry::Decided | Entry::Delivered | Entry::Noted => (),
        }
    }

    /// Nobody was given more time than an approval had that has expired.
    pub fn had_its_time(&self, id: ApprovalId, at: Timestamp) -> Held {
        let promised = self.made.iter().filter_map(|(promise, _)| match promise {
            Promise::Until(of, until) if *of == id => Some(*until),
            _ => None,
        });
        match promised.max().filter(|until| at + A_MOMENT < *until) {
            Some(until) => {
                Err(format!("an operator was told that {} has time until {until}, and it expired {at}", id.code()))
            }
            None => Ok(()),
        }
    }

    fn stands(&self, promise: &Promise, disk: &Disk) -> Stands {
        let yet = |so: bool| if so { Stands::Yes } else { Stands::NotYet };
        match promise {
            Promise::Outcome(id, told) => {
                match disk.approvals.get(id).and_then(|kept| kept.closed.as_ref()).map(|closed| closed.outcome) {
                    Some(stands) if stands == *told => Stands::Yes,
                    Some(stands) => Stands::No(format!("it is {stands}")),
                    None => Stands::NotYet,
                }
            }
            Promise::Counted(id, revision, digest, by) => yet(self.voters(&(*id, *revision, *digest)).contains(by)),
            Promise::Until(id, until) => yet(disk
                .approvals
                .get(id)
                .is_some_and(|kept| kept.closed.is_some() || kept.frozen.is_some() || kept.deadline >= *until)),
            Promise::Opened(id) => yet(disk.approvals.contains_key(id)),
            Promise::Stopped(asked) => yet(disk.halt.is_some() || self.end_asked > *asked),
        }
    }
}

impl World {
    /// What the answer to a decision promises.
    pub fn judge_told(&mut self, asked: u64, by: &OperatorName, decision: &Decision, decided: &Decided) -> Held {
        let id = decision.approval;
        let promise = match decided {
            Decided::Outcome { outcome } => Promise::Outcome(id, *outcome),
            Decided::Counted { .. } => Promise::Counted(id, decision.revision, decision.digest, by.clone()),
            Decided::Extended { deadline, .. } if decision.act == Act::Extend => Promise::Until(id, *deadline),
            Decided::Extended { .. } => return Err(format!("{} was extended, which nobody asked for", id.code())),
        };
        self.promise(asked, promise)
    }

    /// What the answer to an act of an operator's own accord promises.
    pub fn judge_done(&mut self, asked: u64, act: SessionAct, done: &SessionDone) -> Held {
        let Some(id) = done.approval else { return Ok(()) };
        let ends = act == SessionAct::Cancel && done.what == "the session's task is being ended";
        self.promise(asked, if ends { Promise::Outcome(id, Outcome::Denied) } else { Promise::Opened(id) })
    }

    /// Everything is stopped, as somebody was told.
    pub fn judge_halted(&mut self, asked: u64) -> Held {
        self.promise(asked, Promise::Stopped(asked))
    }

    /// The stop has ended, as somebody was told. Somebody else may have stopped everything meanwhile.
    pub fn judge_halt_ended(&mut self, asked: u64) -> Held {
        let again = self.judge.promises.stop_asked > asked;
        match &self.disk.halt {
            Some(halt) if !again => {
                Err(format!("an operator was told that the stop is ended, and the disk has {halt:?}"))
            }
            _ => Ok(()),
        }
    }

    fn promise(&mut self, asked: u64, promise: Promise) -> Held {
        let since = self.judge.promises.asked.get(&asked).copied().unwrap_or_default();
        let ahead = self.disk.pulse.excuses(since, self.now()) && promise.may_be_ahead();
        let durable = match self.judge.promises.stands(&promise, &self.disk) {
            Stands::Yes => true,
            Stands::NotYet if ahead => false,
            Stands::NotYet => return Err(format!("an operator was told that {promise}, and that is not durable")),
            Stands::No(why) => return Err(format!("invariant 2: an operator was told that {promise}: {why}")),
        };
        self.judge.count(if durable { "promises" } else { "promises ahead of the disk" });
        self.judge.promises.made.push((promise, durable));
        Ok(())
    }

    /// At every step: what was told stands.
    pub fn judge_promises(&mut self) -> Held {
        let mut promises = std::mem::take(&mut self.judge.promises);
        let mut held = Ok(());
        let mut made = std::mem::take(&mut promises.made);
        for (promise, durable) in &mut made {
            match promises.stands(promise, &self.disk) {
                Stands::Yes => *durable = true,
                Stands::NotYet if !*durable => (),
                Stands::NotYet => held = Err(format!("an operator was told that {promise}, and that was taken back")),
                Stands::No(why) => held = Err(format!("invariant 2: an operator was told that {promise}: {why}")),
            }
        }
        promises.made = made;
        self.judge.promises = promises;
        held
    }

    /// A process is gone: what it was asked has no answer, and what was told ahead of the disk may be lost with it.
    pub fn judge_promises_after_the_end(&mut self) -> Held {
        self.judge.promises.asked.clear();
        let held = self.judge_promises();
        let ahead = self.judge.promises.made.extract_if(.., |(_, durable)| !*durable).count();
        (0..ahead).for_each(|_| self.judge.count("promises taken by a crash, ahead of the disk"));
        held
    }

    /// Everything has come to its end: no promise is ahead of the disk any more.
    pub fn judge_promises_at_rest(&self) -> Held {
        match self.judge.promises.made.iter().find(|(_, durable)| !durable) {
            Some((promise, _)) => {
                Err(format!("liveness: an operator was told that {promise}, and that never became durable"))
            }
            None => Ok(()),
        }
    }

    /// What anybody is shown is what was told before, whichever process shows it.
    pub fn judge_shown(&self, snapshot: &Snapshot, made: usize) -> Held {
        for (promise, _) in self.judge.promises.made.iter().take(made) {
            match promise {
                Promise::Outcome(id, told) => {
                    let view = snapshot.approvals.iter().find(|view| view.card.approval == *id);
                    let state = view.map(|view| &view.state);
                    if !state.is_none_or(|state| matches!(state, State::Ended { outcome, .. } if outcome == told)) {
                        return Err(format!("an operator was told that {promise}, and is shown {state:?}"));
                    }
                }
                Promise::Stopped(asked) if self.judge.promises.end_asked <= *asked => {
                    if snapshot.daemon.halt.is_none() {
                        return Err(format!("an operator was told that {promise}, and is shown nothing of that"));
                    }
                }
                Promise::Counted(..) | Promise::Until(..) | Promise::Opened(..) | Promise::Stopped(_) => (),
            }
        }
        Ok(())
    }
}

impl Promise {
    /// Whether it may be made before the disk has it, where that fails or is slow: only what lets nothing go.
    fn may_be_ahead(&self) -> bool {
        match self {
            Self::Outcome(_, outcome) => *outcome != Outcome::Approved,
            Self::Until(..) | Self::Opened(_) => true,
            Self::Counted(..) | Self::Stopped(_) => false,
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Outcome(id, outcome) => write!(f, "{} is {outcome}", id.code()),
            Self::Counted(id, revision, _, by) => write!(f, "{}'s approval of {} r{revision} counts", by.0, id.code()),
            Self::Until(id, until) => write!(f, "{} has time until {until}", id.code()),
            Self::Opened(id) => write!(f, "{} asks", id.code()),
            Self::Stopped(_) => write!(f, "everything is stopped"),
        }
    }
}
