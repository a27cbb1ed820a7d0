//! Configuration: one TOML file, read strictly, with every error at its line and all of them at once.
//!
//! What the file does not say has a default; what it says and we do not know is an error. A few keys can be overridden by
//! environment variables, [`ENVIRONMENT`]. The API key is never part of it. Nothing here starts anything.

mod consent;
pub mod diagnostic;
pub mod places;
pub mod preset;
mod reader;
mod rules;
pub mod secret;
mod secret_file;
mod sections;
pub mod units;
mod variables;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::gate::approval::Digest;
use crate::operator::escape::short;
use crate::policy::Policy;
use diagnostic::{Diagnostic, Diagnostics, Place};
pub use preset::Preset;
use reader::{Section, Sink};
pub use sections::{
    ApprovalsConfig, ControlConfig, KeySource, LogConfig, LogFormat, LogLevel, NotifyConfig, OnBlind, OnCancelFailure,
    PromptConfig, ProviderConfig, ProviderKind, StoreConfig, WatchConfig, WebhookConfig,
};

/// The environment variables that override keys of the file, each with its key.
pub const ENVIRONMENT: [(&str, &str); 9] = [
    ("HOLDPOINT_PROVIDER_BASE_URL", "provider.base_url"),
    ("HOLDPOINT_PROVIDER_API_KEY_ENV", "provider.api_key_env"),
    ("HOLDPOINT_PROVIDER_API_KEY_FILE", "provider.api_key_file"),
    ("HOLDPOINT_PROVIDER_API_KEY_CREDENTIAL", "provider.api_key_credential"),
    ("HOLDPOINT_WATCH_DISCOVER", "watch.discover"),
    ("HOLDPOINT_APPROVALS_TIMEOUT", "approvals.timeout"),
    ("HOLDPOINT_STORE_PATH", "store.path"),
    ("HOLDPOINT_LOG_FORMAT", "log.format"),
    ("HOLDPOINT_LOG_LEVEL", "log.level"),
];

/// The variable with the directory of the service's credentials, which systemd makes for it alone.
pub const CREDENTIALS: &str = "CREDENTIALS_DIRECTORY";

/// The variables that say where the store is by default.
const STATE: [&str; 3] = ["STATE_DIRECTORY", "XDG_STATE_HOME", "HOME"];

/// The largest configuration file that is read, in bytes.
const LARGEST: usize = 1 << 20;

/// A complete, valid configuration.
#[derive(Debug)]
pub struct Config {
    /// Whose API is watched.
    pub provider: ProviderConfig,
    /// Which sessions are watched.
    pub watch: WatchConfig,
    /// How operators are asked.
    pub approvals: ApprovalsConfig,
    /// The prompt at a terminal.
    pub prompt: PromptConfig,
    /// How the daemon is reached.
    pub control: ControlConfig,
    /// Who is called when an approval waits.
    pub notify: NotifyConfig,
    /// Where things are kept.
    pub store: StoreConfig,
    /// The log.
    pub log: LogConfig,
    /// The ready-made rules that were chosen; they are part of `policy`.
    pub preset: Option<Preset>,
    /// The compiled rules.
    pub policy: Policy,
}

/// A configuration with what its reader should know.
#[derive(Debug)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// Things that are not wrong but worth saying, each a sentence, escaped.
    pub notes: Vec<String>,
}

/// What `config check` says of a valid configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many rules there are.
    pub rules: usize,
    /// The policy's hash.
    pub policy: Digest,
    /// The provider's address.
    pub base_url: String,
    /// Things worth saying.
    pub notes: Vec<String>,
}

