//! holdpoint watches hosted AI-agent sessions over their vendor's API, pauses one the moment a policy rule fires, asks an
//! operator, and then resumes or cancels.
//!
//! A *hold point* is the inspection term for a point beyond which work may not proceed without a named person's approval.
//!
//! # The way of an event
//!
//! ```text
//! provider ──events──▶ watcher ──facts──▶ policy ──verdict──▶ gate ──effects──▶ executor ──pause/resume/cancel──▶ provider
//!                                                               ▲  │
//!                                          decisions, ticks ────┘  ├──▶ store (journal + audit, one transaction)
//!                                                                  └──▶ control ──▶ prompt
//! ```
//!
//! One direction, no event bus, no shared mutable state behind locks. [`gate`], [`policy`], [`audit`], the stream decoder and
//! the prompt's reducer are pure: time, randomness and identity come in as arguments; they name no tokio, no HTTP, no SQL and
//! no terminal.
//!
//! # Invariants
//!
//! 1. **No release without an approval.** No resume, and no message that would release a waiting agent, leaves the process
//!    unless an earlier, durable, unexpired approval exists for exactly that hold at exactly that revision: an operator's
//!    decision, or a rule whose effect says so (cooldown, instruct).
//! 2. **One outcome.** Every approval reaches exactly one outcome and never changes afterwards.
//! 3. **Pause first.** When a rule asks, the pause leaves before any disk, prompt or screenshot work, and is repeated until
//!    the provider confirms it or the session is over.
//! 4. **No blind spot.** Every event the provider emitted is evaluated, or a gap is recorded and handled as the policy says.
//! 5. **Nothing but an answer approves.** Silence, EOF, time-outs, errors, crashes, missing operators, scripts without the
//!    card's digest: none approves.
//! 6. **What happened is written down.** State changes and their audit entry commit in one transaction; entries are
//!    hash-chained.
//! 7. **What was approved is what was shown.** A decision names approval id, revision and the digest of the card; anything
//!    newer makes it stale.
//! 8. **Only our own pauses.** holdpoint never resumes a session that it did not pause itself. Where a lost answer leaves open
//!    who did, the card says so, and nothing but an operator's approval of that card resumes. A held session that somebody
//!    else resumes is paused again, loudly.
//! 9. **The pause waits for nothing.** Control calls use connections of their own; no stream, store, prompt or slow session
//!    can delay a pause. Only a release waits for the disk.
//! 10. **Untrusted text is data.** Everything from provider, page or agent reaches a terminal, log or notification through
//!     one escaping function that shows, never strips.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod api;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod control;
pub mod crash;
pub mod daemon;
pub mod error;
pub mod gate;
pub mod notify;
pub mod operator;
pub mod policy;
mod quiet;
pub mod simulator;
pub mod store;
pub mod telemetry;
pub mod traces;
