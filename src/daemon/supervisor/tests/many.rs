//! A start that finds thousands of sessions.

use std::sync::Mutex;

use super::*;
use crate::control::fixtures::open;
use crate::control::{EndedBy, Halt, Sight, Snapshot};
use crate::gate::{Bound, Card, Closed, Deliver, Delivery, Outcome, Plan, Proof, Votes};

const SESSIONS: usize = 3_000;

/// Reads and streams are answered after a moment; who begins is written down.
#[derive(Default)]
struct Slow {
    /// Reads are never answered.
    silent: bool,
    began: Mutex<Began>,
}

#[derive(Default)]
struct Began {
    /// Whose messages were asked for, in that order.
    order: Vec<SessionId>,
    /// Whose stream is not open yet.
    under_way: BTreeSet<SessionId>,
    most: usize,
    streams: usize,
    pauses: BTreeSet<SessionId>,
}

impl Slow {
    fn began(&self) -> std::sync::MutexGuard<'_, Began> {
        self.began.lock().expect("whole")
    }
}

fn acts(number: usize) -> bool {
    number % 10 == 9
}

fn id(number: usize) -> SessionId {
    SessionId::try_from(format!("s-{number:04}")).expect("an id")
}

fn list(sessions: Vec<Session>) -> List {
    List { asked: Instant::now(), sessions }
}

fn listed(number: usize) -> Session {
    let status = Status(if acts(number) { "running" } else { "ready" }.to_owned());
    Session { id: id(number), agent: None, status, goal: None, created_at: None }
}

#[async_trait]
impl Provider for Slow {
    fn capabilities(&self) -> Capabilities {
        Capabilities { soft_pause: true, hard_interrupt: false, native_approval: false }
    }

    async fn list(&self) -> Result<Vec<Session>, ApiError> {
        std::future::pending().await
    }

    async fn session(&self, _id: &SessionId) -> Result<Session, ApiError> {
        std::future::pending().await
    }

    async fn status(&self, _id: &SessionId) -> Result<Status, ApiError> {
        std::future::pending().await
    }

