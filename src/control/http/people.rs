//! From the uid that the kernel tells to a person with a name, groups and a role.
//!
//! What the system's user table says is remembered for [`FRESH`], so that a removed user or member is out within seconds
//! and a slow directory service is not asked for every request. Asked on a thread of its own: it may be slow.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use nix::unistd::{Group, Uid, User, getgrouplist};

use super::access::Access;
use crate::control::protocol::{OperatorName, Person, Role};
use crate::operator::escape::short;

/// How long an answer of the user table is believed.
const FRESH: Duration = Duration::from_secs(15);

/// Who people are, and what they may do.
#[derive(Debug)]
pub(super) struct People {
    own: u32,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    access: Access,
    known: BTreeMap<u32, (Instant, Known)>,
}

/// What the user table says of a uid.
#[derive(Clone, Debug)]
struct Known {
    /// As it stands there; `None` when it has no such user.
    name: Option<String>,
    groups: Vec<String>,
}

/// Somebody who has no role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stranger {
    /// The name, escaped.
    pub(super) name: String,
}

impl People {
    pub(super) fn new(access: Access) -> Self {
        let own = rustix::process::geteuid().as_raw();
        Self { own, state: Mutex::new(State { access, known: BTreeMap::new() }) }
    }

    pub(super) fn allow(&self, access: Access) {
        self.state().access = access;
    }

    /// Who a uid is, if it may do anything at all.
    pub(super) async fn person(&self, uid: u32) -> Result<Person, Stranger> {
        let known = self.known(uid).await;
        let name = known.name.as_deref().map_or_else(|| format!("uid {uid}"), short);
        match self.role(uid, &known) {
            Some(role) => Ok(Person { name: OperatorName(name), uid, groups: known.groups, role }),
            None => Err(Stranger { name }),
        }
    }

    /// Root and the daemon's own user could do all of it without us: by its memory, its store, its key.
    fn role(&self, uid: u32, known: &Known) -> Option<Role> {
        if uid == 0 || uid == self.own {
            return Some(Role::Admin);
        }
        self.state().access.role(known.name.as_deref()?, &known.groups)
    }

    async fn known(&self, uid: u32) -> Known {
        let remembered = self.state().known.get(&uid).cloned();
        if let Some((at, known)) = remembered
            && at.elapsed() < FRESH
        {
            return known;
        }
        // A table that cannot be asked knows nobody.
        let nobody = Known { name: None, groups: Vec::new() };
        let known = tokio::task::spawn_blocking(move || look_up(uid)).await.unwrap_or(nobody);
        let mut state = self.state();
        state.known.retain(|_, (at, _)| at.elapsed() < FRESH);
        state.known.insert(uid, (Instant::now(), known.clone()));
        known
    }

    /// Nothing that holds the lock can panic half-way, so what it guards is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn look_up(uid: u32) -> Known {
    let Ok(Some(user)) = User::from_uid(Uid::from_raw(uid)) else {
        return Known { name: None, groups: Vec::new() };
    };
    let groups = CString::new(user.name.clone()).ok().and_then(|name| getgrouplist(&name, user.gid).ok());
    let named = |gid| Group::from_gid(gid).ok().flatten().map(|group| group.name);
    let mut groups: Vec<String> = groups.unwrap_or_default().into_iter().filter_map(named).collect();
    groups.sort_unstable();
    groups.dedup();
    Known { name: Some(user.name), groups }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::http::Principal;

    /// No system has a user with this number.
    const NOBODY_HAS_IT: u32 = 3_999_999_999;

    #[tokio::test]
    async fn our_own_user_and_root_may_do_everything_and_a_uid_without_a_name_nothing() {
        let people = People::new(Access::default());
        let own = rustix::process::geteuid().as_raw();
        assert_eq!(people.person(own).await.map(|person| person.role), Ok(Role::Admin));
        let root = people.person(0).await.expect("root");
        assert_eq!((root.name.0.as_str(), root.role), ("root", Role::Admin));
        assert!(root.groups.contains(&"root".to_owned()), "{:?}", root.groups);
        let name = format!("uid {NOBODY_HAS_IT}");
        assert_eq!(people.person(NOBODY_HAS_IT).await, Err(Stranger { name: name.clone() }));
        people.allow(Access { admin: vec![Principal::User(name.clone())], ..Access::default() });
        assert_eq!(people.person(NOBODY_HAS_IT).await, Err(Stranger { name }), "words of ours are no user's name");
    }

    #[tokio::test]
    async fn another_configuration_counts_at_once() {
        let people = People::new(Access::default());
        let Ok(Some(user)) = User::from_name("daemon") else { return };
        let uid = user.uid.as_raw();
        assert!(people.person(uid).await.is_err());
        people.allow(Access { decide: vec![Principal::read("@daemon")], ..Access::default() });
        assert_eq!(people.person(uid).await.map(|person| person.role), Ok(Role::Decide));
        people.allow(Access::default());
        assert!(people.person(uid).await.is_err());
    }
}
