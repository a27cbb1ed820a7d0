//! What concerns every session at once: the stop of everything, its end, and another configuration.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::super::halting::{Ended, Wish};
use super::super::{Changed, Reconfiguration};
use super::{Reconfigure, Supervisor};
use crate::control::{DaemonInfo, Halt, OperatorName, Refusal};
use crate::crash::{self, Point};
use crate::operator::escape::short;
use crate::operator::log::TOLD;

/// How much of a reason is taken.
const REASON_MOST: usize = 10_000;

impl Supervisor {
    /// Stops everything: drivers are told first, then it is written down. A stop that is in force is answered as it is.
    pub(super) fn halt(
        &mut self,
        by: OperatorName,
        reason: Option<String>,
        reply: oneshot::Sender<Result<Halt, Refusal>>,
    ) {
        if reason.as_ref().is_some_and(|reason| reason.chars().count() > REASON_MOST) {
            let why = format!("a reason has at most {REASON_MOST} characters");
            let _ = reply.send(Err(Refusal::NotPossible { why }));
            return;
        }
        let standing = self.standing.halt.clone().filter(|_| !self.ending);
        if let (Some(_), Some(why)) = (&standing, &reason) {
            self.say(format!("{} stops everything as well, which is stopped already: {}", short(&by.0), short(why)));
        }
        let halt = standing.unwrap_or_else(|| {
            let halt = Halt { by, at: self.parts.clock.wall(), reason };
            self.hold_everything(Some(halt.clone()));
            let why = halt.reason.as_deref().map(|why| format!(": {}", short(why))).unwrap_or_default();
            self.say(format!("everything is stopped by {}{why}; no deadline runs", short(&halt.by.0)));
            halt
        });
        self.ending = false;
        crash::at(Point::HaltUnwritten);
        self.wish(Wish::Halted { halt, reply });
    }

    /// Ends the stop, once that is written down.
    pub(super) fn end_halt(&mut self, by: OperatorName, reply: oneshot::Sender<Result<(), Refusal>>) {
        let Some(halt) = self.standing.halt.clone() else {
            let _ = reply.send(Ok(()));
            return;
        };
        self.ending = true;
        crash::at(Point::HaltEndUnwritten);
        self.wish(Wish::End { halt, by, reply });
    }

    /// The end of a stop is durable. A newer stop stays.
    pub(super) fn halt_ended(&mut self, Ended { halt, by, reply }: Ended) {
        if self.standing.halt.as_ref() == Some(&halt) {
            self.ending = false;
            self.hold_everything(None);
            let text = format!("the stop of everything is ended by {}", short(&by.0));
            self.say(format!("{text}; deadlines go on, and what is held stays held"));
            crash::at(Point::HaltEndUnanswered);
        }
        let _ = reply.send(Ok(()));
    }

    fn hold_everything(&mut self, halt: Option<Halt>) {
        Arc::make_mut(&mut self.standing).halt.clone_from(&halt);
        self.let_go.clear();
        self.tell_drivers();
        self.parts.info.halt = halt;
        self.parts.desk.daemon(self.parts.info.clone());
    }

    fn tell_drivers(&mut self) {
        self.drivers.values_mut().for_each(|driver| driver.reins.stands(self.standing.clone()));
    }

    fn say(&self, text: String) {
        tracing::warn!(target: TOLD, "{text}");
        self.parts.desk.notice(text);
    }

    /// The task lives as long as the supervisor; when it is gone the dropped reply says that it is not known.
    fn wish(&self, wish: Wish) {
        let _ = self.halts.send(wish);
    }

    /// Takes over another configuration. Drivers are told before clients are, so that no card is presented again that is
    /// about to change.
    pub(super) fn reconfigure(&mut self, Reconfigure { with, reply }: Reconfigure) {
        // Notifications are the daemon's own part.
        let Reconfiguration { policy, settings, watch, daemon, notify: _ } = *with;
        let before = self.standing.clone();
        let hashes = (before.policy.hash(), policy.hash());
        let told = DaemonInfo {
            started_at: self.parts.info.started_at,
            provider: self.parts.info.provider.clone(),
            policy: hashes.1,
            rules: policy.len() as u64,
            halt: self.parts.info.halt.clone(),
            ..daemon.clone()
        };
        let other = *before.settings != settings
            || self.parts.info.settings != told.settings
            || !self.parts.watch.is_as(&watch);
        let restart = (self.parts.info.provider != daemon.provider).then_some("the provider's address");
        let changed = Changed {
            policy: hashes,
            rules: policy.len() as u64,
            settings: other,
            notify: false,
            restart: restart.into_iter().collect(),
        };
        let standing = Arc::make_mut(&mut self.standing);
        (standing.policy, standing.settings) = (Arc::new(policy), Arc::new(settings));
        self.tell_drivers();
        self.watching = Arc::new(watch.config);
        self.parts.watch = watch;
        if told != self.parts.info {
            self.parts.info = told.clone();
            self.parts.desk.daemon(told);
        }
        let _ = reply.send(changed);
    }
}
