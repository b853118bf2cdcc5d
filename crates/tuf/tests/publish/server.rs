//! A server's side of a collection, in memory.

use std::collections::BTreeMap;

use time::OffsetDateTime;
use wharfinger_keys::PrivateKey;
use wharfinger_tuf::publish::{self, Accepted, Invalid, PublishError, ServerKeys, State};
use wharfinger_tuf::{Collection, Gun, RoleName, WalkError};

use crate::forge::{Forge, Identity, Site, now, role, sign};

pub const GUN: &str = "dtr.test:5400/qa/app";

pub type Upload = BTreeMap<RoleName, Vec<u8>>;

pub struct Server {
    pub state: State,
    pub keys: ServerKeys,
    site: Site,
}

impl Server {
    /// Holds the forge's timestamp and snapshot keys; nothing is published yet.
    pub fn new(forge: &Forge) -> Self {
        let keys = ServerKeys { timestamp: vec![copy(&forge.timestamp_key)], snapshot: vec![copy(&forge.snapshot_key)] };
        Self { state: State::default(), keys, site: Site::default() }
    }

    /// Everything in the forge is published.
    pub fn serving(forge: &Forge) -> Self {
        let mut server = Self::new(forge);
        server.publish(&everything(forge)).unwrap();
        server
    }

    pub fn judge(&self, upload: &Upload) -> Result<Accepted, PublishError> {
        self.judge_at(upload, now())
    }

    pub fn judge_at(&self, upload: &Upload, now: OffsetDateTime) -> Result<Accepted, PublishError> {
        publish::validate(&gun(), upload, &self.state, &self.keys, now)
    }

    /// Why the upload is refused.
    pub fn refusal(&self, upload: &Upload) -> Invalid {
        match self.judge(upload) {
            Err(PublishError::Invalid(invalid)) => invalid,
            other => panic!("{other:?}"),
        }
    }

    pub fn publish(&mut self, upload: &Upload) -> Result<Accepted, PublishError> {
        let accepted = self.judge(upload)?;
        self.store(&accepted);
        Ok(accepted)
    }

    pub fn store(&mut self, accepted: &Accepted) {
        for file in &accepted.files {
            let bytes = file.bytes.clone();
            for name in [
                format!("{}.{}.json", file.version, file.role),
                format!("{}.{}.json", file.role, file.sha256),
                format!("{}.json", file.role),
            ] {
                self.site.files.insert(name, bytes.clone());
            }
            match &file.role {
                RoleName::Root => self.state.root = Some(bytes),
                RoleName::Snapshot => self.state.snapshot = Some(bytes),
                RoleName::Timestamp => self.state.timestamp = Some(bytes),
                role => drop(self.state.delegated.insert(role.clone(), bytes)),
            }
        }
    }

    /// What a client makes of it.
    pub fn walk(&self) -> Result<Collection, WalkError> {
        self.site.walk(&gun())
    }

    pub fn file(&self, name: &str) -> &[u8] {
        &self.site.files[name]
    }
}

pub fn gun() -> Gun {
    GUN.parse().unwrap()
}

pub fn copy(identity: &Identity) -> PrivateKey {
    PrivateKey::from_pkcs8_der(&identity.private.to_pkcs8_der()).unwrap()
}

/// The files of these roles, signed by their keys.
pub fn upload(forge: &Forge, roles: &[&str]) -> Upload {
    let file = |name: &&str| {
        let role = role(name);
        let identities = forge.identities(&role);
        let bytes = match role {
            RoleName::Root => sign(&forge.root, &identities),
            _ => sign(&forge.targets[&role], &identities),
        };
        (role, bytes)
    };
    roles.iter().map(file).collect()
}

/// Root, targets and all delegations.
pub fn everything(forge: &Forge) -> Upload {
    let names: Vec<&str> = std::iter::once("root").chain(forge.targets.keys().map(RoleName::as_str)).collect();
    upload(forge, &names)
}

pub fn only(name: &str, bytes: Vec<u8>) -> Upload {
    Upload::from([(role(name), bytes)])
}

pub fn root_refused(message: &str) -> Invalid {
    Invalid::Root(message.to_owned())
}

pub fn targets_refused(message: &str) -> Invalid {
    Invalid::Targets(message.to_owned())
}

pub fn snapshot_refused(message: &str) -> Invalid {
    Invalid::Snapshot(message.to_owned())
}