    async fn messages(&self, id: &SessionId, _after: MessageId) -> Result<Messages, ApiError> {
        {
            let mut began = self.began();
            if !began.order.contains(id) {
                began.order.push(id.clone());
                began.under_way.insert(id.clone());
                began.most = began.most.max(began.under_way.len());
            }
        }
        if self.silent {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(Messages { events: Vec::new(), status: Status("running".to_owned()) })
    }

    async fn events(&self, id: &SessionId) -> Result<EventStream, ApiError> {
        if self.silent {
            return std::future::pending().await;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
        let mut began = self.began();
        began.under_way.remove(id);
        began.streams += 1;
        Ok(Box::pin(futures_util::stream::pending()))
    }

    async fn pause(&self, id: &SessionId) -> Result<PauseAnswer, ApiError> {
        self.began().pauses.insert(id.clone());
        Ok(PauseAnswer::Accepted)
    }

    async fn resume(&self, _id: &SessionId) -> Result<(), ApiError> {
        std::future::pending().await
    }

    async fn cancel(&self, _id: &SessionId) -> Result<(), ApiError> {
        std::future::pending().await
    }

    async fn delete(&self, _id: &SessionId) -> Result<(), ApiError> {
        std::future::pending().await
    }

    async fn message(&self, _id: &SessionId, _text: &str) -> Result<(), ApiError> {
        std::future::pending().await
    }

    async fn screenshot(&self, _id: &SessionId) -> Result<Screenshot, ApiError> {
        std::future::pending().await
    }
}

async fn until(desk: &DeskService, fits: impl Fn(&Snapshot) -> bool) {
    loop {
        let snapshot = desk.snapshot().await.expect("a desk");
        if fits(&snapshot) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn thousands_begin_a_few_at_a_time_those_that_act_first_and_it_is_told_who_waits() {
    let provider = Arc::new(Slow::default());
    let world = world(provider.clone(), Vec::new()).await;
    // Not before the store is open: its own waits are for a disk.
    tokio::time::pause();
    let (desk, stop) = (world.supervision.desk.clone(), CancellationToken::new());
    let supervisor = Supervisor::new(world.supervision, BTreeMap::new(), Vec::new(), stop.clone());
    let supervisor = tokio::spawn(supervisor.run(Vec::new(), world.inlets));

    world.list.send(list((0..SESSIONS).map(listed).collect())).await.expect("a supervisor");
    until(&desk, |snapshot| snapshot.sessions.len() == SESSIONS).await;
    feel(&world.beat).await;
    let waits = |snapshot: &Snapshot| snapshot.unfollowed();
    assert!(waits(&desk.snapshot().await.expect("a desk")) > 0, "it is told who waits");
    until(&desk, |snapshot| waits(snapshot) == 0).await;
    let seen = |snapshot: &Snapshot| snapshot.sessions.iter().all(|session| session.sight == Sight::Seen);
    assert!(seen(&desk.snapshot().await.expect("a desk")), "nobody waited for so long as to be blind");
    {
        let began = provider.began();
        assert_eq!((began.order.len(), began.streams), (SESSIONS, SESSIONS));
        assert!((32..=256).contains(&began.most), "{} at a time", began.most);
        let first: BTreeSet<SessionId> = began.order[..SESSIONS / 10].iter().cloned().collect();
        assert_eq!(first, (0..SESSIONS).filter(|number| acts(*number)).map(id).collect(), "those that act");
        assert_eq!(began.pauses, BTreeSet::new());
    }
    stop.cancel();
    supervisor.await.expect("no panic");
}

#[tokio::test]
async fn a_stop_of_everything_pauses_who_waits_for_a_turn() {
    let provider = Arc::new(Slow::default());
    let world = world(provider.clone(), Vec::new()).await;
    // Not before the store is open: its own waits are for a disk.
    tokio::time::pause();
    let (desk, stop) = (world.supervision.desk.clone(), CancellationToken::new());
    let supervisor = Supervisor::new(world.supervision, BTreeMap::new(), Vec::new(), stop.clone());
    let supervisor = tokio::spawn(supervisor.run(Vec::new(), world.inlets));

    let all: Vec<Session> = (0..SESSIONS).filter(|number| acts(*number)).map(listed).collect();
    let ids: BTreeSet<SessionId> = all.iter().map(|session| session.id.clone()).collect();
    world.list.send(list(all)).await.expect("a supervisor");
    until(&desk, |snapshot| snapshot.sessions.len() == ids.len()).await;
    assert!(provider.began().order.len() < ids.len(), "some wait for their turn");
    let (reply, _answer) = oneshot::channel();
    let halt = Directed::Halt { operator: OperatorName("ops1".to_owned()), reason: None, reply };
    world.orders.send(halt).await.expect("a supervisor");
    while provider.began().pauses.len() < ids.len() {
        tokio::task::yield_now().await;
    }
    assert!(provider.began().order.len() < ids.len(), "no pause waited for a turn");
    stop.cancel();
    supervisor.await.expect("no panic");
}

/// As behind a rate limit, where each waits for its turn.
#[tokio::test]
async fn who_cannot_be_read_is_paused_as_unseen_unless_the_list_shows_it_at_rest_and_until_a_task_begins() {
    let provider = Arc::new(Slow { silent: true, ..Slow::default() });
    let world = world(provider.clone(), Vec::new()).await;
    // Not before the store is open: its own waits are for a disk.
    tokio::time::pause();
    let stop = CancellationToken::new();
    let supervisor = Supervisor::new(world.supervision, BTreeMap::new(), Vec::new(), stop.clone());
    let supervisor = tokio::spawn(supervisor.run(Vec::new(), world.inlets));

    let (rests, runs) = (listed(0), listed(9));
    for _ in 0..50 {
        world.list.send(list(vec![rests.clone(), runs.clone()])).await.expect("a supervisor");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(provider.began().pauses, BTreeSet::from([runs.id.clone()]));
    let begins = Session { status: runs.status.clone(), ..rests };
    while provider.began().pauses.len() < 2 {
        world.list.send(list(vec![begins.clone(), runs.clone()])).await.expect("a supervisor");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    stop.cancel();
    supervisor.await.expect("no panic");
}

#[tokio::test]
async fn a_start_while_everything_is_stopped_pauses_what_acts_and_nothing_that_the_list_shows_at_rest_until_it_begins()
{
    let provider = Arc::new(Slow { silent: true, ..Slow::default() });
    let mut world = world(provider.clone(), Vec::new()).await;
    // Not before the store is open: its own waits are for a disk.
    tokio::time::pause();
    let by = OperatorName("ops1".to_owned());
    world.supervision.standing.halt = Some(Halt { by, at: jiff::Timestamp::UNIX_EPOCH, reason: None });
    // Whether the configuration names it is nothing to that.
    world.supervision.watch.sessions = vec![id(1), id(9)];
    let stop = CancellationToken::new();
    let supervisor = Supervisor::new(world.supervision, BTreeMap::new(), Vec::new(), stop.clone());
    let supervisor = tokio::spawn(supervisor.run(Vec::new(), world.inlets));

    let all: Vec<Session> = (0..100).map(listed).collect();
    let acting: BTreeSet<SessionId> = (0..100).filter(|number| acts(*number)).map(id).collect();
    for _ in 0..20 {
        world.list.send(list(all.clone())).await.expect("a supervisor");
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    assert_eq!(provider.began().pauses, acting);
    let mut all = all;
    all[0].status = Status("running".to_owned());
    world.list.send(list(all)).await.expect("a supervisor");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(provider.began().pauses.contains(&id(0)), "with that list, though it cannot be read");
    assert_eq!(provider.began().pauses.len(), acting.len() + 1);
    stop.cancel();
    supervisor.await.expect("no panic");
}

/// An approval of this session that ended under a stop, and arrived.
fn ended_under(halt: &Halt, session: &SessionId, number: u8, outcome: Outcome) -> Kept {
    let card = Card { session: session.clone(), ..open(number, "Buying").card };
    let closed = Closed {
        outcome,
        revision: card.revision,
        by: EndedBy::Operator { name: OperatorName("ops1".to_owned()), note: None },
        at: halt.at,
        under: Some(halt.at),
        deliver: if outcome == Outcome::Approved { Deliver::Resume } else { Deliver::Cancel },
        delivery: Delivery::Applied,
        detail: "done".to_owned(),
    };
    Kept {
        card,
        plan: Plan::Ask,
        deadline: halt.at,
        timeout: Duration::from_secs(600),
        extensions: 0,
        extended_by: None,
        bound: Bound::default(),
        votes: Votes::default(),
        owned: Some(true),
        proof: Some(Proof::Status),
        seen_up_to: MessageId(1),
        closed: Some(closed),
        holding: false,
        frozen: None,
    }
}

#[tokio::test]
async fn a_start_under_a_stop_leaves_alone_what_was_let_go_despite_it_and_another_stop_does_not() {
    let provider = Arc::new(Slow::default());
    let mut world = world(provider.clone(), Vec::new()).await;
    // Not before the store is open: its own waits are for a disk.
    tokio::time::pause();
    let halt =
        Halt { by: OperatorName("ops1".to_owned()), at: "2026-11-23T13:00:00Z".parse().expect("a time"), reason: None };
    world.supervision.standing.halt = Some(halt.clone());
    let (goes, again, other) = (id(9), id(19), id(29));
    let done = vec![
        // Named in the other order than they ended in: the clock was set back between them.
        ended_under(&halt, &again, 1, Outcome::Denied),
        ended_under(&halt, &again, 2, Outcome::Approved),
        ended_under(&halt, &goes, 3, Outcome::Approved),
    ];
    let (desk, stop) = (world.supervision.desk.clone(), CancellationToken::new());
    let supervisor = Supervisor::new(world.supervision, BTreeMap::new(), done, stop.clone());
    let supervisor = tokio::spawn(supervisor.run(Vec::new(), world.inlets));

    world.list.send(list(vec![listed(9), listed(19), listed(29)])).await.expect("a supervisor");
    let seen = |snapshot: &Snapshot| snapshot.sessions.iter().filter(|view| view.sight == Sight::Seen).count() == 3;
    until(&desk, seen).await;
    let paused = BTreeSet::from([again, other]);
    while provider.began().pauses.len() < 2 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(provider.began().pauses, paused, "and not the one that was let go");
    // From here on it is waited for a disk.
    tokio::time::resume();
    let operator = || OperatorName("ops1".to_owned());
    let (reply, ended) = oneshot::channel();
    world.orders.send(Directed::EndHalt { operator: operator(), reply }).await.expect("a supervisor");
    ended.await.expect("an answer").expect("ended");
    let (reply, _answer) = oneshot::channel();
    world.orders.send(Directed::Halt { operator: operator(), reason: None, reply }).await.expect("a supervisor");
    while !provider.began().pauses.contains(&goes) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Calls that are never answered are waited for.
    tokio::time::pause();
    stop.cancel();
    supervisor.await.expect("no panic");
}
