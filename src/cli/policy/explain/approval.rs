//! The card of an approval: from the daemon that runs, or from its store when none does.

use super::{Args, Question};
use crate::cli::oneshot::link::Link;
use crate::cli::run::{config_path, store_path};
use crate::cli::target::Target;
use crate::config::Config;
use crate::error::{Exit, Failure};
use crate::gate::{Card, Kept};
use crate::operator::escape::short;
use crate::policy::{Context, SessionInfo};
use crate::store::{Store, StoreError};

/// Looks up the approval and takes what its card shows: what came before, the trigger, and what came after.
pub(super) async fn question(name: &str, args: &Args) -> Result<Question, Failure> {
    let target = Target { socket: args.socket.clone(), config: args.rules.config().map(ToOwned::to_owned) };
    let card = match Link::open(&target).await {
        Ok(link) => link.approval(name).await?.card,
        Err(failure) if failure.exit == Exit::Unreachable && args.socket.is_none() => kept(name, args, failure).await?,
        Err(failure) => return Err(failure),
    };
    let mut context = Context::default();
    context.page(card.url.as_deref(), card.title.as_deref());
    let trigger = Some(&card.trigger).filter(|line| !line.is_ours());
    let events = card.before.iter().chain(trigger).chain(&card.after).map(|line| line.event()).collect();
    let session = SessionInfo { id: card.session.clone(), agent: card.agent.clone(), goal: card.goal.clone() };
    Ok(Question { session, context, events, before: card.before.len() })
}

/// The approval as the store has it.
async fn kept(name: &str, args: &Args, unreachable: Failure) -> Result<Card, Failure> {
    let failed = |error: StoreError| {
        Failure::of(Exit::Error, &error).hint("the daemon does not answer either; name its socket with --socket PATH")
    };
    let path = config_path(args.rules.config())?;
    let config = Config::load(&path).map_err(|error| Failure::new(Exit::Configuration, error.to_string()))?.config;
    let path = store_path(&config.store)?;
    if !path.exists() {
        return Err(unreachable);
    }
    let store = Store::open_to_read(&path).await.map_err(failed)?;
    let (live, done) = (store.live().await.map_err(failed)?, store.done().await.map_err(failed)?);
    store.close().await;
    let named = |kept: &Kept| {
        let id = kept.card.approval;
        id.code().as_str().eq_ignore_ascii_case(name) || id.to_string().eq_ignore_ascii_case(name)
    };
    live.into_iter().chain(done).find(named).map(|kept| kept.card).ok_or_else(|| {
        let message = format!("no approval {} is among the newest of the store {}", short(name), path.display());
        Failure::new(Exit::NoSuch, message).hint("`holdpoint pending` and the console's history list approvals")
    })
}
