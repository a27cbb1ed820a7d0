//! The whole daemon in one thread, with a provider and a store in memory, an operator who decides, and time that is not waited for.

#![allow(dead_code, reason = "benches use their own part")]

use std::ops::Range;
use std::time::Duration;

use holdpoint::control::{Act, Client, Decision, OperatorName, State};
use holdpoint::daemon::Daemon;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use super::fleet::{Fleet, Nowhere};
use super::stage::{ANNOUNCES, daemon, event, ordinary};

/// How often streams show that they live, in seconds.
const BEAT: u64 = 20;

/// The daemon in one thread, whose time passes when nothing is left to do.
pub struct Watching {
    runtime: Runtime,
    fleet: Fleet,
    daemon: Daemon,
    operator: Client,
}

impl Watching {
    pub fn new(sessions: usize) -> Self {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let fleet = Fleet::of(sessions);
        let config = daemon(fleet.clone());
        let (daemon, operator) = runtime.block_on(async {
            let daemon = Daemon::start(config, Nowhere).await.expect("a daemon");
            let operator = daemon.desk().connect(OperatorName("ann".to_owned())).await.expect("a desk");
            (daemon, operator)
        });
        Self { runtime, fleet, daemon, operator }
    }

    pub fn passes(&self, seconds: u64) {
        for _ in 0..seconds.div_ceil(BEAT) {
            self.runtime.block_on(async { sleep(Duration::from_secs(seconds.min(BEAT))).await });
            self.fleet.beat();
        }
    }

    /// These come, and nothing is said.
    pub fn show(&self, sessions: Range<usize>) {
        self.fleet.show(0..sessions.end);
        self.passes(60);
    }

    /// These come and say a few things.
    pub fn come(&self, sessions: Range<usize>) {
        self.fleet.show(0..sessions.end);
        self.passes(20);
        for n in 0..6 {
            sessions.clone().for_each(|session| self.fleet.tell(session, ordinary(n)));
            self.passes(1);
        }
    }

    /// Each announces something and is held, every other one is approved and the rest denied.
    pub fn are_asked_about(&mut self, sessions: Range<usize>) {
        sessions.clone().for_each(|session| self.fleet.tell(session, event(ANNOUNCES, 7)));
        self.passes(10);
        assert_eq!(self.fleet.paused(sessions.clone()), sessions.len());
        let snapshot = self.runtime.block_on(self.daemon.desk().snapshot()).expect("a desk");
        let open: Vec<_> = snapshot.approvals.into_iter().filter(|view| view.state == State::Open).collect();
        assert_eq!(open.len(), sessions.len());
        let operator = &self.operator;
        self.runtime.block_on(async {
            let mut nonces = Vec::new();
            for view in &open {
                let (id, revision) = (view.card.approval, view.card.revision);
                nonces.push(operator.presented(id, revision, view.digest).await.expect("an open card"));
            }
            sleep(Duration::from_secs(3)).await;
            for ((view, nonce), approve) in open.iter().zip(nonces).zip([true, false].into_iter().cycle()) {
                let act = if approve { Act::approve() } else { Act::Deny { reason: None } };
                let (approval, revision, digest) = (view.card.approval, view.card.revision, view.digest);
                let typed = Some(view.card.code().to_string());
                let decision = Decision { approval, revision, digest, nonce: Some(nonce), typed, act };
                operator.decide(decision).await.expect("a decision that counts");
            }
        });
        self.passes(10);
        assert_eq!(self.fleet.paused(sessions), 0);
        self.hears();
    }

    /// The operator hears what there is to hear.
    pub fn hears(&mut self) {
        let mut news = async || timeout(Duration::from_secs(1), self.operator.next_update()).await;
        self.runtime.block_on(async { while let Ok(Ok(_)) = news().await {} });
    }

    pub fn watched(&self) -> usize {
        self.runtime.block_on(self.daemon.desk().snapshot()).expect("a desk").sessions.len()
    }

    /// A whole life of some sessions.
    pub fn turn_over(&mut self, sessions: Range<usize>) {
        self.come(sessions.clone());
        assert_eq!(self.watched(), sessions.len());
        self.are_asked_about(sessions.clone());
        self.fleet.end(sessions);
        self.passes(100);
        self.hears();
        assert_eq!(self.watched(), 0);
    }
}
