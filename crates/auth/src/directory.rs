//! Changing the directory: who may change what, and what follows for those concerned.
//!
//! Administrators may change everything; an organization's admins its members and teams, but not the teams the signing policy
//! names, for their members *are* the policy; users themselves and their own keys. Each change is audited, and whoever it shuts
//! out is cut off at once.

mod keys;
mod orgs;
mod people;
mod proof;
mod rows;
mod teams;

use std::sync::Arc;

use aws_lc_rs::{hmac, rand};
use wharfinger_identity::{Account, Team};
use wharfinger_storage::StorageError;
use wharfinger_storage::audit::{Act, Audit};
use zeroize::Zeroizing;

pub use keys::{KeyChanges, NewKey, Nonce};
pub use orgs::MemberChange;
pub use people::{AccountChanges, NewAccount};
pub use rows::{AccountRow, Listed, MemberRow, TeamRow};
pub use teams::{NewTeam, TeamChanges};

use crate::accounts::{Accounts, LoginError, PasswordError};
use crate::hooks::{Cut, PolicyNames, SignedTags};
use crate::principal::Principal;

/// Why the directory was not read or changed.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// 403
    #[error("{0}")]
    Forbidden(String),
    /// 404: `what` is `account`, `team`, `member` or `publicKey`.
    #[error("there is no {what} `{name}` here")]
    NoSuch { what: &'static str, name: String },
    /// 400
    #[error("{field}: {message}")]
    Invalid { field: &'static str, message: String },
    /// 409
    #[error("{0}")]
    Conflict(String),
    /// The old password was wrong: 401, or 429.
    #[error(transparent)]
    OldPassword(LoginError),
    #[error("the directory could not be read or written")]
    Storage(#[source] StorageError),
}

impl From<StorageError> for DirectoryError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Conflict(message) => Self::Conflict(message),
            other => Self::Storage(other),
        }
    }
}

impl From<PasswordError> for DirectoryError {
    fn from(error: PasswordError) -> Self {
        match error {
            PasswordError::Storage(error) => error.into(),
            PasswordError::NoAccount(name) => Self::NoSuch { what: "account", name },
            short @ PasswordError::Length { .. } => Self::Invalid { field: "password", message: short.to_string() },
        }
    }
}

pub(crate) type Result<T> = std::result::Result<T, DirectoryError>;

/// What a change took away.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lost {
    /// The tags that count a signer less; `None` where nobody can tell.
    pub tags: Option<Vec<String>>,
}

/// Reads and changes the directory on somebody's behalf.
pub struct Directory {
    accounts: Arc<Accounts>,
    policy: Arc<dyn PolicyNames>,
    cut: Arc<dyn Cut>,
    signed: Option<Arc<dyn SignedTags>>,
    audit: Arc<dyn Audit>,
    nonces: hmac::Key,
}

impl Directory {
    pub fn new(
        accounts: Arc<Accounts>,
        policy: Arc<dyn PolicyNames>,
        cut: Arc<dyn Cut>,
        signed: Option<Arc<dyn SignedTags>>,
        audit: Arc<dyn Audit>,
    ) -> Self {
        let mut bytes = Zeroizing::new([0_u8; 32]);
        // Without randomness nothing in this process could be trusted: better not to start.
        rand::fill(bytes.as_mut()).expect("the operating system gives random bytes");
        Self { accounts, policy, cut, signed, audit, nonces: hmac::Key::new(hmac::HMAC_SHA256, bytes.as_ref()) }
    }

    fn store(&self) -> &dyn wharfinger_storage::accounts::Accounts {
        &**self.accounts.directory()
    }

    /// Records what `actor` does, then does it: what cannot be recorded is not done. What fails all the same is recorded as failed.
    async fn act<T>(
        &self,
        actor: &Principal,
        action: &str,
        object: &str,
        mut detail: serde_json::Value,
        doing: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        if let Some(fields) = detail.as_object_mut() {
            fields.insert("actor_id".to_owned(), actor.account.id.as_str().into());
        }
        let act = Act {
            at: self.accounts.now(),
            actor: actor.account.name.to_string(),
            action: action.to_owned(),
            object: object.to_owned(),
            outcome: "done".to_owned(),
            detail: detail.to_string(),
        };
        let entry = self.audit.append(&act).await?;
        let done = doing.await;
        if let Err(error) = &done {
            let detail = serde_json::json!({ "entry": entry, "error": error.to_string() }).to_string();
            let failed = Act { at: self.accounts.now(), outcome: "failed".to_owned(), detail, ..act };
            // It was not done, whether this is recorded or not.
            if let Err(error) = self.audit.append(&failed).await {
                tracing::error!(%error, entry, "that it failed could not be recorded");
            }
        }
        done
    }

