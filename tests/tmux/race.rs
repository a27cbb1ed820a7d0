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

/// What the shell of a pane prints before the exit code of its `attach`.
const ENDED: &str = "ended:";

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
    // Ended in this order: a server is reached by its socket, which goes with the home.
    tmux: Tmux,
    daemon: Process,
    home: Home,
    sim: Simulator,
    place: Place,
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
        // How one ended is told by a shell: tmux itself may miss the end of a process, which then stays a zombie.
        let panes = commands.map(|command| {
            tmux.pane(&["/bin/sh", "-c", &format!("{}; echo {ENDED}$?; exec sleep 600", command.join(" "))])
        });
        tmux.shows(&panes[0], "nothing waits for an answer");
        tmux.shows(&panes[1], "nothing waits for an answer");
        tmux.shows(&panes[2], "nothing waits for an answer");
        Self { home, sim, place, tmux, daemon, panes }
    }

    /// A purchase that both consoles show and would approve with a key; its session and its code.
    async fn armed(&mut self) -> (String, String) {
        let session = play(&self.sim, PURCHASE).await;
        // What could not be delivered is asked about once more; that line is not this one.
        let line = loop {
            let line = self.daemon.wait("waits for an answer");
            if line.contains(&session) {
                break line;
            }
        };
        let code = line.split_whitespace().find(|word| word.len() == 4 && *word != "WARN").expect("a code").to_owned();
        for pane in &self.panes[..2] {
            self.tmux.shows(pane, &format!("{code}  {ARMED}"));
        }
        self.tmux.shows(&self.panes[2], &format!("{code}  approve? ["));
        (session, code)
    }

    /// How it ended, once that is known, and that what the agent may do is what it says: it went on once, or its task was
    /// ended once, and one decision is in the trail.
    async fn end(&self, session: &str, code: &str) -> End {
        let deadline = std::time::Instant::now() + DEADLINE;
        let approval = loop {
            let approval = self.place.approval(&self.home, code);
            if approval["delivery"] == "applied" || approval["delivery"] == "failed" {
                break approval;
            }
            assert!(std::time::Instant::now() < deadline, "never delivered: {approval}");
        };
        let text = |name: &str| approval[name].as_str().expect("text").to_owned();
        let end = End { outcome: text("outcome"), by: text("decided_by"), overtaken: approval["delivery"] == "failed" };
        let released = end.outcome == "approved" && !end.overtaken;
        if end.overtaken {
            // An approval that was durable already, and a denial before it was carried out: the task ends all the same.
            let detail = text("detail");
            assert!(end.outcome == "approved" && detail.contains("before it was delivered"), "{approval}");
        }
        let acts = async || {
            let of = async |endpoint| calls(&self.sim, endpoint, session).await;
            (of(Endpoint::Resume).await, of(Endpoint::Cancel).await)
        };
        // A cancellation may be repeated; a resume never is.
        let met = |(resumed, cancelled): (usize, usize)| {
            if released { (resumed, cancelled) == (1, 0) } else { resumed == 0 && cancelled > 0 }
        };
        while !met(acts().await) {
            assert!(std::time::Instant::now() < deadline, "{:?}: {approval}", acts().await);
        }
        // A denial does not wait for the disk, and so is not in the trail at once.
        let decided = || trail(&self.home, code).iter().filter(|entry| *entry == "decided").count();
        while decided() == 0 {
            assert!(std::time::Instant::now() < deadline, "not written down: {approval}");
        }
        assert_eq!(decided(), 1, "{approval}");
        end
    }
}

/// How an approval ended.
struct End {
    outcome: String,
    by: String,
    /// Whether a denial came between an approval and its delivery.
    overtaken: bool,
}

impl End {
    /// What is shown of it at the provider.
    fn became(&self) -> &'static str {
        match (self.overtaken, self.outcome.as_str()) {
            (true, _) => "before it was delivered",
            (false, "approved") => "resumed ",
            (false, _) => "cancelled ",
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
        let end = stage.end(&session, &code).await;
        let winner = names.iter().position(|name| *name == end.by).expect("one of the two");
        let key = if end.outcome == "approved" { "y" } else { "n" };
        assert!(keys.contains(&key), "{keys:?}: {}", end.outcome);
        assert!(!two_users() || keys[winner] == key, "{keys:?}: {} by {}", end.outcome, end.by);

        // The loser's screen and the one of whoever did nothing say who it was, the winner's what became of it.
        let who = format!("{} by {}", end.outcome, end.by);
        if two_users() {
            stage.tmux.shows_line([first, second][1 - winner], &[&code, &who]);
        }
        stage.tmux.shows_line([first, second][winner], &[&code, end.became()]);
        stage.tmux.shows_line(plain, &[&code, &format!("{} by {}", end.outcome, end.by)]);
    }
    let Stage { daemon, tmux, panes, .. } = stage;
    for pane in &panes[..2] {
        tmux.press(&[(pane, "q")]);
    }
    tmux.types(&panes[2], "q", "q");
    tmux.press(&[(&panes[2], "Enter")]);
    for pane in &panes {
        tmux.shows(pane, &format!("{ENDED}0"));
    }
    assert_eq!(daemon.stop(Signal::TERM).code, Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_operator_at_plain_lines_and_one_at_a_console_race_for_the_same_card() {
    let home = Home::new();
    let Some(tmux) = Tmux::new(&home) else { return };
    let mut stage = Stage::set(home, tmux).await;
    let names = [stage.place.other(), me()];
    for keys in [["y", "y"], ["n", "y"], ["y", "n"]] {
        let (session, code) = stage.armed().await;
        let [_, console, plain] = &stage.panes;
        stage.tmux.types(plain, keys[1], &format!("{code}  approve? [y/n/?] > {}", keys[1]));
        stage.tmux.press(&[(console, keys[0]), (plain, "Enter")]);
        let end = stage.end(&session, &code).await;
        assert!(names.contains(&end.by), "{}", end.by);
        if two_users() && end.by == names[0] {
            stage.tmux.shows_line(plain, &[&code, &format!("{} by {}", end.outcome, end.by)]);
        }
        if two_users() && end.by == names[1] {
            stage.tmux.shows_line(console, &[&code, &format!("{} by {}", end.outcome, end.by)]);
        }
    }
    assert_eq!(stage.daemon.stop(Signal::TERM).code, Some(0));
}
