//! The server's own keys: one pair per GUN and role, P-256, private halves sealed at rest.
//!
//! A key is pending until a published root names it. There is at most one pending key per role, and asking again answers the
//! same one: stock clients ask several times before they publish.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use wharfinger_keys::PrivateKey;
use wharfinger_storage::collections::ServerKey;
use wharfinger_tuf::publish::{self, ServerKeys};
use wharfinger_tuf::{Gun, RoleName};

use crate::Notary;
use crate::error::Fault;
use crate::routes::ServerRole;

impl ServerRole {
    fn name(self) -> RoleName {
        match self {
            Self::Timestamp => RoleName::Timestamp,
            Self::Snapshot => RoleName::Snapshot,
        }
    }
}

impl Notary {
    /// The key that the current root names and the server holds; else the pending one.
    pub(crate) async fn server_key(&self, gun: &Gun, role: ServerRole) -> Result<Vec<u8>, Fault> {
        if let (Some(_), publish::State { root: Some(root), .. }) = self.state(gun, []).await? {
            let named =
                publish::key_ids(&root, &role.name()).map_err(|error| Fault::Damaged(format!("root of {gun}: {error}")))?;
            let held = self.collections().server_keys(gun.as_str(), role.as_str()).await?;
            if let Some(key) = held.iter().find(|key| key.key_id.parse().is_ok_and(|id| named.contains(&id))) {
                return Ok(public_json(&key.public));
            }
        }
        self.pending_key(gun, role).await
    }

    /// The pending key, made if there is none. Nothing changes until a root that names it is published.
    pub(crate) async fn pending_key(&self, gun: &Gun, role: ServerRole) -> Result<Vec<u8>, Fault> {
        let private = PrivateKey::generate_p256();
        let key_id = private.public_key().canonical_id().to_string();
        let candidate = ServerKey {
            gun: gun.to_string(),
            role: role.as_str().to_owned(),
            sealed_private: self.inner.seal.seal(&context(gun.as_str(), role.as_str(), &key_id), &private.to_pkcs8_der()),
            key_id,
            public: private.public_key().spki_der().to_vec(),
            created_at: self.now(),
        };
        Ok(public_json(&self.collections().pending_key(&candidate).await?.public))
    }

    /// Every key of the GUN, ready to sign.
    pub(crate) async fn open_keys(&self, gun: &Gun) -> Result<ServerKeys, Fault> {
        Ok(ServerKeys {
            timestamp: self.open(gun, ServerRole::Timestamp).await?,
            snapshot: self.open(gun, ServerRole::Snapshot).await?,
        })
    }

    async fn open(&self, gun: &Gun, role: ServerRole) -> Result<Vec<PrivateKey>, Fault> {
        let sealed = self.collections().server_keys(gun.as_str(), role.as_str()).await?;
        sealed
            .iter()
            .map(|key| {
                let context = context(&key.gun, &key.role, &key.key_id);
                let opened =
                    self.inner.seal.open(&context, &key.sealed_private).map_err(|error| Fault::Key(error.to_string()))?;
                PrivateKey::from_pkcs8_der(&opened).map_err(|error| Fault::Key(error.to_string()))
            })
            .collect()
    }
}

/// A sealed key opens only as the key of its own GUN and role.
fn context(gun: &str, role: &str, key_id: &str) -> String {
    format!("notary server key {key_id} {role} {gun}")
}

fn public_json(spki: &[u8]) -> Vec<u8> {
    json!({"keytype": "ecdsa", "keyval": {"public": STANDARD.encode(spki), "private": null}}).to_string().into_bytes()
}
