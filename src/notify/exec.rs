//! The hook: a program that is given each notification on its standard input.
//!
//! No shell reads anything, nothing of a notification is an argument, and nothing of our environment but `PATH` and `HOME`
//! is passed on. Its output goes nowhere, except the first line of its standard error, which says why it failed.

#[cfg(test)]
mod tests;

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStderr, ChildStdin, Command};

use crate::operator::escape::short;

/// How many bytes of standard error are kept; the rest is read and dropped, so that the program is never held up.
const KEPT: usize = 1024;
/// How long what is still in the pipe of a program that has ended is read.
const LAST_WORDS: Duration = Duration::from_millis(200);

/// A program that is called for each notification.
#[derive(Clone, Debug)]
pub struct Hook {
    program: String,
    args: Vec<String>,
    within: Duration,
}

impl Hook {
    /// The program `command[0]` with its arguments, and how long it may run. `None` for an empty command.
    #[must_use]
    pub fn new(command: &[String], within: Duration) -> Option<Self> {
        let (program, args) = command.split_first()?;
        Some(Self { program: program.clone(), args: args.to_vec(), within })
    }

    /// The program, escaped.
    #[must_use]
    pub fn name(&self) -> String {
        short(&self.program)
    }

    /// Runs the program once, with `body` and a line break on its standard input.
    ///
    /// # Errors
    /// Why it counts as failed: it could not be started, did not exit with 0, or took too long. Escaped.
    pub async fn run(&self, body: &[u8]) -> Result<(), String> {
        let mut command = Command::new(&self.program);
        command.args(&self.args).env_clear().current_dir("/");
        for name in ["PATH", "HOME"] {
            if let Some(value) = std::env::var_os(name) {
                command.env(name, value);
            }
        }
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        // A group of its own: what the program starts is killed with it.
        command.process_group(0).kill_on_drop(true);
        let mut child = command.spawn().map_err(|error| format!("cannot be started: {}", short(&error.to_string())))?;
        let mut group = Group(child.id());
        let (stdin, stderr) = (child.stdin.take(), child.stderr.take());
        let mut said = Vec::new();
        let ended = tokio::time::timeout(self.within, attend(&mut child, stdin, stderr, body, &mut said)).await;
        if let Ok(Ok(_)) = ended {
            group.0 = None;
        }
        match ended {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(format!("{}{}", ending(status), first_line(&said))),
            Ok(Err(error)) => Err(format!("cannot be waited for: {}", short(&error.to_string()))),
            Err(_) => Err(format!("was killed, because it took longer than {:?}{}", self.within, first_line(&said))),
        }
    }
}

/// Kills a program that has not ended, and all that it started, when it took too long or is given up. What a program that
/// ended by itself leaves running is its own business: its number may be somebody else's by then.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(pid) = self.0.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            // It may have ended in this moment.
            let _ = kill_process_group(pid, Signal::KILL);
        }
    }
}

async fn attend(
    child: &mut Child,
    stdin: Option<ChildStdin>,
    stderr: Option<ChildStderr>,
    body: &[u8],
    said: &mut Vec<u8>,
) -> std::io::Result<ExitStatus> {
    let mut listening = std::pin::pin!(listen(stderr, said));
    let mut heard = false;
    let feeding = async {
        if let Some(mut stdin) = stdin {
            // A program that does not read what it is told may still do what it is for.
            let _ = stdin.write_all(body).await;
            let _ = stdin.write_all(b"\n").await;
        }
    };
    let mut feeding = std::pin::pin!(feeding);
    let mut fed = false;
    let status = loop {
        tokio::select! {
            status = child.wait() => break status?,
            () = &mut feeding, if !fed => fed = true,
            () = &mut listening, if !heard => heard = true,
        }
    };
    if !heard {
        // What it left running may keep the pipe open for ever.
        let _ = tokio::time::timeout(LAST_WORDS, listening).await;
    }
    Ok(status)
}

async fn listen(stderr: Option<ChildStderr>, said: &mut Vec<u8>) {
    let Some(mut stderr) = stderr else { return };
    let mut buffer = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut buffer).await {
        let room = KEPT.saturating_sub(said.len());
        said.extend(buffer.iter().take(read.min(room)));
    }
}

fn ending(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".to_owned(),
    }
}

/// What it said last, as the end of a sentence.
fn first_line(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.map(|line| format!(", saying \"{}\"", short(line))).unwrap_or_default()
}
