//! Labels: closed sets of words, so that there are never more series than these.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use crate::api::ErrorClass;
use crate::api::paced::bucket::Lane;
use crate::control::SessionState;
use crate::gate::{Delivery, Outcome};
use crate::notify::message::Kind;
use crate::policy::{Effect, Risk};

/// The labels of one series.
pub(super) type Labels = Vec<(&'static str, &'static str)>;

/// A value of a label, or of several together.
pub trait Label: Copy + PartialEq + 'static {
    /// All values.
    fn all() -> Vec<Self>;

    /// The names and words of this one.
    fn words(self) -> Vec<(&'static str, &'static str)>;
}

/// A metric for each value of a label: all of them are there from the beginning, and finding one takes no lock.
#[derive(Clone, Debug)]
pub(super) struct Each<L, M> {
    all: Vec<(L, M)>,
}

impl<L: Label, M: Clone + Default + 'static> Each<L, M> {
    /// Makes all series of `family`.
    pub(super) fn of(family: &Family<Labels, M>) -> Self {
        Self { all: L::all().into_iter().map(|label| (label, family.get_or_create_owned(&label.words()))).collect() }
    }

    pub(super) fn get(&self, label: L) -> Option<&M> {
        self.all.iter().find(|(known, _)| *known == label).map(|(_, metric)| metric)
    }
}

/// Registers a counter for each value of a label. The crate puts `_total` behind the name.
pub(super) fn counters<L: Label>(registry: &mut Registry, name: &str, help: &str) -> Each<L, Counter> {
    let family = Family::<Labels, Counter>::default();
    registry.register(name, help, family.clone());
    Each::of(&family)
}

/// How somebody is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Path {
    /// By a program.
    Exec,
    /// By a webhook.
    Webhook,
}

/// What became of a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It arrived.
    Delivered,
    /// It was given up.
    Failed,
    /// It found no room and was not sent.
    Overflow,
}

/// What is asked of the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Endpoint {
    List,
    Session,
    Status,
    Messages,
    Stream,
    Pause,
    Resume,
    Cancel,
    Delete,
    Message,
    Screenshot,
}

/// How the provider answered: [`ErrorClass`] without its details.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Class {
    Ok,
    Auth,
    NotFound,
    AlreadyPaused,
    NotPaused,
    RateLimited,
    Refused,
    Unknown,
    Unreachable,
}

impl Class {
    /// The class of an error.
    #[must_use]
    pub fn of(class: &ErrorClass) -> Self {
        match class {
            ErrorClass::Auth { .. } => Self::Auth,
            ErrorClass::NotFound { .. } => Self::NotFound,
            ErrorClass::AlreadyPaused => Self::AlreadyPaused,
            ErrorClass::NotPaused => Self::NotPaused,
            ErrorClass::RateLimited { .. } => Self::RateLimited,
            ErrorClass::Refused { .. } => Self::Refused,
            ErrorClass::Unknown { .. } => Self::Unknown,
            ErrorClass::Unreachable { .. } => Self::Unreachable,
        }
    }
}

/// A queue inside the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// What the desk is told.
    Desk,
    /// What the writer shall write.
    Writer,
    /// Decisions on their way to the supervisor.
    Decisions,
}

impl Label for (Path, Kind, Sent) {
    fn all() -> Vec<Self> {
        let kinds = [Kind::Opened, Kind::Escalated, Kind::Resolved, Kind::Grouped];
        let sent = [Sent::Delivered, Sent::Failed, Sent::Overflow];
        let of = |path| kinds.into_iter().flat_map(move |kind| sent.map(|sent| (path, kind, sent)));
        [Path::Exec, Path::Webhook].into_iter().flat_map(of).collect()
    }

    fn words(self) -> Vec<(&'static str, &'static str)> {
        let path = match self.0 {
            Path::Exec => "exec",
            Path::Webhook => "webhook",
        };
        let sent = match self.2 {
            Sent::Delivered => "delivered",
            Sent::Failed => "failed",
            Sent::Overflow => "overflow",
        };
        vec![("way", path), ("kind", self.1.name()), ("result", sent)]
    }
}