/// A configuration that cannot be used. Its display is everything there is to say, over several lines.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {path}: {source}\n  = hint: name another file with --config")]
    Read {
        /// The file, escaped.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file is wrong.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

impl Config {
    /// Reads a file, with the environment's overrides. Relative paths in it are relative to its folder.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, is not valid, or names a key file that is missing or readable by others.
    pub fn load(path: &Path) -> Result<Loaded, ConfigError> {
        let environment = std::env::vars_os().filter_map(known_variable).collect();
        let mut loaded = Self::load_with(path, &environment)?;
        loaded.notes.extend(variables::unknown(std::env::vars_os().map(|(name, _)| name), &loaded.config));
        Ok(loaded)
    }

    /// As [`Config::load`], with these environment variables.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn load_with(path: &Path, environment: &BTreeMap<String, String>) -> Result<Loaded, ConfigError> {
        let shown = path.to_string_lossy();
        let bytes = read_bounded(path).map_err(|source| ConfigError::Read { path: short(&shown), source })?;
        let name = path.file_name().map_or(shown.clone(), |name| name.to_string_lossy());
        let text = decode(&shown, &bytes)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut loaded = read(&shown, &name, text, environment, Some(folder))?;
        let Config { store, control, .. } = &mut loaded.config;
        for path in [&mut store.path, &mut store.checkpoint, &mut control.socket].into_iter().flatten() {
            *path = folder.join(&path);
        }
        Ok(loaded)
    }

    /// Reads a file for its rules: without environment and without looking at other files.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not valid.
    pub fn load_rules(path: &Path) -> Result<Loaded, ConfigError> {
        let shown = path.to_string_lossy();
        let bytes = read_bounded(path).map_err(|source| ConfigError::Read { path: short(&shown), source })?;
        let name = path.file_name().map_or(shown.clone(), |name| name.to_string_lossy());
        Ok(read(&shown, &name, decode(&shown, &bytes)?, &BTreeMap::new(), None)?)
    }

    /// The rules of a file, whatever their tests say: for trying those, never for guarding sessions.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or its rules are not valid.
    pub fn load_untested(path: &Path) -> Result<Policy, ConfigError> {
        let shown = path.to_string_lossy();
        let bytes = read_bounded(path).map_err(|source| ConfigError::Read { path: short(&shown), source })?;
        let name = path.file_name().map_or(shown.clone(), |name| name.to_string_lossy());
        Ok(untested(&shown, &name, decode(&shown, &bytes)?)?)
    }

    /// Reads a text, without environment and without looking at other files.
    ///
    /// # Errors
    ///
    /// When it is not valid.
    pub fn parse(name: &str, text: &str) -> Result<Loaded, Diagnostics> {
        let text = decode(name, text.as_bytes())?;
        read(name, name, text, &BTreeMap::new(), None)
    }
}

/// Checks a file and says what is in it.
///
/// # Errors
///
/// As [`Config::load`].
pub fn check(path: &Path) -> Result<Summary, ConfigError> {
    let Loaded { config, notes } = Config::load(path)?;
    Ok(Summary {
        rules: config.policy.len(),
        policy: config.policy.hash(),
        base_url: config.provider.base_url.to_string(),
        notes,
    })
}

/// The default place of the store: below `$STATE_DIRECTORY` (systemd), else `$XDG_STATE_HOME`, else `~/.local/state`;
/// `None` when none of them is set.
#[must_use]
pub fn state_path(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let first = |path: PathBuf| PathBuf::from(path.to_string_lossy().split(':').next().unwrap_or_default());
    let service = set("STATE_DIRECTORY").map(first);
    let user = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")));
    let folder = service.or_else(|| user.map(|state| state.join("holdpoint")))?;
    Some(folder.join("holdpoint.db"))
}

fn known_variable((name, value): (OsString, OsString)) -> Option<(String, String)> {
    let name = name.into_string().ok()?;
    let known =
        name == CREDENTIALS || STATE.contains(&name.as_str()) || ENVIRONMENT.iter().any(|(known, _)| *known == name);
    known.then(|| (name, value.to_string_lossy().into_owned()))
}

/// The bytes of a file, and one more than [`LARGEST`] of a larger one, whatever it is.
fn read_bounded(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)?.take(LARGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The text of a file: UTF-8, with or without a byte order mark, of a bounded size.
fn decode<'b>(name: &str, bytes: &'b [u8]) -> Result<&'b str, Diagnostics> {
    let whole = |message: String, hint: &str| {
        let hint = Some(hint.to_owned());
        let one = Diagnostic { message, place: Place::Whole, key: String::new(), expected: String::new(), hint };
        Diagnostics::new(name, "", vec![one])
    };
    if bytes.len() > LARGEST {
        let message = format!("the file is larger than {LARGEST} bytes");
        return Err(whole(message, "is this the right file?"));
    }
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        whole(format!("the file is not UTF-8 text: line {line} has a byte that is not"), "save it as UTF-8")
    })
}

