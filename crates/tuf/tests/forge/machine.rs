//! The tampering machine's stage: one publisher, one role spoiled, a client that comes for the first time and one that remembers.

use serde_json::{Value, json};
use wharfinger_keys::KeyId;
use wharfinger_tuf::{Collection, Gun, Known, RoleName, WalkError};

use super::{Forge, Site, known, role, sign_tree};

pub const GUN: &str = "dtr.test/qa/app";
pub const ROLES: [&str; 6] = ["root", "timestamp", "snapshot", "targets", "targets/releases", "targets/qa"];

/// What must come of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    Signatures,
    Malformed,
    Expired,
    Hash,
    TooLarge,
    Length,
    Missing,
    Rollback,
    RootChanged,
    /// Only this delegation is left out, with all that it says.
    LeftOut,
    Accepted,
}

pub fn verdict(result: &Result<Collection, WalkError>, spoiled: &RoleName) -> Verdict {
    let (verdict, named) = match result {
        Ok(collection) => {
            let left_out = collection.skipped().iter().any(|skipped| skipped.role == *spoiled);
            if left_out {
                assert!(collection.delegation(spoiled).is_none());
                assert!(collection.counted("v1").is_empty());
                return Verdict::LeftOut;
            }
            return Verdict::Accepted;
        }
        Err(WalkError::Signatures { role, .. }) => (Verdict::Signatures, role),
        Err(WalkError::Malformed { role, .. }) => (Verdict::Malformed, role),
        Err(WalkError::Expired { role, .. }) => (Verdict::Expired, role),
        Err(WalkError::Hash { role }) => (Verdict::Hash, role),
        Err(WalkError::TooLarge { role, .. }) => (Verdict::TooLarge, role),
        Err(WalkError::Length { role, .. }) => (Verdict::Length, role),
        Err(WalkError::Missing { role }) => (Verdict::Missing, role),
        Err(WalkError::Rollback { role, .. }) => (Verdict::Rollback, role),
        Err(WalkError::RootChanged { .. }) => (Verdict::RootChanged, &RoleName::Root),
        Err(other) => panic!("{spoiled}: {other}"),
    };
    assert_eq!(named, spoiled, "{result:?}");
    verdict
}

/// A publisher's next publication, with a root of version 2, and what a client remembers that saw the first.
pub struct Stage {
    pub forge: Forge,
    pub gun: Gun,
    pub known: Known,
    pub before: Site,
}

impl Stage {
    pub fn new() -> Self {
        let mut forge = Forge::signed(GUN);
        let before = forge.render();
        let gun = forge.gun.clone();
        let known = known(&before.walk(&gun).unwrap());
        forge.next();
        forge.root.version = 2;
        Self { forge, gun, known, before }
    }

    /// Walks `site` fresh and with state.
    pub fn judge(&self, site: &Site, spoiled: &RoleName) -> (Verdict, Verdict) {
        let fresh = verdict(&site.walk(&self.gun), spoiled);
        (fresh, verdict(&site.walk_knowing(&self.gun, self.known.clone()), spoiled))
    }

    /// Renders with the file of one role changed before its parent takes its hash: the attacker holds the keys above.
    pub fn spoil(&self, spoiled: &RoleName, change: impl Fn(Value) -> Vec<u8>) -> Site {
        self.forge.render_spoiled(
            |role, bytes| {
                if role == spoiled { change(serde_json::from_slice(&bytes).unwrap()) } else { bytes }
            },
        )
    }

    pub fn keys(&self, role: &RoleName) -> Vec<(KeyId, &wharfinger_keys::PrivateKey)> {
        self.forge.identities(role).into_iter().map(|identity| (identity.id(), &identity.private)).collect()
    }
}

pub fn each_role(test: impl Fn(&Stage, &RoleName)) {
    let stage = Stage::new();
    for name in ROLES {
        test(&stage, &role(name));
    }
}

/// What a file without enough signatures comes to.
pub fn under_signed(role: &RoleName) -> (Verdict, Verdict) {
    match role {
        RoleName::Delegation(_) => (Verdict::LeftOut, Verdict::LeftOut),
        // With state it is a successor that the trusted root did not sign.
        RoleName::Root => (Verdict::Signatures, Verdict::RootChanged),
        _ => (Verdict::Signatures, Verdict::Signatures),
    }
}

pub const MALFORMED: (Verdict, Verdict) = (Verdict::Malformed, Verdict::Malformed);

/// Changes how the keys of a role stand in its parent (root, or `targets` for delegations), which is then signed again.
pub fn rekey(stage: &Stage, role: &RoleName, change: impl Fn(&mut Value, &mut Value)) -> Site {
    let parent = if role.is_delegation() { RoleName::Targets } else { RoleName::Root };
    stage.spoil(&parent, |mut file| {
        let mut signed = file["signed"].take();
        let delegations = if role.is_delegation() { signed["delegations"].take() } else { signed.take() };
        let mut delegations = delegations;
        let mut keys = delegations["keys"].take();
        let at = match &delegations["roles"] {
            Value::Array(roles) => json!(roles.iter().position(|one| one["name"] == role.as_str()).unwrap()),
            _ => json!(role.as_str()),
        };
        let entry = match &at {
            Value::Number(at) => &mut delegations["roles"][usize::try_from(at.as_u64().unwrap()).unwrap()],
            at => &mut delegations["roles"][at.as_str().unwrap()],
        };
        change(entry, &mut keys);
        delegations["keys"] = keys;
        if role.is_delegation() {
            signed["delegations"] = delegations;
        } else {
            signed = delegations;
        }
        sign_tree(&signed, &stage.keys(&parent))
    })
}

/// Where a wrong key entry shows.
pub fn parent_of(role: &RoleName) -> RoleName {
    if role.is_delegation() { RoleName::Targets } else { RoleName::Root }
}
