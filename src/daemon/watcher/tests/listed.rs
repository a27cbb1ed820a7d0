//! What the provider's list says of a session, beside what the session itself tells.

use super::*;
use crate::daemon::listing::Entry;

/// A list that says this every two seconds, as long as it is polled.
async fn list(entry: &Entry, says: &str) {
    loop {
        entry.says(&Status(says.to_owned()), Instant::now());
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
}

/// What a watcher tells until `time` has passed, while a list says so.
async fn look_listed(watcher: &mut Watcher, entry: &Entry, says: &str, time: Duration) -> Vec<Seen> {
    tokio::select! {
        biased;
        () = list(entry, says) => unreachable!(),
        told = look(watcher, time) => told,
    }
}

/// A list of which another session has shown that it tells of tasks.
async fn proved() -> Roll {
    let roll = Roll::new();
    let (entry, mut listed) = roll.entry();
    let before = Instant::now();
    tokio::time::advance(Duration::from_millis(1)).await;
    entry.says(&Status("running".to_owned()), Instant::now());
    assert!(!listed.compare(before));
    roll
}

fn is_blind(told: &[Seen]) -> bool {
    told.iter().any(|seen| matches!(seen, Seen::Blind { .. }))
}

#[tokio::test(start_paused = true)]
async fn a_session_that_a_proved_list_shows_at_rest_is_polled_a_third_as_often_and_at_once_when_a_task_is_listed() {
    let (status, messages) = (Mutex::new("finished"), Mutex::new(vec![5]));
    let provider = Arc::new(Quiet { status, messages, ..Quiet::default() });
    let (entry, listed) = proved().await.entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    let began = Instant::now();
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(120)).await;
    assert!(!is_blind(&told), "{told:?}");
    let polls: Vec<u64> = provider.polls(began).into_iter().map(|(at, _)| at).collect();
    assert_eq!(polls, [0, 0, 20, 160, 300, 440, 620, 800, 980, 1160]);

    *provider.status.lock().unwrap() = "running";
    let began = Instant::now();
    let task = look_listed(&mut watcher, &entry, "running", Duration::from_millis(1)).await;
    assert!(matches!(task.as_slice(), [Seen::Begins, Seen::Status(_)]), "{task:?}");
    assert_eq!(began.elapsed(), Duration::from_millis(1));
}

#[tokio::test(start_paused = true)]
async fn however_long_the_intervals_are_a_session_at_rest_is_asked_itself_before_it_would_count_as_unseen() {
    let provider = Arc::new(Quiet { status: Mutex::new("finished"), ..Quiet::default() });
    for poll_interval in [1, 3, 6, 10] {
        let (entry, listed) = proved().await.entry();
        let config = WatchConfig { poll_interval: Duration::from_secs(poll_interval), ..WatchConfig::default() };
        let (began, mut watcher) = (Instant::now(), listed_watcher(&provider, config, listed));
        look_listed(&mut watcher, &entry, "ready", Duration::from_secs(120)).await;
        let polls = provider.polls(began);
        let in_time = polls.windows(2).all(|two| two[1].0 - two[0].0 <= 200);
        assert!(in_time && polls.len() >= 6, "{poll_interval} s: {polls:?}");
    }
}

/// What came behind it, before the stream broke, nobody has read.
#[tokio::test(start_paused = true)]
async fn rest_that_is_listed_counts_no_more_once_the_stream_has_brought_something_until_that_was_read_back() {
    let (status, speaks) = (Mutex::new("finished"), Some(Duration::from_secs(5)));
    let provider = Arc::new(Quiet { status, speaks, streams: true, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    look_listed(&mut watcher, &entry, "ready", Duration::from_secs(4)).await;
    provider.fail_with(Fails::Limited);
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(30)).await;
    assert!(is_blind(&told), "{told:?}");
}

/// Its steps could not be seen before it was known that there are any.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_listed_at_rest_until_it_is_first_read_has_the_whole_time_to_open_its_stream() {
    let (status, latency) = (Mutex::new("running"), Duration::from_secs(38));
    let provider = Arc::new(Quiet { status, latency, opens_never: true, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(37 + 18)).await;
    assert!(!is_blind(&told) && told.iter().any(|seen| matches!(seen, Seen::Status(_))), "{told:?}");
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(5)).await;
    assert!(is_blind(&told), "{told:?}");
}

