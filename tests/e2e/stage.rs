//! The stage of a test: a simulated provider with one session, a store in a folder of its own, and a daemon that can be
//! stopped, crashed and started again.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use holdpoint::api::agi::{Agi, AgiConfig};
use holdpoint::config::Config;
use holdpoint::control::{Change, Client, OperatorName};
use holdpoint::daemon::{self, Daemon, Scrape};
use holdpoint::simulator::fault::Endpoint;
use holdpoint::simulator::{Act, Call, Fault, NewSession, Options, Scenario, Simulator, World};
use holdpoint::store::Store;
use secrecy::ExposeSecret as _;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use crate::operator::Operator;

/// Nothing in these tests takes this long unless it is broken.
pub const LIMIT: Duration = Duration::from_secs(20);

/// A rule that asks before anything is bought.
pub const PURCHASE: &str = "[[rule]]\nname = 'purchase'\neffect = 'ask'\ndetect = ['purchase']\nconfirm = 'key'\n";

/// An agent that announces a purchase, is never faster than the pause, and buys once it is resumed.
pub const BUYS: &str = "
    page = { url = 'https://shop.example.com/checkout', title = 'Checkout' }
    [[step]]
    thought = 'Looking at the cart'
    [[step]]
    thought = \"Clicking 'Place your order' now, 41.00 USD in total\"
    [[step]]
    waits_for = 'pause'
    [[step]]
    commit = { kind = 'purchase', what = 'tea', amount = '41.00 USD' }
    [[step]]
    done = 'Bought tea.'
";

/// What is played.
pub struct Play {
    /// The scenario; its task starts when the daemon first watches it, its pace is 0 s.
    pub scenario: &'static str,
    /// More keys of `[approvals]`.
    pub approvals: &'static str,
    /// The rules.
    pub rules: &'static str,
    /// What no configuration file may say.
    pub tune: fn(&mut daemon::Config),
    /// How the provider is called.
    pub client: fn(&mut AgiConfig),
}

impl Default for Play {
    fn default() -> Self {
        Self { scenario: BUYS, approvals: "", rules: PURCHASE, tune: |_| (), client: |_| () }
    }
}

/// A step for [`Act::Emit`], written as in a scenario.
pub fn emits(step: &str) -> Act {
    let step = scenario(&format!("[[step]]\n{step}")).steps[0].clone();
    Act::Emit(Box::new(step))
}

/// Runs a story for each case, all at the same time.
pub async fn each<T, F: Future<Output = ()>>(cases: impl IntoIterator<Item = T>, story: impl Fn(T) -> F) {
    futures_util::future::join_all(cases.into_iter().map(story)).await;
}

/// Calls of this test time out fast, because some of them are never answered.
pub fn impatient(client: &mut AgiConfig) {
    client.read_timeout = Duration::from_millis(1500);
    client.control_timeout = Duration::from_millis(1500);
    client.pause_timeout = Duration::from_millis(1500);
}

pub struct Stage {
    pub sim: Simulator,
    pub play: Play,
    /// The first session.
    pub session: String,
    pub(crate) heard: Arc<Mutex<Vec<String>>>,
    /// Where the daemon finds the provider, when something stands between them.
    pub through: Option<SocketAddr>,
    running: Option<Running>,
    folder: TempDir,
}

struct Running {
    daemon: Daemon,
    runtime: Runtime,
    witness: JoinHandle<()>,
}

/// A simulator with one session, and a daemon that watches it.
pub async fn stage(play: Play) -> Stage {
    let mut stage = set(play).await;
    stage.start().await;
    stage
}

/// A stage whose daemon is not started yet.
pub async fn set(play: Play) -> Stage {
    // Another test of this process may have done it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options { heartbeat: Duration::from_secs(1), ..Options::default() };
    let sim = Simulator::start(options).await.unwrap();
    let session = sim.create_of(scenario(play.scenario)).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    Stage { sim, play, session, heard: Arc::default(), through: None, running: None, folder }
}

