//! The real process, killed with SIGKILL at every crash point, in every story, and started again, against the simulated API
//! over HTTP: nothing is lost, and nothing happens twice.
//!
//!     cargo test --release --test crash --features crash-points      # the whole matrix
//!     cargo test --test crash --features crash-points                # a debug build: each point and each story once
//!     HOLDPOINT_CRASH_ONLY=approve/decided_committed cargo test …    # what begins like that; a failure names its own
//!
//! `HOLDPOINT_CRASH=whole` or `share` overrides how much, `HOLDPOINT_CRASH_PARALLEL` how many daemons live at the same time.
//! A summary is left in `target/tmp/crash.json`, from which `docs/reliability.py` makes the figures of docs/RELIABILITY.md.
//!
//! Each run has a simulated provider, a store and an operator of its own. The stories wait on state; an agent does what was
//! not approved only when it is let go.

mod audit;
mod home;
mod life;
mod operator;
mod plan;
mod reach;
mod story;
mod summary;

use std::io::Write as _;

use futures_util::StreamExt as _;

use plan::Run;
use summary::Summary;

/// How many daemons live at the same time, where nobody says: they mostly wait.
const PARALLEL: usize = 24;

#[test]
fn nothing_is_lost_and_nothing_happens_twice_wherever_the_process_dies() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let began = std::time::Instant::now();
    let runs = plan::runs();
    let parallel =
        std::env::var("HOLDPOINT_CRASH_PARALLEL").ok().and_then(|text| text.parse().ok()).unwrap_or(PARALLEL);
    let results = runtime.block_on(async {
        let lives = futures_util::stream::iter(runs).map(|run| async move { (run, life::live(run).await) });
        lives.buffer_unordered(parallel).inspect(tell).collect::<Vec<_>>().await
    });
    let summary = Summary::of(results, began.elapsed());
    summary.write();
    say(&summary);
    assert!(summary.is_clean(), "{}", summary.failures());
}

/// A build that can end itself must be known for one, and of no use.
#[test]
fn a_build_with_crash_points_says_so_and_is_a_daemon_for_tests_only() {
    let holdpoint = |args: &[&str], aim: Option<&str>| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_holdpoint"));
        command.args(args).env_clear().envs(aim.map(|aim| (holdpoint::crash::VARIABLE, aim)));
        let output = command.output().expect("a process");
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).expect("UTF-8"))
    };
    let (code, said) = holdpoint(&["--version"], None);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("a test build with crash points, not for use"), "{said}");
    let (_, said) = holdpoint(&["doctor"], None);
    assert!(said.contains("fail  build") && said.contains("a test build with crash points"), "{said}");
    for (aim, why) in
        [(None, "only where a test has set HOLDPOINT_CRASH_AT"), (Some("nowhere"), "names no crash point")]
    {
        let (code, said) = holdpoint(&["run", "--config", "/nonexistent/config.toml"], aim);
        assert_eq!(code, Some(78), "{said}");
        assert!(said.contains(why) && said.contains("without the feature crash-points"), "{said}");
    }
}

fn tell((run, result): &(Run, Result<life::Lived, String>)) {
    if let Err(why) = result {
        say(&format_args!("{run}: {}", why.lines().next().unwrap_or_default()));
    }
}

/// Said whether the test passes or not.
fn say(words: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{words}");
}
