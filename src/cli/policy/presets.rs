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
    /// Prints JSON: [{"name", "summary", "text"}]
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
    chosen().try_for_each(|preset| print(&format!("{:9} {}", preset.name(), preset.summary())))
}

fn told(preset: Preset) -> Value {
    json!({ "name": preset.name(), "summary": preset.summary(), "text": preset.text() })
}
