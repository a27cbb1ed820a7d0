//! Which rules a command is about: those of a configuration, or a preset alone.

use std::path::{Path, PathBuf};

use crate::cli::run::config_path;
use crate::config::{Config, ConfigError, Loaded, Preset};
use crate::error::{Exit, Failure};
use crate::policy::Policy;
use crate::traces::{self, Trace};

/// Where the rules are.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Rules {
    /// The configuration whose rules are meant; without it and --preset the one that `run` would take
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A ready-made policy by itself: cautious, balanced or quiet
    #[arg(long, value_name = "NAME", conflicts_with = "config", value_parser = preset)]
    preset: Option<Preset>,
}

impl Rules {
    /// The rules, compiled; their own tests have passed then.
    pub(super) fn policy(&self) -> Result<Policy, Failure> {
        match self.preset {
            Some(preset) => preset.policy().map_err(wrong),
            None => Ok(load(&config_path(self.config.as_deref())?)?.config.policy),
        }
    }
}

impl Rules {
    /// The configuration that is meant, when one is named.
    pub(super) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    /// The rules with what is worth saying of them, and whether they are a preset's.
    pub(super) fn loaded(&self) -> Result<Loaded, Failure> {
        match self.preset {
            Some(preset) => Ok(Config::parse(&format!("preset {}", preset.name()), preset.text())
                .map_err(|error| wrong(error.into()))?),
            None => load(&config_path(self.config.as_deref())?),
        }
    }

    /// The rules, whatever their tests say.
    pub(super) fn untested(&self) -> Result<Policy, Failure> {
        match self.preset {
            Some(preset) => preset.untested().map_err(wrong),
            None => Config::load_untested(&config_path(self.config.as_deref())?).map_err(wrong),
        }
    }
}

/// A configuration, read for its rules alone.
pub(super) fn load(path: &Path) -> Result<Loaded, Failure> {
    Config::load_rules(path).map_err(wrong)
}

/// Rules that an argument names.
pub(super) struct Named {
    /// The rules.
    pub(super) policy: Policy,
    /// The configuration they are in; `None` for a preset.
    pub(super) file: Option<PathBuf>,
}

/// The rules of a preset, or of a configuration.
pub(super) fn named(argument: &str) -> Result<Named, Failure> {
    if let Some(preset) = Preset::named(argument) {
        return Ok(Named { policy: preset.policy().map_err(wrong)?, file: None });
    }
    let file = PathBuf::from(argument);
    Ok(Named { policy: load(&file)?.config.policy, file: Some(file) })
}

/// The recorded runs of a file.
pub(super) fn recorded(path: &Path) -> Result<Vec<Trace>, Failure> {
    traces::load(path, None).map_err(|error| {
        Failure::of(Exit::Error, &error)
            .hint("the file has one JSON object a line, with `id`, `events` and `consequential`")
    })
}

fn wrong(error: ConfigError) -> Failure {
    Failure::new(Exit::Configuration, error.to_string())
}

pub(super) fn preset(name: &str) -> Result<Preset, String> {
    Preset::named(name).ok_or_else(|| format!("the presets are {}", Preset::ALL.map(Preset::name).join(", ")))
}
