//! Public keys of accounts: registered with proof, retired, deleted.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use time::OffsetDateTime;
use wharfinger_identity::{Account, PublicKeyId};
use wharfinger_keys::PublicKey;
use wharfinger_storage::accounts::{Page, PublicKeyChange, PublicKeyRecord};

use super::proof;
use super::rows::{Listed, one_more};
use super::{Directory, DirectoryError, Lost, Result, administrators_only, line, shown};
use crate::principal::Principal;

/// A key to be registered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewKey {
    /// PEM: `PUBLIC KEY`, or a `CERTIFICATE` of which only the key is taken.
    pub public_key: String,
    pub label: String,
    /// What the server gave to be signed, and the signature by the key (base64). Administrators need neither.
    pub nonce: Option<String>,
    pub signature: Option<String>,
}

/// What is to change of a key; `None` leaves a field as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KeyChanges {
    pub label: Option<String>,
    pub login: Option<bool>,
}

/// Text to be signed with a key, to prove that one has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Nonce {
    pub nonce: String,
    pub expires: OffsetDateTime,
}

impl Directory {
    pub async fn keys(&self, actor: &Principal, account: &str, page: &Page) -> Result<Listed<PublicKeyRecord>> {
        let account = self.key_holder(actor, account).await?;
        let keys = self.store().keys_of(&account.id, &one_more(page)).await?;
        Ok(Listed::cut(keys, page, |key| key.id.to_string()))
    }

    pub async fn key(&self, actor: &Principal, account: &str, id: &str) -> Result<PublicKeyRecord> {
        let account = self.key_holder(actor, account).await?;
        self.key_row(&account, id).await
    }

    /// What has to be signed to register a key for this account: good for a few minutes.
    pub async fn nonce(&self, actor: &Principal, account: &str) -> Result<Nonce> {
        let account = self.key_holder(actor, account).await?;
        Ok(proof::nonce(&self.nonces, &account.id, self.accounts.now()))
    }

    /// Registers a key. It signs for the account from now on; it lets nobody in, for no certificate was made for it.
    pub async fn add_key(&self, actor: &Principal, account: &str, new: NewKey) -> Result<PublicKeyRecord> {
        let account = self.key_holder(actor, account).await?;
        password_session(actor, "registered")?;
        self.may_add_key(actor, &account).await?;
        line("label", &new.label)?;
        let invalid = |field, message: String| DirectoryError::Invalid { field, message };
        let key = PublicKey::from_pem(&new.public_key).map_err(|error| invalid("publicKey", error.to_string()))?;
        match (&new.nonce, &new.signature) {
            (Some(nonce), Some(signature)) => {
                let signature = STANDARD.decode(signature.trim()).map_err(|_| invalid("signature", "not base64".to_owned()))?;
                proof::verify(&self.nonces, nonce, &account.id, self.accounts.now(), &key, &signature)
                    .map_err(|error| invalid("signature", error.to_string()))?;
            }
            (None, None) if actor.account.is_admin => {}
            _ => {
                let message = "a signature by the key over a nonce of this server is needed (GET …/publicKeys/nonce, \
                               then `printf %s \"$nonce\" | openssl dgst -sha256 -sign key.pem | base64`)";
                return Err(invalid("signature", message.to_owned()));
            }
        }
        let record = PublicKeyRecord {
            id: PublicKeyId::generate(),
            account: account.id.clone(),
            spki: key.spki_der().to_vec(),
            label: new.label,
            certificates: Vec::new(),
            login: false,
            created: self.accounts.now(),
        };
        self.act_on_key(actor, "key.add", &account, &record, json!({ "label": record.label }), async {
            Ok(self.store().add_key(&record).await?)
        })
        .await?;
        Ok(record)
    }

