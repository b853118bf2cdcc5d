//! What somebody may do with a repository: by the token they show *and* by what is true now.

mod challenge;
mod holding;
mod listing;
mod permission;
mod settings;

use std::sync::Arc;

use time::OffsetDateTime;
use wharfinger_identity::{Account, AccountName};
use wharfinger_oci::Repository;
use wharfinger_storage::StorageError;
use wharfinger_storage::audit::{Act, Audit};
use wharfinger_storage::repositories::{Repositories, RepositoryRecord, Visibility};

pub use challenge::{Challenge, TokenFault};
pub use holding::{MakingError, RemovalError, RepositoryTrust};
use permission::Permission;
pub use settings::NamedTeam;

use crate::accounts::Accounts;
use crate::scope;
use crate::secret::Secret;
use crate::tokens::{Access, Claims, Tokens};

/// The name of what only [`RegistryAccess::mirror_token`] gives.
const MIRROR: &str = "mirror";

/// What a request wants to do with a repository.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Action {
    /// Read content or metadata.
    Pull,
    /// Write content or publish metadata.
    Push,
    /// Delete manifests, tags, blobs.
    Delete,
    /// What the repository's admins do: `*`.
    All,
}

impl Action {
    pub const ALL: [Self; 4] = [Self::Pull, Self::Push, Self::Delete, Self::All];

    /// The word in a token that allows it (as `*` does).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
            Self::All => "*",
        }
    }

    /// The actions a client should ask for: who pushes also reads.
    fn asked_for(self) -> Vec<String> {
        let words: &[&str] = match self {
            Self::Push => &["pull", "push"],
            Self::Pull => &["pull"],
            Self::Delete => &["delete"],
            Self::All => &["*"],
        };
        words.iter().map(|word| (*word).to_owned()).collect()
    }
}

#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    #[error("authentication required")]
    Challenge(Challenge),
    #[error("could not look up the permission")]
    Storage(#[from] StorageError),
}

/// Proof that this may be done with this repository now. Only [`RegistryAccess`] makes one.
///
/// ```compile_fail
/// fn forge(granted: &wharfinger_auth::RepositoryGranted) -> wharfinger_auth::RepositoryGranted {
///     wharfinger_auth::RepositoryGranted { action: wharfinger_auth::Action::All, ..granted.clone() }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct RepositoryGranted {
    repository: Repository,
    action: Action,
    account: Option<Account>,
    exists: bool,
}

impl RepositoryGranted {
    pub fn repository(&self) -> &Repository {
        &self.repository
    }

    pub fn action(&self) -> Action {
        self.action
    }

    /// Who; `None` for an anonymous reader of a public repository.
    pub fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Whether the repository is there already; when not, a push makes it, private.
    pub fn exists(&self) -> bool {
        self.exists
    }
}

/// Proof that the caller may see everything the registry has: the catalog, the global changefeed.
#[derive(Clone, Debug)]
pub struct CatalogGranted {
    account: Account,
}

impl CatalogGranted {
    pub fn account(&self) -> &Account {
        &self.account
    }
}

/// Somebody who may follow the changes of what they may read, and how much that is.
#[derive(Clone, Debug)]
pub struct FeedGranted {
    account: Option<Account>,
    everything: bool,
}

impl FeedGranted {
    /// An administrator who asked for it, or the cluster in the same process.
    pub fn everything(&self) -> bool {
        self.everything
    }
}

/// The one place that says what somebody may do with a repository. The registry's and the notary's door, and the token service,
/// ask the same one.
pub struct RegistryAccess {
    accounts: Arc<Accounts>,
    tokens: Arc<Tokens>,
    repositories: Arc<dyn Repositories>,
    audit: Arc<dyn Audit>,
    public_host: String,
}

impl RegistryAccess {
    /// `public_host` is the registry's `host[:port]`: the realm, the service, and the prefix of GUNs come from it.
    pub fn new(
        accounts: Arc<Accounts>,
        tokens: Arc<Tokens>,
        repositories: Arc<dyn Repositories>,
        audit: Arc<dyn Audit>,
        public_host: &str,
    ) -> Self {
        Self { accounts, tokens, repositories, audit, public_host: public_host.to_owned() }
    }

    /// Records what somebody is about to change in the registry. Called before it is done: what cannot be recorded is not done.
    pub async fn record(
        &self,
        actor: Option<&Account>,
        action: &str,
        object: &str,
        mut detail: serde_json::Value,
    ) -> Result<(), StorageError> {
        if let (Some(actor), Some(fields)) = (actor, detail.as_object_mut()) {
            fields.insert("actor_id".to_owned(), actor.id.as_str().into());
        }
        let actor = actor.map_or("-", |actor| actor.name.as_str());
        let act = Act {
            at: self.accounts.now(),
            actor: actor.to_owned(),
            action: action.to_owned(),
            object: object.to_owned(),
            outcome: "done".to_owned(),
            detail: detail.to_string(),
        };
        self.audit.append(&act).await?;
        tracing::info!(principal = actor, action, object, "changed");
        Ok(())
    }

