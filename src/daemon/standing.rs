//! What holds for every session, as its driver has to know it: the rules, the settings, and whether everything is stopped.
//!
//! A driver is told by a value that it can look at and not by a message that it could miss: only the newest counts.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::ReusableBoxFuture;

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

/// What holds, as one driver hears of it. It waits for the next news once, and not anew each time it looks for something else.
pub struct News(ReusableBoxFuture<'static, Option<watch::Receiver<Standing>>>);

impl News {
    /// What is told from here on.
    #[must_use]
    pub fn of(told: watch::Receiver<Standing>) -> Self {
        Self(ReusableBoxFuture::new(changed(told)))
    }

    /// What holds from here on; never, once the supervisor is gone. May be dropped and begun again at any time.
    pub async fn next(&mut self) -> Standing {
        let Some(mut told) = (&mut self.0).await else {
            self.0.set(std::future::pending());
            return std::future::pending().await;
        };
        let now = told.borrow_and_update().clone();
        self.0.set(changed(told));
        now
    }
}

async fn changed(mut told: watch::Receiver<Standing>) -> Option<watch::Receiver<Standing>> {
    told.changed().await.ok().map(|()| told)
}
