//! Which runs are made: each is a story with the points at which its first lives end.

use std::fmt;

use holdpoint::crash::Point;

use crate::reach::{Reach, live_seeds, reach, second, seeds};
use crate::story::Story;

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Run {
    pub story: Story,
    /// Where the first life ends, and at which time of passing it.
    pub first: (Point, u32),
    /// Where the second life ends, if it is to.
    pub second: Option<Point>,
}

impl Run {
    /// What the lives but the last are told.
    pub fn aims(self) -> Vec<String> {
        let (point, nth) = self.first;
        [Some(format!("{point}:{nth}")), self.second.map(|point| point.to_string())].into_iter().flatten().collect()
    }

    /// Whether all of its points are passed.
    pub fn reach(self) -> Reach {
        let (point, nth) = self.first;
        let first = match reach(self.story, point) {
            Reach::Always if nth > 1 => Reach::Perhaps("how often a point is passed depends on what comes first"),
            reach => reach,
        };
        match (first, self.second) {
            (Reach::Always, Some(after)) => second(self.story, point, after),
            (first, _) => first,
        }
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.story, self.aims().join("/"))
    }
}

/// The runs of this process.
pub fn runs() -> Vec<Run> {
    let asked = std::env::var("HOLDPOINT_CRASH").ok();
    let whole = asked.map_or(!cfg!(debug_assertions), |asked| asked == "whole");
    let only = std::env::var("HOLDPOINT_CRASH_ONLY").ok();
    // One that is named is found wherever it is.
    let runs = if whole || only.is_some() { matrix() } else { share() };
    let root = rustix::process::getuid().is_root();
    if !root {
        eprintln!("NOT TRIED: the story of two operators, because only root can become another user");
    }
    let runs = runs.into_iter().filter(|run| root || !run.story.takes_two());
    runs.filter(|run| only.as_ref().is_none_or(|only| run.to_string().starts_with(only.as_str()))).collect()
}

/// Everything: each point in each story, each a second time, and each in a second life.
fn matrix() -> Vec<Run> {
    let mut runs = Vec::new();
    for story in Story::ALL {
        let seeds = seeds(story);
        for (at, &point) in Point::ALL.iter().enumerate() {
            runs.push(Run { story, first: (point, 1), second: None });
            if reach(story, point) == Reach::Always {
                runs.push(Run { story, first: (point, 2), second: None });
            }
            // Each second point after another first one, in turn; what takes up after all that leave something behind.
            let takes_up = second(story, live_seeds(story)[0], point) == Reach::Always;
            let after: Vec<Point> = if takes_up { seeds.clone() } else { vec![seeds[at % seeds.len()]] };
            runs.extend(after.into_iter().map(|seed| Run { story, first: (seed, 1), second: Some(point) }));
        }
    }
    runs
}

/// Each point once, each story several times: in a story that passes it.
fn share() -> Vec<Run> {
    let mut runs = Vec::new();
    for (at, &point) in Point::ALL.iter().enumerate() {
        let turned = (0..Story::ALL.len()).map(|next| Story::ALL[(at + next) % Story::ALL.len()]);
        let first = turned.clone().find(|story| reach(*story, point) == Reach::Always);
        runs.push(match first {
            Some(story) => Run { story, first: (point, 1), second: None },
            None => {
                let story = Story::ALL[at % Story::ALL.len()];
                let seeds = live_seeds(story);
                Run { story, first: (seeds[at % seeds.len()], 1), second: Some(point) }
            }
        });
    }
    runs
}
