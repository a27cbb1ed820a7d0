//! Who sits behind a client: what the operating system says of the process at the other end.

use super::{OperatorName, Refusal, Role, You};

/// An authenticated person, never one that a client claims to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The Unix user's name, escaped; `uid N` where the system has none.
    pub name: OperatorName,
    /// The Unix user.
    pub uid: u32,
    /// The names of the groups that the user is in, supplementary ones too; sorted.
    pub groups: Vec<String>,
    /// What the configuration lets this person do.
    pub role: Role,
}

impl Person {
    /// What clients are told of it.
    #[must_use]
    pub fn you(&self) -> You {
        You { operator: self.name.clone(), role: self.role }
    }

    /// Whether the role reaches for something that takes `needed`.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotPermitted`] when it does not.
    pub fn may(&self, needed: Role) -> Result<(), Refusal> {
        if self.role >= needed {
            return Ok(());
        }
        Err(Refusal::NotPermitted { who: self.name.0.clone(), needed })
    }
}

impl From<OperatorName> for Person {
    /// Somebody who may do everything and is in no group: for parts of the daemon itself. The uid is the one that no user
    /// has, `(uid_t) -1`.
    fn from(name: OperatorName) -> Self {
        Self { name, uid: u32::MAX, groups: Vec::new(), role: Role::Admin }
    }
}
