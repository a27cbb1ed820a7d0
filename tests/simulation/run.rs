//! One run: lives of the daemon, one after the other, until the world is well and everything has come to its end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use holdpoint::config;
use holdpoint::daemon::{self, Daemon, Ids, Reconfiguration};
use holdpoint::gate::ApprovalId;
use tokio::runtime::Builder;
use uuid::Uuid;

use crate::disk::{Disk, Store};
use crate::holds;
use crate::network::Line;
use crate::operators;
use crate::panics;
use crate::setup::{CONFIGURATIONS, Faults, Setup};
use crate::world::{Fate, Happening, Shared};

/// How long everything may take to come to its end, once the world is well.
const LONGEST: Duration = Duration::from_secs(3600);
/// How long a stop of everything stays in force in a world that is well.
const HEALTHY_STOP: Duration = Duration::from_secs(60);
/// How long everything has to be at rest.
const REST: Duration = Duration::from_secs(60);

/// What became of a run.
pub struct Outcome {
    pub broken: Option<String>,
    pub steps: u64,
    pub hash: u64,
    pub lives: u32,
    pub log: String,
    pub counts: BTreeMap<&'static str, u64>,
    /// What the disk has at the end, and how it came there, where that was kept.
    pub disk: Disk,
}

/// What ends a life.
#[derive(Debug)]
enum End {
    Crashed,
    Stopped,
    /// The run is over.
    Over,
}

/// Runs a seed to its end.
pub fn run(setup: Setup, tells: bool) -> Outcome {
    panics::watch();
    // Back-off and nonces are drawn from this thread's generator.
    fastrand::seed(setup.seed);
    let shared = Shared::new(setup.clone(), tells);
    {
        let mut world = shared.lock();
        world.note(format_args!("{setup:?}"));
        world.disk.keeps = setup.keeps;
        for _ in 0..setup.sessions {
            world.begin_session();
        }
        for who in 0..setup.operators {
            let wait = world.operator_rests();
            world.after(wait, Happening::Operator(who));
        }
        world.after(Duration::from_secs(3), Happening::Chance);
    }
    loop {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
        let end = runtime.block_on(async {
            let end = live(&shared).await;
            let mut world = shared.lock();
            world.note(format_args!("── {end:?}"));
            // The clock of the next process goes on from here.
            let pause = world.millis(0, 15_000);
            world.ends(pause);
            end
        });
        // Every task of the process is gone with it, wherever it was.
        drop(runtime);
        shared.lock().mend_disk();
        shared.lock().judge_end();
        if let End::Over = end {
            break;
        }
    }
    let mut world = shared.lock();
    Outcome {
        disk: std::mem::take(&mut world.disk),
        broken: world.broken.clone(),
        steps: world.steps,
        hash: world.hash(),
        lives: world.life,
        log: world.log(),
        counts: world.judge.counts.clone(),
    }
}

/// One process of the daemon.
async fn live(shared: &Shared) -> End {
    {
        let mut world = shared.lock();
        world.begins();
        world.judge_holds_anew();
    }
    let Some(daemon) = start(shared).await else { return End::Crashed };
    tokio::spawn(holds::listen(shared.clone(), daemon.desk().clone()));
    let mut calm_since = None;
    loop {
        if let Some(end) = happens(shared, &daemon).await {
            if let End::Stopped = end {
                return stop(shared, daemon).await;
            }
            return end;
        }
        let mut world = shared.lock();
        if let Some(panic) = panics::taken() {
            world.breaks(format!("a task of the daemon failed: {panic}"));
        }
        for checked in [world.judge_promises(), world.judge_holds()] {
            world.holds(checked);
        }
        if world.broken.is_some() {
            return End::Over;
        }
        if !world.well && world.steps >= world.setup.steps {
            world.note(format_args!("── all is well"));
            (world.well, world.faults) = (true, Faults::default());
            world.after(HEALTHY_STOP, Happening::Stopped);
        }
        if world.well {
            let now = world.now();
            let since = calm_since.get_or_insert((now, None));
            since.1 = world.at_rest().then(|| since.1.unwrap_or(now));
            if since.1.is_some_and(|at| now > at + REST) || now > since.0 + LONGEST {
                let checked = world.judge_end_of_run();
                world.holds(checked);
                if since.1.is_none() {
                    world.breaks("liveness: there is no end to it");
                }
                // Once more from what is durable: a restart begins nothing that has come to its end.
                let again = !std::mem::replace(&mut world.ended_once, true) && world.broken.is_none();
                return if again { End::Crashed } else { End::Over };
            }
        }
    }
}

