//! The hash chain over the journal: how entries are linked, and how a broken link is found.
//!
//! Pure. Each entry's hash covers the hash before it and every field of the entry, each with its length, so that nothing
//! can be changed, removed, inserted or moved without breaking the chain. A tail that is cut off shows in the stored head;
//! whoever can rewrite the whole store can rewrite the chain, so the head is worth copying elsewhere.

pub mod checkpoint;

use std::collections::BTreeMap;

use sha2::{Digest as _, Sha256};

use crate::gate::{ApprovalId, Digest};

/// One journal entry, as it is hashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Position in the journal; the first is 1.
    pub seq: i64,
    /// When it was written, RFC 3339.
    pub at: String,
    /// What happened, in one word.
    pub entry: String,
    /// The session it is about.
    pub session: Option<String>,
    /// The approval it is about.
    pub approval: Option<String>,
    /// The rest, as JSON text.
    pub body: String,
}

/// The newest entry: its position and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Position; 0 before the first entry.
    pub seq: i64,
    /// Hash; all zero before the first entry.
    pub hash: Digest,
}

impl Head {
    /// The head of an empty journal.
    pub const EMPTY: Self = Self { seq: 0, hash: Digest::ZERO };

    /// The head after `entry`, which must be the next one.
    #[must_use]
    pub fn then(self, entry: &Entry) -> Self {
        let mut hash = Sha256::new();
        hash.update(self.hash.as_bytes());
        hash.update(entry.seq.to_be_bytes());
        let fields =
            [Some(&entry.at), Some(&entry.entry), entry.session.as_ref(), entry.approval.as_ref(), Some(&entry.body)];
        for field in fields {
            match field {
                Some(text) => {
                    hash.update([1]);
                    hash.update((text.len() as u64).to_be_bytes());
                    hash.update(text.as_bytes());
                }
                None => hash.update([0]),
            }
        }
        Self { seq: entry.seq, hash: Digest::from_bytes(hash.finalize().into()) }
    }

    /// The head after `entry`, if that is the next one and `stored` is its hash.
    ///
    /// # Errors
    /// When it is not.
    pub fn link(self, entry: &Entry, stored: Digest) -> Result<Self, Broken> {
        if entry.seq != self.seq + 1 {
            return Err(Broken::Sequence { expected: self.seq + 1, found: entry.seq });
        }
        let head = self.then(entry);
        if head.hash == stored { Ok(head) } else { Err(Broken::Hash { seq: entry.seq }) }
    }
}

/// Why a journal does not verify.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// A position is missing, doubled or out of order.
    #[error("entry {found} stands where entry {expected} should: entries were removed, inserted or moved")]
    Sequence {
        /// The position that should follow.
        expected: i64,
        /// The position that does.
        found: i64,
    },
    /// An entry's hash is not that of its content and its predecessor.
    #[error("entry {seq} was changed, or the entry before it was")]
    Hash {
        /// The position.
        seq: i64,
    },
    /// The stored head is not the last entry.
    #[error("the journal ends at entry {last}, but {}: the end was cut off or the head was changed", head_says(*.last, *.head))]
    Head {
        /// The last position found.
        last: i64,
        /// The position the head names; `None` when the head cannot be read.
        head: Option<i64>,
    },
    /// An approval's row is not what the journal says.
    #[error("approval {approval} is not what the journal says: {why}")]
    Approval {
        /// Its id.
        approval: String,
        /// In which way.
        why: String,
    },
}

fn head_says(last: i64, head: Option<i64>) -> String {
    match head {
        None => "its head cannot be read".to_owned(),
        Some(head) if head == last => "its head has another hash".to_owned(),
        Some(head) => format!("its head says {head}"),
    }
}

/// Walks a journal from its beginning.
#[derive(Debug)]
pub struct Verifier {
    head: Head,
    /// Each approval's newest entry, and the digest of what that says of it.
    approvals: BTreeMap<String, (i64, Digest)>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self { head: Head::EMPTY, approvals: BTreeMap::new() }
    }
}

impl Verifier {
    /// Takes the next entry with its stored hash; `kept` is what the entry says of its approval.
    ///
    /// # Errors
    /// When the entry is not the next one, or its hash is not right.
    pub fn take(&mut self, entry: &Entry, stored: Digest, kept: Option<&str>) -> Result<(), Broken> {
        self.head = self.head.link(entry, stored)?;
        if let (Some(approval), Some(kept)) = (&entry.approval, kept) {
            self.approvals.insert(approval.clone(), (entry.seq, Digest::of(kept.as_bytes())));
        }
        Ok(())
    }

    /// Compares the end with the stored head; `None` is one that cannot be read.
    ///
    /// # Errors
    /// When they differ.
    pub fn end(&self, stored: Option<Head>) -> Result<Head, Broken> {
        let head = stored.map(|head| head.seq);
        stored.filter(|stored| *stored == self.head).ok_or(Broken::Head { last: self.head.seq, head })
    }

