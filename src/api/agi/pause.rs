//! The race of one pause: a hedge when the first request is slow, one immediate repetition when a request fails.
//!
//! Repeating a pause is safe; a slow pause is not. Knows nothing of HTTP: a request is a future.
//!
//! A request that lost the race may still arrive at the provider late, even after the caller has resumed the session. No
//! client can prevent that; losing requests are read to their end in the background, so that their connections stay usable.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio::time::{sleep, timeout_at};

use crate::api::{ErrorClass, PauseAnswer};

/// Sends up to three requests (the first, a hedge after `hedge_after`, one repetition of a failed one) within `budget`;
/// the first acceptance wins. A session or a key that the provider does not know ends the race at once only where no other
/// request can have paused the session.
///
/// "Paused already" to one request is settled by the answers to the others: one of them was accepted, or none can have paused
/// the session ([`PauseAnswer::AlreadyPaused`]), or an answer is missing ([`PauseAnswer::InDoubt`]). The session stands still
/// meanwhile.
pub(super) async fn hedged<F>(
    hedge_after: Duration,
    budget: Duration,
    request: impl Fn() -> F,
) -> Result<PauseAnswer, ErrorClass>
where
    F: Future<Output = Result<(), ErrorClass>> + Send + 'static,
{
    let deadline = tokio::time::Instant::now() + budget;
    let mut race = Race { possible_causes: 1, may_repeat: true, already: false, worst: None };
    let mut in_flight = FuturesUnordered::from_iter([request()]);
    let mut hedge = std::pin::pin!(sleep(hedge_after));
    let mut hedged = false;
    let run = async {
        loop {
            let step = tokio::select! {
                biased;
                Some(result) = in_flight.next() => race.settle(result),
                () = &mut hedge, if !hedged && !race.already => {
                    hedged = true;
                    race.possible_causes += 1;
                    Step::Send
                }
            };
            match step {
                Step::Done(result) => return result,
                Step::Send => in_flight.push(request()),
                Step::Wait if in_flight.is_empty() => return race.verdict(),
                Step::Wait => {}
            }
        }
    };
    let result = timeout_at(deadline, run).await;
    if !in_flight.is_empty() {
        tokio::spawn(in_flight.for_each(|_late| async {}));
    }
    result.unwrap_or_else(|_| if race.already { Ok(PauseAnswer::InDoubt) } else { Err(late(budget)) })
}

enum Step {
    Done(Result<PauseAnswer, ErrorClass>),
    Send,
    Wait,
}

struct Race {
    /// Requests that may have paused the session, or may still.
    possible_causes: usize,
    may_repeat: bool,
    /// Whether one was told that the session is paused already.
    already: bool,
    /// What to report if none succeeds: an unknown result before a definite one.
    worst: Option<ErrorClass>,
}

impl Race {
    fn settle(&mut self, result: Result<(), ErrorClass>) -> Step {
        let class = match result {
            Ok(()) => return Step::Done(Ok(PauseAnswer::Accepted)),
            Err(class) => class,
        };
        match class {
            ErrorClass::AlreadyPaused => {
                self.already = true;
                self.possible_causes -= 1;
                Step::Wait
            }
            ErrorClass::Auth { .. } | ErrorClass::NotFound { .. } if self.possible_causes == 1 => {
                Step::Done(Err(class))
            }
            ErrorClass::Unknown { .. } => {
                self.worst = Some(class);
                self.repeat()
            }
            ErrorClass::Unreachable { .. } => {
                self.had_no_effect(class);
                self.repeat()
            }
            // Whatever one request is refused for, another may have paused the session.
            ErrorClass::Auth { .. }
            | ErrorClass::NotFound { .. }
            | ErrorClass::NotPaused
            | ErrorClass::RateLimited { .. }
            | ErrorClass::Refused { .. } => {
                self.had_no_effect(class);
                Step::Wait
            }
        }
    }

    fn had_no_effect(&mut self, class: ErrorClass) {
        self.possible_causes -= 1;
        if !matches!(self.worst, Some(ErrorClass::Unknown { .. })) {
            self.worst = Some(class);
        }
    }

    fn repeat(&mut self) -> Step {
        if self.already || !std::mem::take(&mut self.may_repeat) {
            return Step::Wait;
        }
        self.possible_causes += 1;
        Step::Send
    }

