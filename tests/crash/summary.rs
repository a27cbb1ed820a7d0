//! What came of all runs: for people, and as JSON for the page with the figures.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use holdpoint::crash::Point;
use serde_json::{Value, json};

use crate::life::Lived;
use crate::plan::Run;
use crate::reach::Reach;
use crate::story::Story;

/// The results of all runs.
pub struct Summary {
    took: Duration,
    /// Runs whose points were all passed, and everything held.
    held: Vec<Run>,
    /// Runs of which a point was not passed, which may be or has to be so; everything held all the same.
    unreached: Vec<Run>,
    /// What went wrong.
    failed: Vec<(Run, String)>,
}

impl Summary {
    pub fn of(results: Vec<(Run, Result<Lived, String>)>, took: Duration) -> Self {
        let mut summary = Self { took, held: Vec::new(), unreached: Vec::new(), failed: Vec::new() };
        for (run, result) in results {
            match (result, run.reach()) {
                (Err(why), _) => summary.failed.push((run, why)),
                (Ok(Lived { struck }), reach) => summary.lived(run, struck == run.aims().len(), reach),
            }
        }
        summary.held.sort_unstable();
        summary.unreached.sort_unstable();
        summary.failed.sort_unstable();
        summary
    }

    fn lived(&mut self, run: Run, struck: bool, reach: Reach) {
        match (struck, reach) {
            (true, Reach::Always | Reach::Perhaps(_)) => self.held.push(run),
            (false, Reach::Perhaps(_) | Reach::Never(_)) => self.unreached.push(run),
            (false, Reach::Always) => self.failed.push((run, "a point was not passed, and has to be".to_owned())),
            (true, Reach::Never(why)) => {
                self.failed.push((run, format!("a point was passed where it cannot be ({why}): tests/crash/reach.rs")));
            }
        }
    }

    pub fn is_clean(&self) -> bool {
        self.failed.is_empty()
    }

    pub fn failures(&self) -> String {
        let told: Vec<String> = self.failed.iter().map(|(run, why)| format!("=== {run}\n{why}\n")).collect();
        let first: Vec<String> = self.failed.iter().map(|(run, why)| format!("{run}: {}", headline(why))).collect();
        format!("{}\n{} runs failed:\n{}", told.join("\n"), self.failed.len(), first.join("\n"))
    }

    /// Leaves the summary where `docs/reliability.py` finds it. A run of a few combinations is no result and leaves none.
    pub fn write(&self) {
        if std::env::var_os("HOLDPOINT_CRASH_ONLY").is_none() {
            let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash.json");
            std::fs::write(path, serde_json::to_vec_pretty(&self.json()).expect("JSON")).expect("a file");
        }
    }

    fn json(&self) -> Value {
        let points = Point::ALL.iter().map(|&point| {
            let count = |runs: &[Run], second: bool| {
                let here = |run: &&Run| {
                    if second { run.second == Some(point) } else { run.first.0 == point && run.second.is_none() }
                };
                runs.iter().filter(here).count()
            };
            json!({
                "name": point.name(),
                "about": point.about().trim(),
                "first": { "held": count(&self.held, false), "unreached": count(&self.unreached, false) },
                "second": { "held": count(&self.held, true), "unreached": count(&self.unreached, true) },
            })
        });
        let stories = Story::ALL.iter().map(|&story| {
            let count = |runs: &[Run]| runs.iter().filter(|run| run.story == story).count();
            json!({ "name": story.name(), "held": count(&self.held), "unreached": count(&self.unreached) })
        });
        json!({
            "points": points.collect::<Vec<_>>(),
            "stories": stories.collect::<Vec<_>>(),
            "never": self.reasons(|reach| if let Reach::Never(why) = reach { Some(why) } else { None }),
            "perhaps": self.reasons(|reach| if let Reach::Perhaps(why) = reach { Some(why) } else { None }),
            "runs": self.held.len() + self.unreached.len() + self.failed.len(),
            "held": self.held.len(),
            "twice": self.held.iter().filter(|run| run.second.is_some()).count(),
            "unreached": self.unreached.len(),
            "failed": self.failed.iter().map(|(run, why)| json!({ "run": run.to_string(), "why": headline(why) })).collect::<Vec<_>>(),
            "seconds": self.took.as_secs(),
            "build": if cfg!(debug_assertions) { "debug" } else { "release" },
        })
    }

    /// The combinations that were not reached, by the reason.
    fn reasons(&self, of: impl Fn(Reach) -> Option<&'static str>) -> Vec<Value> {
        let reasons: BTreeSet<&str> = self.unreached.iter().filter_map(|run| of(run.reach())).collect();
        let counted = reasons.into_iter().map(|why| {
            let runs: Vec<&Run> = self.unreached.iter().filter(|run| of(run.reach()) == Some(why)).collect();
            let points: BTreeSet<&str> = runs.iter().map(|run| run.second.unwrap_or(run.first.0).name()).collect();
            let stories: BTreeSet<&str> = runs.iter().map(|run| run.story.name()).collect();
            json!({ "why": why, "runs": runs.len(), "points": points, "stories": stories })
        });
        counted.collect()
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let twice = self.held.iter().filter(|run| run.second.is_some()).count();
        writeln!(
            f,
            "{} combinations killed where they were to be and held, {twice} of them killed twice; {} not reached; {} failed; {} s",
            self.held.len(),
            self.unreached.len(),
            self.failed.len(),
            self.took.as_secs()
        )?;
        for run in &self.unreached {
            let (Reach::Never(why) | Reach::Perhaps(why)) = run.reach() else { continue };
            writeln!(f, "not reached: {run}: {why}")?;
        }
        Ok(())
    }
}

fn headline(why: &str) -> &str {
    why.lines().next().unwrap_or_default()
}
