//! Which event stream a request belongs to: tokens given out with `hello`, that die with their stream.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::control::service::Requests;

/// The streams that are open, by token.
#[derive(Clone, Debug, Default)]
pub(super) struct Seats {
    open: Arc<Mutex<BTreeMap<String, Taken>>>,
}

#[derive(Debug)]
struct Taken {
    uid: u32,
    requests: Requests,
}

/// A seat that is taken as long as this lives.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) token: String,
    seats: Seats,
}

impl Seats {
    /// Takes a seat for a user; `None` when the system has no randomness to give.
    pub(super) fn take(&self, uid: u32, requests: Requests) -> Option<Seat> {
        let token = token()?;
        self.open().insert(token.clone(), Taken { uid, requests });
        Some(Seat { token, seats: self.clone() })
    }

    /// The requests of the stream with this token, for the user whose stream it is and nobody else.
    pub(super) fn requests(&self, token: &str, uid: u32) -> Option<Requests> {
        self.open().get(token).filter(|taken| taken.uid == uid).map(|taken| taken.requests.clone())
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<String, Taken>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.seats.open().remove(&self.token);
    }
}

/// 128 random bits. They are a secret between two processes of one machine (whoever has them decides on what that stream
/// was shown), so they come from the system's generator, through the TLS library that asks it; a fast one could be guessed
/// from earlier tokens, and most of an id's bits (uuid v7) are a clock.
fn token() -> Option<String> {
    let mut bytes = [0; 16];
    rustls::crypto::ring::default_provider().secure_random.fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_128_bits_and_never_the_same() {
        let tokens: std::collections::BTreeSet<String> = (0..100).filter_map(|_| token()).collect();
        assert_eq!(tokens.len(), 100);
        assert!(tokens.iter().all(|token| token.len() == 32));
    }
}
