//! `holdpoint policy presets`: the ready-made rules, and what is in them.

use serde_json::{Value, json};

use super::source::preset;
use crate::cli::oneshot::to_json as text;
use crate::cli::print;
use crate::config::Preset;
use crate::error::Failure;

/// Arguments of `holdpoint policy presets`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Prints the rules of this one
    #[arg(value_name = "NAME", value_parser = preset)]
    name: Option<Preset>,
    /// Prints JSON: [{"name", "summary", "measured", "text"}]
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let chosen = || Preset::ALL.into_iter().filter(|preset| args.name.is_none_or(|name| name == *preset));
    if args.json {
        return print(&text(&Value::from_iter(chosen().map(told))));
    }
    if let Some(preset) = args.name {
        return print(preset.text().trim_end());
    }
    chosen().try_for_each(|preset| {
        print(&format!("{:9} {}", preset.name(), preset.summary()))?;
        print(&format!("{:9} {}", "", figures(preset)))
    })
}

/// How a preset was measured on one kind of surface, in percent, as docs/DETECTION.md tells it.
struct Measured {
    surface: &'static str,
    recall: f64,
    disturbed: f64,
    precision: f64,
}

fn measured(preset: Preset) -> [Measured; 3] {
    let of = |surface, recall, disturbed, precision| Measured { surface, recall, disturbed, precision };
    match preset {
        Preset::Cautious => {
            [of("browser", 100.0, 6.7, 86.1), of("tools", 100.0, 13.2, 86.5), of("web-text", 100.0, 0.0, 100.0)]
        }
        Preset::Balanced => {
            [of("browser", 100.0, 6.7, 86.1), of("tools", 100.0, 12.8, 86.7), of("web-text", 100.0, 0.0, 100.0)]
        }
        Preset::Quiet => {
            [of("browser", 87.8, 3.3, 87.5), of("tools", 42.6, 2.6, 88.1), of("web-text", 100.0, 0.0, 100.0)]
        }
    }
}

/// The figures in a line.
fn figures(preset: Preset) -> String {
    let each = |one: &Measured| format!("{} {:.1} % and {:.1} %", one.surface, one.recall, one.disturbed);
    format!("measured, caught and disturbed for nothing: {}", measured(preset).each_ref().map(each).join(", "))
}

fn told(preset: Preset) -> Value {
    let each = |one: &Measured| json!({ "surface": one.surface, "recall": one.recall, "disturbed": one.disturbed, "precision": one.precision });
    let measured = Value::from_iter(measured(preset).iter().map(each));
    json!({ "name": preset.name(), "summary": preset.summary(), "measured": measured, "text": preset.text() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_the_document() {
        let document = include_str!("../../../docs/DETECTION.md");
        for preset in Preset::ALL {
            let (_, part) = document.split_once(&format!("### `{}`\n", preset.name())).unwrap();
            let rows = part.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
            let rows: Vec<Vec<&str>> = rows.map(|row| row.split('|').map(str::trim).collect()).collect();
            for one in measured(preset) {
                let row = rows.iter().find(|row| row[1] == one.surface).unwrap();
                let written = [one.recall, one.disturbed, one.precision].map(|share| format!("{share:.1} %"));
                assert_eq!(written, [row[2], row[4], row[6]], "{} {}", preset.name(), one.surface);
            }
        }
    }

    #[test]
    fn a_line_tells_what_is_caught_and_who_is_disturbed() {
        let told = "measured, caught and disturbed for nothing: \
                    browser 87.8 % and 3.3 %, tools 42.6 % and 2.6 %, web-text 100.0 % and 0.0 %";
        assert_eq!(figures(Preset::Quiet), told);
    }
}
