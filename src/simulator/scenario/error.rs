//! Why a scenario cannot be used.

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    /// The file cannot be read.
    #[error("cannot read the scenario file {path:?}")]
    Read {
        /// The file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The text is no scenario.
    #[error("{origin} is not a scenario")]
    Parse {
        /// File or name.
        origin: String,
        /// Where and why.
        source: Box<toml::de::Error>,
    },
    /// The steps repeat for ever in no time.
    #[error("{origin}: `repeat` needs steps that take time; give one of them an `after`")]
    Spins {
        /// File or name.
        origin: String,
    },
    /// No built-in scenario has this name.
    #[error("there is no scenario {name:?}; built in are {known}, anything else is the path of a TOML file")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
}
