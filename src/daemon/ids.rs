//! Where new approvals get their ids from.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use crate::gate::{ApprovalId, Mint};

/// Makes ids. Cheap to clone.
#[derive(Clone)]
pub struct Ids(Arc<dyn Fn() -> ApprovalId + Send + Sync>);

impl Ids {
    /// Ids that nobody can guess, greater than all that this process made before.
    #[must_use]
    pub fn fresh() -> Self {
        Self::told(|| ApprovalId(Uuid::now_v7()))
    }

    /// The ids that `next` makes; each has to be another one, and greater than those before.
    #[must_use]
    pub fn told(next: impl Fn() -> ApprovalId + Send + Sync + 'static) -> Self {
        Self(Arc::new(next))
    }
}

impl Mint for Ids {
    fn approval(&mut self) -> ApprovalId {
        (self.0)()
    }
}

impl fmt::Debug for Ids {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ids")
    }
}
