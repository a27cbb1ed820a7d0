//! What holds for every session, as its driver has to know it: the rules, the settings, and whether everything is stopped.
//!
//! Only the newest counts, and a driver looks at nothing older.

use std::sync::Arc;

use crate::control::Halt;
use crate::gate::Settings;
use crate::policy::Policy;

/// What holds now.
#[derive(Clone, Debug)]
pub struct Standing {
    /// Whether everything is stopped.
    pub halt: Option<Halt>,
    /// The rules.
    pub policy: Arc<Policy>,
    /// What gates do where rules do not say.
    pub settings: Arc<Settings>,
}

impl Standing {
    /// Whether `self` has the rules and settings of `other`, and not only equal ones.
    #[must_use]
    pub fn rules_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.policy, &other.policy) && Arc::ptr_eq(&self.settings, &other.settings)
    }
}
