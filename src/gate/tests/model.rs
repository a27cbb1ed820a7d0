//! The gate against a model of everything around it: a provider with its faults, a store, a network that loses and delays,
//! operators who race, strangers, a clock that jumps, and crashes. The invariants are checked after every step.

mod checks;
mod provider;
mod stops;
mod words;
mod world;

use proptest::prelude::*;

use crate::control::SessionAct;

use world::World;

/// What can happen.
#[derive(Clone, Debug)]
pub enum Action {
    /// The agent speaks or acts, and the policy says this about it.
    Agent(Says, Rule),
    /// The agent begins a step whose report comes only when it is finished.
    Begin(Rule),
    /// The step in flight is finished and reported.
    Finish,
    /// The stream brings so many events.
    Stream(u8),
    /// A call goes one leg of its way: to the provider, or its answer back.
    Carry(u8, Fault),
    /// Somebody else's pause comes just before one of ours, or just after one that never arrived.
    CrossPause(Fault),
    /// A pause that was given up, or whose process died, takes effect after all.
    Lands,
    /// Everything on its way arrives, and what follows from it, without faults.
    Settle,
    /// The store writes what waits.
    Write,
    /// The store fails; only what nobody waits for is kept.
    WriteFails,
    /// One of the operators decides.
    Decide(Does, Card, Who),
    /// An operator does something of its own accord.
    Direct(SessionAct),
    /// An operator stops everything.
    Halt,
    /// An operator ends the stop.
    EndHalt,
    /// Another policy is taken over, which says this about the events on the open card.
    Policy(Rule),
    /// Somebody else acts at the provider.
    Stranger(Meddles),
    /// Time passes.
    Wait(Span),
    /// The wall clock is set by so many seconds.
    Jump(i32),
    /// The process dies and starts again.
    Crash,
    /// The daemon stops in good order, and starts again.
    Stop,
    /// The watcher polls, and tells the status if it is another one.
    Poll,
    /// The watcher reads the status in other words; the next time, it tells what it has read then.
    LatePoll,
    /// The watcher loses sight.
    Blind,
    /// The watcher is back.
    Sighted,
    /// Events may be missing.
    Gap,
}

/// What the agent does.
#[derive(Clone, Copy, Debug)]
pub enum Says {
    Thought,
    Step,
    Question,
    Done,
    Error,
    Log,
}

/// What the policy says.
#[derive(Clone, Copy, Debug)]
pub enum Rule {
    Nothing,
    Alerts,
    Asks,
    AsksKeeping,
    AsksRefusing,
    Cools,
    Instructs,
    Denies,
    DeniesRefusing,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    No,
    LostBefore,
    LostAfter,
    Unreachable,
    Limited,
    Refused,
    /// Of a pause: no such session, as a gateway says that starts anew.
    Missing,
    /// Of a pause: the key is not known.
    Unauthorized,
    /// Of a pause that was sent twice: "paused already", and the other answer is missing.
    Hedged,
}

/// What an operator does.
#[derive(Clone, Copy, Debug)]
pub enum Does {
    Approve,
    Deny,
    Extend,
    Instruct,
    Answer,
}

/// Who decides.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    One,
    Two,
    Three,
}

/// Which card the operator read.
#[derive(Clone, Copy, Debug)]
pub enum Card {
    Newest,
    Older,
    Forged,
}

/// What somebody else does.
#[derive(Clone, Copy, Debug)]
pub enum Meddles {
    Resumes,
    Pauses,
    Cancels,
    Deletes,
    Answers,
    /// Makes the agent go on, and nothing says so.
    Wakes,
}

/// How long.
#[derive(Clone, Copy, Debug)]
pub enum Span {
    Blink,
    Second,
    Poll,
    Minute,
    Deadline,
}

/// What differs from run to run.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    pub hides_pauses: bool,
    pub keeps_on_timeout: bool,
    pub deletes: bool,
    pub screenshots: bool,
    /// How many operators have to approve.
    pub needed: u8,
    /// Whether the third operator may not.
    pub excludes: bool,
}

fn rule() -> impl Strategy<Value = Rule> {
    prop_oneof![
        6 => Just(Rule::Nothing),
        1 => Just(Rule::Alerts),
        6 => Just(Rule::Asks),
        2 => Just(Rule::AsksKeeping),
        2 => Just(Rule::AsksRefusing),
        2 => Just(Rule::Cools),
        2 => Just(Rule::Instructs),
        1 => Just(Rule::Denies),
        1 => Just(Rule::DeniesRefusing),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        10 => Just(Fault::No),
        1 => Just(Fault::LostBefore),
        1 => Just(Fault::LostAfter),
        1 => Just(Fault::Unreachable),
        1 => Just(Fault::Limited),
        1 => Just(Fault::Refused),
        1 => Just(Fault::Missing),
        1 => Just(Fault::Unauthorized),
        1 => Just(Fault::Hedged),
    ]
}

