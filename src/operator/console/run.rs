//! The shell around the reducer: terminal, daemon and signals in, outputs carried out.
//!
//! Holds no rules: what is shown and what counts is the reducer's. Whatever the end, the terminal is as it was before.

use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::mpsc;

use super::frame::Screen;
use super::machine::{Console, Input, Moment, Output, Shot};
use super::notify::{self, Notices};
use super::picture::{self, Inline};
use super::{ConsoleEnd, ConsoleSettings};
use crate::control::Refusal;
use crate::control::remote::{Client, Requests};
use crate::gate::ApprovalId;
use crate::operator::connection::{self, News, Why};
use crate::operator::terminal::signals::{self, Kind, Listened};
use crate::operator::terminal::{Look, Report, Terminal};

/// How many reads may wait; a flood beyond it is dropped and never counts.
const REPORTS: usize = 256;
/// How often time passes for the reducer.
const TICK: Duration = Duration::from_millis(100);

/// How a console ended, and what waits all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    /// How.
    pub end: ConsoleEnd,
    /// How many approvals waited as far as was known.
    pub waiting: usize,
}

/// Shows the console at this terminal until the operator detaches, the terminal vanishes, or a signal ends it. `client` is
/// connected to the daemon at `socket`, which is tried again with growing pauses when that connection is lost.
///
/// Listens to SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGTSTP and SIGCONT, which for the rest of the process no longer do what
/// they do by themselves.
///
/// # Errors
///
/// When the terminal cannot be used; nothing was shown then.
pub async fn run(client: Client, socket: PathBuf, settings: ConsoleSettings) -> std::io::Result<Left> {
    let origin = Instant::now();
    let (reports, typed) = mpsc::channel(REPORTS);
    let signals = Listened::new()?;
    let terminal = Terminal::open(origin, reports, Look::FullScreen)?;
    let console = Console::new(settings, TimeZone::system(), terminal.size());
    let (answers, answered) = mpsc::unbounded_channel();
    let variable = |name: &str| std::env::var(name).ok();
    let shell = Shell {
        console,
        terminal,
        screen: Screen::default(),
        requests: client.requests(),
        answers,
        origin,
        notices: Notices::of(&variable("TERM").unwrap_or_default(), &variable("TERM_PROGRAM").unwrap_or_default()),
        inline: Inline::of(variable),
        image: None,
    };
    Ok(shell.run(Sources { news: connection::follow(client, Some(socket)), typed, answered, signals }).await)
}

struct Shell {
    console: Console,
    terminal: Terminal,
    screen: Screen,
    requests: Requests,
    answers: mpsc::UnboundedSender<Answer>,
    origin: Instant,
    notices: Notices,
    inline: Inline,
    /// The picture that came last and can be shown.
    image: Option<Vec<u8>>,
}

struct Sources {
    news: mpsc::Receiver<News>,
    typed: mpsc::Receiver<Report>,
    answered: mpsc::UnboundedReceiver<Answer>,
    signals: Listened,
}

/// What a request that ran beside the loop brought.
struct Answer {
    input: Input,
    image: Option<Vec<u8>>,
}

/// What one round of the loop brought.
enum Round {
    Report(Option<Report>),
    Answer(Answer),
    News(News),
    Signal(Kind),
    Tick,
}

type Flow = ControlFlow<ConsoleEnd>;

impl Shell {
    async fn run(mut self, mut from: Sources) -> Left {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut flow = Flow::Continue(());
        while flow.is_continue() {
            let round = tokio::select! {
                biased;
                kind = from.signals.next() => Round::Signal(kind),
                report = from.typed.recv() => Round::Report(report),
                Some(answer) = from.answered.recv() => Round::Answer(answer),
                Some(news) = from.news.recv() => Round::News(news),
                _ = ticks.tick() => Round::Tick,
            };
            flow = self.round(round);
        }
        let end = flow.break_value().unwrap_or(ConsoleEnd::Stopped);
        self.terminal.leave();
        from.signals.keep_suspending();
        Left { end, waiting: self.console.waiting() }
    }

    fn round(&mut self, round: Round) -> Flow {
        match round {
            Round::Report(Some(Report::Typed { at, bytes, late })) => self.input(Input::Typed { at, bytes, late }),
            Round::Report(Some(Report::OnScreen { ask, at, .. })) => self.input(Input::Drawn { frame: ask, at }),
            Round::Report(Some(Report::Gone) | None) => Flow::Break(ConsoleEnd::TerminalGone),
            Round::Answer(Answer { input, image }) => {
                self.image = image.or(self.image.take());
                self.input(input)
            }
            Round::News(news) => self.news(news),
            Round::Signal(kind) => self.signal(kind),
            Round::Tick => self.tick(),
        }
    }

    fn news(&mut self, news: News) -> Flow {
        match news {
            News::Connected { requests, you, snapshot } => {
                self.requests = requests;
                self.input(Input::Connected { you, snapshot })
            }
            News::Update(update) => self.input(Input::Update(update)),
            // The update before it has said so.
            News::Lost { why: Why::Stopping } => Flow::Continue(()),
            News::Lost { why } => self.input(Input::Lost { why: why.to_string() }),
        }
    }

