//! Recovery: a gate goes on from what was kept. A clean start takes the same way with nothing kept.

use crate::clock::Moment;

use super::held::Poll;
use super::owning::Owning;
use super::pausing::Pausing;
use super::phase::Phase;
use super::{Case, Deliver, Effect, Gate, Kept, Mint, Plan, Subject, Turn};

impl Gate {
    /// Begins where a pause of an earlier process may hold of which nothing was kept, because it had left before anything
    /// could be written down; called before any input. Until the session is seen to act, an answer that it is paused already
    /// leaves in doubt whose the pause is.
    pub fn begin_perhaps_paused(&mut self) {
        self.perhaps_paused = true;
    }

    /// Takes up what was kept of this session before a restart; called once, before any input.
    ///
    /// An open hold is paused again (repeating is safe) and re-armed at a new revision once the provider confirms; a
    /// denial or a deadline is carried out again; a release is delivered only as far as the provider's state shows that
    /// it was not.
    pub fn recover(&mut self, now: Moment, mint: &mut dyn Mint, kept: Kept) -> Vec<Effect> {
        let mut turn = Turn { now, mint, moves: false, precedes_stop: false, out: Vec::new() };
        let closed = kept.closed.clone();
        let holding = kept.holding;
        if kept.card.subject == Subject::Hold {
            self.pause_lost(now);
        }
        let confirmed = kept.proof.is_some();
        self.case = Some(Box::new(Case::taken_up(now, kept)));
        self.take_up_deadline(&mut turn);
        match closed {
            None => self.recover_open(&mut turn),
            // Kept paused by a decision made before the pause was confirmed: a look that does not show it tells of nobody.
            Some(_) if holding && !confirmed => self.recover_pause(&mut turn),
            Some(_) if holding => {
                self.phase = Phase::Kept(Poll::start(now.mono, self.settings.hold_poll));
                self.poll(&mut turn);
            }
            Some(closed) => match closed.deliver {
                Deliver::Cancel => self.start_cancelling(&mut turn),
                Deliver::Nothing => self.case = None,
                deliver @ (Deliver::Resume | Deliver::MessageThenResume { .. } | Deliver::Message { .. }) => {
                    self.recover_delivering(&mut turn, deliver);
                }
            },
        }
        self.expire_if_due(&mut turn);
        self.finish(turn)
    }

    fn recover_open(&mut self, turn: &mut Turn<'_>) {
        let Some(case) = &mut self.case else { return };
        case.note(format!("holdpoint was restarted at {}", turn.now.wall.strftime("%H:%M:%SZ")));
        match case.card().subject {
            Subject::Question => {
                case.seal();
                self.phase = Phase::Asking(Poll::start(turn.now.mono, self.settings.hold_poll));
                if let Plan::Deny { by } = case.kept.plan.clone() {
                    return self.deny(turn, by);
                }
                self.poll(turn);
            }
            Subject::Hold => self.recover_pause(turn),
        }
        self.publish(turn);
    }

    /// The hold was written down after a pause had been sent, whose answer died with the process: one more is sent.
    fn recover_pause(&mut self, turn: &mut Turn<'_>) {
        let call = self.name_call();
        if let Some(case) = &mut self.case {
            let began = case.began;
            case.unconfirm();
            case.began = began;
            case.owning = Owning::since(call).in_doubt();
        }
        turn.out.push(Effect::Pause { call });
        self.phase = Phase::Pausing(Pausing::sent(call));
    }
}