    /// The bare `/v2/`: any valid token will do. Answers who it is, `None` for an anonymous token.
    pub async fn anyone(&self, bearer: Option<&str>) -> Result<Option<Account>, AccessError> {
        Ok(self.verify(bearer, &[]).await?.1)
    }

    /// `bearer` is the token (without `Bearer `); `name_as_asked` stands in the challenge as the client wrote it (`qa/app`, or a
    /// GUN with its host).
    pub async fn authorize(
        &self,
        bearer: Option<&str>,
        repository: &Repository,
        name_as_asked: &str,
        action: Action,
    ) -> Result<RepositoryGranted, AccessError> {
        let needed = [Access { typ: "repository".to_owned(), name: name_as_asked.to_owned(), actions: action.asked_for() }];
        let (claims, account) = self.verify(bearer, &needed).await?;
        let covered = claims.access.iter().any(|access| {
            access.typ == "repository"
                && allows(&access.actions, action.as_str())
                && scope::repository(&access.name, &self.public_host).as_ref() == Some(repository)
        });
        // The token says what was allowed when it was made; what is allowed now may be less.
        let permission = Permission::find(&self.accounts, &*self.repositories, account.as_ref(), repository).await?;
        if !covered || !permission.allows(action) {
            return Err(self.challenge(&needed, TokenFault::Insufficient));
        }
        Ok(RepositoryGranted { repository: repository.clone(), action, account, exists: permission.exists() })
    }

    /// Makes the repository that a push was granted for, private, if it is not there. What was published for a name that is on nobody's
    /// books would fall to whoever is given the name next.
    pub async fn make_room(&self, granted: &RepositoryGranted, now: OffsetDateTime) -> Result<(), StorageError> {
        if granted.exists || granted.action != Action::Push {
            return Ok(());
        }
        let owner = match granted.repository.namespace().parse::<AccountName>() {
            Ok(namespace) => self.accounts.find_named(&namespace).await?.map(|account| account.id),
            Err(_) => None,
        };
        let record = RepositoryRecord {
            name: granted.repository.clone(),
            owner,
            visibility: Visibility::Private,
            short_description: String::new(),
            long_description: String::new(),
            immutable_tags: false,
            created_at: now,
            updated_at: now,
        };
        let detail = serde_json::json!({ "visibility": record.visibility, "by": "push" });
        self.record(granted.account(), "repository.create", record.name.as_str(), detail).await?;
        self.repositories.create(&record).await.map(drop)
    }

    /// `registry:catalog:*`: administrators only, for it shows private repositories.
    pub async fn catalog(&self, bearer: Option<&str>) -> Result<CatalogGranted, AccessError> {
        let needed = [Access { typ: "registry".to_owned(), name: "catalog".to_owned(), actions: vec!["*".to_owned()] }];
        let (claims, account) = self.verify(bearer, &needed).await?;
        let covered = claims
            .access
            .iter()
            .any(|access| access.typ == "registry" && access.name == "catalog" && allows(&access.actions, "*"));
        match account {
            Some(account) if covered && account.is_admin => Ok(CatalogGranted { account }),
            _ => Err(self.challenge(&needed, TokenFault::Insufficient)),
        }
    }

    /// `registry:changes:pull`, which anybody may have: the changes of what they may read. With `registry:catalog:*`, of everything.
    pub async fn feed(&self, bearer: Option<&str>) -> Result<FeedGranted, AccessError> {
        let entry = |name: &str, action: &str| Access {
            typ: "registry".to_owned(),
            name: name.to_owned(),
            actions: vec![action.to_owned()],
        };
        let needed = [entry("catalog", "*"), entry("changes", "pull")];
        let (claims, account) = self.verify(bearer, &needed).await?;
        let holds = |name: &str, action: &str| {
            let of = |access: &&Access| access.typ == "registry" && access.name == name;
            claims.access.iter().filter(of).any(|access| allows(&access.actions, action))
        };
        let admin = account.as_ref().is_some_and(|account| account.is_admin);
        let everything = holds(MIRROR, "pull") || (admin && holds("catalog", "*"));
        if !everything && !holds("changes", "pull") {
            return Err(self.challenge(&needed, TokenFault::Insufficient));
        }
        Ok(FeedGranted { account, everything })
    }

    /// Whether the changes of `repository` are for them, now.
    pub async fn follows(&self, granted: &FeedGranted, repository: &Repository) -> Result<bool, StorageError> {
        Ok(granted.everything || self.permits(granted.account.as_ref(), repository, Action::Pull).await?)
    }

