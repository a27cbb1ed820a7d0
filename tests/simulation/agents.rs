//! What agents do, and strangers beside them.

use std::time::Duration;

use holdpoint::api::{EventKind, SessionId};

use crate::truth::{By, Task};
use crate::world::{Fate, Happening, World};

/// What agents say that no rule is about, and what rules are about.
const HARMLESS: [&str; 4] = ["looking around", "reading the page", "scrolling down", "something odd"];
const RISKY: [&str; 6] =
    ["buy the lamp", "transfer the rent", "sell the car", "book a room", "drop the table", "newsletter"];

impl World {
    /// An agent does what it does next. While it cannot, it waits.
    pub fn agent_acts(&mut self, id: &SessionId) {
        let truth = self.truth(id);
        if truth.gone {
            return;
        }
        let (runs, stepping) = (truth.runs(), truth.step.is_some());
        if runs && !stepping {
            self.agent_goes_on(id);
        }
        let wait = self.millis(300, 6_000);
        self.after(wait, Happening::Agent(id.clone()));
    }

    fn agent_goes_on(&mut self, id: &SessionId) {
        if self.chance(self.faults.ghosts) {
            let _ = self.pause(id, By::Us);
            return;
        }
        if self.well {
            self.says(id, EventKind::Done, "finished");
            self.truth(id).task = Task::Idle;
            return;
        }
        match self.rng.u32(..100) {
            0..40 => {
                let text = self.pick(&HARMLESS);
                self.says(id, EventKind::Thought, text);
            }
            40..58 => {
                let text = self.pick(&RISKY);
                self.says(id, EventKind::Thought, text);
            }
            58..82 => {
                let text = if self.rng.u8(..4) == 0 { self.pick(&RISKY) } else { self.pick(&HARMLESS) };
                self.truth(id).step = Some(text.to_owned());
                self.step(format_args!("{id} begins a step: {text}"));
                let wait = self.millis(50, 2_500);
                self.after(wait, Happening::Finish(id.clone()));
            }
            82..88 => {
                self.says(id, EventKind::Question, "shall I?");
                self.truth(id).task = Task::Waiting;
            }
            88..93 => {
                let kind = if self.rng.bool() { EventKind::Error } else { EventKind::Log };
                let text = if self.rng.bool() { "rate limit" } else { "nothing much" };
                self.says(id, kind, text);
            }
            93..96 => self.says(id, EventKind::Unknown("telepathy".to_owned()), "buy the hat"),
            _ => {
                self.says(id, EventKind::Done, "finished");
                self.truth(id).task = Task::Idle;
            }
        }
    }

    /// What befalls beside agents, network and operators.
    pub fn chance_has_it(&mut self) {
        let faults = self.faults;
        let weights = [faults.strangers, faults.crashes, faults.stops, faults.reloads, faults.jumps, 40];
        let mut drawn = self.rng.u32(..weights.iter().sum::<u32>());
        let which = weights.iter().position(|weight| {
            let here = drawn < *weight;
            drawn = drawn.saturating_sub(*weight);
            here
        });
        match which {
            Some(0) => self.stranger_meddles(),
            Some(1) => self.befalls(Fate::Crash),
            Some(2) => self.befalls(Fate::Stop),
            Some(3) => {
                let which = self.rng.usize(..crate::setup::CONFIGURATIONS.len());
                self.befalls(Fate::Reload(which));
            }
            Some(4) => {
                let by = self.rng.i64(-400..400);
                self.step(format_args!("the wall clock is set by {by} s"));
                self.set_wall(jiff::SignedDuration::from_secs(by));
            }
            _ => self.sessions_go_on(),
        }
        let wait = self.millis(500, 4_000);
        self.after(wait, Happening::Chance);
    }

    fn befalls(&mut self, fate: Fate) {
        self.step(format_args!("{fate:?}"));
        self.fate = Some(fate);
    }

    /// New sessions begin where others have ended, or those are given another task.
    fn sessions_go_on(&mut self) {
        if self.well {
            return;
        }
        let idle: Vec<SessionId> = self.living().filter(|id| self.sessions[id].task == Task::Idle).collect();
        if let Some(id) = self.some(&idle).filter(|_| self.rng.bool()) {
            self.step(format_args!("{id} is given another task"));
            let _ = self.message(&id, "another task");
        } else if self.living().filter(|id| self.sessions[id].task != Task::Idle).count() < self.setup.sessions {
            self.begin_session();
        }
    }

    fn stranger_meddles(&mut self) {
        let living: Vec<SessionId> = self.living().collect();
        let Some(id) = self.some(&living) else { return };
        let what = self.rng.u32(..20);
        let done = match what {
            0..8 => self.resume(&id, By::Stranger),
            8..13 => self.pause(&id, By::Stranger),
            13..15 => self.cancel(&id),
            15 => self.delete(&id),
            16..19 if self.sessions[&id].task == Task::Waiting => self.message(&id, "somebody's answer"),
            _ => {
                let _ = self.resume(&id, By::Stranger);
                self.pause(&id, By::Stranger)
            }
        };
        if done.is_ok() {
            self.judge.count("foreign hands");
        }
        self.step(format_args!("a stranger meddles with {id} ({what}): {}", done.is_ok()));
    }

    pub fn living(&self) -> impl Iterator<Item = SessionId> {
        self.sessions.values().filter(|truth| !truth.gone).map(|truth| truth.id.clone())
    }

    pub fn some(&mut self, of: &[SessionId]) -> Option<SessionId> {
        if of.is_empty() { None } else { Some(of[self.rng.usize(..of.len())].clone()) }
    }

    /// How long an operator is away.
    pub fn operator_rests(&mut self) -> Duration {
        self.millis(500, 12_000)
    }
}
