//! What a command says where there is nothing to do, nobody reads, something is missing, or everything is stopped.

use std::time::{Duration, Instant};

use holdpoint::simulator::Simulator;
use holdpoint::simulator::fault::Endpoint;
use rustix::process::Signal;
use serde_json::Value;

use crate::bench::{CONFIG, DEADLINE, Ended, Home, PURCHASE, Process, play, simulator};
use crate::terminal::Terminal;

const SHORT: &str = "step = [{ thought = 'Looking.' }, { done = 'Looked.' }]";

async fn daemon(home: &Home, sim: &Simulator) -> Process {
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    daemon
}

fn of(home: &Home, args: &[&str]) -> Ended {
    home.output(&[args, &["--config", "config.toml"]].concat())
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(&ended.stdout).unwrap_or_else(|error| panic!("{error}: {ended:?}"))
}

/// The one approval that waits, as `pending --json` prints it.
fn waiting(home: &Home) -> Value {
    let listed = json(&of(home, &["pending", "--json"]));
    let [approval] = &listed.as_array().expect("an array")[..] else { panic!("{listed}") };
    approval.clone()
}

/// A session in which nothing runs any more, as everybody is told.
async fn idle(home: &Home, sim: &Simulator) -> String {
    let session = play(sim, SHORT).await;
    let began = Instant::now();
    loop {
        let listed = json(&of(home, &["sessions", "--json"]));
        if listed.as_array().expect("an array").iter().any(|s| s["session_id"] == session && s["state"] == "idle") {
            return session;
        }
        assert!(began.elapsed() < DEADLINE, "{listed}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn calls(sim: &Simulator, endpoint: Endpoint) -> usize {
    sim.calls().await.unwrap().iter().filter(|call| call.endpoint == Some(endpoint)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn where_nothing_runs_a_pause_says_so_at_once_and_a_cancel_opens_nothing() {
    let (home, sim) = (Home::new(), simulator().await);
    let daemon = daemon(&home, &sim).await;
    let session = idle(&home, &sim).await;

    let cancelled = of(&home, &["cancel", &session]);
    assert_eq!((cancelled.code, cancelled.stderr.as_str()), (Some(0), ""), "{cancelled:?}");
    let said = format!("{session}: nothing runs in this session, so there is nothing to cancel; now idle\n");
    assert_eq!(cancelled.stdout, said);
    assert_eq!((calls(&sim, Endpoint::Pause).await, calls(&sim, Endpoint::Cancel).await), (0, 0));
    let stopped = of(&home, &["stop-all"]);
    assert_eq!(stopped.code, Some(0), "{stopped:?}");
    assert_eq!(calls(&sim, Endpoint::Pause).await, 0, "it was known to rest");
    assert_eq!(of(&home, &["stop-all", "--end"]).code, Some(0));

    let began = Instant::now();
    let paused = of(&home, &["pause", &session, "--wait", "5m"]);
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    assert_eq!(paused.code, Some(9), "{paused:?}");
    paused.says(&["it is not paused: nothing runs there, so there is nothing to pause", "hint: "]);
    assert_eq!(json(&of(&home, &["pending", "--json"])), Value::Array(Vec::new()));

    let ended = daemon.stop(Signal::TERM);
    assert_eq!(ended.code, Some(0));
    ended.says(&["a cancellation was asked for by", "; nothing ran, so there was nothing to cancel"]);
    assert!(!ended.stderr.contains("not_running"), "{}", ended.stderr);
    let trail = of(&home, &["audit", "list", "--session", &session]);
    assert!(trail.stdout.contains("nothing ran, so there was nothing to cancel"), "{trail:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn resuming_a_session_that_stays_paused_shows_the_new_card_and_asks() {
    let (home, sim) = (Home::new(), simulator().await);
    let config = CONFIG.replace("timeout = \"10m\"", "on_deny = \"keep_paused\"");
    home.write("config.toml", &config);
    let mut daemon = daemon(&home, &sim).await;
    let session = play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    let denied = waiting(&home);
    assert_eq!(of(&home, &["deny", denied["code"].as_str().expect("a code")]).code, Some(0));

    let mut terminal = Terminal::start(&home, &["resume", &session, "--config", "config.toml"]);
    terminal.wait("the session stays paused, and an approval asks whether it may go on");
    terminal.wait("to approve [n/?] > ");
    let anew = waiting(&home);
    assert_ne!(anew["id"], denied["id"]);
    // Arming takes 1 500 ms at most, by contract.
    tokio::time::sleep(Duration::from_secs(2)).await;
    terminal.types(anew["code"].as_str().expect("a code"));
    let (code, seen) = terminal.ends();
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("resumed, confirmed") && !seen.contains("nothing was decided"), "{seen}");
    assert_eq!(calls(&sim, Endpoint::Resume).await, 1);
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_cancellation_that_is_confirmed_says_that_the_task_has_ended_and_the_session_is_idle() {
    let (home, sim) = (Home::new(), simulator().await);
    let mut daemon = daemon(&home, &sim).await;
    for more in [None, Some("--json")] {
        let session = play(&sim, PURCHASE).await;
        daemon.wait("waits for an answer");
        let args: Vec<&str> = ["cancel", &session].into_iter().chain(more).collect();
        let cancelled = of(&home, &args);
        assert_eq!((cancelled.code, cancelled.stderr.as_str()), (Some(0), ""), "{cancelled:?}");
        if more.is_none() {
            assert_eq!(cancelled.stdout, format!("{session}: the session's task has ended; now idle\n"));
            continue;
        }
        let report = json(&cancelled);
        assert_eq!(
            (&report["what"], &report["confirmed"], &report["session"]["state"]),
            (&"the session's task has ended".into(), &true.into(), &"idle".into())
        );
    }
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn during_a_stop_of_everything_an_approval_is_told_what_it_does_and_a_second_stop_that_it_is_one() {
    let (home, sim) = (Home::new(), simulator().await);
    let mut daemon = daemon(&home, &sim).await;
    play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    let first = of(&home, &["stop-all", "--reason", "first", "--json"]);
    assert_eq!((first.code, &json(&first)["earlier"]), (Some(0), &false.into()), "{first:?}");
    let second = of(&home, &["stop-all", "--reason", "second", "--json"]);
    let report = json(&second);
    assert_eq!((&report["earlier"], &report["reason"]), (&true.into(), &"first".into()), "{second:?}");
    second.says(&["everything was stopped already: that stop stands, with the reason it was given; yours is told"]);

    let approval = waiting(&home);
    let code = approval["code"].as_str().expect("a code");
    let shown = of(&home, &["show", code]);
    let words = shown.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("STOPPED everything is stopped; approving lets this session go on all the same"), "{words}");
    assert!(words.contains("the deadline stands still") && !words.contains("no answer by"), "{words}");

    let answered = of(&home, &["answer", code, "blue"]);
    assert_eq!(answered.code, Some(2), "{answered:?}");
    answered.says(&["nothing was asked; send an instruction instead"]);
    let digest = approval["digest"].as_str().expect("a digest");
    let approved = of(&home, &["approve", code, "--digest", digest, "--confirm", code]);
    assert_eq!(approved.code, Some(0), "{approved:?}");
    approved.says(&["(first)", "what is approved here goes on all the same, everything else stays stopped"]);
    assert_eq!(calls(&sim, Endpoint::Resume).await, 1);
    let ended = daemon.stop(Signal::TERM);
    ended.says(&["stops everything as well, which is stopped already: second"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_reason_without_words_is_none_and_the_trail_is_told_in_fields() {
    let (home, sim) = (Home::new(), simulator().await);
    let mut daemon = daemon(&home, &sim).await;
    play(&sim, PURCHASE).await;
    daemon.wait("waits for an answer");
    let code = waiting(&home)["code"].as_str().expect("a code").to_owned();
    let denied = of(&home, &["deny", &code, "--reason", "  "]);
    assert_eq!(denied.code, Some(0), "{denied:?}");
    assert!(denied.stdout.ends_with("; cancelled, confirmed\n") && !denied.stdout.contains('('), "{denied:?}");

    // A denial does not wait for the disk; at the end of the daemon everything is written.
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    let store = home.store();
    let verified = json(&home.output(&["audit", "verify", "--json", "--store", store.to_str().unwrap()]));
    assert_eq!((&verified["whole"], &verified["broken"]), (&true.into(), &Value::Null), "{verified}");
    assert_eq!((&verified["approvals"], &verified["store"]), (&1.into(), &store.to_str().unwrap().into()));
    assert_eq!(verified["entries"], 4, "opened, revised, decided, delivered: {verified}");
    assert_eq!(verified["head"].as_str().map(str::len), Some(64), "{verified}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_operator_needs_no_configuration_and_no_key_where_a_daemon_answers() {
    let (home, sim) = (Home::new(), simulator().await);
    let daemon = daemon(&home, &sim).await;
    let socket = home.path("state/holdpoint/holdpoint.sock");
    let socket = socket.to_str().expect("a path");
    let verdict = |ended: &Ended, check: &str| {
        let checks = json(ended);
        let found = checks.as_array().expect("an array").iter().find(|line| line["check"] == check);
        found.map(|line| line["verdict"].as_str().expect("a word").to_owned())
    };
    let word = |word: &str| Some(word.to_owned());
    let well = home.output(&["doctor", "--json", "--socket", socket]);
    assert_eq!((well.code, verdict(&well, "configuration")), (Some(0), word("warn")), "{well:?}");
    // Its own daemon would need the key that this user has not.
    let well = home.output(&["doctor", "--json", "--config", "config.toml"]);
    assert_eq!((well.code, verdict(&well, "api key")), (Some(0), word("warn")), "{well:?}");
    let missing = home.output(&["doctor", "--json", "--config", "missing.toml"]);
    assert_eq!(missing.code, Some(1), "{missing:?}");

    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    let gone = home.output(&["doctor", "--json", "--socket", socket]);
    assert_eq!((gone.code, verdict(&gone, "configuration")), (Some(1), word("fail")), "{gone:?}");
}

#[test]
fn one_card_is_approved_at_a_time() {
    let home = Home::new();
    let two = home.output(&["approve", "7K2M", "9ABC"]);
    assert_eq!(two.code, Some(2), "{two:?}");
    two.says(&["2 approvals were named, and one is approved at a time", "hint: `holdpoint attach` shows one card"]);
}