/// A scenario whose task starts when somebody watches.
pub fn scenario(text: &str) -> Arc<Scenario> {
    let start = if text.contains("start =") { "" } else { "start = 'on_stream'" };
    let text = format!("name = 'test'\npace = '0s'\n{start}\n{text}");
    Arc::new(Scenario::parse(&text, "test").unwrap())
}

impl Stage {
    /// The store's file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("holdpoint.db")
    }

    /// What a daemon of this stage is made of.
    pub fn configured(&self) -> daemon::Config {
        let Play { approvals, rules, .. } = self.play;
        let base_url = self.through.map_or_else(|| self.sim.base_url(), |address| format!("http://{address}"));
        let text = format!(
            "[provider]\nbase_url = '{base_url}'\n[approvals]\ntimeout = '60s'\n\
             settle = '20ms'\nmin_dwell = '5ms'\n{approvals}\n{rules}"
        );
        let config = Config::parse("test.toml", &text).unwrap_or_else(|error| panic!("{error}")).config;
        let mut client = AgiConfig::new(base_url.parse().unwrap(), self.sim.api_key().clone());
        (self.play.client)(&mut client);
        let mut made = daemon::Config::new(config, Arc::new(Agi::new(client).unwrap()), &self.file());
        made.list_every = Duration::from_millis(100);
        made.settings.hold_poll = Duration::from_millis(100);
        let watch = &mut made.watch.config;
        watch.poll_interval = Duration::from_millis(100);
        watch.cross_check = Duration::from_millis(500);
        watch.replay_quiet = Duration::from_millis(200);
        watch.confirm_after = Duration::from_millis(50);
        (self.play.tune)(&mut made);
        made
    }

    /// Starts a daemon on the store, in a runtime of its own so that it can crash.
    pub async fn start(&mut self) {
        assert!(self.running.is_none(), "a daemon runs already");
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let (config, file) = (self.configured(), self.file());
        let started = runtime.spawn(async move {
            let store = Store::open(&file).await.unwrap();
            Daemon::start(config, store).await.unwrap()
        });
        let daemon = started.await.unwrap();
        let client = daemon.desk().connect(OperatorName("witness".to_owned())).await.unwrap();
        let witness = tokio::spawn(listen(client, Arc::clone(&self.heard)));
        self.running = Some(Running { daemon, runtime, witness });
    }

    /// Stops the daemon in good order, and says which sessions stay held.
    pub async fn stop(&mut self) -> Vec<String> {
        let Some(Running { daemon, runtime, witness }) = self.running.take() else { return Vec::new() };
        let held = daemon.stop().await.held;
        let _ = tokio::time::timeout(LIMIT, witness).await;
        runtime.shutdown_background();
        held.into_keys().map(String::from).collect()
    }

    /// The daemon's process dies: nothing is finished, nothing is said.
    pub fn crash(&mut self) {
        let Running { runtime, witness, .. } = self.running.take().unwrap();
        witness.abort();
        runtime.shutdown_background();
    }

    /// Metrics and health of the daemon that runs.
    pub fn scrape(&self) -> Scrape {
        self.running.as_ref().unwrap().daemon.scrape().clone()
    }

    /// An operator comes.
    pub async fn operator(&self, name: &str) -> Operator {
        let desk = self.running.as_ref().unwrap().daemon.desk();
        Operator::new(desk.connect(OperatorName(name.to_owned())).await.unwrap()).await
    }

    /// The running daemon takes over another configuration.
    pub async fn reconfigure(&self, with: daemon::Reconfiguration) -> daemon::Changed {
        self.running.as_ref().unwrap().daemon.reconfigure(with).await.unwrap()
    }

    /// Another session, which plays `text`.
    pub async fn another(&self, text: &str) -> String {
        let new = NewSession { scenario: Some(scenario(text)), ..NewSession::default() };
        self.sim.create_idle(new).await.unwrap()
    }

    /// Adds a fault, written as in a scenario.
    pub async fn fault(&self, fault: Value) {
        let fault: Fault = serde_json::from_value(fault).unwrap();
        self.sim.fault(fault).await.unwrap();
    }

    /// Somebody else does something to the session.
    pub async fn somebody(&self, act: Act) {
        self.sim.act(&self.session, act).await.unwrap();
    }

    pub async fn until(&self, met: impl FnMut(&World) -> bool + Send + 'static) {
        self.sim.until(LIMIT, met).await.unwrap_or_else(|error| panic!("{error}"));
    }

    /// Waits until the session is being watched.
    pub async fn watched(&self) {
        self.called(Endpoint::Messages, 3).await;
    }

    /// Waits until the journal has so many entries of this name.
    pub async fn recorded(&self, entry: &str, times: usize) {
        let store = Store::open_to_read(&self.file()).await.unwrap();
        let wait = async {
            while store.journal(0, 1000).await.unwrap().iter().filter(|row| row.entry.entry == entry).count() < times {
                // Nothing tells another process of a commit.
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(LIMIT, wait).await.unwrap_or_else(|_| panic!("{times} × {entry} are not in the journal"));
        store.close().await;
    }

    /// Waits until so many calls of `endpoint` were received.
    pub async fn called(&self, endpoint: Endpoint, times: usize) {
        self.until(move |world| {
            world.record().calls.iter().filter(|call| call.endpoint == Some(endpoint)).count() >= times
        })
        .await;
    }

    /// Waits until the messages of each session were asked for so often, and answered with `status`.
    pub async fn each_called(&self, sessions: &[String], status: Option<u16>, times: usize) {
        let sessions = sessions.to_vec();
        self.until(move |world| {
            sessions.iter().all(|session| {
                let of = |call: &&Call| call.endpoint == Some(Endpoint::Messages) && call.status == status;
                let calls = world.record().calls.iter().filter(of);
                calls.filter(|call| call.session.as_ref() == Some(session)).count() >= times
            })
        })
        .await;
    }

    /// Waits until the session's task has ended, and says what was bought.
    pub async fn bought(&self) -> Vec<String> {
        let session = self.session.clone();
        self.until(move |world| world.session(&session).is_some_and(|state| state.execution_status == "finished"))
            .await;
        self.ledger().await
    }

    /// What was bought so far.
    pub async fn ledger(&self) -> Vec<String> {
        self.sim.ledger().await.unwrap().into_iter().map(|order| order.what).collect()
    }

    /// The calls of `endpoint` for the first session.
    pub async fn calls(&self, endpoint: Endpoint) -> Vec<Call> {
        let calls = self.sim.calls().await.unwrap();
        let ours = |call: &Call| call.endpoint == Some(endpoint) && call.session.as_ref() == Some(&self.session);
        calls.into_iter().filter(ours).collect()
    }

    /// The texts sent to the first session through the API.
    pub async fn messages(&self) -> Vec<String> {
        let calls = self.calls(Endpoint::Message).await;
        let text = |call: &Call| {
            let body: Value = serde_json::from_str(call.body.as_deref().unwrap()).unwrap();
            body["message"].as_str().unwrap().to_owned()
        };
        calls.iter().map(text).collect()
    }

    pub async fn is_paused(&self) -> bool {
        self.sim.session(&self.session).await.unwrap().paused
    }

    /// Ends the test: the daemon stops, and everything that must always be true is checked.
    pub async fn finish(mut self) {
        self.stop().await;
        crate::audit::check(&self).await;
    }

    pub(crate) fn key(&self) -> &str {
        self.sim.api_key().expose_secret()
    }
}

impl Drop for Stage {
    /// A test that fails shows what operators were told; and a runtime cannot be dropped there.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("operators were told:\n{}", self.heard.lock().unwrap_or_else(PoisonError::into_inner).join("\n"));
        }
        if let Some(running) = self.running.take() {
            running.runtime.shutdown_background();
        }
    }
}

/// Writes down everything that clients are told.
async fn listen(mut client: Client, heard: Arc<Mutex<Vec<String>>>) {
    while let Ok(update) = client.next_update().await {
        heard.lock().unwrap().push(serde_json::to_string(&update).unwrap());
        if update.change == Change::Stopping {
            return;
        }
    }
}
