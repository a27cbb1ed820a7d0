//! The service manager's watchdog: it is told that we live at half of its time, and only while the daemon's loops turn.
//!
//! The runtime's own timers have to go for that as well: the beat comes from one. Restarts nothing; the manager does.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use super::manager::Manager;
use crate::daemon::liveness::{Loop, Pulse};

/// The shortest time that is taken seriously.
const LEAST: Duration = Duration::from_millis(40);

/// Tells `manager` that we live for as long as `pulse` says so; never returns. Without a watchdog it only waits.
pub(super) async fn keep(pulse: Pulse, manager: Manager) {
    let Some(patience) = sd_notify::watchdog_enabled().filter(|patience| *patience >= LEAST) else {
        return std::future::pending().await;
    };
    let mut ticks = tokio::time::interval(patience / 2);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut hung = Vec::new();
    loop {
        ticks.tick().await;
        // Half of what is left until the manager loses its patience.
        let bound = patience / 4;
        let hanging = pulse.hanging(bound).await;
        if hanging.is_empty() {
            manager.alive();
        }
        say(&hung, &hanging, bound, patience);
        hung = hanging;
    }
}

fn say(before: &[Loop], now: &[Loop], bound: Duration, patience: Duration) {
    for which in now.iter().filter(|which| !before.contains(which)) {
        tracing::error!(
            "{which} has not answered for {bound:?}: the service manager is no longer told that we live, and restarts us \
             {patience:?} after it was told last"
        );
    }
    for which in before.iter().filter(|which| !now.contains(which)) {
        tracing::warn!("{which} turns again");
    }
}
