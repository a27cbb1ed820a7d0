//! The notifier at a real desk, with a real program.

use std::path::{Path as File, PathBuf};

use tokio::sync::mpsc;

use super::*;
use crate::control::fixtures::{by, ended, open};
use crate::control::{DeskSettings, Drivers, OperatorName};
use crate::gate::{ApprovalId, Delivery as Delivered, Outcome};

struct World {
    desk: DeskService,
    metrics: Arc<Metrics>,
    notifier: Notifier,
    folder: tempfile::TempDir,
}

/// A notifier whose hook is a shell script that is given the folder as its first argument.
fn world(script: &str, plan: Settings, at_once: usize) -> World {
    let folder = tempfile::tempdir().unwrap();
    let (decisions, _) = mpsc::channel(1);
    let (screenshots, _) = mpsc::channel(1);
    let (orders, _) = mpsc::channel(1);
    let clock = crate::clock::Clock::start();
    let desk = DeskService::start(DeskSettings::default(), Drivers { decisions, screenshots, orders }, clock.clone());
    let metrics = Arc::new(Metrics::new());
    let ways = vec![Way::Exec(hook(folder.path(), script))];
    let notifier = Notifier::start(Config { ways, plan, at_once }, desk.clone(), metrics.clone(), clock);
    World { desk, metrics, notifier, folder }
}

fn hook(folder: &File, script: &str) -> Hook {
    let file = folder.join("hook.sh");
    std::fs::write(&file, script).unwrap();
    let words: [&str; 3] = ["/bin/sh", file.to_str().unwrap(), folder.to_str().unwrap()];
    Hook::new(&words.map(str::to_owned), Duration::from_secs(30)).unwrap()
}

impl World {
    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn lines(&self) -> usize {
        std::fs::read_to_string(self.file("calls")).map_or(0, |text| text.lines().count())
    }

    async fn until(&self, what: &str, met: impl Fn(&Self) -> bool) {
        for _ in 0..2000 {
            if met(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{what}: never; {} calls\n{}", self.lines(), self.metrics.text());
    }

    fn counted(&self, kind: &str, result: &str, times: u64) -> bool {
        let line = format!("holdpoint_notifications_total{{way=\"exec\",kind=\"{kind}\",result=\"{result}\"}} {times}");
        self.metrics.text().lines().any(|said| said == line)
    }
}

/// An approval whose time has just begun.
fn fresh(n: u8) -> crate::control::ApprovalView {
    let mut view = open(n, "x");
    view.card.session = crate::api::SessionId::try_from(format!("session-{n}")).unwrap();
    let now = jiff::Timestamp::now();
    (view.card.opened_at, view.deadline) = (now, now + jiff::SignedDuration::from_mins(10));
    view
}

const COUNT: &str = "cat >> $1/calls";

#[tokio::test]
async fn it_listens_without_being_present_and_calls_once() {
    let world = world(COUNT, Settings::default(), 1);
    world.desk.publish(fresh(1));
    world.until("the call", |world| world.counted("opened", "delivered", 1)).await;
    let mut ann = world.desk.connect(OperatorName("ann".to_owned())).await.unwrap();
    let names: Vec<_> = ann.snapshot().await.unwrap().operators.into_iter().map(|one| one.operator.0).collect();
    assert_eq!(names, ["ann"]);
    world.desk.publish(fresh(1));
    world.desk.publish(ended(&fresh(1), Outcome::Denied, by("ann", None), Delivered::Applied, "cancelled"));
    let World { notifier, folder, .. } = world;
    notifier.stop().await;
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 1, "{calls}");
    let said: serde_json::Value = serde_json::from_str(&calls).unwrap();
    let id: ApprovalId = serde_json::from_value(said["id"].clone()).unwrap();
    assert_eq!((id, &said["kind"]), (fresh(1).card.approval, &"opened".into()));
}

#[tokio::test]
async fn a_program_that_fails_is_tried_once_more_and_then_counted_as_failed() {
    let world = world("cat >> $1/calls; exit 1", Settings::default(), 1);
    world.desk.publish(fresh(1));
    world.until("the failure", |world| world.counted("opened", "failed", 1)).await;
    assert_eq!(world.lines(), 2);
}

#[tokio::test]
async fn one_that_is_too_slow_overflows_its_queue_and_holds_nobody_up() {
    let plan = Settings { per_minute: 1000, ..Settings::default() };
    let world = world("while [ ! -e $1/go ]; do sleep 0.05; done; cat >> $1/calls", plan, 1);
    for n in 1..=100 {
        world.desk.publish(fresh(n));
    }
    // One is under way, 64 wait, the rest finds no room; how many exactly depends on when the first one was taken.
    world
        .until("the overflow", |world| {
            world.counted("opened", "overflow", 35) || world.counted("opened", "overflow", 36)
        })
        .await;
    let mut ann = world.desk.connect(OperatorName("ann".to_owned())).await.unwrap();
    assert_eq!(ann.snapshot().await.unwrap().approvals.len(), 100);
    std::fs::write(world.file("go"), "").unwrap();
    world.until("the rest", |world| world.lines() >= 64).await;
}

/// A hook that writes to a file of its own.
fn writing(world: &World, to: &str) -> Config {
    let way = Way::Exec(hook(world.folder.path(), &format!("cat >> $1/{to}")));
    Config { ways: vec![way], plan: Settings::default(), at_once: 1 }
}

fn nobody() -> Config {
    Config { ways: Vec::new(), plan: Settings::default(), at_once: 1 }
}

#[tokio::test]
async fn another_configuration_is_followed_while_it_runs_and_nobody_is_called_twice_by_that() {
    let world = world(COUNT, Settings { per_minute: 1000, ..Settings::default() }, 1);
    world.notifier.reconfigure(nobody());
    world.desk.publish(fresh(1));
    // What waits when somebody can be called again is told then.
    world.notifier.reconfigure(writing(&world, "second"));
    world.until("the call about what waited", |world| world.counted("opened", "delivered", 1)).await;
    // One hook lies in one file; the new one is made before the old one could be asked for again.
    world.notifier.reconfigure(writing(&world, "third"));
    world.desk.publish(fresh(2));
    world.until("the call in the new way", |world| world.counted("opened", "delivered", 2)).await;
    let World { notifier, folder, .. } = world;
    notifier.stop().await;
    let lines = |name: &str| std::fs::read_to_string(folder.path().join(name)).map_or(0, |text| text.lines().count());
    assert_eq!(["calls", "second", "third"].map(lines), [0, 1, 1]);
}

#[tokio::test]
async fn what_is_under_way_when_its_way_is_no_longer_configured_still_arrives() {
    let slow = "touch $1/begun; while [ ! -e $1/go ]; do sleep 0.05; done; cat >> $1/calls";
    let world = world(slow, Settings::default(), 1);
    world.desk.publish(fresh(1));
    world.until("the call to begin", |world| world.file("begun").exists()).await;
    world.notifier.reconfigure(nobody());
    world.desk.publish(fresh(2));
    std::fs::write(world.file("go"), "").unwrap();
    world.until("the call", |world| world.counted("opened", "delivered", 1)).await;
    let World { notifier, folder, .. } = world;
    notifier.stop().await;
    let calls = std::fs::read_to_string(folder.path().join("calls")).unwrap();
    assert_eq!(calls.lines().count(), 1, "{calls}");
}