    /// What all requests came to, none of which was accepted.
    fn verdict(&mut self) -> Result<PauseAnswer, ErrorClass> {
        match (self.already, self.possible_causes) {
            (true, 0) => Ok(PauseAnswer::AlreadyPaused),
            (true, _) => Ok(PauseAnswer::InDoubt),
            // Every request that ended without success left its class here.
            (false, _) => {
                Err(self.worst.take().unwrap_or_else(|| ErrorClass::Unknown { detail: "no answer".to_owned() }))
            }
        }
    }
}

fn late(budget: Duration) -> ErrorClass {
    ErrorClass::Unknown { detail: format!("no answer within {} ms", budget.as_millis()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown() -> Result<(), ErrorClass> {
        Err(ErrorClass::Unknown { detail: "reset".to_owned() })
    }

    fn unreachable() -> Result<(), ErrorClass> {
        Err(ErrorClass::Unreachable { detail: "refused".to_owned() })
    }

    /// Runs a pause whose n-th request ends as told (`None`: never), and counts the requests.
    async fn run(
        hedge_after: u64,
        answers: &[Option<Result<(), ErrorClass>>],
    ) -> (Result<PauseAnswer, ErrorClass>, usize) {
        let sent = std::cell::Cell::new(0);
        let request = || {
            let answer = answers.get(sent.get()).cloned().flatten();
            sent.set(sent.get() + 1);
            async move {
                match answer {
                    Some(answer) => answer,
                    None => std::future::pending().await,
                }
            }
        };
        let budget = Duration::from_millis(300);
        let result = hedged(Duration::from_millis(hedge_after), budget, request).await;
        (result, sent.get())
    }

    #[tokio::test]
    async fn one_request_is_enough_when_it_is_fast() {
        assert_eq!(run(200, &[Some(Ok(()))]).await, (Ok(PauseAnswer::Accepted), 1));
    }

    #[tokio::test]
    async fn a_slow_request_is_hedged() {
        assert_eq!(run(5, &[None, Some(Ok(()))]).await, (Ok(PauseAnswer::Accepted), 2));
    }

    #[tokio::test]
    async fn paused_already_is_told_only_by_a_lone_request() {
        let already = Some(Err(ErrorClass::AlreadyPaused));
        assert_eq!(run(200, std::slice::from_ref(&already)).await, (Ok(PauseAnswer::AlreadyPaused), 1));
        assert_eq!(run(200, &[Some(unreachable()), already]).await, (Ok(PauseAnswer::AlreadyPaused), 2));
    }

    /// Somebody else may have paused it: nothing is claimed that no answer says.
    #[tokio::test]
    async fn paused_already_beside_a_request_without_an_answer_is_in_doubt() {
        let already = Some(Err(ErrorClass::AlreadyPaused));
        assert_eq!(run(5, &[None, already.clone()]).await, (Ok(PauseAnswer::InDoubt), 2));
        assert_eq!(run(200, &[Some(unknown()), already.clone()]).await, (Ok(PauseAnswer::InDoubt), 2));
        assert_eq!(run(200, &[Some(unknown()), already, Some(Ok(()))]).await, (Ok(PauseAnswer::InDoubt), 2));
    }

    #[tokio::test]
    async fn a_slow_answer_settles_whose_the_pause_is() {
        let after = |wait, answer: Result<(), ErrorClass>| async move {
            sleep(Duration::from_millis(wait)).await;
            answer
        };
        for (slow, whole) in [
            (Ok(()), Ok(PauseAnswer::Accepted)),
            (Err(ErrorClass::AlreadyPaused), Ok(PauseAnswer::AlreadyPaused)),
            (unknown(), Ok(PauseAnswer::InDoubt)),
            (unreachable(), Ok(PauseAnswer::AlreadyPaused)),
        ] {
            let sent = std::cell::Cell::new(0);
            let request = || {
                sent.set(sent.get() + 1);
                if sent.get() == 1 { after(60, slow.clone()) } else { after(0, Err(ErrorClass::AlreadyPaused)) }
            };
            let result = hedged(Duration::from_millis(5), Duration::from_secs(10), request).await;
            assert_eq!((result, sent.get()), (whole, 2), "{slow:?}");
        }
    }

    #[tokio::test]
    async fn a_failed_request_is_repeated_once() {
        assert_eq!(run(200, &[Some(unknown()), Some(Ok(()))]).await, (Ok(PauseAnswer::Accepted), 2));
        assert_eq!(
            run(200, &[Some(unknown()), Some(unreachable())]).await,
            (unknown().map(|()| PauseAnswer::Accepted), 2)
        );
    }

    #[tokio::test]
    async fn a_refusal_is_final_but_waits_for_what_is_in_flight() {
        let limited = Some(Err(ErrorClass::RateLimited { retry_after: None }));
        let (result, sent) = run(200, std::slice::from_ref(&limited)).await;
        assert_eq!((result, sent), (Err(ErrorClass::RateLimited { retry_after: None }), 1));
        let (result, sent) = run(5, &[None, limited]).await;
        assert_eq!((result, sent), (Err(late(Duration::from_millis(300))), 2));
    }

    #[tokio::test]
    async fn an_unknown_key_or_session_is_final_only_where_no_other_request_can_have_paused_it() {
        let auth = || ErrorClass::Auth { status: 401, detail: "no".to_owned() };
        let missing = || ErrorClass::NotFound { detail: "gone".to_owned() };
        let still_late = || Err(late(Duration::from_millis(300)));
        for class in [auth(), missing()] {
            let says = || Some(Err(class.clone()));
            let already = || Some(Err(ErrorClass::AlreadyPaused));
            let unanswered = || unknown().map(|()| PauseAnswer::Accepted);
            assert_eq!(run(200, &[says()]).await, (Err(class.clone()), 1));
            assert_eq!(run(200, &[Some(unreachable()), says()]).await, (Err(class.clone()), 2));
            assert_eq!(run(200, &[Some(unknown()), says()]).await, (unanswered(), 2), "{class:?}");
            assert_eq!(run(5, &[None, says()]).await, (still_late(), 2), "{class:?}");
            assert_eq!(run(5, &[None, Some(unknown()), says()]).await, (still_late(), 3), "{class:?}");
            assert_eq!(run(5, &[None, already(), says()]).await, (Ok(PauseAnswer::InDoubt), 2), "{class:?}");
        }
    }

    /// What one request does at the provider, and what is heard of it.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Sent {
        Accepted,
        AcceptedAndLost,
        Already,
        LostBefore,
        Unreachable,
        Limited,
        Missing,
        Unauthorized,
    }

    impl Sent {
        const ALL: [Self; 8] = [
            Self::Accepted,
            Self::AcceptedAndLost,
            Self::Already,
            Self::LostBefore,
            Self::Unreachable,
            Self::Limited,
            Self::Missing,
            Self::Unauthorized,
        ];

        fn heard(self) -> Result<(), ErrorClass> {
            match self {
                Self::Accepted => Ok(()),
                Self::AcceptedAndLost | Self::LostBefore => unknown(),
                Self::Already => Err(ErrorClass::AlreadyPaused),
                Self::Unreachable => unreachable(),
                Self::Limited => Err(ErrorClass::RateLimited { retry_after: None }),
                Self::Missing => Err(ErrorClass::NotFound { detail: "gone".to_owned() }),
                Self::Unauthorized => Err(ErrorClass::Auth { status: 401, detail: "no".to_owned() }),
            }
        }
    }

    /// Whatever up to three requests come to, one after the other: a pause of ours is never said to have had no effect.
    #[test]
    fn no_course_of_a_race_denies_a_pause_that_took_effect() {
        let all = Sent::ALL;
        for sent in (0..all.len().pow(3)).map(|n| [all[n % 8], all[n / 8 % 8], all[n / 64]]) {
            for in_flight in 1..=sent.len() {
                // So many are sent before the first is answered; the rest only if the race asks for them.
                let mut race = Race { possible_causes: in_flight, may_repeat: true, already: false, worst: None };
                let mut open = in_flight;
                let mut answered = 0;
                let result = loop {
                    let step = race.settle(sent[answered].heard());
                    answered += 1;
                    match step {
                        Step::Done(result) => break result,
                        Step::Send if open < sent.len() => open += 1,
                        Step::Send => race.possible_causes -= 1,
                        Step::Wait => {}
                    }
                    if answered == open {
                        break race.verdict();
                    }
                };
                let took = sent[..open].iter().any(|sent| matches!(sent, Sent::Accepted | Sent::AcceptedAndLost));
                let may_be_ours = matches!(
                    result,
                    Ok(PauseAnswer::Accepted | PauseAnswer::InDoubt) | Err(ErrorClass::Unknown { .. })
                );
                assert!(!took || may_be_ours, "{sent:?}, {open} of them sent: {result:?}");
                let accepted = result == Ok(PauseAnswer::Accepted);
                assert!(!accepted || sent[..answered].contains(&Sent::Accepted), "{sent:?}: {result:?}");
            }
        }
    }

    #[tokio::test]
    async fn no_answer_at_all_is_unknown_within_the_budget() {
        assert_eq!(run(5, &[]).await, (Err(late(Duration::from_millis(300))), 2));
    }
}
