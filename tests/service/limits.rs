//! Limits that the manager sets.

use rustix::process::Signal;

use crate::bench::{Home, KEY, Process, simulator};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn as_many_files_can_be_open_as_are_allowed_and_too_few_are_said() {
    let sim = simulator().await;
    for (hard, said) in [(1000, true), (4096, false)] {
        let home = Home::new();
        let run = format!(
            "ulimit -Sn 256 && ulimit -Hn {hard} && exec '{}' run --config config.toml",
            env!("CARGO_BIN_EXE_holdpoint")
        );
        let mut command = home.clean("/bin/sh", &["-c", &run]);
        command.env("HOLDPOINT_PROVIDER_BASE_URL", sim.base_url()).env("HOLDPOINT_TEST_KEY", KEY);
        let mut daemon = Process::start(&mut command);
        daemon.wait("no terminal");
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", daemon.pid().as_raw_nonzero())).unwrap();
        let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let words: Vec<&str> = files.split_whitespace().collect();
        assert_eq!(words[3..5], [hard.to_string(), hard.to_string()], "{files}");
        let ended = daemon.stop(Signal::TERM);
        let warned = ended.stderr.contains(&format!("only {hard} files can be open at once"));
        assert_eq!(warned, said, "{}", ended.stderr);
    }
}
