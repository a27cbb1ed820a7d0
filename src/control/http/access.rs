//! Who may do what. Pure: names, groups and roles.

use crate::control::protocol::Role;

/// Whom a role is given to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// A Unix user, by name.
    User(String),
    /// Everybody in a Unix group, by its name.
    Group(String),
}

impl Principal {
    /// Reads a name: `@group`, or a user.
    #[must_use]
    pub fn read(text: &str) -> Self {
        match text.strip_prefix('@') {
            Some(group) => Self::Group(group.to_owned()),
            None => Self::User(text.to_owned()),
        }
    }

    fn is(&self, user: &str, groups: &[String]) -> bool {
        match self {
            Self::User(name) => name == user,
            Self::Group(name) => groups.contains(name),
        }
    }
}

/// The roles that a configuration gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// Who may look.
    pub observe: Vec<Principal>,
    /// Who may decide as well.
    pub decide: Vec<Principal>,
    /// Who may do everything.
    pub admin: Vec<Principal>,
}

impl Access {
    /// The greatest role that somebody has; `None` for a stranger.
    pub(super) fn role(&self, user: &str, groups: &[String]) -> Option<Role> {
        let given = |to: &[Principal]| to.iter().any(|principal| principal.is(user, groups));
        if given(&self.admin) {
            Some(Role::Admin)
        } else if given(&self.decide) {
            Some(Role::Decide)
        } else {
            given(&self.observe).then_some(Role::Observe)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_role_of_a_user_and_of_its_groups_counts_and_strangers_have_none() {
        let list = |names: &[&str]| names.iter().map(|name| Principal::read(name)).collect();
        let access =
            Access { observe: list(&["@staff", "eve"]), decide: list(&["ana", "@ops"]), admin: list(&["root2"]) };
        let role = |user: &str, groups: &[&str]| {
            access.role(user, &groups.iter().map(|g| (*g).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(role("ana", &["staff"]), Some(Role::Decide));
        assert_eq!(role("bob", &["staff", "ops"]), Some(Role::Decide));
        assert_eq!(role("eve", &[]), Some(Role::Observe));
        assert_eq!(role("root2", &["staff"]), Some(Role::Admin));
        assert_eq!(role("ops", &[]), None, "a group's name is no user's");
        assert_eq!(role("mallory", &["ana"]), None, "a user's name is no group's");
    }
}
