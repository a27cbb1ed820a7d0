//! Whether a daemon is there, who we are to it, and what it sees.

use super::Check;
use crate::cli::oneshot::link::Link;
use crate::cli::target::Target;
use crate::config::Config;
use crate::control::{Hello, Role, Sight};
use crate::operator::escape::{again, short};
use crate::operator::words;

const START: &str = "start it with `holdpoint run`, or name its socket with --socket PATH or $HOLDPOINT_SOCKET";

/// A daemon that answered at its socket.
pub struct Daemon {
    socket: String,
    link: Link,
}

/// Looks for the socket, and asks who answers there.
///
/// # Errors
/// With what is wrong.
pub async fn reach(target: &Target) -> Result<Daemon, Check> {
    let socket = target.socket().map_err(|failure| {
        let said = failure.to_string().lines().next().unwrap_or_default().to_owned();
        Check::warn("socket", said, START)
    })?;
    let shown = short(&socket.to_string_lossy());
    let link = Link::to(socket).await.map_err(|error| Check::fail("socket", again(&error.to_string()), START))?;
    Ok(Daemon { socket: shown, link })
}

/// What the daemon says of itself and of us.
pub fn checks(daemon: &Result<Daemon, Check>, config: Option<&Config>) -> Vec<Check> {
    let Daemon { socket, link } = match daemon {
        Ok(daemon) => daemon,
        Err(why) => return vec![why.clone()],
    };
    let hello = link.hello();
    let mut checks = vec![Check::ok("socket", format!("{socket} answers")), version(hello), role(hello)];
    checks.extend(config.map(|config| policy(hello, config)));
    checks.push(provider(hello));
    checks.extend(halt(hello));
    checks
}

fn version(hello: &Hello) -> Check {
    let (theirs, ours) = (short(&hello.snapshot.daemon.version), env!("CARGO_PKG_VERSION"));
    if theirs == ours {
        return Check::ok("daemon", format!("holdpoint {theirs}, since {:.0}", hello.snapshot.daemon.started_at));
    }
    Check::warn("daemon", format!("it is holdpoint {theirs}, this is {ours}"), "restart the daemon after an update")
}

fn role(hello: &Hello) -> Check {
    let who = short(&hello.you.operator.0);
    match hello.you.role {
        Role::Observe => Check::warn(
            "you",
            format!("{who} may look, and decide nothing"),
            "roles are given under [control] in the daemon's configuration",
        ),
        Role::Decide | Role::Admin => Check::ok("you", format!("{who}, {}", hello.you.role.name())),
    }
}

fn policy(hello: &Hello, config: &Config) -> Check {
    if hello.snapshot.daemon.policy == config.policy.hash() {
        return Check::ok("policy", "the daemon has the rules of this configuration");
    }
    Check::warn(
        "policy",
        "the daemon's rules are not those of this configuration",
        "reload the daemon after a change (SIGHUP), or name its own configuration with --config",
    )
}

fn provider(hello: &Hello) -> Check {
    let snapshot = &hello.snapshot;
    let blind: Vec<String> = snapshot
        .sessions
        .iter()
        .filter_map(|view| match &view.sight {
            Sight::Seen | Sight::NotYet => None,
            Sight::Blind { why, .. } => Some(format!("{} ({})", view.session, again(why))),
        })
        .collect();
    let address = again(&snapshot.daemon.provider);
    let unfollowed = snapshot.unfollowed();
    match blind.len() {
        0 if unfollowed > 0 => Check::warn(
            "provider",
            format!("{address}: {unfollowed} of {} not followed yet, the others seen", snapshot.sessions.len()),
            "they wait for their turn; `holdpoint status` says how many are left",
        ),
        0 => Check::ok("provider", format!("{address}, {} watched, all of them seen", snapshot.sessions.len())),
        count => Check::warn(
            "provider",
            format!("{address}: {count} of {} not seen: {}", snapshot.sessions.len(), blind.join(", ")),
            "the daemon's log says more; a key that is refused, and a network that is down, look like this",
        ),
    }
}

fn halt(hello: &Hello) -> Option<Check> {
    let halt = hello.snapshot.daemon.halt.as_ref()?;
    Some(Check::warn("stop", words::stopped(halt), words::ENDS_STOP))
}
