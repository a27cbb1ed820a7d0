//! The shell around the reducer: terminal, daemon, log lines and signals in, outputs carried out.
//!
//! Holds no rules: what is shown and what counts is the reducer's.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Input, Output, Prompt, PromptEnd, PromptSettings, elsewhere};
use crate::control::Gone;
use crate::control::remote::{Client, Requests, Unreachable};
use crate::operator::connection::{self, News, Why};
use crate::operator::log::LogLines;
use crate::operator::terminal::signals::{self, Kind, Listened};
use crate::operator::terminal::{self, Look, Report, Terminal};

/// How many reads may wait; a flood beyond it is dropped and never counts.
const REPORTS: usize = 256;
/// With more than this unwritten, log lines are dropped and counted.
const BACKLOG: usize = 256 * 1024;
/// Said before the whole process stops, and with it everything that guards.
const SUSPENDED: &str = "suspended: until fg or bg, no session is watched, paused or resumed from here\n";
/// For how long a lost connection is tried to be made again.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often time passes for the reducer.
const TICK: Duration = Duration::from_millis(250);

/// Asks at this terminal until the operator leaves, the terminal vanishes, or `cancel` or a signal ends it. A connection that is
/// lost while the daemon runs is made `again` at this socket, if there is one.
///
/// Without a terminal on standard input and error it asks nothing, says what waits and where to answer it, and ends with
/// `cancel`. Whatever the end, the terminal is as it was before.
///
/// Listens to SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP and SIGCONT, which for the rest of the process no longer do what
/// they do by themselves. Who goes on without the prompt has to handle the first three.
pub async fn run(
    client: Client,
    again: Option<PathBuf>,
    settings: PromptSettings,
    logs: LogLines,
    cancel: CancellationToken,
) -> PromptEnd {
    if !terminal::is_usable() {
        return elsewhere::tell(client, &settings, &cancel).await;
    }
    let origin = Instant::now();
    let (reports, typed) = mpsc::channel(REPORTS);
    let (Ok(terminal), Ok(signals)) = (Terminal::open(origin, reports, Look::Lines), Listened::new()) else {
        return elsewhere::tell(client, &settings, &cancel).await;
    };
    logs.open();
    let you = client.hello().you.operator.clone();
    let prompt = Prompt::new(settings, TimeZone::system(), terminal.columns()).of(you);
    let (answers, answered) = mpsc::unbounded_channel();
    let requests = client.requests();
    let shell = Shell {
        prompt,
        terminal,
        requests,
        answers,
        origin,
        again: again.is_some(),
        connection: 0,
        away: None,
        stopped: false,
    };
    let news = connection::follow(client, again);
    shell.run(Sources { news, typed, answered, logs, signals, cancel }).await
}

struct Shell {
    prompt: Prompt,
    terminal: Terminal,
    requests: Requests,
    answers: mpsc::UnboundedSender<(u64, Input)>,
    origin: Instant,
    /// Whether a connection that is lost is made again.
    again: bool,
    /// Which connection this is: what was asked over another one, and is answered now, is not for this one's questions.
    connection: u64,
    /// Since when there is none.
    away: Option<Instant>,
    /// We stopped ourselves, and were not told yet that we go on.
    stopped: bool,
}

struct Sources {
    news: mpsc::Receiver<News>,
    typed: mpsc::Receiver<Report>,
    answered: mpsc::UnboundedReceiver<(u64, Input)>,
    logs: LogLines,
    signals: Listened,
    cancel: CancellationToken,
}

/// What one round of the loop brought.
enum Round {
    Input(Input),
    Log(String),
    Tick,
    Signal(Kind),
    News(News),
    Answer(u64, Input),
    End(PromptEnd),
}

type Flow = ControlFlow<PromptEnd>;

impl Shell {
    async fn run(mut self, mut from: Sources) -> PromptEnd {
        let mut ticks = tokio::time::interval(TICK);
        let mut flow = Flow::Continue(());
        while flow.is_continue() {
            let round = tokio::select! {
                biased;
                () = from.cancel.cancelled() => Round::End(PromptEnd::Stopped),
                kind = from.signals.next() => Round::Signal(kind),
                report = from.typed.recv() => typed(report),
                Some((connection, input)) = from.answered.recv() => Round::Answer(connection, input),
                Some(news) = from.news.recv() => Round::News(news),
                line = from.logs.next() => Round::Log(line),
                _ = ticks.tick() => Round::Tick,
            };
            flow = self.round(round, &from.logs);
        }
        let end = flow.break_value().unwrap_or(PromptEnd::Stopped);
        self.goodbye();
        from.signals.keep_suspending();
        end
    }

    fn round(&mut self, round: Round, logs: &LogLines) -> Flow {
        match round {
            Round::Input(input) => self.input(input),
            Round::Log(line) => self.log(line, logs),
            Round::Tick => self.tick(logs),
            Round::Signal(kind) => self.signal(kind),
            Round::News(news) => self.news(news),
            Round::Answer(connection, input) if connection == self.connection => self.input(input),
            Round::Answer(..) => Flow::Continue(()),
            Round::End(end) => Flow::Break(end),
        }
    }

    fn input(&mut self, input: Input) -> Flow {
        let outputs = self.prompt.handle(input, self.origin.elapsed());
        outputs.into_iter().try_for_each(|output| self.carry_out(output))
    }

