//! Any order of publications, presentations, disconnects and decisions, against what a release needs.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Publishes(u32),
    Drafts,
    Ends,
    Presents { client: u8, revision: u32 },
    Reconnects(u8),
    Tightens,
    Waits(u64),
    Approves { client: u8, revision: u32, nonce: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1u32..4).prop_map(Step::Publishes),
        1 => Just(Step::Drafts),
        1 => Just(Step::Ends),
        6 => (0u8..2, 1u32..4).prop_map(|(client, revision)| Step::Presents { client, revision }),
        1 => (0u8..2).prop_map(Step::Reconnects),
        1 => Just(Step::Tightens),
        5 => (0u64..1000).prop_map(Step::Waits),
        8 => (0u8..2, 1u32..4, 0u8..4).prop_map(|(client, revision, nonce)| Step::Approves { client, revision, nonce }),
    ]
}

/// What was drawn where: revision, nonce and time; the only thing that can make a release pass.
type Drawn = Option<(u32, Nonce, u64)>;

proptest! {
    #[test]
    fn nothing_is_released_that_was_not_on_that_screen_at_that_revision_long_enough(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let mut desk = Desk::new(DeskSettings::default());
        let mut clients = [desk.connected(name("ops1"), jiff::Timestamp::UNIX_EPOCH), desk.connected(name("ops2"), jiff::Timestamp::UNIX_EPOCH)];
        let (mut drawn, mut nonces): ([Drawn; 2], u64) = ([None; 2], 0);
        let (mut now, mut current, mut is_open) = (0, 0, false);
        let view = |revision| revised(&open(1, "Buying"), |card| card.revision = Revision(revision));
        for step in steps {
            match step {
                Step::Publishes(revision) => {
                    if desk.published(view(revision)).is_some() && revision != current {
                        drawn = [None; 2];
                        current = revision;
                    }
                    is_open = desk.approval(view(1).card.approval).is_some_and(|view| view.state == State::Open);
                }
                Step::Drafts => drop(desk.published(ApprovalView { state: State::Draft, ..view(0) })),
                Step::Ends => {
                    if current > 0 {
                        desk.published(ended(&view(current), Outcome::Denied, by("ops2", None), Delivery::Applied, ""));
                        is_open = false;
                    }
                }
                Step::Presents { client, revision } => {
                    nonces += 1;
                    let (id, nonce) = (view(1).card.approval, Nonce(nonces));
                    let result = desk.presented(
                        clients[usize::from(client)],
                        id,
                        Revision(revision),
                        view(revision).digest,
                        ms(now),
                        nonce,
                    );
                    prop_assert_eq!(result.is_ok(), is_open && revision == current);
                    if result.is_ok() {
                        drawn[usize::from(client)] = Some((revision, nonce, now));
                    }
                }
                Step::Reconnects(client) => {
                    let seat = &mut clients[usize::from(client)];
                    desk.disconnected(*seat);
                    *seat = desk.connected(name("ops3"), jiff::Timestamp::UNIX_EPOCH);
                    drawn[usize::from(client)] = None;
                }
                Step::Tightens => {
                    desk.policy_tightened();
                    drawn = [None; 2];
                }
                Step::Waits(by) => now += by,
                Step::Approves { client, revision, nonce } => {
                    let seat = usize::from(client);
                    let used = match nonce {
                        0 => None,
                        1 => drawn[1 - seat].map(|(_, nonce, _)| nonce),
                        _ => drawn[seat].map(|(_, nonce, _)| nonce),
                    };
                    let decision = Decision { nonce: used, ..approve(&view(revision)) };
                    let passes = desk.check(clients[seat], &decision, ms(now)) == Ok(Passed::Forward);
                    let may = is_open && drawn[seat].is_some_and(|(shown, nonce, at)| {
                        shown == current && revision == current && used == Some(nonce) && now >= at + 700
                    });
                    prop_assert_eq!(passes, may);
                    if passes {
                        drawn[seat] = None;
                    }
                }
            }
        }
    }
}
