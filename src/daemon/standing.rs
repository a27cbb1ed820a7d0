//! What holds for every session, as its driver has to know it: the rules, the settings, and whether everything is stopped.
//!
//! Only the newest counts, and a driver looks at nothing older.

use std::sync::Arc;

use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures_util::{FutureExt as _, StreamExt as _};

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

/// What holds, as one driver hears of it: each driver has a line of its own, so that they wake in the order of their sessions. It has no
/// bound: what is told is rare, and none of it may be missed.
pub type News = UnboundedReceiver<Arc<Standing>>;

/// What a driver is told by.
pub type Teller = UnboundedSender<Arc<Standing>>;

/// A line to one driver.
#[must_use]
pub fn line() -> (Teller, News) {
    unbounded()
}

/// The newest of what is told; `None` once nobody can tell any more. May be dropped and begun again at any time.
pub async fn newest(news: &mut News) -> Option<Arc<Standing>> {
    let mut newest = news.next().await?;
    while let Some(Some(next)) = news.next().now_or_never() {
        newest = next;
    }
    Some(newest)
}
