//! The clock of proof: when sight was last proven, and when its loss has to be told.
//!
//! Pure: times come in on one clock of the caller.

use std::borrow::Cow;
use std::time::Duration;

/// Whether the session can be seen.
#[derive(Clone, Debug)]
pub struct Sight {
    blind_after: Duration,
    proven: Duration,
    blind: bool,
    why: Cow<'static, str>,
}

impl Sight {
    /// Sight counts as proven at `now`; it is lost after `blind_after` without proof.
    #[must_use]
    pub fn new(now: Duration, blind_after: Duration) -> Self {
        Self { blind_after, proven: now, blind: false, why: "no answer yet".into() }
    }

    /// Notes a proof of sight. Blindness stays until [`restore`](Sight::restore): what was missed has to be read back first.
    pub fn prove(&mut self, now: Duration) {
        self.proven = self.proven.max(now);
    }

    /// Notes a failure, to be told as the reason.
    pub fn fail(&mut self, why: String) {
        self.why = why.into();
    }

    /// When sight will be lost; none while it is lost.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        (!self.blind).then_some(self.proven.saturating_add(self.blind_after))
    }

    /// Loses sight if its time has come: for how long there was no proof, and the last failure.
    pub fn lose(&mut self, now: Duration) -> Option<(Duration, String)> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        self.blind = true;
        Some((now.saturating_sub(self.proven), self.why.clone().into_owned()))
    }

    /// Whether the last proof is recent enough to see by.
    #[must_use]
    pub fn has_proof(&self, now: Duration) -> bool {
        now < self.proven.saturating_add(self.blind_after)
    }

    /// Whether sight is lost.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        self.blind
    }

    /// What was missed has been read back, or told as a gap; says whether sight had been lost.
    pub fn restore(&mut self) -> bool {
        std::mem::take(&mut self.blind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn sight_is_lost_once_after_the_last_proof() {
        let mut sight = Sight::new(at(0), at(20));
        sight.prove(at(10));
        sight.fail("reset".to_owned());
        assert_eq!(sight.lose(at(29)), None);
        assert_eq!(sight.lose(at(31)), Some((at(21), "reset".to_owned())));
        assert_eq!(sight.lose(at(99)), None);
        assert_eq!(sight.deadline(), None);
    }

    #[test]
    fn a_proof_alone_does_not_restore_what_was_lost() {
        let mut sight = Sight::new(at(0), at(20));
        sight.lose(at(20));
        sight.prove(at(30));
        assert!(sight.is_blind());
        assert!(sight.restore());
        assert!(!sight.restore());
        assert_eq!(sight.deadline(), Some(at(50)));
    }
}