fn read(
    shown: &str,
    name: &str,
    text: &str,
    environment: &BTreeMap<String, String>,
    folder: Option<&Path>,
) -> Result<Loaded, Diagnostics> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let mut list: Vec<Diagnostic> = errors.into_iter().map(syntax).collect();
        // One mistake often makes several errors: said once.
        if let Some(last) = list.last_mut() {
            last.hint =
                Some("lines are `key = value`, texts are in quotes; config.example.toml has every key".to_owned());
        }
        return Err(Diagnostics::new(shown, text, list));
    }
    let sink = Sink { source: text, name, environment, list: RefCell::default() };
    let mut notes = Vec::new();
    let config = config(Section::root(&sink, &table), folder, &mut notes);
    let list = sink.list.into_inner();
    match config {
        Some(config) if list.is_empty() => Ok(Loaded { config, notes }),
        Some(_) | None => Err(Diagnostics::new(shown, text, list)),
    }
}

fn untested(shown: &str, name: &str, text: &str) -> Result<Policy, Diagnostics> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        return Err(Diagnostics::new(shown, text, errors.into_iter().map(syntax).collect()));
    }
    let environment = BTreeMap::new();
    let sink = Sink { source: text, name, environment: &environment, list: RefCell::default() };
    let mut root = Section::root(&sink, &table);
    let approvals = ApprovalsConfig::read(root.section("approvals"));
    let (_, ready_made) = preset::read(&mut root).unzip();
    let rules = ready_made.unwrap_or_default();
    let policy = rules::read(&mut root, rules, &approvals, &mut Vec::new(), Policy::compile_untested);
    match policy {
        Some(policy) if sink.list.borrow().is_empty() => Ok(policy),
        Some(_) | None => Err(Diagnostics::new(shown, text, sink.list.take())),
    }
}

fn config(mut root: Section<'_>, folder: Option<&Path>, notes: &mut Vec<String>) -> Option<Config> {
    let mut provider = ProviderConfig::read(root.section("provider"));
    let watch = WatchConfig::read(root.section("watch"));
    let approvals = ApprovalsConfig::read(root.section("approvals"));
    let prompt = PromptConfig::read(root.section("prompt"));
    let control = ControlConfig::read(root.section("control"));
    let mut notify = NotifyConfig::read(root.section("notify"));
    let store = StoreConfig::read(root.section("store"));
    let log = LogConfig::read(root.section("log"));
    let (preset, ready_made) = preset::read(&mut root).unzip();
    let policy = rules::read(&mut root, ready_made.unwrap_or_default(), &approvals, notes, Policy::compile);
    if let (Some(folder), Some(provider)) = (folder, &mut provider) {
        secret_file::check(&root, secret_file::API_KEY, &mut provider.api_key, folder, notes);
    }
    if let (Some(folder), Some(webhook)) = (folder, &mut notify.webhook) {
        secret_file::check(&root, secret_file::WEBHOOK, &mut webhook.secret, folder, notes);
    }
    if let Some(folder) = folder {
        places::check(&root, &store, folder);
    }
    if policy.as_ref().is_some_and(Policy::is_empty) {
        notes.push("there are no rules: sessions are watched, but nothing is ever held".to_owned());
    }
    root.finish();
    Some(Config { provider: provider?, watch, approvals, prompt, control, notify, store, log, preset, policy: policy? })
}

fn syntax(error: toml::de::Error) -> Diagnostic {
    Diagnostic {
        message: format!("this is not TOML: {}", short(error.message())),
        place: error.span().map_or(Place::Whole, Place::File),
        key: String::new(),
        expected: String::new(),
        hint: None,
    }
}

#[cfg(test)]
mod tests;
