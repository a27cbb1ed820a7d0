//! `audit list` and `audit export`, beside a running daemon and after it.

use std::time::Instant;

use holdpoint::simulator::Simulator;
use rustix::process::Signal;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

use crate::bench::{DEADLINE, Ended, Home, PURCHASE, Process, play, simulator};

/// A daemon that holds two sessions, of which one was denied.
async fn lived(home: &Home, sim: &Simulator) -> (Process, [String; 2]) {
    let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
    daemon.wait("no terminal: nobody is asked here");
    let mut sessions = Vec::new();
    for _ in 0..2 {
        sessions.push(play(sim, PURCHASE).await);
        daemon.wait("waits for an answer");
    }
    let denied = home.output(&[
        "cancel",
        &sessions[0],
        "--reason",
        "too\u{202e}dear \u{2014} 410 \u{20ac}",
        "--config",
        "config.toml",
    ]);
    assert_eq!(denied.code, Some(0), "{denied:?}");
    // What became of it is written down a moment after it is said.
    let deadline = Instant::now() + DEADLINE;
    while json(&audit(home, &["list", "--json"])).len() < 6 {
        assert!(Instant::now() < deadline, "six entries were never written");
    }
    (daemon, sessions.try_into().expect("two"))
}

fn audit(home: &Home, args: &[&str]) -> Ended {
    home.output(&[&["audit"], args, &["--store", home.store().to_str().expect("UTF-8")]].concat())
}

fn json(ended: &Ended) -> Vec<Value> {
    assert_eq!(ended.code, Some(0), "{ended:?}");
    serde_json::from_str(&ended.stdout).expect("an array")
}

