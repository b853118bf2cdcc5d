//! What somebody may do with a repository: by the token they show *and* by what is true now.

use std::sync::Arc;

use wharfinger_identity::Account;
use wharfinger_oci::Repository;
use wharfinger_storage::StorageError;
use wharfinger_storage::repositories::Repositories;

use crate::accounts::Accounts;
use crate::tokens::{Access, Tokens};

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
    /// What a scope asks for.
    pub fn scope(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "pull,push",
            Self::Delete => "delete",
            Self::All => "*",
        }
    }
}

/// What was wrong with the token that was shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenFault {
    /// None was shown.
    Missing,
    /// Not ours, expired, or its account is gone: `error="invalid_token"`.
    Invalid,
    /// It, or the account now, may not do this: `error="insufficient_scope"`.
    Insufficient,
}

/// The answer 401: where to get a token, for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    pub realm: String,
    pub service: String,
    /// What was needed; empty for the bare `/v2/`.
    pub needed: Vec<Access>,
    pub fault: TokenFault,
}

impl Challenge {
    /// The value of `WWW-Authenticate`.
    pub fn www_authenticate(&self) -> String {
        use std::fmt::Write as _;
        let mut value = format!("Bearer realm=\"{}\",service=\"{}\"", self.realm, self.service);
        let scopes: Vec<String> =
            self.needed.iter().map(|access| format!("{}:{}:{}", access.typ, access.name, access.actions.join(","))).collect();
        if !scopes.is_empty() {
            let _ = write!(value, ",scope=\"{}\"", scopes.join(" "));
        }
        match self.fault {
            TokenFault::Missing => {}
            TokenFault::Invalid => value.push_str(",error=\"invalid_token\""),
            TokenFault::Insufficient => value.push_str(",error=\"insufficient_scope\""),
        }
        value
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

/// The one place that says what somebody may do with a repository. The registry's and the notary's door, and the token service,
/// ask the same one.
pub struct RegistryAccess {
    accounts: Arc<Accounts>,
    tokens: Arc<Tokens>,
    repositories: Arc<dyn Repositories>,
    public_host: String,
}

impl RegistryAccess {
    /// `public_host` is the registry's `host[:port]`: the realm, the service, and the prefix of GUNs come from it.
    pub fn new(accounts: Arc<Accounts>, tokens: Arc<Tokens>, repositories: Arc<dyn Repositories>, public_host: &str) -> Self {
        Self { accounts, tokens, repositories, public_host: public_host.to_owned() }
    }

    /// The bare `/v2/`: any valid token will do. Answers who it is, `None` for an anonymous token.
    pub async fn anyone(&self, _bearer: Option<&str>) -> Result<Option<Account>, AccessError> {
        let _ = (&self.accounts, &self.tokens, &self.repositories, &self.public_host);
        unimplemented!()
    }

    /// `bearer` is the token (without `Bearer `); `name_as_asked` stands in the challenge as the client wrote it (`qa/app`, or a
    /// GUN with its host).
    pub async fn authorize(
        &self,
        _bearer: Option<&str>,
        _repository: &Repository,
        _name_as_asked: &str,
        _action: Action,
    ) -> Result<RepositoryGranted, AccessError> {
        unimplemented!()
    }

    /// `registry:catalog:*`: administrators only, for it shows private repositories.
    pub async fn catalog(&self, _bearer: Option<&str>) -> Result<CatalogGranted, AccessError> {
        unimplemented!()
    }

    /// What an account (`None`: anybody) may do with a repository now, without a token: for `/api/v0`, the gate and the console.
    pub async fn permits(
        &self,
        _account: Option<&Account>,
        _repository: &Repository,
        _action: Action,
    ) -> Result<bool, StorageError> {
        unimplemented!()
    }
}
