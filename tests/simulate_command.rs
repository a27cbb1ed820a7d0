//! `holdpoint simulate` as a process: one line when ready, until it is told to end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

fn holdpoint(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_holdpoint"));
    command.arg("simulate").args(args).env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn refused(args: &[&str]) -> String {
    let Output { status, stdout, stderr } = holdpoint(args).output().unwrap();
    assert!(!status.success() && stdout.is_empty(), "{args:?}");
    String::from_utf8(stderr).unwrap()
}

/// The simulation's process; killed when a test fails before it ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_prints_one_line_of_json_and_ends_cleanly_when_terminated() {
    let mut running = Running(holdpoint(&["--api-key-env", "KEY"]).env("KEY", "k-1").spawn().unwrap());
    let mut out = BufReader::new(running.0.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    let url = ready["base_url"].as_str().unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && ready["api_key"] == "k-1", "{line}");
    std::net::TcpStream::connect(url.trim_start_matches("http://")).unwrap();

    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(running.0.wait().unwrap().success());
    line.clear();
    assert_eq!(out.read_line(&mut line).unwrap(), 0, "more than one line: {line}");
}

#[test]
fn what_cannot_be_simulated_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let scenario = file("bad.toml", "name = 'x'\n[[step]]\nthougt = 'hm'\n");
    let traces = file("bad.jsonl", "{\"id\":\"a\",\"events\":[]}\n{\n");
    let cases: [(&[&str], &[&str]); 7] = [
        (&["--listen", "0.0.0.0:0"], &["loopback only", "0.0.0.0:0"]),
        (&["--scenario", "purchse"], &["no scenario \"purchse\"", "purchase"]),
        (&["--scenario", "missing.toml"], &["missing.toml"]),
        (&["--scenario", &scenario], &["bad.toml", "line 3", "thougt"]),
        (&["--traces", &traces], &["bad.jsonl\", line 2: not a trace"]),
        (&["--traces", &traces[..traces.len() - 1]], &["cannot read the traces file"]),
        (&["--api-key-env", "KEY"], &["\"KEY\"", "--api-key-env"]),
    ];
    for (args, reasons) in cases {
        let error = refused(args);
        assert!(reasons.iter().all(|reason| error.contains(reason)), "{args:?}: {error}");
    }
}
