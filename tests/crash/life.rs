//! One run: a daemon lives, dies where it was aimed at, and lives again, until the story is over.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Child;

use crate::audit;
use crate::home::{Home, LIMIT};
use crate::operator::Memory;
use crate::plan::Run;

/// How a run went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lived {
    /// How many of its crash points were reached.
    pub struck: usize,
}

/// How one life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// By its crash point.
    Struck,
    /// By the story's end, and in good order.
    Stopped,
}

/// Plays a run to its end, and checks what must be true then.
pub async fn live(run: Run) -> Result<Lived, String> {
    let home = Home::of(run.story).await;
    let mut memory = Memory::default();
    let lived = lives(&home, run, &mut memory).await;
    let checked = match lived {
        Ok(lived) => audit::check(&home, run.story, &memory).await.map(|()| lived),
        Err(why) => Err(why),
    };
    match checked {
        Ok(lived) => {
            home.sim.shutdown().await;
            Ok(lived)
        }
        Err(why) => Err(format!("{why}\n{}", home.report().await)),
    }
}

async fn lives(home: &Home, run: Run, memory: &mut Memory) -> Result<Lived, String> {
    let mut struck = 0;
    let mut life = 0;
    for aim in run.aims() {
        life += 1;
        match one(home, run, memory, life, &aim).await? {
            End::Struck => struck += 1,
            End::Stopped => break,
        }
    }
    life += 1;
    match one(home, run, memory, life, "none").await? {
        End::Stopped => Ok(Lived { struck }),
        End::Struck => Err("a daemon that was to live was killed".to_owned()),
    }
}

async fn one(home: &Home, run: Run, memory: &mut Memory, life: usize, aim: &str) -> Result<End, String> {
    let lists = home.lists().await;
    let mut daemon = home.daemon(life, aim);
    let played = async {
        memory.play(home, run.story).await;
        // What a start finds is looked at once more: nothing more happens after the end.
        home.listed(lists + 2).await
    };
    let ended = tokio::select! {
        biased;
        status = daemon.wait() => return end(status.expect("a process"), aim),
        played = tokio::time::timeout(LIMIT, played) => played,
    };
    ended.map_err(|_| format!("life {life}: the story does not end"))??;
    let pid = pid(&daemon).ok_or("the daemon ended by itself")?;
    kill_process(pid, Signal::TERM).map_err(|error| format!("life {life}: {error}"))?;
    let status = tokio::time::timeout(LIMIT, daemon.wait()).await;
    end(status.map_err(|_| format!("life {life}: the daemon does not stop"))?.expect("a process"), aim)
}

fn end(status: ExitStatus, aim: &str) -> Result<End, String> {
    match (status.signal(), status.code()) {
        (Some(9), _) if aim != "none" => Ok(End::Struck),
        (_, Some(0)) => Ok(End::Stopped),
        _ => Err(format!("the daemon ended with {status}")),
    }
}

fn pid(daemon: &Child) -> Option<Pid> {
    daemon.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw)
}
