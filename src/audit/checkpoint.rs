//! A checkpoint: the chain's head, copied to a place that whoever restores or cuts the store does not reach.
//!
//! The chain shows what was changed inside the store. It cannot show that the whole file is an older copy of itself; a head
//! that was seen later can. Pure: reads no file and knows no clock.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Head;
use crate::gate::Digest;

/// The newest entry of the journal at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The entry.
    pub head: Head,
    /// When this was written down.
    pub at: Timestamp,
}

/// A store is not the one that its checkpoint was taken of, or is that one as it was before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Apart {
    /// Entries are missing at the end.
    #[error(
        "it ends at entry {ends}, and entry {seq} was written by {at}: it is an older copy, or its end was cut off"
    )]
    Older {
        /// The store's newest entry.
        ends: i64,
        /// The checkpoint's.
        seq: i64,
        /// When that was known.
        at: Timestamp,
    },
    /// The entry is another one.
    #[error("its entry {seq} is not the one that was written by {at}: it is another store, or was changed")]
    Other {
        /// The entry.
        seq: i64,
        /// When the other one was known.
        at: Timestamp,
    },
}

/// The form on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    seq: i64,
    hash: Digest,
    at: Timestamp,
}

impl Checkpoint {
    /// Reads what [`Display`](fmt::Display) wrote; `None` for anything else.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let Written { seq, hash, at } = serde_json::from_str(text).ok()?;
        (seq >= 0).then_some(Self { head: Head { seq, hash }, at })
    }

    /// Compares a store with it: the store's newest entry, and the hash that the store has at this checkpoint's entry.
    ///
    /// A store that has gone on since is the same one.
    ///
    /// # Errors
    /// When it is not that store, or an older copy of it.
    pub fn compare(&self, newest: Head, there: Option<Digest>) -> Result<(), Apart> {
        let Self { head: Head { seq, hash }, at } = *self;
        if newest.seq < seq {
            return Err(Apart::Older { ends: newest.seq, seq, at });
        }
        if seq == 0 || there == Some(hash) { Ok(()) } else { Err(Apart::Other { seq, at }) }
    }
}

impl fmt::Display for Checkpoint {
    /// One line of JSON: `{"seq":12,"hash":"…","at":"2026-01-01T00:00:00Z"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { head: Head { seq, hash }, at } = *self;
        let text = serde_json::to_string(&Written { seq, hash, at }).map_err(|_| fmt::Error)?;
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u8) -> Digest {
        let text: String = std::iter::repeat_n(format!("{n:02x}"), 32).collect();
        serde_json::from_value(serde_json::Value::String(text)).expect("a digest")
    }

    fn checkpoint() -> Checkpoint {
        Checkpoint { head: Head { seq: 12, hash: digest(1) }, at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn it_is_read_as_it_was_written_and_nothing_else_is() {
        assert_eq!(Checkpoint::parse(&checkpoint().to_string()), Some(checkpoint()));
        assert_eq!(Checkpoint::parse(&format!("{}\n", checkpoint())), Some(checkpoint()));
        let negative = checkpoint().to_string().replace("12", "-1");
        for text in ["", "{}", "12", &negative, &checkpoint().to_string()[1..]] {
            assert_eq!(Checkpoint::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_store_that_went_on_is_the_same_and_an_older_or_another_one_is_not() {
        let at = Timestamp::UNIX_EPOCH;
        let newest = |seq| Head { seq, hash: digest(7) };
        let compare = |seq, there| checkpoint().compare(newest(seq), there);
        assert_eq!(checkpoint().compare(checkpoint().head, Some(digest(1))), Ok(()));
        assert_eq!(compare(40, Some(digest(1))), Ok(()));
        assert_eq!(compare(11, None), Err(Apart::Older { ends: 11, seq: 12, at }));
        assert_eq!(compare(40, Some(digest(2))), Err(Apart::Other { seq: 12, at }));
        assert_eq!(compare(40, None), Err(Apart::Other { seq: 12, at }));
        let empty = Checkpoint { head: Head::EMPTY, at };
        assert_eq!(empty.compare(newest(3), None), Ok(()), "before the first entry there was nothing to compare");
    }
}