fn action() -> impl Strategy<Value = Action> {
    let says = prop_oneof![
        5 => Just(Says::Thought), 3 => Just(Says::Step), 2 => Just(Says::Question), 1 => Just(Says::Done),
        1 => Just(Says::Error), 1 => Just(Says::Log),
    ];
    let does = prop_oneof![
        5 => Just(Does::Approve), 2 => Just(Does::Deny), 1 => Just(Does::Extend), 1 => Just(Does::Instruct),
        1 => Just(Does::Answer),
    ];
    let card = prop_oneof![8 => Just(Card::Newest), 1 => Just(Card::Older), 1 => Just(Card::Forged)];
    let who = prop_oneof![3 => Just(Who::One), 3 => Just(Who::Two), 2 => Just(Who::Three)];
    let meddles = prop_oneof![
        4 => Just(Meddles::Resumes), 2 => Just(Meddles::Pauses), 1 => Just(Meddles::Cancels),
        1 => Just(Meddles::Deletes), 2 => Just(Meddles::Answers), 1 => Just(Meddles::Wakes),
    ];
    let span = prop_oneof![
        3 => Just(Span::Blink), 4 => Just(Span::Second), 2 => Just(Span::Poll), 1 => Just(Span::Minute),
        1 => Just(Span::Deadline),
    ];
    let directs = prop_oneof![2 => Just(SessionAct::Pause), 1 => Just(SessionAct::Cancel), 2 => Just(SessionAct::Ask)];
    prop_oneof![
        8 => (says, rule()).prop_map(|(says, rule)| Action::Agent(says, rule)),
        3 => rule().prop_map(Action::Begin),
        3 => Just(Action::Finish),
        6 => (1..4_u8).prop_map(Action::Stream),
        14 => (0..6_u8, fault()).prop_map(|(which, fault)| Action::Carry(which, fault)),
        2 => fault().prop_map(Action::CrossPause),
        2 => Just(Action::Lands),
        6 => Just(Action::Settle),
        5 => Just(Action::Write),
        1 => Just(Action::WriteFails),
        8 => (does, card, who).prop_map(|(does, card, who)| Action::Decide(does, card, who)),
        3 => meddles.prop_map(Action::Stranger),
        3 => directs.prop_map(Action::Direct),
        1 => Just(Action::Halt),
        1 => Just(Action::EndHalt),
        1 => rule().prop_map(Action::Policy),
        9 => span.prop_map(Action::Wait),
        1 => (-700..700_i32).prop_map(Action::Jump),
        1 => Just(Action::Crash),
        1 => Just(Action::Stop),
        3 => Just(Action::Poll),
        1 => Just(Action::LatePoll),
        1 => Just(Action::Blind),
        1 => Just(Action::Sighted),
        1 => Just(Action::Gap),
    ]
}

/// One leg of the way of what left first.
const CARRY: Action = Action::Carry(0, Fault::No);

/// What is on its way arrives, and a hold is confirmed and its card complete.
const SEALED: [Action; 3] = [Action::Settle, Action::Wait(Span::Second), Action::Settle];

