//! Operators: several, who race, look at old cards, forge, and stop everything. They speak to the desk as prompts do.

use std::time::Duration;

use holdpoint::control::{
    Act, ApprovalView, Decided, Decision, DeskService, Nonce, OperatorName, Requests, SessionAct, SessionOrder, State,
};
use holdpoint::gate::{Digest, Revision, Subject};

use crate::world::{Happening, Shared};

/// What an operator does with a card.
struct Deed {
    view: ApprovalView,
    decision: Decision,
    /// Whether the card is announced before.
    presents: bool,
    thinks: Duration,
}

/// One visit of an operator at the desk: one deed.
pub async fn visit(shared: Shared, desk: DeskService, who: usize) {
    let name = OperatorName(format!("op{who}"));
    let made = shared.lock().judge.promises.made();
    let Some(mut client) = desk.connect(name.clone()).await else { return };
    let Ok(snapshot) = client.snapshot().await else { return };
    let life = shared.lock().life;
    let deed = {
        let mut world = shared.lock();
        world.judge_snapshot(&snapshot, made);
        if world.life != life {
            return;
        }
        world.choose(&snapshot.approvals)
    };
    match deed {
        Some(deed) => decide(&shared, &client.requests(), &name, deed).await,
        None => act(&shared, &client.requests(), &name).await,
    }
}

/// Operators come again and again.
pub fn come_again(shared: &Shared, who: usize) {
    let mut world = shared.lock();
    let rest = if world.well { Duration::from_secs(4) } else { world.operator_rests() };
    world.after(rest, Happening::Operator(who));
}

async fn decide(shared: &Shared, requests: &Requests, name: &OperatorName, deed: Deed) {
    let Deed { view, mut decision, presents, thinks } = deed;
    let (id, revision) = (view.card.approval, view.card.revision);
    if presents {
        match requests.presented(id, revision, view.digest).await {
            Ok(nonce) => decision.nonce = Some(nonce),
            Err(refusal) => {
                return shared.lock().step(format_args!("{} cannot read {}: {refusal}", name.0, id.code()));
            }
        }
    }
    tokio::time::sleep(thinks).await;
    let asked = shared.lock().judge_decision(name, &view, &decision, presents);
    let answer = requests.decide(decision.clone()).await;
    let mut world = shared.lock();
    let said = match &answer {
        Ok(Decided::Extended { .. }) => "extended".to_owned(),
        Ok(decided) => format!("{decided:?}"),
        Err(refusal) => refusal.to_string(),
    };
    world.step(format_args!("{} is answered about {}: {said}", name.0, id.code()));
    let checked = world.judge_decided(asked, name, &decision, &answer);
    world.holds(checked);
}

/// What operators do of their own accord.
async fn act(shared: &Shared, requests: &Requests, name: &OperatorName) {
    let (what, session, halted, well, may_end) = {
        let mut world = shared.lock();
        let living: Vec<_> = world.living().collect();
        let halts = world.faults.halts;
        let what = if world.chance(halts * 15) { 3 } else { world.rng.u32(..40) };
        (what, world.some(&living), world.judge.is_halted(), world.well, world.stop_may_end)
    };
    let said = match (what, session) {
        _ if halted && (may_end || (!well && what > 30)) => {
            shared.lock().step(format_args!("{} ends the stop", name.0));
            let asked = {
                let mut world = shared.lock();
                let now = world.now();
                world.judge.promises.asks_for_the_end(now)
            };
            let ended = requests.end_halt().await;
            let mut world = shared.lock();
            let checked = if ended.is_ok() { world.judge_halt_ended(asked) } else { Ok(()) };
            world.holds(checked);
            world.judge.promises.is_answered(asked);
            format!("{ended:?}")
        }
        _ if well => return,
        (0..3, Some(session)) => {
            let act = [SessionAct::Pause, SessionAct::Cancel, SessionAct::Ask][what as usize];
            shared.lock().step(format_args!("{} wants {act:?} of {session}", name.0));
            let asked = shared.lock().asks();
            if act == SessionAct::Cancel {
                shared.lock().judge.cancels.insert((name.clone(), session.clone()));
            }
            let order = SessionOrder { session: session.clone(), act, reason: None };
            let done = requests.session(order).await;
            let mut world = shared.lock();
            let checked = done.as_ref().map_or(Ok(()), |done| world.judge_done(asked, act, done));
            world.holds(checked);
            world.judge.promises.is_answered(asked);
            match done {
                Ok(done) => done.what,
                Err(refusal) => refusal.to_string(),
            }
        }
        (3, _) if shared.lock().faults.halts > 0 => {
            shared.lock().step(format_args!("{} stops everything", name.0));
            let asked = {
                let mut world = shared.lock();
                let now = world.now();
                world.judge.promises.asks_for_a_stop(now)
            };
            let halted = requests.halt(None).await;
            let mut world = shared.lock();
            let so = halted.is_ok();
            if so {
                world.judge.halted();
                world.judge.count("stops confirmed");
                let checked = world.judge_halted(asked);
                world.holds(checked);
            }
            world.judge.promises.is_answered(asked);
            format!("{so}")
        }
        _ => return,
    };
    shared.lock().step(format_args!("{} is answered: {said}", name.0));
}

impl crate::world::World {
    /// What to do with which card.
    fn choose(&mut self, views: &[ApprovalView]) -> Option<Deed> {
        let open: Vec<&ApprovalView> =
            views.iter().filter(|view| matches!(view.state, State::Open | State::Draft)).collect();
        let clumsy = !self.well && self.rng.u32(..1000) < self.faults.clumsy;
        let view = match (clumsy && self.rng.bool(), open.is_empty()) {
            (true, _) if !views.is_empty() => views[self.rng.usize(..views.len())].clone(),
            (_, true) => return None,
            _ => open[self.rng.usize(..open.len())].clone(),
        };
        if !self.well && self.rng.u8(..6) == 0 {
            return None;
        }
        let act = self.act_for(&view, clumsy);
        let (mut revision, mut digest) = (view.card.revision, view.digest);
        let (mut presents, mut nonce) = (true, None);
        let mut thinks = self.millis(750, 9_000);
        if clumsy {
            match self.rng.u8(..6) {
                0 => digest = Digest::ZERO,
                1 => revision = Revision(revision.0.saturating_sub(1)),
                2 => revision = revision.next(),
                3 => presents = false,
                4 => (presents, nonce) = (false, Some(Nonce(self.rng.u64(1..1000)))),
                _ => thinks = Duration::ZERO,
            }
        }
        let approval = view.card.approval;
        let typed = Some(view.card.code().to_string());
        let decision = Decision { approval, revision, digest, nonce, typed, act };
        Some(Deed { view, decision, presents, thinks })
    }

    fn act_for(&mut self, view: &ApprovalView, clumsy: bool) -> Act {
        let text = || "as typed".to_owned();
        match (self.rng.u32(..20), view.card.subject) {
            (0..4, _) => Act::Deny { reason: None },
            (4, _) if !self.well => Act::Extend,
            (5, Subject::Hold) | (6, Subject::Question) if clumsy => Act::Answer { text: text() },
            (6..8, Subject::Hold) => Act::Instruct { text: text() },
            (6..10, Subject::Question) => Act::Answer { text: text() },
            _ => Act::approve(),
        }
    }
}