    /// An account by its id or name. To whom may not read it, it is not there.
    async fn readable(&self, actor: &Principal, name_or_id: &str) -> Result<Account> {
        let no_such = || DirectoryError::NoSuch { what: "account", name: shown(name_or_id) };
        let account = self.find(name_or_id).await?.ok_or_else(no_such)?;
        let own = account.id == actor.account.id;
        let member = account.is_org && self.store().member(&account.id, &actor.account.id).await?.is_some();
        if actor.account.is_admin || own || member { Ok(account) } else { Err(no_such()) }
    }

    async fn find(&self, name_or_id: &str) -> Result<Option<Account>> {
        // Ids first: no account may be named like an id.
        let id = wharfinger_identity::AccountId::stored(name_or_id);
        if let Some(account) = self.store().account(&id).await? {
            return Ok(Some(account));
        }
        match name_or_id.parse() {
            Ok(name) => Ok(self.store().account_named(&name).await?),
            Err(_) => Ok(None),
        }
    }

    async fn readable_org(&self, actor: &Principal, name_or_id: &str) -> Result<Account> {
        let org = self.readable(actor, name_or_id).await?;
        if org.is_org { Ok(org) } else { Err(DirectoryError::NoSuch { what: "organization", name: shown(name_or_id) }) }
    }

    /// An organization the actor administers.
    async fn administered_org(&self, actor: &Principal, name_or_id: &str) -> Result<Account> {
        let org = self.readable_org(actor, name_or_id).await?;
        let own = self.store().member(&org.id, &actor.account.id).await?.is_some_and(|member| member.is_admin);
        if actor.account.is_admin || own {
            return Ok(org);
        }
        Err(DirectoryError::Forbidden(format!("only administrators and the admins of `{}` may change it", org.name)))
    }

    async fn team(&self, org: &Account, name_or_id: &str) -> Result<Team> {
        let id = wharfinger_identity::TeamId::stored(name_or_id);
        let found = match self.store().team(&id).await? {
            Some(team) if team.org == org.id => Some(team),
            _ => match name_or_id.parse() {
                Ok(name) => self.store().team_named(&org.id, &name).await?,
                Err(_) => None,
            },
        };
        found.ok_or_else(|| DirectoryError::NoSuch { what: "team", name: format!("{}/{}", org.name, shown(name_or_id)) })
    }

    /// Refuses a change of the members of teams that the policy names, but to administrators.
    async fn may_change_members(&self, actor: &Principal, teams: &[Team]) -> Result<()> {
        if actor.account.is_admin {
            return Ok(());
        }
        let policy = self.policy.teams().await?;
        match teams.iter().find(|team| policy.teams.contains(&team.id)) {
            Some(team) if !policy.delegate_membership => Err(DirectoryError::Forbidden(format!(
                "the signing policy names the team `{}`, so its members are changed by administrators only \
                 (or set delegate_membership = true)",
                team.name
            ))),
            _ => Ok(()),
        }
    }
}

impl Directory {
    /// Refuses to let users register keys whose signatures the policy counts, by name or by team. Taking one's own key away is
    /// never refused: whoever has lost it must not have to wait.
    async fn may_add_key(&self, actor: &Principal, account: &Account) -> Result<()> {
        if actor.account.is_admin {
            return Ok(());
        }
        let policy = self.policy.teams().await?;
        if policy.delegate_membership {
            return Ok(());
        }
        let teams = self.store().teams_of(&account.id).await?;
        let named = policy.users.contains(&account.id) || teams.iter().any(|team| policy.teams.contains(&team.id));
        if !named {
            return Ok(());
        }
        Err(DirectoryError::Forbidden(format!(
            "the signing policy counts the signatures of `{}`, so keys are added by administrators only (or set \
             delegate_membership = true); a client bundle brings a key of its own",
            account.name
        )))
    }
}

fn administrators_only(actor: &Principal, what: &str) -> Result<()> {
    if actor.account.is_admin { Ok(()) } else { Err(DirectoryError::Forbidden(format!("only administrators may {what}"))) }
}

/// What somebody typed, short enough to be repeated.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// Names and ids come in the same place of a path, so no name may look like an id.
fn not_like_an_id(name: &str) -> Result<()> {
    if uuid::Uuid::try_parse(name).is_ok() {
        return Err(DirectoryError::Invalid {
            field: "name",
            message: format!("`{name}` looks like an id; choose another name"),
        });
    }
    Ok(())
}

/// One line of a size that pages can show.
fn line(field: &'static str, text: &str) -> Result<()> {
    if text.chars().count() > 256 || text.chars().any(char::is_control) {
        return Err(DirectoryError::Invalid { field, message: "one line of at most 256 characters".to_owned() });
    }
    Ok(())
}