fn configuration(which: usize) -> config::Config {
    config::Config::parse("simulated.toml", CONFIGURATIONS[which]).expect("a configuration").config
}

async fn start(shared: &Shared) -> Option<Daemon> {
    let provider = Arc::new(Line { shared: shared.clone() });
    let which = shared.lock().configuration;
    let store = Store::open(shared);
    let mut config = daemon::Config::new(configuration(which), provider, "/simulated/holdpoint.db".as_ref());
    let (wall, ids) = (shared.clone(), shared.clone());
    config.clock = holdpoint::clock::Clock::told(move || wall.lock().wall());
    config.ids = Ids::told(move || {
        let mut world = ids.lock();
        let number = world.number();
        let chance = world.rng.u64(..);
        ApprovalId(Uuid::from_u64_pair(number << 16 | 0x7000, 0x8000_0000_0000_0000 | chance >> 2))
    });
    Daemon::start(config, store).await.ok()
}

/// The next happening, and what it ends.
async fn happens(shared: &Shared, daemon: &Daemon) -> Option<End> {
    let next = shared.lock().next();
    tokio::select! {
        biased;
        () = shared.sooner.notified() => return None,
        () = sleep_until(next) => (),
    }
    // Where the daemon is in its turn when the world goes on is drawn, too.
    let turns = shared.lock().rng.u32(..4);
    for _ in 0..turns {
        tokio::task::yield_now().await;
    }
    let happening = shared.lock().take()?;
    happen(shared, daemon, happening);
    let fate = shared.lock().fate.take()?;
    match fate {
        Fate::Crash => {
            shared.lock().judge.count("crashes");
            Some(End::Crashed)
        }
        Fate::Stop => Some(End::Stopped),
        Fate::Reload(which) => {
            shared.lock().configuration = which;
            if let Ok(changed) = daemon.reconfigure(Reconfiguration::new(configuration(which))).await {
                shared.lock().step(format_args!("reloaded: {changed}"));
            }
            None
        }
    }
}

fn happen(shared: &Shared, daemon: &Daemon, happening: Happening) {
    let mut world = shared.lock();
    match happening {
        Happening::Agent(id) => world.agent_acts(&id),
        Happening::Finish(id) => world.finish_step(&id),
        Happening::Arrive(number) => world.arrives(number),
        Happening::Answer(number) => world.answers(number),
        Happening::Item(id, stream, turn) => world.item_comes(&id, stream, turn),
        Happening::Chance => world.chance_has_it(),
        Happening::Due(id, said) => {
            let checked = world.judge_due(&id, said);
            world.holds(checked);
        }
        Happening::Stopped => {
            let checked = world.judge_stopped();
            world.holds(checked);
            world.stop_may_end = true;
        }
        Happening::Operator(who) => {
            drop(world);
            let (shared, desk) = (shared.clone(), daemon.desk().clone());
            operators::come_again(&shared, who);
            tokio::spawn(operators::visit(shared, desk, who));
        }
    }
}

async fn stop(shared: &Shared, daemon: Daemon) -> End {
    let mut stopping = Box::pin(daemon.stop());
    loop {
        let next = shared.lock().next();
        tokio::select! {
            biased;
            stopped = &mut stopping => {
                shared.lock().step(format_args!("stopped; {} sessions stay held", stopped.held.len()));
                return End::Stopped;
            }
            () = shared.sooner.notified() => continue,
            () = sleep_until(next) => (),
        }
        let mut world = shared.lock();
        match world.take() {
            Some(Happening::Agent(id)) => world.agent_acts(&id),
            Some(Happening::Finish(id)) => world.finish_step(&id),
            Some(Happening::Arrive(number)) => world.arrives(number),
            Some(Happening::Answer(number)) => world.answers(number),
            Some(Happening::Item(id, stream, turn)) => world.item_comes(&id, stream, turn),
            Some(Happening::Operator(who)) => {
                drop(world);
                operators::come_again(shared, who);
            }
            Some(Happening::Chance) => world.after(Duration::from_secs(1), Happening::Chance),
            Some(Happening::Due(..) | Happening::Stopped) | None => (),
        }
    }
}

async fn sleep_until(next: Option<tokio::time::Instant>) {
    match next {
        Some(next) => tokio::time::sleep_until(next).await,
        None => std::future::pending().await,
    }
}
