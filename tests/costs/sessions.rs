//! What a session keeps while it is watched, and what is left of it afterwards: nothing.

use std::sync::Arc;
use std::time::Duration;

use allocation_counter::measure;
use holdpoint::control::{Act, Client, Decision, OperatorName, State};
use holdpoint::daemon::Daemon;
use holdpoint::daemon::evaluator::Evaluator;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{sleep, timeout};

use super::fleet::{Fleet, Nowhere};
use super::stage::{ANNOUNCES, Course, balanced, daemon, event, gate, now, ordinary, session};

/// What a session may keep in the whole daemon that said a few things and rests, its connection aside.
const WATCHED: i64 = 12 * 1024;
/// What a gate and an evaluator may keep of it.
const JUDGED: i64 = 5 * 1024;
/// How often streams show that they live, in seconds.
const BEAT: u64 = 20;

/// The daemon in one thread, whose time passes when nothing is left to do.
struct Stage {
    runtime: Runtime,
    fleet: Fleet,
    daemon: Daemon,
    operator: Client,
}

impl Stage {
    fn new(sessions: usize) -> Self {
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

    fn passes(&self, seconds: u64) {
        for _ in 0..seconds.div_ceil(BEAT) {
            self.runtime.block_on(async { sleep(Duration::from_secs(seconds.min(BEAT))).await });
            self.fleet.beat();
        }
    }

    /// These come and say a few things.
    fn come(&self, sessions: std::ops::Range<usize>) {
        self.fleet.show(0..sessions.end);
        self.passes(20);
        for n in 0..6 {
            sessions.clone().for_each(|session| self.fleet.tell(session, ordinary(n)));
            self.passes(1);
        }
    }

    /// Each announces something and is held, every other one is approved and the rest denied.
    fn are_asked_about(&mut self, sessions: std::ops::Range<usize>) {
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
    fn hears(&mut self) {
        let mut news = async || timeout(Duration::from_secs(1), self.operator.next_update()).await;
        self.runtime.block_on(async { while let Ok(Ok(_)) = news().await {} });
    }

    fn watched(&self) -> usize {
        self.runtime.block_on(self.daemon.desk().snapshot()).expect("a desk").sessions.len()
    }

    /// A whole life of some sessions.
    fn turn_over(&mut self, sessions: std::ops::Range<usize>) {
        self.come(sessions.clone());
        assert_eq!(self.watched(), sessions.len());
        self.are_asked_about(sessions.clone());
        self.fleet.end(sessions);
        self.passes(100);
        self.hears();
        assert_eq!(self.watched(), 0);
    }
}

#[test]
fn what_a_watched_session_keeps_at_rest_is_bounded() {
    let stage = Stage::new(320);
    stage.come(0..64);
    let kept = measure(|| {
        stage.come(64..320);
        stage.passes(60);
    });
    let each = kept.bytes_current / 256;
    println!("a watched session keeps {each} bytes");
    assert_eq!(stage.watched(), 320);
    assert!((1_000..=WATCHED).contains(&each), "a watched session keeps {each} bytes");
}

#[test]
fn what_gate_and_evaluator_keep_of_a_session_is_bounded() {
    let policy = Arc::new(balanced());
    let mut kept = Vec::with_capacity(64);
    let all = measure(|| {
        for _ in 0..64 {
            let (mut gate, mut evaluator) = (gate(), Evaluator::new(policy.clone(), session(), []));
            for n in 0..20 {
                let event = ordinary(n);
                let verdict = evaluator.evaluate(&event, now()).expect("news");
                let input = holdpoint::gate::Input::Seen { event, verdict, backlog: false };
                gate.handle(now(), &mut holdpoint::daemon::Ids::fresh(), input);
            }
            kept.push((gate, evaluator));
        }
    });
    let each = all.bytes_current / 64 + size_of_val(&kept[0]) as i64;
    println!("gate and evaluator keep {each} bytes");
    assert!((500..=JUDGED).contains(&each), "gate and evaluator keep {each} bytes");
}

#[test]
fn an_approval_that_is_over_leaves_nothing_in_its_gate() {
    let mut course = Course::new(Arc::new(balanced()));
    let mut turn = |count: usize| {
        for _ in 0..count {
            let announced = course.announcement();
            course.approval(announced);
            // What was approved may be done; then others things are.
            for _ in 0..30 {
                let event = course.next();
                course.see(event);
            }
        }
    };
    turn(20);
    let all = measure(|| turn(20));
    assert!(all.bytes_current.abs() < 200, "twenty approvals leave {} bytes", all.bytes_current);
}

#[test]
fn sessions_that_have_ended_leave_nothing_behind() {
    const EACH: usize = 50;
    let mut stage = Stage::new(17 * EACH);
    // Until as many ended approvals are remembered as will ever be.
    let mut rounds = (0..17).map(|n| n * EACH..(n + 1) * EACH);
    rounds.by_ref().take(8).for_each(|sessions| stage.turn_over(sessions));
    let mut left: Vec<i64> = rounds.map(|sessions| measure(|| stage.turn_over(sessions)).bytes_current).collect();
    println!("of each {EACH} sessions that ended there are left {left:?} bytes");
    left.sort_unstable();
    // Queues grow and shrink as a whole now and then; what is left of a session is left of all.
    assert_eq!(left[left.len() / 2], 0, "{left:?}");
}