impl Label for (Endpoint, Class) {
    fn all() -> Vec<Self> {
        let classes = [
            Class::Ok,
            Class::Auth,
            Class::NotFound,
            Class::AlreadyPaused,
            Class::NotPaused,
            Class::RateLimited,
            Class::Refused,
            Class::Unknown,
            Class::Unreachable,
        ];
        let endpoints = [
            Endpoint::List,
            Endpoint::Session,
            Endpoint::Status,
            Endpoint::Messages,
            Endpoint::Stream,
            Endpoint::Pause,
            Endpoint::Resume,
            Endpoint::Cancel,
            Endpoint::Delete,
            Endpoint::Message,
            Endpoint::Screenshot,
        ];
        endpoints.into_iter().flat_map(|endpoint| classes.map(|class| (endpoint, class))).collect()
    }

    fn words(self) -> Vec<(&'static str, &'static str)> {
        let endpoint = match self.0 {
            Endpoint::List => "list",
            Endpoint::Session => "session",
            Endpoint::Status => "status",
            Endpoint::Messages => "messages",
            Endpoint::Stream => "stream",
            Endpoint::Pause => "pause",
            Endpoint::Resume => "resume",
            Endpoint::Cancel => "cancel",
            Endpoint::Delete => "delete",
            Endpoint::Message => "message",
            Endpoint::Screenshot => "screenshot",
        };
        let class = match self.1 {
            Class::Ok => "ok",
            Class::Auth => "auth",
            Class::NotFound => "not_found",
            Class::AlreadyPaused => "already_paused",
            Class::NotPaused => "not_paused",
            Class::RateLimited => "rate_limited",
            Class::Refused => "refused",
            Class::Unknown => "unknown",
            Class::Unreachable => "unreachable",
        };
        vec![("endpoint", endpoint), ("class", class)]
    }
}

impl Label for Queue {
    fn all() -> Vec<Self> {
        vec![Self::Desk, Self::Writer, Self::Decisions]
    }

    fn words(self) -> Vec<(&'static str, &'static str)> {
        let name = match self {
            Self::Desk => "desk",
            Self::Writer => "writer",
            Self::Decisions => "decisions",
        };
        vec![("queue", name)]
    }
}

impl Label for Lane {
    fn all() -> Vec<Self> {
        Self::ALL.to_vec()
    }

    fn words(self) -> Vec<(&'static str, &'static str)> {
        let name = match self {
            Self::Watch => "watch",
            Self::List => "list",
            Self::Rest => "rest",
        };
        vec![("lane", name)]
    }
}

impl Label for (Effect, Risk) {
    fn all() -> Vec<Self> {
        let effects = [Effect::Allow, Effect::Alert, Effect::Instruct, Effect::Cooldown, Effect::Ask, Effect::Deny];
        let risks = [Risk::Low, Risk::Medium, Risk::High];
        effects.into_iter().flat_map(|effect| risks.map(|risk| (effect, risk))).collect()
    }

    fn words(self) -> Vec<(&'static str, &'static str)> {
        let effect = match self.0 {
            Effect::Allow => "allow",
            Effect::Alert => "alert",
            Effect::Instruct => "instruct",
            Effect::Cooldown => "cooldown",
            Effect::Ask => "ask",
            Effect::Deny => "deny",
        };
        let risk = match self.1 {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        };
        vec![("effect", effect), ("risk", risk)]
    }
}

impl Label for Outcome {
    fn all() -> Vec<Self> {
        vec![Self::Approved, Self::Denied, Self::Expired, Self::Withdrawn]
    }

    fn words(self) -> Vec<(&'static str, &'static str)> {
        vec![("outcome", self.name())]
    }
}

impl Label for Delivery {
    fn all() -> Vec<Self> {
        vec![Self::Applied, Self::Failed, Self::Unknown]
    }

    fn words(self) -> Vec<(&'static str, &'static str)> {
        vec![("result", self.name())]
    }
}

impl Label for SessionState {
    fn all() -> Vec<Self> {
        vec![
            Self::Watching,
            Self::Idle,
            Self::Waiting,
            Self::Pausing,
            Self::Held,
            Self::Asking,
            Self::Cooling,
            Self::Releasing,
            Self::Cancelling,
            Self::Kept,
            Self::Over,
        ]
    }

    fn words(self) -> Vec<(&'static str, &'static str)> {
        let word = match self {
            Self::Kept => "kept",
            Self::Watching
            | Self::Idle
            | Self::Waiting
            | Self::Pausing
            | Self::Held
            | Self::Asking
            | Self::Cooling
            | Self::Releasing
            | Self::Cancelling
            | Self::Over => self.name(),
        };
        vec![("state", word)]
    }
}
