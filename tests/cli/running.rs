//! `run` without a terminal: it holds, says what waits, follows the deadline, and never answers.

use std::time::Duration;

use holdpoint::simulator::fault::Endpoint;
use holdpoint::simulator::{Simulator, World};
use rustix::process::Signal;
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::bench::{CONFIG, DEADLINE, Home, PURCHASE, Process, play, simulator};

async fn calls(sim: &Simulator, endpoint: Endpoint) -> usize {
    let called = sim.calls().await.unwrap();
    called.iter().filter(|call| call.endpoint == Some(endpoint)).count()
}

/// A daemon with a session held for an answer.
async fn holding(home: &Home, sim: &Simulator) -> (Process, String, String) {
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    let session = play(sim, PURCHASE).await;
    let line = daemon.wait("waits for an answer");
    (daemon, session, line)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_waits_is_logged_with_its_deadline_and_the_deadline_cancels() {
    let home = Home::new();
    home.write("config.toml", &CONFIG.replace("\"10m\"", "\"10s\""));
    let sim = simulator().await;
    let (mut daemon, session, line) = holding(&home, &sim).await;
    assert!(
        line.contains("WARN") && line.contains("Z, then the task is cancelled: rule purchase, 410.00 USD"),
        "{line}"
    );
    assert!(line.contains(&session), "{line}");
    let expired = daemon.wait("expired by the deadline: cancelled, confirmed");
    assert!(expired.contains(&session), "{expired}");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    assert_eq!(sim.ledger().await.unwrap(), []);
    assert_eq!((calls(&sim, Endpoint::Resume).await, calls(&sim, Endpoint::Message).await), (0, 0));
    assert_eq!(calls(&sim, Endpoint::Cancel).await, 1);
}

/// As a machine that sleeps: nothing runs, time goes on, and the agent may have been let go by somebody meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_daemon_that_was_stopped_in_its_tracks_carries_the_deadline_out_and_looks_anew() {
    let home = Home::new();
    home.write("config.toml", &CONFIG.replace("\"10m\"", "\"10s\""));
    let sim = simulator().await;
    let (mut daemon, session, line) = holding(&home, &sim).await;
    let deadline: jiff::civil::Time =
        line.split_whitespace().find_map(|word| word.strip_suffix("Z,")?.parse().ok()).unwrap();
    daemon.signal(Signal::STOP);
    // Nothing tells of a deadline that nobody carries out.
    while jiff::tz::TimeZone::UTC.to_datetime(jiff::Timestamp::now()).time() <= deadline {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(sim.session(&session).await.unwrap().paused, "nobody decided while nothing ran");
    daemon.signal(Signal::CONT);
    daemon.wait("expired by the deadline: cancelled, confirmed");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    assert_eq!(sim.ledger().await.unwrap(), []);
    assert_eq!(calls(&sim, Endpoint::Resume).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn signals_drain_what_is_held_stays_held_and_the_next_start_takes_it_up() {
    let home = Home::new();
    let sim = simulator().await;
    let (daemon, session, line) = holding(&home, &sim).await;
    let code = line.split_whitespace().find(|word| word.len() == 4 && *word != "WARN").unwrap().to_owned();
    let stays = format!("session {session} stays held: {code} waits for an answer until ");
    let mut daemon = Some(daemon);
    for signal in [Signal::TERM, Signal::INT, Signal::KILL] {
        let ended = daemon.take().unwrap().stop(signal);
        if signal != Signal::KILL {
            assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
            ended.says(&[&stays, "stopped; 1 session stays held", "the next start takes it up"]);
        }
        assert!(sim.session(&session).await.unwrap().paused);
        let mut next = Process::start(&mut home.daemon(&sim.base_url()));
        next.wait(&format!("{code} taken up again on session {session}"));
        next.wait(&format!("{code} waits for an answer"));
        daemon = Some(next);
    }
    assert_eq!(daemon.unwrap().stop(Signal::TERM).code, Some(0));
    assert!(sim.session(&session).await.unwrap().paused);
    assert_eq!((calls(&sim, Endpoint::Resume).await, calls(&sim, Endpoint::Cancel).await), (0, 0));
    assert_eq!(sim.ledger().await.unwrap(), []);
}

/// A question is not held, but it waits on as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_question_waits_on_over_a_stop_and_the_next_start_says_until_when() {
    let home = Home::new();
    let questions = "[[rule]]\nname = \"question\"\neffect = \"ask\"\nevents = [\"question\"]\n";
    home.write("config.toml", &format!("{CONFIG}{questions}"));
    let sim = simulator().await;
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    let session = play(&sim, "step = [{ question = 'Which colour?' }, { done = 'ok' }]").await;
    let until = |line: &str| {
        let (code, rest) = line.split_once("WARN ").and_then(|(_, rest)| rest.split_once(' ')).expect("a warning");
        let (deadline, _) = rest.split_once(", then").expect("a deadline");
        (code.to_owned(), deadline.to_owned())
    };
    let (code, waits) = until(&daemon.wait("waits for an answer"));
    let ended = daemon.stop(Signal::TERM);
    let not_held = format!("session {session} is not held: {code} {waits}");
    ended.says(&[&not_held, "stopped; no session is held, 1 question waits, its deadline goes on"]);
    let mut next = Process::start(&mut home.daemon(&sim.base_url()));
    next.wait(&format!("{code} taken up again on session {session}"));
    assert_eq!(until(&next.wait("waits for an answer")), (code, waits));
    assert_eq!(next.stop(Signal::TERM).code, Some(0));
    assert_eq!(calls(&sim, Endpoint::Pause).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hangup_ends_nothing_and_a_provider_that_hangs_does_not_delay_a_stop() {
    use holdpoint::simulator::fault::{Fault, FaultAnswer};
    let home = Home::new();
    let sim = simulator().await;
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal");
    daemon.signal(Signal::HUP);
    daemon.wait("the configuration was read again");
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));

    let before = calls(&sim, Endpoint::List).await;
    sim.fault(Fault { always: true, ..Fault::once(Endpoint::Any, FaultAnswer::Hang) }).await.unwrap();
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("holdpoint ");
    let listed = move |world: &World| {
        world.record().calls.iter().filter(|call| call.endpoint == Some(Endpoint::List)).count() > before
    };
    sim.until(DEADLINE, listed).await.unwrap();
    let begun = std::time::Instant::now();
    let ended = daemon.stop(Signal::TERM);
    assert_eq!(ended.code, Some(0));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    ended.says(&["stopped; no session is held"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_log_is_one_line_per_event_or_one_object_per_line() {
    let home = Home::new();
    let sim = simulator().await;
    let (daemon, session, _) = holding(&home, &sim).await;
    let text = daemon.stop(Signal::TERM).stderr;
    for line in text.lines() {
        let mut words = line.split_whitespace();
        assert!(words.next().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "no time: {line}");
        assert!(matches!(words.next(), Some("INFO" | "WARN" | "ERROR")), "no level: {line}");
    }

    let mut daemon = Process::start(home.daemon(&sim.base_url()).env("HOLDPOINT_LOG_FORMAT", "json"));
    let line = daemon.wait("waits for an answer");
    let waits: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&waits["session"], &waits["level"]), (&Value::from(session), &Value::from("WARN")));
    assert!(waits["deadline"].as_str().is_some_and(|at| at.parse::<jiff::Timestamp>().is_ok()), "{line}");
    for line in daemon.stop(Signal::TERM).stderr.lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(object["timestamp"].is_string() && object["message"].is_string(), "{line}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_trail_is_verified_beside_the_daemon_and_what_was_changed_is_named() {
    let home = Home::new();
    let sim = simulator().await;
    let (daemon, ..) = holding(&home, &sim).await;
    let store = home.store();
    let verify = || home.output(&["audit", "verify", "--store", store.to_str().unwrap()]);
    let whole = verify();
    assert_eq!((whole.code, whole.stderr.as_str()), (Some(0), ""));
    assert!(
        whole.stdout.contains("holdpoint.db: whole, ") && whole.stdout.contains("1 approval, "),
        "{}",
        whole.stdout
    );

    let mut editor = SqliteConnectOptions::new().filename(&store).connect().await.unwrap();
    let sql = "DROP TRIGGER journal_never_changes; UPDATE journal SET entry = 'noted' WHERE seq = 1";
    editor.execute(sql).await.unwrap();
    editor.close().await.unwrap();
    let during = verify();
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    for broken in [during, verify()] {
        assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), ""));
        broken.says(&["holdpoint.db: the audit trail is broken: entry 1 was changed", "hint: keep the file as it is"]);
    }
}
