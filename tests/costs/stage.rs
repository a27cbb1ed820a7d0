//! What is counted: ordinary events, policies, and one session's gate with everybody who answers it.

#![allow(dead_code, reason = "benches use their own part")]

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use holdpoint::api::{Event, MessageId, PauseAnswer, SessionId, Status, agi};
use holdpoint::clock::Moment;
use holdpoint::config::{Config, Preset};
use holdpoint::control::{Act, ApprovalView, Decision, OperatorName, SessionState, State};
use holdpoint::daemon;
use holdpoint::gate::{About, Answer, ApprovalId, Effect, Gate, Input, Mint, Observed, Page, ReplyTo, Settings};
use holdpoint::policy::{Context, Policy, SessionInfo, Verdict};
use jiff::Timestamp;
use uuid::Uuid;

use super::fleet::Fleet;

/// The longest text of an event, as the configuration has it.
pub const MAX: usize = 1 << 20;

/// Frames as the provider sends them while an agent does nothing that anybody would ask about.
pub const ORDINARY: [(&str, &str); 4] = [
    ("thought", r#"{"content":"I will compare the first three results by weight and battery life."}"#),
    (
        "step",
        r#"{"content":"Scrolling down to the reviews","url":"https://shop.example/headsets?page=2","title":"Headsets"}"#,
    ),
    ("thought", r#"{"content":"The second one has the better reviews; its delivery takes two days longer."}"#),
    (
        "step",
        r#"{"content":"Opening the page of the second result","url":"https://shop.example/headsets/71","title":"Model 71"}"#,
    ),
];

/// What an agent says that is about to buy.
pub const ANNOUNCES: (&str, &str) =
    ("thought", r#"{"content":"Clicking 'Place your order' now; the total is $129.00."}"#);

pub fn now() -> Moment {
    Moment::of(Timestamp::from_second(1_790_000_000).expect("a time"))
}

pub fn session() -> SessionInfo {
    let id = SessionId::try_from("01939d10-0000-7000-8000-000000000001").expect("an id");
    SessionInfo { id, agent: Some("agi-0".to_owned()), goal: Some("Find a headset.".to_owned()) }
}

/// The bytes of an event stream that tells so many ordinary events, from this id on.
pub fn stream(count: u64, from: u64) -> String {
    let frame = |n: u64| {
        let (name, data) = ORDINARY[usize::try_from(n).unwrap_or_default() % ORDINARY.len()];
        format!("event: {name}\ndata: {}\n\n", with_id(data, n))
    };
    (from..from + count).map(frame).collect()
}

fn with_id(data: &str, id: u64) -> String {
    format!("{},\"message_id\":{id}}}", data.trim_end_matches('}'))
}

/// The event that a frame is decoded to.
pub fn event((name, data): (&str, &str), id: u64) -> Event {
    agi::decode_event(name, &with_id(data, id), MAX)
}

/// The n-th ordinary event of a session, no two of them with the same words.
pub fn ordinary(n: u64) -> Event {
    let mut event = event(ORDINARY[usize::try_from(n).unwrap_or_default() % ORDINARY.len()], n);
    event.text = format!("{} ({n:06})", event.text);
    event
}

pub fn balanced() -> Policy {
    Preset::Balanced.policy().expect("a preset")
}

/// So many rules of all kinds, none of which fires on what is ordinary.
pub fn rules_that_never_fire(count: usize) -> Policy {
    let rule = |n: usize| {
        let when = match n % 6 {
            0 => format!("text = ['buy item {n}', 'order number {n}']"),
            1 => format!("domains = ['*.shop{n}.example']"),
            2 => format!("url = 'shop{n}.example/checkout'"),
            3 => format!("text = 'delete file {n}'\ncount = {{ over = 5, per = '1m' }}"),
            4 => "amount_over = '900 USD'".to_owned(),
            _ => format!("events = ['error']\ntext = 'send message {n}'"),
        };
        format!("[[rule]]\nname = 'rule {n}'\neffect = 'alert'\n{when}\n")
    };
    parsed(&(0..count).map(rule).collect::<String>()).policy
}

fn parsed(text: &str) -> Config {
    Config::parse("costs.toml", text).unwrap_or_else(|error| panic!("{error}")).config
}

/// A daemon that watches a fleet, with the preset and the defaults but for pictures.
pub fn daemon(fleet: Fleet) -> daemon::Config {
    let text = "[provider]\nbase_url = 'http://127.0.0.1:9'\napi_key_env = 'PATH'\n[approvals]\nscreenshots = false\n";
    let config = daemon::Config::new(parsed(text), Arc::new(fleet), "/nowhere/holdpoint.db".as_ref());
    daemon::Config { policy: balanced(), ..config }
}

/// The defaults, which all gates share.
pub fn settings() -> Arc<Settings> {
    static SETTINGS: OnceLock<Arc<Settings>> = OnceLock::new();
    SETTINGS.get_or_init(|| Arc::new(daemon(Fleet::of(0)).settings)).clone()
}

pub fn gate() -> Gate {
    let SessionInfo { id: session, agent, goal } = session();
    Gate::new(About { session, agent, goal }, settings(), MessageId::default())
}

/// Ids in a row.
#[derive(Default)]
struct Numbers(u64);

impl Mint for Numbers {
    fn approval(&mut self) -> ApprovalId {
        self.0 += 1;
        ApprovalId(Uuid::from_u64_pair(self.0 << 16 | 0x7000, 0x8000_0000_0000_0000))
    }
}

/// One session whose provider, disk and operator answer everything at once, and approve.
pub struct Course {
    pub gate: Gate,
    policy: Arc<Policy>,
    session: SessionInfo,
    context: Context,
    now: Moment,
    mint: Numbers,
    paused: bool,
    card: Option<Box<ApprovalView>>,
    events: u64,
}

impl Course {
    pub fn new(policy: Arc<Policy>) -> Self {
        let mut gate = gate();
        gate.handle(now(), &mut Numbers::default(), Input::CaughtUp);
        Self {
            gate,
            policy,
            session: session(),
            context: Context::default(),
            now: now(),
            mint: Numbers::default(),
            paused: false,
            card: None,
            events: 0,
        }
    }

    /// The next ordinary event, and what the policy says of it.
    pub fn next(&mut self) -> (Event, Verdict) {
        self.events += 1;
        self.now = self.now.after(Duration::from_secs(1));
        self.judge(ordinary(self.events))
    }

    /// The event that announces a purchase, and what the policy says of it.
    pub fn announcement(&mut self) -> (Event, Verdict) {
        self.events += 1;
        self.now = self.now.after(Duration::from_secs(1));
        self.judge(event(ANNOUNCES, self.events))
    }

    fn judge(&mut self, event: Event) -> (Event, Verdict) {
        let verdict = self.policy.evaluate(&self.session, &mut self.context, &event, self.now);
        (event, verdict)
    }

    /// One input of the gate, alone.
    pub fn see(&mut self, (event, verdict): (Event, Verdict)) -> Vec<Effect> {
        self.gate.handle(self.now, &mut self.mint, Input::Seen { event, verdict, backlog: false })
    }

    /// From an announcement to the session's going on: paused, held, approved, recorded, resumed, read back.
    pub fn approval(&mut self, announced: (Event, Verdict)) {
        let effects = self.see(announced);
        assert!(matches!(effects.first(), Some(Effect::Pause { .. })), "{effects:?}");
        self.ends(effects);
    }

    /// Carries out what is wanted, and what comes of that, until nothing is held any more.
    pub fn ends(&mut self, effects: Vec<Effect>) {
        let mut inputs: VecDeque<Input> = effects.into_iter().filter_map(|effect| self.carry_out(effect)).collect();
        for _ in 0..200 {
            let input = inputs.pop_front().or_else(|| self.decides()).unwrap_or_else(|| self.waits());
            let effects = self.gate.handle(self.now, &mut self.mint, input);
            inputs.extend(effects.into_iter().filter_map(|effect| self.carry_out(effect)));
            if inputs.is_empty() && self.gate.state() == SessionState::Watching && !self.paused {
                self.card = None;
                return;
            }
        }
        panic!("nothing comes of it: {:?}", self.gate);
    }

    fn carry_out(&mut self, effect: Effect) -> Option<Input> {
        let (call, answer) = match effect {
            Effect::Pause { call } => {
                self.paused = true;
                (call, Answer::Pause(Ok(PauseAnswer::Accepted)))
            }
            Effect::Resume { call, .. } => {
                self.paused = false;
                (call, Answer::Act(Ok(())))
            }
            Effect::Cancel { call } | Effect::Delete { call } | Effect::Message { call, .. } => {
                (call, Answer::Act(Ok(())))
            }
            Effect::Read { call, .. } => (call, Answer::Read(Ok(self.observed()))),
            Effect::Screenshot { call, .. } => (call, Answer::Screenshot(Ok(Page::default()))),
            Effect::Record { ticket, .. } => return ticket.map(|ticket| Input::Recorded { ticket, result: Ok(()) }),
            Effect::Publish(view) => {
                self.card = Some(view);
                return None;
            }
            Effect::Notice(_) | Effect::Reply { .. } | Effect::Done { .. } => return None,
        };
        Some(Input::Answered { call, answer })
    }

    fn observed(&self) -> Observed {
        let status = || Some(Status(if self.paused { "paused" } else { "running" }.to_owned()));
        Observed { lifecycle: status(), execution: status() }
    }

    /// The operator's, once the card is complete.
    fn decides(&mut self) -> Option<Input> {
        let view = self.card.as_ref().filter(|view| view.state == State::Open)?;
        let decision = Decision {
            approval: view.card.approval,
            revision: view.card.revision,
            digest: view.digest,
            nonce: None,
            typed: None,
            act: Act::approve(),
        };
        self.card = None;
        Some(Input::Decide { reply: ReplyTo(1), operator: OperatorName("ann".to_owned()), decision })
    }

    fn waits(&mut self) -> Input {
        let due = self.gate.due().expect("something is due");
        self.now = self.now.after(due.saturating_sub(self.now.mono));
        Input::Tick
    }
}
