//! Targets and delegations of an upload, parents first: each is judged by its parent *as updated in this upload*.

use std::collections::BTreeMap;

use time::OffsetDateTime;

use super::{AcceptedFile, Invalid, PublishError, State, reasonable, received, unexpired, unreadable, unsigned};
use crate::{Limits, RoleName, Root, Signed, Targets, verify_signatures};

/// Loads what was sent, and of the store what it is judged by. Everything loaded is put into `loaded`, what was sent into `files` too.
pub(super) fn load(
    root: &Signed<Root>,
    upload: &BTreeMap<RoleName, Vec<u8>>,
    state: &State,
    now: OffsetDateTime,
    loaded: &mut BTreeMap<RoleName, Vec<u8>>,
    files: &mut Vec<AcceptedFile>,
) -> Result<(), PublishError> {
    let mut sent: Vec<&RoleName> = upload.keys().filter(|role| **role == RoleName::Targets || role.is_delegation()).collect();
    sent.sort_by_key(|role| (role.depth(), *role));
    let mut tree = Tree { root, roles: BTreeMap::new() };
    for role in sent {
        for ancestor in ancestors(role) {
            if tree.roles.contains_key(&ancestor) {
                continue;
            }
            // A missing one is noticed when its child finds no parent.
            let Some(bytes) = state.delegated.get(&ancestor) else { continue };
            let file = tree.verify(&ancestor, bytes).map_err(Invalid::Targets)?;
            loaded.insert(ancestor.clone(), bytes.clone());
            tree.roles.insert(ancestor, file);
        }
        let Some(bytes) = upload.get(role) else { continue };
        let file = tree.verify(role, bytes).map_err(Invalid::Targets)?;
        unexpired(role, &file.signed, now).map_err(Invalid::Targets)?;
        loaded.insert(role.clone(), bytes.clone());
        files.push(received(role.clone(), &file));
        tree.roles.insert(role.clone(), file);
    }
    Ok(())
}

/// From `targets` down to the parent.
fn ancestors(role: &RoleName) -> Vec<RoleName> {
    let mut ancestors: Vec<_> = std::iter::successors(role.parent(), RoleName::parent).collect();
    ancestors.reverse();
    ancestors
}

struct Tree<'a> {
    root: &'a Signed<Root>,
    roles: BTreeMap<RoleName, Signed<Targets>>,
}

impl Tree<'_> {
    fn verify(&self, role: &RoleName, bytes: &[u8]) -> Result<Signed<Targets>, String> {
        let (keys, known) = match role.parent() {
            None => {
                let keys = self.root.signed.role(role).ok_or_else(|| format!("{role} is not a role of the root"))?;
                (keys, &self.root.signed.keys)
            }
            Some(parent) => {
                if !self.roles.contains_key(&RoleName::Targets) {
                    return Err("targets must be loaded first".to_owned());
                }
                let delegations = self.roles.get(&parent).map(|parent| &parent.signed.delegations);
                let found = delegations.and_then(|delegations| Some((&delegations.find(role)?.keys, &delegations.keys)));
                found.ok_or_else(|| format!("tuf: invalid role {role}. delegation does not exist"))?
            }
        };
        let file = Signed::<Targets>::parse(bytes).map_err(|error| unreadable(role, &error))?;
        file.signed.delegations.check_parent(role).map_err(|why| format!("{role} type metadata invalid: {why}"))?;
        let limits = Limits::default();
        reasonable(role, &file, limits.file)?;
        let (count, depth) = (file.signed.delegations.roles.len(), role.depth());
        // The gate would follow no further.
        if count > limits.delegations || depth > limits.depth {
            let (most, deepest) = (limits.delegations, limits.depth);
            return Err(format!("{role} type metadata invalid: more than {most} delegations, or deeper than {deepest}"));
        }
        verify_signatures(&file, keys, known).map_err(|error| unsigned(role, &error))?;
        Ok(file)
    }
}