/// What is out of sight is read before what rests.
#[tokio::test(start_paused = true)]
async fn a_read_that_waits_among_those_that_rest_waits_among_those_that_act_once_sight_is_lost() {
    let resting = Arc::new(Quiet { latency: Duration::from_secs(10_000), ..Quiet::default() });
    let acting = Arc::new(Quiet { status: Mutex::new("finished"), ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    entry.says(&Status("ready".to_owned()), Instant::now());
    let mut watcher = watcher_apart(&acting, &resting, WatchConfig::default(), listed);
    let told = look(&mut watcher, Duration::from_secs(25)).await;
    assert!(is_blind(&told) && told.contains(&Seen::Sighted), "{told:?}");
    assert!(!acting.polls.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_has_proved_nothing_puts_no_poll_off_and_one_that_falls_silent_puts_off_no_more() {
    let provider = Arc::new(Quiet { status: Mutex::new("finished"), ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut unproved = listed_watcher(&provider, WatchConfig::default(), listed);
    look_listed(&mut unproved, &entry, "ready", Duration::from_secs(60)).await;
    assert_eq!(std::mem::take(&mut *provider.polls.lock().unwrap()).len(), 14);

    let (entry, listed) = proved().await.entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    look_listed(&mut watcher, &entry, "ready", Duration::from_secs(30)).await;
    let fell_silent = Instant::now();
    provider.polls(fell_silent);
    let told = look(&mut watcher, Duration::from_secs(60)).await;
    assert!(!is_blind(&told), "{told:?}");
    let polls = provider.polls(fell_silent);
    assert!(polls.len() > 6 && polls[0].0 <= 120, "{polls:?}");
}

/// Its first read takes longer than anybody may be blind, as behind a rate limit.
#[tokio::test(start_paused = true)]
async fn a_session_that_was_never_read_is_in_sight_while_it_is_listed_at_rest_and_not_once_a_task_was() {
    let latency = Duration::from_secs(10_000);
    let provider = Arc::new(Quiet { latency, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
    assert_eq!(look_listed(&mut watcher, &entry, "ready", Duration::from_secs(100)).await, []);
    assert_eq!(look_listed(&mut watcher, &entry, "running", Duration::from_secs(7)).await, [Seen::Begins]);
    // What ran meanwhile was not read.
    let told = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(14)).await;
    assert!(is_blind(&told), "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn a_list_counts_beside_reads_that_are_refused_for_the_rate_and_not_beside_others_that_fail() {
    for (fails, blind) in [(Fails::Limited, false), (Fails::Refused, true)] {
        let provider = Arc::new(Quiet { status: Mutex::new("finished"), ..Quiet::default() });
        let (entry, listed) = Roll::new().entry();
        let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
        provider.fail_with(fails);
        let first = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(60)).await;
        assert_eq!(is_blind(&first), blind, "before it was read: {first:?}");

        let (entry, listed) = Roll::new().entry();
        let mut watcher = listed_watcher(&provider, WatchConfig::default(), listed);
        provider.polls_fail.store(false, Relaxed);
        look_listed(&mut watcher, &entry, "ready", Duration::from_secs(10)).await;
        provider.fail_with(fails);
        let later = look_listed(&mut watcher, &entry, "ready", Duration::from_secs(60)).await;
        assert_eq!(is_blind(&later), blind, "once it was: {later:?}");
    }
}

/// What waits behind others is not waited for.
#[tokio::test(start_paused = true)]
async fn what_rests_is_read_apart_and_among_what_acts_as_soon_as_a_task_is_listed() {
    let never = Duration::from_secs(10_000);
    let resting = Arc::new(Quiet { latency: never, ..Quiet::default() });
    let acting = Arc::new(Quiet { status: Mutex::new("running"), streams: true, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    entry.says(&Status("ready".to_owned()), Instant::now());
    let mut watcher = watcher_apart(&acting, &resting, WatchConfig::default(), listed);
    look_listed(&mut watcher, &entry, "ready", Duration::from_secs(1)).await;
    let count = |provider: &Quiet| std::mem::take(&mut *provider.polls.lock().unwrap()).len();
    assert_eq!((count(&resting), count(&acting)), (1, 0));
    let told = look_listed(&mut watcher, &entry, "running", Duration::from_millis(10)).await;
    assert!(told.contains(&Seen::Followed), "{told:?}");
    assert_eq!(count(&resting), 0);
    assert!(acting.opened.load(Relaxed) && count(&acting) > 0);
}

/// Its stream was to be opened among those that rest when a read shows that its task runs.
#[tokio::test(start_paused = true)]
async fn a_stream_that_waits_among_those_that_rest_is_opened_at_once_when_the_session_itself_acts() {
    let (status, opens_never) = (Mutex::new("finished"), true);
    let resting = Arc::new(Quiet { status, opens_never, ..Quiet::default() });
    let acting = Arc::new(Quiet { status: Mutex::new("running"), streams: true, ..Quiet::default() });
    let (entry, listed) = Roll::new().entry();
    let mut watcher = watcher_apart(&acting, &resting, WatchConfig::default(), listed);
    entry.says(&Status("ready".to_owned()), Instant::now());
    look(&mut watcher, Duration::from_secs(1)).await;
    *resting.status.lock().unwrap() = "running";
    look(&mut watcher, Duration::from_secs(2)).await;
    assert!(acting.opened.load(Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_says_that_nothing_runs_where_something_does_is_refuted_and_that_is_said_once() {
    let lines = Lines::default();
    let _listening = lines.listen();
    let roll = Roll::new();
    let refuted = |status: &'static str| {
        let provider = Arc::new(Quiet { status: Mutex::new(status), ..Quiet::default() });
        let (wrong, listed) = roll.entry();
        (listed_watcher(&provider, WatchConfig::default(), listed), wrong)
    };
    let (other, rests) = roll.entry();
    other.says(&Status("ready".to_owned()), Instant::now());
    // A word that nobody knows shows no task.
    let (mut unknown, wrong) = refuted("dozing");
    look_listed(&mut unknown, &wrong, "ready", Duration::from_secs(30)).await;
    assert!(rests.rested_at().is_some());
    let (mut acts, wrong) = refuted("running");
    look_listed(&mut acts, &wrong, "ready", Duration::from_secs(30)).await;
    assert!(rests.rested_at().is_none());
    let said = lines.all();
    assert_eq!(said.iter().filter(|line| line.contains("not relied on")).count(), 1, "{said:?}");
}