    /// Compares an approval's stored row, written with entry `seq`, with the journal; every approval of the journal must
    /// come by once.
    ///
    /// # Errors
    /// When the journal does not know it or knows it otherwise.
    pub fn approval(&mut self, id: &str, seq: i64, kept: &str) -> Result<(), Broken> {
        let broken = |why: &str| Err(Broken::Approval { approval: id.to_owned(), why: why.to_owned() });
        match self.approvals.remove(id) {
            Some(newest) if newest == (seq, Digest::of(kept.as_bytes())) => Ok(()),
            Some(_) => broken("its row was changed"),
            None => broken("no entry made it, or it stands twice"),
        }
    }

    /// After all approvals came by.
    ///
    /// # Errors
    /// When the journal knows one that has no row.
    pub fn approvals_end(&self) -> Result<(), Broken> {
        match self.approvals.keys().next() {
            None => Ok(()),
            Some(id) => Err(Broken::Approval { approval: id.clone(), why: "its row is missing".to_owned() }),
        }
    }
}

/// The id of an approval as the journal writes it.
#[must_use]
pub fn approval_name(id: ApprovalId) -> String {
    id.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn entry(seq: i64, body: &str) -> Entry {
        let text = |text: &str| text.to_owned();
        Entry {
            seq,
            at: text("2026-11-23T13:02:11Z"),
            entry: text("noted"),
            session: Some(text("s")),
            approval: None,
            body: text(body),
        }
    }

    fn chain(bodies: &[String]) -> Vec<(Entry, Digest)> {
        let mut head = Head::EMPTY;
        let mut chain = Vec::new();
        for body in bodies {
            let entry = entry(head.seq + 1, body);
            head = head.then(&entry);
            chain.push((entry, head.hash));
        }
        chain
    }

    fn verify(chain: &[(Entry, Digest)], head: Head) -> Result<Head, Broken> {
        let mut verifier = Verifier::default();
        for (entry, hash) in chain {
            verifier.take(entry, *hash, None)?;
        }
        verifier.end(Some(head))
    }

    fn head_of(chain: &[(Entry, Digest)]) -> Head {
        chain.last().map_or(Head::EMPTY, |(entry, hash)| Head { seq: entry.seq, hash: *hash })
    }

    proptest! {
        #[test]
        fn an_untouched_chain_verifies(bodies in prop::collection::vec(".*", 0..20)) {
            let chain = chain(&bodies);
            prop_assert_eq!(verify(&chain, head_of(&chain)), Ok(head_of(&chain)));
        }

        #[test]
        fn any_changed_entry_is_found(bodies in prop::collection::vec(".*", 1..20), at: prop::sample::Index, to in ".*") {
            let mut chain = chain(&bodies);
            let head = head_of(&chain);
            let at = at.index(chain.len());
            prop_assume!(chain[at].0.body != to);
            chain[at].0.body = to;
            prop_assert_eq!(verify(&chain, head), Err(Broken::Hash { seq: at as i64 + 1 }));
        }

        #[test]
        fn any_removed_entry_is_found(bodies in prop::collection::vec(".*", 1..20), at: prop::sample::Index) {
            let mut chain = chain(&bodies);
            let head = head_of(&chain);
            chain.remove(at.index(bodies.len()));
            prop_assert!(verify(&chain, head).is_err());
        }

        #[test]
        fn any_two_swapped_entries_are_found(bodies in prop::collection::vec(".*", 2..20), at: prop::sample::Index) {
            let mut chain = chain(&bodies);
            let head = head_of(&chain);
            let at = at.index(bodies.len() - 1);
            chain.swap(at, at + 1);
            prop_assert!(verify(&chain, head).is_err());
        }
    }

    #[test]
    fn a_field_cannot_flow_into_its_neighbour() {
        let mut one = entry(1, "");
        one.session = Some("ab".to_owned());
        one.approval = Some("c".to_owned());
        let mut other = one.clone();
        other.session = Some("a".to_owned());
        other.approval = Some("bc".to_owned());
        assert_ne!(Head::EMPTY.then(&one), Head::EMPTY.then(&other));
    }

    #[test]
    fn an_approval_that_differs_from_the_journal_is_found() {
        let mut verifier = Verifier::default();
        let mut opened = entry(1, "{}");
        opened.approval = Some("a".to_owned());
        let hash = Head::EMPTY.then(&opened).hash;
        assert_eq!(verifier.take(&opened, hash, Some("kept")), Ok(()));
        assert!(verifier.approvals_end().is_err());
        assert!(verifier.approval("a", 1, "other").is_err());
        assert!(verifier.approval("b", 1, "kept").is_err());
    }
}