    /// `login: false` retires a key: nobody comes in by it any more, and its signatures count as before.
    pub async fn update_key(&self, actor: &Principal, account: &str, id: &str, changes: KeyChanges) -> Result<PublicKeyRecord> {
        let account = self.key_holder(actor, account).await?;
        let key = self.key_row(&account, id).await?;
        if let Some(label) = &changes.label {
            line("label", label)?;
        }
        if changes.login == Some(true) && !key.login {
            password_session(actor, "let in again")?;
            if key.certificates.is_empty() {
                let message = "no certificate was made for this key, so nobody can log in with it".to_owned();
                return Err(DirectoryError::Invalid { field: "login", message });
            }
        }
        let change = PublicKeyChange { label: changes.label.clone(), login: changes.login };
        let detail = json!({ "label": changes.label, "login": changes.login });
        let updated = self
            .act_on_key(actor, "key.update", &account, &key, detail, async {
                self.store().update_key(&key.id, &change).await?.ok_or_else(|| no_such_key(id))
            })
            .await?;
        if changes.login == Some(false) {
            self.cut.close_key(&key.id);
        }
        Ok(updated)
    }

    /// The tags that would count a signer less without this key.
    pub async fn would_lose(&self, actor: &Principal, account: &str, id: &str) -> Result<Lost> {
        let account = self.key_holder(actor, account).await?;
        let key = self.key_row(&account, id).await?;
        match &self.signed {
            Some(signed) => Ok(Lost { tags: Some(signed.signed_by(std::slice::from_ref(&key)).await?) }),
            None => Ok(Lost::default()),
        }
    }

    /// Revokes the key: whoever came in by it is cut off, and its signatures stop counting.
    pub async fn delete_key(&self, actor: &Principal, account: &str, id: &str) -> Result<Lost> {
        let account = self.key_holder(actor, account).await?;
        let key = self.key_row(&account, id).await?;
        let lost = self.losses(std::slice::from_ref(&key)).await;
        self.act_on_key(actor, "key.delete", &account, &key, json!({ "tagsLosingASigner": lost.tags }), async {
            self.store().delete_key(&key.id).await?.then_some(()).ok_or_else(|| no_such_key(id))
        })
        .await?;
        self.cut.close_key(&key.id);
        Ok(lost)
    }

    /// What goes with keys that are being taken away. To shut somebody out must not wait for a list that cannot be made.
    pub(super) async fn losses(&self, keys: &[PublicKeyRecord]) -> Lost {
        let Some(signed) = &self.signed else { return Lost::default() };
        match signed.signed_by(keys).await {
            Ok(tags) => Lost { tags: Some(tags) },
            Err(error) => {
                tracing::error!(%error, "which tags lose a signer cannot be told; going on");
                Lost::default()
            }
        }
    }

    /// A user's keys are theirs and the administrators' to see and change, nobody else's.
    async fn key_holder(&self, actor: &Principal, account: &str) -> Result<Account> {
        let account = self.readable(actor, account).await?;
        if account.is_org {
            let message = "an organization has no keys; its members have".to_owned();
            return Err(DirectoryError::Invalid { field: "name", message });
        }
        if account.id != actor.account.id {
            administrators_only(actor, "see or change another's keys")?;
        }
        Ok(account)
    }

    async fn key_row(&self, account: &Account, id: &str) -> Result<PublicKeyRecord> {
        let key = self.store().key(&PublicKeyId::stored(id)).await?;
        key.filter(|key| key.account == account.id).ok_or_else(|| no_such_key(id))
    }

    async fn act_on_key<T>(
        &self,
        actor: &Principal,
        action: &str,
        account: &Account,
        key: &PublicKeyRecord,
        mut detail: serde_json::Value,
        doing: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if let Some(fields) = detail.as_object_mut() {
            fields.insert("key".to_owned(), key.id.as_str().into());
            if let Ok(public) = PublicKey::from_spki_der(&key.spki) {
                fields.insert("key_id".to_owned(), public.canonical_id().to_string().into());
            }
        }
        self.act(actor, action, account.name.as_str(), detail, doing).await
    }
}

fn password_session(actor: &Principal, what: &str) -> Result<()> {
    if actor.via.is_password_session() {
        return Ok(());
    }
    Err(DirectoryError::Forbidden(format!(
        "a key is {what} in a session that began with a password, not by certificate; log in at /auth/login"
    )))
}

fn no_such_key(id: &str) -> DirectoryError {
    DirectoryError::NoSuch { what: "publicKey", name: shown(id) }
}
