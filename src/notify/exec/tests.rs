//! The hook with real programs.

use std::path::{Path, PathBuf};
use std::time::Instant;

use rustix::process::test_kill_process;

use super::*;

const LONG: Duration = Duration::from_secs(30);

/// Runs a shell script as the hook, with the folder as its first argument.
async fn run(folder: &Path, script: &str, within: Duration) -> Result<(), String> {
    let file = folder.join("hook.sh");
    std::fs::write(&file, script).unwrap();
    let words = ["/bin/sh".into(), file.into_os_string(), folder.as_os_str().to_owned()];
    let command: Vec<String> = words.into_iter().map(|word| word.into_string().unwrap()).collect();
    Hook::new(&command, within).unwrap().run(b"{\"kind\":\"test\"}").await
}

async fn read(file: PathBuf) -> String {
    for _ in 0..1000 {
        match std::fs::read_to_string(&file) {
            Ok(text) if text.ends_with('\n') => return text,
            Ok(_) | Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
    panic!("{} is not written", file.display());
}

#[tokio::test]
async fn it_gets_the_notification_as_one_line_and_nothing_of_our_environment() {
    let folder = tempfile::tempdir().unwrap();
    run(folder.path(), "cat > $1/said\nenv > $1/environment\npwd >> $1/environment\necho loud\n", LONG).await.unwrap();
    assert_eq!(read(folder.path().join("said")).await, "{\"kind\":\"test\"}\n");
    let environment = read(folder.path().join("environment")).await;
    // `PWD`, `OLDPWD`, `SHLVL` and `_` are the shell's own.
    let own = ["PWD=", "OLDPWD=", "SHLVL=", "_=", "/"];
    let passed = environment.lines().filter(|line| !own.iter().any(|own| line.starts_with(own)));
    let names: Vec<&str> = passed.filter_map(|line| line.split('=').next()).collect();
    assert!(names.iter().all(|name| ["PATH", "HOME"].contains(name)), "{names:?}");
    assert!(std::env::vars().count() > 3, "the test itself has nothing that could be passed on");
}

#[tokio::test]
async fn its_failure_is_told_with_the_first_line_that_it_said_escaped() {
    let folder = tempfile::tempdir().unwrap();
    let script = "printf '\\nno \\033[31mline\\nmore\\n' >&2; exit 3";
    let why = run(folder.path(), script, LONG).await.unwrap_err();
    assert_eq!(why, "ended with exit code 3, saying \"no <U+001B>[31mline\"");
    assert_eq!(run(folder.path(), "kill -9 $$", LONG).await.unwrap_err(), "was ended by signal 9");
}

#[tokio::test]
async fn a_program_that_does_not_read_is_as_good() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(folder.path(), "exec 0<&-; exit 0", LONG).await, Ok(()));
}

#[tokio::test]
async fn a_flood_of_output_holds_nobody_up() {
    let folder = tempfile::tempdir().unwrap();
    let script = "head -c 20000000 /dev/zero >&2; head -c 20000000 /dev/zero; echo done > $1/end; exit 1";
    let why = run(folder.path(), script, LONG).await.unwrap_err();
    assert!(why.starts_with("ended with exit code 1") && why.len() < 2_000, "{} bytes", why.len());
    assert_eq!(read(folder.path().join("end")).await, "done\n");
}

#[tokio::test]
async fn one_that_hangs_is_killed_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let script = "sleep 600 & echo $! > $1/child; echo waiting >&2; wait";
    let why = run(folder.path(), script, Duration::from_secs(2)).await.unwrap_err();
    assert_eq!(why, "was killed, because it took longer than 2s, saying \"waiting\"");
    assert!(began.elapsed() < LONG);
    let child = read(folder.path().join("child")).await.trim().parse().unwrap();
    let child = Pid::from_raw(child).unwrap();
    for _ in 0..1000 {
        // A dead child of a dead parent is there until init has seen it.
        let state = std::fs::read_to_string(format!("/proc/{}/stat", child.as_raw_pid())).unwrap_or_default();
        if test_kill_process(child).is_err() || state.contains(") Z ") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("what it started still runs");
}

#[tokio::test]
async fn one_that_leaves_something_running_has_ended_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    assert_eq!(run(folder.path(), "sleep 20 & exit 0", LONG).await, Ok(()));
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
}

#[tokio::test]
async fn one_that_is_not_there_is_said_not_to_start() {
    let hook = Hook::new(&["/nowhere/page".to_owned()], LONG).unwrap();
    let why = hook.run(b"{}").await.unwrap_err();
    assert!(why.starts_with("cannot be started: No such file"), "{why}");
}