    fn carry_out(&mut self, output: Output) -> Flow {
        match output {
            Output::Print(text) => self.terminal.print(text),
            Output::Ask { ask, text } => self.terminal.ask(text, ask),
            Output::Flush => self.terminal.flush(),
            Output::Bell => self.terminal.bell(),
            Output::Leave(end) => return Flow::Break(end),
            Output::Present { ask, id, revision, digest } => {
                let requests = self.requests.clone();
                self.answer(
                    async move { Input::Presented { ask, result: requests.presented(id, revision, digest).await } },
                );
            }
            Output::Decide(decision) => {
                let (requests, id) = (self.requests.clone(), decision.approval);
                self.answer(async move { Input::Decided { id, result: requests.decide(decision).await } });
            }
            Output::Screenshot(id) => {
                let requests = self.requests.clone();
                self.answer(async move { Input::Screenshot { id, result: requests.screenshot(id).await } });
            }
        }
        Flow::Continue(())
    }

    /// Waits for an answer beside the loop; a prompt that has ended by then does not need it.
    fn answer(&self, answer: impl Future<Output = Input> + Send + 'static) {
        let (answers, connection) = (self.answers.clone(), self.connection);
        tokio::spawn(async move { drop(answers.send((connection, answer.await))) });
    }

    fn log(&mut self, line: String, logs: &LogLines) -> Flow {
        if self.terminal.backlog() > BACKLOG {
            logs.count_dropped();
            return Flow::Continue(());
        }
        self.input(Input::Log(line))
    }

    fn tick(&mut self, logs: &LogLines) -> Flow {
        if !self.terminal.is_ours() {
            self.taken(Terminal::enter)?;
        }
        // An attempt may take longer than this by itself.
        if self.away.is_some_and(|since| since.elapsed() > PATIENCE) {
            return self.give_up(&format!("the daemon was not reached for {} s", PATIENCE.as_secs()));
        }
        let dropped = if self.terminal.backlog() > BACKLOG { 0 } else { logs.dropped() };
        if dropped > 0 {
            self.input(Input::Log(format!("({dropped} log lines were dropped: the terminal did not keep up)")))?;
        }
        self.input(Input::Clock(Timestamp::now()))?;
        self.input(Input::Tick)
    }

    fn signal(&mut self, kind: Kind) -> Flow {
        match kind {
            Kind::End => Flow::Break(PromptEnd::Stopped),
            // With a live terminal it is somebody else's word for "read the configuration again"; that a terminal has
            // gone is what the reader reports.
            Kind::HangUp => Flow::Continue(()),
            Kind::Resized => {
                let columns = self.terminal.columns();
                self.input(Input::Columns(columns))
            }
            Kind::Suspend => {
                self.prompt.close_line().into_iter().try_for_each(|output| self.carry_out(output))?;
                self.terminal.print(SUSPENDED.to_owned());
                self.terminal.leave();
                self.stopped = true;
                // What cannot be stopped goes on without the terminal, and takes it again at the next tick.
                signals::stop();
                Flow::Continue(())
            }
            // A tick was quicker, and the question stands there again.
            Kind::Continued if std::mem::take(&mut self.stopped) && self.terminal.is_ours() => Flow::Continue(()),
            // A terminal that vanishes sends this too, after the hang-up.
            Kind::Continued => self.taken(Terminal::continued),
        }
    }

    /// Tries to take the terminal, and puts the question anew when that happened.
    fn taken(&mut self, take: impl FnOnce(&mut Terminal) -> std::io::Result<bool>) -> Flow {
        match take(&mut self.terminal) {
            Ok(true) => {
                self.input(Input::Columns(self.terminal.columns()))?;
                self.input(Input::Back)
            }
            Ok(false) => Flow::Continue(()),
            Err(_) => Flow::Break(PromptEnd::TerminalGone),
        }
    }

    fn news(&mut self, news: News) -> Flow {
        match news {
            News::Connected { requests, snapshot, .. } => {
                self.requests = requests;
                self.connection += 1;
                self.away = None;
                self.input(Input::Snapshot(snapshot))
            }
            News::Update(update) => self.input(Input::Update(update)),
            News::Lost { why } => self.lost(&why),
        }
    }

    fn lost(&mut self, why: &Why) -> Flow {
        let given_up = self.away.is_some_and(|since| since.elapsed() > PATIENCE);
        match why {
            Why::Gone(Gone::TooSlow | Gone::Lost) if self.again => {
                self.away = Some(Instant::now());
                self.input(Input::Away { why: why.to_string() })
            }
            Why::Unreachable(Unreachable::Nobody { .. }) if !given_up => Flow::Continue(()),
            Why::Gone(Gone::TooSlow | Gone::Lost | Gone::Ended | Gone::NotPermitted)
            | Why::Unreachable(Unreachable::Nobody { .. } | Unreachable::NotPermitted { .. })
            | Why::Stopping => self.give_up(&why.to_string()),
        }
    }

    fn give_up(&mut self, why: &str) -> Flow {
        self.prompt.close_line().into_iter().try_for_each(|output| self.carry_out(output))?;
        self.terminal.print(format!("{why}\n"));
        Flow::Break(PromptEnd::Lost)
    }

    fn goodbye(mut self) {
        for output in self.prompt.close_line() {
            // Only prints come from it.
            let _ = self.carry_out(output);
        }
        self.terminal.leave();
    }
}

fn typed(report: Option<Report>) -> Round {
    match report {
        Some(Report::Typed { at, bytes, late }) => Round::Input(Input::Typed { at, bytes, late }),
        Some(Report::OnScreen { ask, at, flushed }) => Round::Input(Input::OnScreen { ask, at, flushed }),
        Some(Report::Gone) | None => Round::End(PromptEnd::TerminalGone),
    }
}
