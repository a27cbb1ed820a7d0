//! Another policy in a running gate: it counts from the next event on, and what is open can only get stricter by it.

use std::sync::Arc;

use crate::policy::{Effect as RuleEffect, Verdict};

use super::card::Card;
use super::case::Case;
use super::opening::plan_of;
use super::phase::Phase;
use super::{Entry, Gate, Plan, Settings, Turn};

/// What stands on a card that the policy has made stricter.
const NOTE: &str = "the policy changed, and asks for more than before";

impl Gate {
    /// The card of the approval that has no outcome yet.
    #[must_use]
    pub fn open_card(&self) -> Option<&Card> {
        self.case.as_deref().filter(|case| case.kept.closed.is_none()).map(Case::card)
    }

    /// `verdicts` are what the new policy says about the events on the open card.
    pub(super) fn reconfigured(&mut self, turn: &mut Turn<'_>, settings: Arc<Settings>, verdicts: &[Verdict]) {
        self.settings = settings;
        if self.is_open_to_change() {
            verdicts.iter().filter(|verdict| verdict.effect > RuleEffect::Alert).for_each(|verdict| {
                self.tighten_by(turn, verdict);
            });
        }
    }

    /// Whether the open approval can still get stricter: nothing has left for it.
    fn is_open_to_change(&self) -> bool {
        let open = self.case.as_ref().is_some_and(|case| case.kept.closed.is_none());
        open && match self.phase {
            Phase::Pausing(_)
            | Phase::Settling(_)
            | Phase::Held(_)
            | Phase::Cooling(_)
            | Phase::Asking(_)
            | Phase::Checking(_)
            | Phase::Recording(_) => true,
            Phase::Watching | Phase::Delivering(_) | Phase::Cancelling(_) | Phase::Kept(_) | Phase::Over => false,
        }
    }

    fn tighten_by(&mut self, turn: &mut Turn<'_>, verdict: &Verdict) {
        // An earlier verdict may have denied it.
        let open = self.is_open_to_change();
        let settings = self.settings.clone();
        let Some(case) = self.case.as_mut().filter(|_| open) else { return };
        if !case.tighten(verdict, &settings) {
            return;
        }
        case.note(NOTE.to_owned());
        if matches!(self.phase, Phase::Recording(_)) {
            self.spoil("the policy changed while the decision was being recorded");
            if let Plan::Deny { by } = plan_of(verdict) {
                self.overrule(turn, by);
            }
            return;
        }
        self.abort_check(turn);
        self.replan(turn, verdict);
        if self.is_open_to_change() && !matches!(self.phase, Phase::Recording(_)) {
            // A restart must not fall back to a milder card.
            self.record(turn, Entry::Revised);
            self.changed(turn);
        }
    }
}

impl Case {
    /// Joins what a new policy says about events that are on the card already. Whether the card got stricter; where it
    /// did not, nothing changed.
    fn tighten(&mut self, verdict: &Verdict, settings: &Settings) -> bool {
        let before = self.kept.card.clone();
        self.join(verdict, settings);
        let card = &mut self.kept.card;
        // The events are the same: only what is asked of them is new.
        card.triggers = before.triggers;
        card.domain.clone_from(&before.domain);
        if before.amount.is_some() {
            card.amount.clone_from(&before.amount);
        }
        let stricter = *card != before;
        if !stricter {
            self.kept.card = before;
        }
        stricter
    }
}