    fn input(&mut self, input: Input) -> Flow {
        let outputs = self.console.handle(input, self.now());
        outputs.into_iter().try_for_each(|output| self.carry_out(output))
    }

    fn now(&self) -> Moment {
        Moment { mono: self.origin.elapsed(), wall: Timestamp::now() }
    }

    fn carry_out(&mut self, output: Output) -> Flow {
        match output {
            Output::Draw { frame, flush } => {
                let now = self.now();
                let text = self.screen.frame(&self.console, now);
                self.terminal.draw(text, frame, flush);
            }
            Output::Present { ask, id, revision, digest } => {
                let (requests, origin) = (self.requests.clone(), self.origin);
                self.answer(async move {
                    let result = requests.presented(id, revision, digest).await;
                    Answer { input: Input::Presented { ask, at: origin.elapsed(), result }, image: None }
                });
            }
            Output::Decide(decision) => {
                let (requests, id) = (self.requests.clone(), decision.approval);
                self.answer(async move {
                    Answer { input: Input::Decided { id, result: requests.decide(decision).await }, image: None }
                });
            }
            Output::Screenshot(id) => self.answer(shot(self.requests.clone(), id, self.inline)),
            Output::Picture => self.show_picture(),
            Output::NoPicture => {
                self.terminal.print(self.inline.clear().to_owned());
                self.screen.forget();
            }
            Output::Call => self.terminal.print(self.notices.call().to_owned()),
            Output::Title { waits } => self.terminal.print(notify::title(waits).to_owned()),
            Output::Leave(end) => return Flow::Break(end),
        }
        Flow::Continue(())
    }

    fn show_picture(&mut self) {
        let Some(image) = &self.image else { return };
        let (columns, rows) = self.console.size;
        self.terminal.print(self.inline.show(image, columns, rows.saturating_sub(6).max(1)));
    }

    /// Waits for an answer beside the loop; a console that has ended by then does not need it.
    fn answer(&self, answer: impl Future<Output = Answer> + Send + 'static) {
        let answers = self.answers.clone();
        tokio::spawn(async move { drop(answers.send(answer.await)) });
    }

    fn tick(&mut self) -> Flow {
        if self.terminal.is_lost() {
            return Flow::Break(ConsoleEnd::Stopped);
        }
        if !self.terminal.is_ours() {
            self.taken(Terminal::enter)?;
        }
        self.input(Input::Tick)
    }

    fn signal(&mut self, kind: Kind) -> Flow {
        match kind {
            Kind::End => Flow::Break(ConsoleEnd::Stopped),
            Kind::HangUp => Flow::Break(ConsoleEnd::TerminalGone),
            Kind::Resized => {
                self.screen.forget();
                self.resized()
            }
            Kind::Suspend => {
                self.terminal.leave();
                // What cannot be stopped goes on without the terminal, and takes it again at the next tick.
                signals::stop();
                Flow::Continue(())
            }
            // A terminal that vanishes sends this too, after the hang-up.
            Kind::Continued => self.taken(Terminal::continued),
        }
    }

    /// Tries to take the terminal, and draws everything anew when that happened.
    fn taken(&mut self, take: impl FnOnce(&mut Terminal) -> std::io::Result<bool>) -> Flow {
        match take(&mut self.terminal) {
            Ok(true) => {
                self.screen.forget();
                self.resized()?;
                self.input(Input::Back)
            }
            Ok(false) => Flow::Continue(()),
            Err(_) => Flow::Break(ConsoleEnd::TerminalGone),
        }
    }

    fn resized(&mut self) -> Flow {
        let (columns, rows) = self.terminal.size();
        self.input(Input::Resized { columns, rows })
    }
}

/// Has a screenshot saved; where the daemon's file cannot be read by this user, saves a copy.
async fn shot(requests: Requests, id: ApprovalId, inline: Inline) -> Answer {
    let (result, image) = match saved(&requests, id).await {
        Ok((path, image)) => {
            let showable = inline.shows(&image);
            (Ok(Shot { path: path.to_string_lossy().into_owned(), showable }), showable.then_some(image))
        }
        Err(refusal) => (Err(refusal), None),
    };
    Answer { input: Input::Screenshot { id, result }, image }
}

async fn saved(requests: &Requests, id: ApprovalId) -> Result<(PathBuf, Vec<u8>), Refusal> {
    let path = requests.screenshot(id).await?;
    let image = requests.picture(id).await.unwrap_or_default();
    let copied = tokio::task::spawn_blocking(move || {
        if image.is_empty() || std::fs::File::open(&path).is_ok() {
            return (Ok(path), image);
        }
        (picture::save(&std::env::temp_dir(), id, &image), image)
    });
    match copied.await {
        Ok((Ok(path), image)) => Ok((path, image)),
        Ok((Err(error), _)) => Err(Refusal::NotPossible { why: format!("the screenshot cannot be saved: {error}") }),
        Err(error) => Err(Refusal::NotPossible { why: format!("the screenshot was not saved: {error}") }),
    }
}