fn lines(ended: &Ended) -> Vec<Value> {
    ended.stdout.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn fields<'v>(entries: &'v [Value], name: &str) -> Vec<&'v str> {
    entries.iter().map(|entry| entry[name].as_str().expect("text")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_happened_is_listed_and_narrowed_to_a_session_an_approval_and_a_time() {
    let (home, sim) = (Home::new(), simulator().await);
    let (daemon, [denied, held]) = lived(&home, &sim).await;
    let all = json(&audit(&home, &["list", "--json"]));
    assert_eq!(
        all.iter().map(|entry| entry["seq"].as_i64()).collect::<Vec<_>>(),
        (1..=6).map(Some).collect::<Vec<_>>()
    );
    let of_denied = json(&audit(&home, &["list", "--json", "--session", &denied]));
    assert_eq!(fields(&of_denied, "entry"), ["opened", "revised", "decided", "delivered"]);
    let code = of_denied[0]["code"].as_str().expect("a code");
    for name in [code, &code.to_lowercase(), of_denied[0]["approval_id"].as_str().expect("an id")] {
        let of_approval = json(&audit(&home, &["list", "--json", "--approval", name]));
        assert!(of_approval.iter().all(|entry| entry["session_id"] == denied.as_str()), "{of_approval:?}");
        assert_eq!(fields(&of_approval, "entry").last(), Some(&"delivered"), "{name}");
    }
    let of_held = json(&audit(&home, &["list", "--json", "--session", &held]));
    assert_eq!(fields(&of_held, "entry"), ["opened", "revised"]);
    assert_eq!(json(&audit(&home, &["list", "--json", "--since", "1h"])).len(), 6);
    assert_eq!(json(&audit(&home, &["list", "--json", "--since", "2999-01-01"])), [Value::Null; 0]);

    let shown = audit(&home, &["list", "--approval", code]);
    for text in ["SEQ  AT ", "rule purchase, high, 410.00 USD", "revision 1, in time", "denied at revision 1 by "] {
        assert!(shown.stdout.contains(text), "{text:?} is not in:\n{}", shown.stdout);
    }
    assert!(
        shown.stdout.contains("(too<U+202E>dear \u{2014} 410 \u{20ac})") && !shown.stdout.contains('\u{202e}'),
        "{}",
        shown.stdout
    );
    let head = all[5]["hash"].as_str().expect("a hash");
    shown.says(&[&format!(" of 6; head 6 {head}")]);
    let newest = audit(&home, &["list", "--last", "2"]);
    assert_eq!(newest.stdout.lines().count(), 3, "{}", newest.stdout);
    newest.says(&["6 entries; head 6 ", "the newest 2 are listed; `--last 6` lists all"]);
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    let verified = audit(&home, &["verify"]);
    assert!(verified.stdout.contains(&format!("6 entries, 2 approvals, head {head}")), "{}", verified.stdout);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_and_when_that_cannot_be_found_is_said_with_what_to_do() {
    let (home, sim) = (Home::new(), simulator().await);
    let (daemon, _) = lived(&home, &sim).await;
    let unknown = audit(&home, &["list", "--approval", "0000"]);
    assert_eq!((unknown.code, unknown.stdout.as_str()), (Some(3), ""));
    unknown.says(&["no approval in the trail is called 0000", "hint: `holdpoint audit list`"]);
    let never = audit(&home, &["list", "--session", "nobody"]);
    assert_eq!((never.code, never.stdout.as_str()), (Some(0), ""));
    never.says(&["0 entries of 6; head 6 "]);
    let when = audit(&home, &["list", "--since", "yesterday"]);
    assert_eq!(when.code, Some(2));
    when.says(&["a time is how long ago, such as 2h or 7d"]);
    let past = audit(&home, &["export", "--after", "7"]);
    assert_eq!((past.code, past.stdout.as_str()), (Some(1), ""));
    past.says(&["there is no entry 7: the newest is 6", "hint: was the store replaced"]);
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

/// The hash of an exported entry, computed as `audit export --help` says.
fn hash(entry: &Value) -> String {
    let mut hash = Sha256::new();
    let previous = entry["previous"].as_str().expect("hexadecimal");
    let bytes = (0..64).step_by(2).map(|at| u8::from_str_radix(&previous[at..at + 2], 16).expect("hexadecimal"));
    hash.update(bytes.collect::<Vec<u8>>());
    hash.update(entry["seq"].as_i64().expect("a number").to_be_bytes());
    for field in ["at", "entry", "session_id", "approval_id", "body"] {
        match &entry[field] {
            Value::String(text) => {
                hash.update([1]);
                hash.update((text.len() as u64).to_be_bytes());
                hash.update(text);
            }
            other => {
                assert_eq!(other, &Value::Null, "{field}");
                hash.update([0]);
            }
        }
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_beside_the_daemon_can_be_checked_elsewhere_and_taken_up_where_it_ended() {
    let (home, sim) = (Home::new(), simulator().await);
    let (daemon, _) = lived(&home, &sim).await;
    let export = audit(&home, &["export"]);
    assert_eq!(export.code, Some(0), "{export:?}");
    assert!(export.stdout.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte)), "{}", export.stdout);
    let entries = lines(&export);
    assert_eq!(entries.len(), 6);
    let mut previous = "0".repeat(64);
    for (line, entry) in export.stdout.lines().zip(&entries) {
        assert_eq!(entry["previous"], previous.as_str(), "{line}");
        assert_eq!(entry["hash"], hash(entry).as_str(), "{line}");
        previous = entry["hash"].as_str().expect("a hash").to_owned();
    }
    export.says(&[&format!("6 entries exported; head 6 {previous}")]);
    let bodies: Vec<Value> =
        fields(&entries, "body").iter().map(|body| serde_json::from_str(body).expect("JSON")).collect();
    let reason = format!("{}", bodies.iter().find(|body| body.to_string().contains("dear")).expect("the denial"));
    assert!(reason.contains("too\u{202e}dear \u{2014} 410 \u{20ac}"), "{reason}");
    assert!(export.stdout.contains(r"too\u202edear \u2014 410 \u20ac"), "escaped: {}", export.stdout);

    let rest = audit(&home, &["export", "--after", "4"]);
    assert_eq!(lines(&rest), entries[4..]);
    assert_eq!(lines(&audit(&home, &["export", "--after", "6"])), [Value::Null; 0]);
    assert_eq!(lines(&audit(&home, &["export", "--since", "1h"])), entries);
    assert_eq!(lines(&audit(&home, &["export", "--since", "2999-01-01"])), [Value::Null; 0]);
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_export_ends_before_the_first_entry_that_is_not_whole_and_says_so() {
    let (home, sim) = (Home::new(), simulator().await);
    let (daemon, _) = lived(&home, &sim).await;
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
    for (sql, left, why) in [
        ("UPDATE journal SET entry = 'noted' WHERE seq = 6", 5, "entry 6 was changed"),
        ("DELETE FROM journal WHERE seq = 6", 5, "the journal ends at entry 5, but its head says 6"),
        ("DELETE FROM journal WHERE seq = 4", 3, "entry 5 stands where entry 4 should"),
    ] {
        let mut editor = SqliteConnectOptions::new().filename(home.store()).connect().await.expect("a store");
        let open = "DROP TRIGGER IF EXISTS journal_never_changes; DROP TRIGGER IF EXISTS journal_never_shrinks;
                    PRAGMA foreign_keys = OFF;";
        editor.execute(open).await.expect("opened up");
        editor.execute(sql).await.expect("changed");
        editor.close().await.expect("closed");
        let export = audit(&home, &["export"]);
        assert_eq!((export.code, export.stdout.lines().count()), (Some(1), left), "{export:?}");
        export.says(&["the audit trail is broken: ", why, "hint: keep the file as it is"]);
    }
}
