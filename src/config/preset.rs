//! Ready-made rules, chosen by `preset = "balanced"`: embedded files of rules that stand beside the user's own.
//!
//! Their rules are named after the preset (`balanced: purchase`), so that they clash with nobody's, and a card shows
//! `preset balanced:12` as their place. Their own tests hold for the preset alone: rules beside it may be stricter.

use std::cell::RefCell;
use std::collections::BTreeMap;

use toml::de::DeTable;

use super::reader::{Item, Section, Sink};
use super::rules::{self, Placed};
use super::{Config, ConfigError};
use crate::policy::Policy;

/// A ready-made policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Preset {
    /// Asks about whatever may matter, and sooner.
    Cautious,
    /// Asks about what cannot be taken back.
    Balanced,
    /// Asks about money and access only.
    Quiet,
}

impl Preset {
    /// All of them, strictest first.
    pub const ALL: [Self; 3] = [Self::Cautious, Self::Balanced, Self::Quiet];

    /// The word in the configuration.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cautious => "cautious",
            Self::Balanced => "balanced",
            Self::Quiet => "quiet",
        }
    }

    /// The preset of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its rules as they are written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Cautious => include_str!("presets/cautious.toml"),
            Self::Balanced => include_str!("presets/balanced.toml"),
            Self::Quiet => include_str!("presets/quiet.toml"),
        }
    }

    /// What it is for, in one sentence: the first line of its text.
    #[must_use]
    pub fn summary(self) -> &'static str {
        self.text().lines().next().unwrap_or_default().trim_start_matches("# ")
    }

    /// The policy of this preset alone.
    ///
    /// # Errors
    /// When the embedded text is wrong, which a test rules out.
    pub fn policy(self) -> Result<Policy, ConfigError> {
        let text = format!("preset = \"{}\"\n", self.name());
        Ok(Config::parse(&format!("preset {}", self.name()), &text)?.config.policy)
    }

    /// The policy of this preset alone with its tests, whatever those say.
    ///
    /// # Errors
    /// When the embedded text is wrong, which a test rules out.
    pub fn untested(self) -> Result<Policy, ConfigError> {
        let name = format!("preset {}", self.name());
        Ok(super::untested(&name, &name, self.text())?)
    }

    /// Its rules, placed at `item`, which names it.
    pub(super) fn placed(self, item: &Item<'_>) -> Vec<Placed> {
        let (table, _) = DeTable::parse_recoverable(self.text());
        let (environment, name) = (BTreeMap::new(), format!("preset {}", self.name()));
        let sink = Sink { source: self.text(), name: &name, environment: &environment, list: RefCell::new(Vec::new()) };
        let mut root = Section::root(&sink, &table);
        let named = |placed: Placed| {
            let name = format!("{}: {}", self.name(), placed.rule_name());
            placed.ready_made(&item.place, name)
        };
        rules::placed(&mut root).into_iter().map(named).collect()
    }
}

/// The preset that the configuration names.
pub(super) fn read(root: &mut Section<'_>) -> Option<(Preset, Vec<Placed>)> {
    let item = root.get("preset")?;
    let preset = item.word(&Preset::ALL.map(|preset| (preset.name(), preset)))?;
    Some((preset, preset.placed(&item)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Effect;

    #[test]
    fn every_preset_is_a_valid_configuration_with_tests_of_its_own() {
        for preset in Preset::ALL {
            let loaded = Config::parse(preset.name(), preset.text()).unwrap_or_else(|wrong| panic!("{wrong}"));
            assert_eq!(loaded.notes, Vec::<String>::new(), "{preset:?}");
            assert!(preset.text().contains("[[rule.test]]"), "{preset:?}");
            let policy = preset.policy().unwrap();
            assert_eq!(policy.len(), loaded.config.policy.len(), "{preset:?}");
            assert!(preset.summary().len() > 20, "{preset:?}");
        }
    }

    #[test]
    fn own_rules_stand_beside_those_of_a_preset_which_say_where_they_are() {
        let text = "preset = 'balanced'\n[[rule]]\nname = 'purchase'\neffect = 'deny'\ndetect = 'purchase'\n\
                    [[rule.test]]\nevent = { text = \"Clicking 'Place your order' now\" }\nexpect = 'deny'\n";
        let policy = Config::parse("c.toml", text).unwrap_or_else(|wrong| panic!("{wrong}")).config.policy;
        let terms: Vec<_> = policy.terms().map(|terms| (terms.name.as_str(), terms.effect)).collect();
        assert!(terms.contains(&("balanced: purchase", Effect::Ask)), "{terms:?}");
        assert!(terms.contains(&("purchase", Effect::Deny)), "{terms:?}");
        let place = &policy.terms().find(|terms| terms.name == "balanced: purchase").unwrap().place;
        let line: usize = place.strip_prefix("preset balanced:").unwrap().parse().unwrap();
        assert_eq!(Preset::Balanced.text().lines().nth(line - 1), Some("name = \"purchase\""));
    }

    #[test]
    fn a_preset_that_needs_something_is_told_where_it_is_named() {
        let text = "preset = 'quiet'\n[approvals]\non_deny = 'instruct'\n";
        let wrong = Config::parse("c.toml", text).unwrap_err();
        let said: Vec<_> = wrong.sentences().collect();
        assert!(said.iter().all(|sentence| sentence.contains("(c.toml:1:10)")), "{said:?}");
        assert!(
            Config::parse("c.toml", "preset = 'quite'\n").unwrap_err().to_string().contains("did you mean \"quiet\"?")
        );
    }
}
