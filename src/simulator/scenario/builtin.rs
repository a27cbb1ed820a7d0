//! The scenarios that ship with the binary; their files are the examples of the format.

use std::path::Path;

use super::{Scenario, ScenarioError};

const FILES: [(&str, &str); 8] = [
    ("harmless", include_str!("../../../examples/scenarios/harmless.toml")),
    ("purchase", include_str!("../../../examples/scenarios/purchase.toml")),
    ("late-purchase", include_str!("../../../examples/scenarios/late-purchase.toml")),
    ("question", include_str!("../../../examples/scenarios/question.toml")),
    ("rate-limit", include_str!("../../../examples/scenarios/rate-limit.toml")),
    ("rate-limit-storm", include_str!("../../../examples/scenarios/rate-limit-storm.toml")),
    ("instruct", include_str!("../../../examples/scenarios/instruct.toml")),
    ("demo", include_str!("../../../examples/scenarios/demo.toml")),
];

/// All built-in scenarios, the default (`harmless`) first.
///
/// # Errors
/// Never for a build whose tests pass: a test reads them all.
pub fn all() -> Result<Vec<Scenario>, ScenarioError> {
    FILES.iter().map(|(name, text)| Scenario::parse(text, name)).collect()
}

/// The built-in scenario of this name, or the scenario file at this path.
///
/// # Errors
/// When there is neither, or the file is no scenario.
pub fn find(name_or_path: &str) -> Result<Scenario, ScenarioError> {
    if let Some((name, text)) = FILES.iter().find(|(name, _)| *name == name_or_path) {
        return Scenario::parse(text, name);
    }
    let path = Path::new(name_or_path);
    if path.exists() || name_or_path.contains(['/', '.']) {
        return Scenario::load(path);
    }
    let known = FILES.map(|(name, _)| name).join(", ");
    Err(ScenarioError::Unknown { name: name_or_path.to_owned(), known })
}
