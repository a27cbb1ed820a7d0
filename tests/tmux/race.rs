//! Two keys at the same card in the same moment.

use holdpoint::simulator::Simulator;
use holdpoint::simulator::fault::Endpoint;
use rustix::process::Signal;
use serde_json::Value;

use crate::bench::{DEADLINE, Home, PURCHASE, Process, play, simulator};
use crate::place::{Place, me, two_users};
use crate::tmux::{Pane, Tmux};

/// The question while `y` approves.
const ARMED: &str = "approve?  y resumes";

async fn calls(sim: &Simulator, endpoint: Endpoint, session: &str) -> usize {
    let calls = sim.calls().await.expect("calls");
    calls
        .iter()
        .filter(|call| call.endpoint == Some(endpoint) && call.session.as_deref() == Some(session) && call.applied)
        .count()
}

/// The entries of the trail about an approval, by their words.
fn trail(home: &Home, code: &str) -> Vec<String> {
    let store = home.store();
    let listed =
        home.output(&["audit", "list", "--json", "--approval", code, "--store", store.to_str().expect("UTF-8")]);
    let entries: Vec<Value> = serde_json::from_str(&listed.stdout).expect("an array");
    entries.iter().map(|entry| entry["entry"].as_str().expect("text").to_owned()).collect()
}

struct Stage {
    home: Home,
    sim: Simulator,
    place: Place,
    tmux: Tmux,
    daemon: Process,
    /// The full screens of the two operators, and plain lines of the first.
    panes: [Pane; 3],
}

impl Stage {
    async fn set(home: Home, tmux: Tmux) -> Self {
        let (place, sim) = (Place::new(), simulator().await);
        home.write("config.toml", &place.configuration());
        let mut daemon = Process::start(&mut home.daemon(&sim.base_url()));
        daemon.wait("no terminal: nobody is asked here");
        let commands = [place.attach(&[]), place.attach_as_other(), place.attach(&["--plain"])];
        let panes = commands.map(|command| tmux.pane(&command.iter().map(String::as_str).collect::<Vec<_>>()));
        tmux.shows(&panes[0], "nothing waits for an answer");
        tmux.shows(&panes[1], "nothing waits for an answer");
        tmux.shows(&panes[2], "nothing waits for an answer");
        Self { home, sim, place, tmux, daemon, panes }
    }

    /// A purchase that both consoles show and would approve with a key; its session and its code.
    async fn armed(&mut self) -> (String, String) {
        let session = play(&self.sim, PURCHASE).await;
        let line = self.daemon.wait("waits for an answer");
        let code = line.split_whitespace().find(|word| word.len() == 4 && *word != "WARN").expect("a code").to_owned();
        for pane in &self.panes[..2] {
            self.tmux.shows(pane, &format!("{code}  {ARMED}"));
        }
        self.tmux.shows(&self.panes[2], &format!("{code}  approve? ["));
        (session, code)
    }

    /// The approval, once what became of it is known.
    fn delivered(&self, code: &str) -> Value {
        let deadline = std::time::Instant::now() + DEADLINE;
        loop {
            let approval = self.place.approval(&self.home, code);
            if approval["delivery"] == "applied" {
                return approval;
            }
            assert!(std::time::Instant::now() < deadline, "never delivered: {approval}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn of_two_operators_who_answer_at_once_one_decides_and_the_other_sees_who() {
    let home = Home::new();
    let Some(tmux) = Tmux::new(&home) else { return };
    let mut stage = Stage::set(home, tmux).await;
    let names = [me(), stage.place.other()];
    for keys in [["y", "y"], ["y", "n"], ["n", "y"], ["n", "n"]] {
        let (session, code) = stage.armed().await;
        let [first, second, plain] = &stage.panes;
        stage.tmux.press(&[(first, keys[0]), (second, keys[1])]);
        let approval = stage.delivered(&code);
        let (outcome, by) =
            (approval["outcome"].as_str().expect("text"), approval["decided_by"].as_str().expect("text"));
        let winner = names.iter().position(|name| name == by).expect("one of the two");
        let key = if outcome == "approved" { "y" } else { "n" };
        assert!(two_users() && keys[winner] == key || !two_users() && keys.contains(&key), "{keys:?}: {approval}");

        // The loser's screen and the one of whoever did nothing say who it was, the winner's what became of it.
        let became = if outcome == "approved" { "resumed " } else { "cancelled " };
        let who = format!("{code}  was {outcome} by {by}; {became}");
        if two_users() {
            stage.tmux.shows([first, second][1 - winner], &who);
        }
        stage.tmux.shows([first, second][winner], &format!("{code}  "));
        stage.tmux.shows([first, second][winner], became);
        stage.tmux.shows(plain, &format!("{code} was {outcome} by {by}"));

        let decided = trail(&stage.home, &code).iter().filter(|entry| *entry == "decided").count();
        assert_eq!(decided, 1, "{keys:?}");
        let acts =
            (calls(&stage.sim, Endpoint::Resume, &session).await, calls(&stage.sim, Endpoint::Cancel, &session).await);
        assert_eq!(acts, if outcome == "approved" { (1, 0) } else { (0, 1) }, "{keys:?}");
    }
    let Stage { daemon, tmux, panes, .. } = stage;
    for pane in &panes {
        tmux.press(&[(pane, "q")]);
    }
    tmux.press(&[(&panes[2], "Enter")]);
    for pane in &panes {
        tmux.shows(pane, "Pane is dead (status 0");
    }
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_operator_at_plain_lines_and_one_at_a_console_race_for_the_same_card() {
    let home = Home::new();
    let Some(tmux) = Tmux::new(&home) else { return };
    let mut stage = Stage::set(home, tmux).await;
    let names = [stage.place.other(), me()];
    for keys in [["y", "y"], ["n", "y"]] {
        let (session, code) = stage.armed().await;
        let [_, console, plain] = &stage.panes;
        stage.tmux.press(&[(plain, keys[1])]);
        stage.tmux.shows(plain, &format!("{code}  approve? [y/n/?] > {}", keys[1]));
        stage.tmux.press(&[(console, keys[0]), (plain, "Enter")]);
        let approval = stage.delivered(&code);
        let (outcome, by) =
            (approval["outcome"].as_str().expect("text"), approval["decided_by"].as_str().expect("text"));
        assert!(names.iter().any(|name| name == by), "{approval}");
        for pane in &stage.panes {
            stage.tmux.shows(pane, if outcome == "approved" { "resumed" } else { "cancelled" });
        }
        if two_users() && by == names[0] {
            stage.tmux.shows(plain, &format!("{code} was {outcome} by {by}"));
        }
        if two_users() && by == names[1] {
            stage.tmux.shows(console, &format!("{code}  was {outcome} by {by}"));
        }
        let decided = trail(&stage.home, &code).iter().filter(|entry| *entry == "decided").count();
        assert_eq!(decided, 1, "{keys:?}");
        let acts =
            (calls(&stage.sim, Endpoint::Resume, &session).await, calls(&stage.sim, Endpoint::Cancel, &session).await);
        assert_eq!(acts, if outcome == "approved" { (1, 0) } else { (0, 1) }, "{keys:?}");
    }
    assert_eq!(stage.daemon.stop(Signal::TERM).code, Some(0));
}