/// Some things in a row that chance would seldom bring: a session that is held, a decision that arrives, a card that changes,
/// a stop of everything while a decision is on its way to the disk.
fn story() -> impl Strategy<Value = Vec<Action>> {
    let who = || prop_oneof![Just(Who::One), Just(Who::Two), Just(Who::Three)];
    let meddler = prop_oneof![Just(Meddles::Answers), Just(Meddles::Wakes), Just(Meddles::Resumes)];
    let holds = prop_oneof![3 => Just(Rule::Asks), 1 => Just(Rule::AsksRefusing), 1 => Just(Rule::Cools)];
    prop_oneof![
        3 => holds.prop_map(|rule| {
            [Action::Agent(Says::Thought, rule)].into_iter().chain(SEALED).collect()
        }),
        3 => who().prop_map(|who| vec![Action::Decide(Does::Approve, Card::Newest, who), Action::Settle]),
        // A decision is on its way to the disk when the policy becomes another one.
        1 => (who(), rule()).prop_map(|(who, rule)| {
            let looked = [Action::Carry(0, Fault::No), Action::Carry(0, Fault::No)];
            let decides = [Action::Decide(Does::Approve, Card::Newest, who)].into_iter().chain(looked);
            decides.chain([Action::Policy(rule), Action::Settle]).collect()
        }),
        1 => Just(vec![Action::Sighted, Action::Settle, Action::Wait(Span::Second), Action::Settle]),
        1 => Just(vec![Action::Stranger(Meddles::Resumes), Action::Wait(Span::Poll), Action::Settle, Action::Wait(Span::Second), Action::Settle]),
        // Somebody resumes, the pause that looks is on its way or answered, and somebody resumes and pauses again.
        1 => (0..3_u8, fault()).prop_map(|(legs, fault)| {
            let legs = (0..legs).map(|_| CARRY);
            let resumed = [Action::Stranger(Meddles::Resumes), Action::Stream(1)].into_iter().chain(legs);
            let again = [Action::Stranger(Meddles::Resumes), Action::Stranger(Meddles::Pauses), Action::Stream(2)];
            resumed.chain(again).chain([Action::Carry(1, fault)]).chain(SEALED).collect()
        }),
        // The process dies between somebody's resume and the answer of the pause that looks.
        1 => Just([Action::Stranger(Meddles::Resumes), Action::Stranger(Meddles::Pauses), Action::Stream(2), Action::Write, Action::Crash]
            .into_iter().chain(SEALED).collect()),
        // A pause is given up, the hold it was for ends, and only then it takes effect.
        1 => (0..4_u8).prop_map(|events| {
            let given_up = [Action::Agent(Says::Thought, Rule::Asks), Action::Stream(1), Action::Carry(0, Fault::LostBefore), CARRY];
            let held = given_up.into_iter().chain([Action::Wait(Span::Second)]).chain(SEALED);
            let let_go = [Action::Decide(Does::Approve, Card::Newest, Who::One), Action::Settle];
            held.chain(let_go).chain([Action::Lands, Action::Stream(events)]).collect()
        }),
        1 => Just([Action::Agent(Says::Thought, Rule::Asks), Action::Stream(1), Action::Crash, Action::Lands, Action::Stream(1)]
            .into_iter().chain(SEALED).collect()),
        1 => (1..4_u8).prop_map(|events| {
            let meddles = [Action::Stranger(Meddles::Resumes), Action::Stranger(Meddles::Pauses)];
            meddles.into_iter().chain([Action::Stream(events), Action::Settle, Action::Wait(Span::Second), Action::Settle]).collect()
        }),
        1 => fault().prop_map(|fault| {
            vec![Action::Agent(Says::Thought, Rule::Asks), Action::Stream(3), Action::CrossPause(fault), Action::Settle]
        }),
        1 => Just(vec![Action::Agent(Says::Done, Rule::Nothing), Action::Settle, Action::Poll, Action::Wait(Span::Second), Action::Settle]),
        1 => Just(vec![Action::LatePoll, Action::Stranger(Meddles::Wakes), Action::Halt, Action::LatePoll]),
        1 => Just(vec![Action::Agent(Says::Question, Rule::Asks), Action::Settle, Action::Wait(Span::Poll), Action::Settle]),
        2 => (prop::bool::ANY, meddler).prop_map(|(asks, meddles)| {
            let question = asks.then_some([Action::Agent(Says::Question, Rule::Asks), Action::Settle]);
            let recording = [Action::Decide(Does::Approve, Card::Newest, Who::One), CARRY, CARRY];
            let stopped = [Action::Halt, Action::Stranger(meddles), Action::Settle];
            question.into_iter().flatten().chain(recording).chain(stopped).collect()
        }),
    ]
}

/// Single things, and a story here and there.
fn course() -> impl Strategy<Value = Vec<Action>> {
    let turn = prop_oneof![9 => action().prop_map(|action| vec![action]), 2 => story()];
    prop::collection::vec(turn, 1..50).prop_map(|turns| turns.concat())
}

fn setup() -> impl Strategy<Value = Setup> {
    let needed = prop_oneof![3 => Just(1), 3 => Just(2), 1 => Just(3)];
    let seldom = || prop::bool::weighted(0.25);
    (seldom(), seldom(), any::<bool>(), any::<bool>(), needed, seldom()).prop_map(
        |(hides_pauses, keeps_on_timeout, deletes, screenshots, needed, excludes)| Setup {
            hides_pauses,
            keeps_on_timeout,
            deletes,
            screenshots,
            needed,
            excludes,
        },
    )
}

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(2000)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn the_invariants_hold_after_every_step(setup in setup(), actions in course()) {
        if World::new(setup, false).run(&actions).is_err() {
            let mut told = World::new(setup, true);
            let broken = told.run(&actions).err().unwrap_or_default();
            return Err(TestCaseError::fail(told.report(&broken)));
        }
    }
}