    /// Differs from what it was before as soon as they may have lost the right to read something. Who is nobody in the directory loses
    /// nothing by a change of it.
    pub async fn readers_revision(&self, granted: &FeedGranted) -> Result<(u64, u64), StorageError> {
        let directory = if granted.account.is_some() { self.accounts.revision().await? } else { 0 };
        Ok((directory, self.repositories.revision().await?))
    }

    /// A token of five minutes with which the cluster in the same process reads all trust data, to keep its mirror. No token service
    /// grants it.
    pub fn mirror_token(&self) -> Result<Secret, StorageError> {
        let access = Access { typ: "registry".to_owned(), name: MIRROR.to_owned(), actions: vec!["pull".to_owned()] };
        self.tokens.issue(None, vec![access]).map(Secret::new).map_err(StorageError::unavailable)
    }

    /// Whether `bearer` is such a token.
    pub fn is_mirror(&self, bearer: Option<&str>) -> bool {
        let claims = bearer.and_then(|token| self.tokens.verify(token).ok());
        let of = |access: &Access| access.typ == "registry" && access.name == MIRROR && allows(&access.actions, "pull");
        claims.is_some_and(|claims| claims.sub.is_empty() && claims.access.iter().any(of))
    }

    /// What an account (`None`: anybody) may do with a repository now, without a token: for `/api/v0`, the gate and the console.
    /// To push to a repository that is not there is to make it.
    pub async fn permits(
        &self,
        account: Option<&Account>,
        repository: &Repository,
        action: Action,
    ) -> Result<bool, StorageError> {
        Ok(Permission::find(&self.accounts, &*self.repositories, account, repository).await?.allows(action))
    }

    /// Of what was asked, what somebody may have: names as asked, actions at most those granted, entries without any left out.
    pub(crate) async fn grantable(&self, account: Option<&Account>, asked: Vec<Access>) -> Result<Vec<Access>, StorageError> {
        let mut granted = Vec::with_capacity(asked.len());
        for mut access in asked {
            match access.typ.as_str() {
                "repository" => {
                    let Some(repository) = scope::repository(&access.name, &self.public_host) else { continue };
                    let permission = Permission::find(&self.accounts, &*self.repositories, account, &repository).await?;
                    access.actions.retain(|word| {
                        Action::ALL.into_iter().any(|action| action.as_str() == word && permission.allows(action))
                    });
                }
                "registry" if access.name == "catalog" && account.is_some_and(|account| account.is_admin) => {
                    access.actions.retain(|word| word == "*");
                }
                "registry" if access.name == "changes" => access.actions.retain(|word| word == "pull"),
                _ => continue,
            }
            if !access.actions.is_empty() {
                granted.push(access);
            }
        }
        Ok(granted)
    }

    /// A token of five minutes with which the account may pull the repository, `None` when it may not: what the engine is given for
    /// a registry that shares the cluster's accounts. `name` is what the client will ask for.
    pub async fn pull_token(
        &self,
        account: &wharfinger_identity::AccountId,
        repository: &Repository,
        name: &str,
    ) -> Result<Option<Secret>, StorageError> {
        let account = self.accounts.find(account).await?;
        let Some(account) = account.filter(|account| account.is_active && !account.is_org) else { return Ok(None) };
        if !self.permits(Some(&account), repository, Action::Pull).await? {
            return Ok(None);
        }
        let access = Access { typ: "repository".to_owned(), name: name.to_owned(), actions: Action::Pull.asked_for() };
        let token = self.tokens.issue(Some(&account), vec![access]);
        token.map(|token| Some(Secret::new(token))).map_err(StorageError::unavailable)
    }

    pub(crate) fn accounts(&self) -> &Arc<Accounts> {
        &self.accounts
    }

    pub(crate) fn tokens(&self) -> &Arc<Tokens> {
        &self.tokens
    }

    /// The claims, and the account they speak for as it is now.
    async fn verify(&self, bearer: Option<&str>, needed: &[Access]) -> Result<(Claims, Option<Account>), AccessError> {
        let Some(token) = bearer else { return Err(self.challenge(needed, TokenFault::Missing)) };
        let Ok(claims) = self.tokens.verify(token) else { return Err(self.challenge(needed, TokenFault::Invalid)) };
        if claims.sub.is_empty() {
            return Ok((claims, None));
        }
        let id = wharfinger_identity::AccountId::stored(claims.sub.clone());
        match self.accounts.find(&id).await?.filter(|account| account.is_active && !account.is_org) {
            Some(account) => Ok((claims, Some(account))),
            None => Err(self.challenge(needed, TokenFault::Invalid)),
        }
    }

    fn challenge(&self, needed: &[Access], fault: TokenFault) -> AccessError {
        AccessError::Challenge(Challenge {
            realm: format!("https://{}/auth/token", self.public_host),
            service: self.tokens.service().to_owned(),
            needed: needed.to_vec(),
            fault,
        })
    }
}

fn allows(granted: &[String], word: &str) -> bool {
    granted.iter().any(|action| action == word || action == "*")
}
