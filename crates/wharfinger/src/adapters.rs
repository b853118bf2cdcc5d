//! One room's port, answered by another room: the rooms do not know each other, so this is where they meet.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderValue, Request, StatusCode, header};
use tower::ServiceExt as _;
use wharfinger_auth::{
    Access, Accounts, Action, ApiServer, Cut, Kubernetes, PolicyNames, PolicyTeams, RegistryAccess, Secret, Tokens,
};
use wharfinger_cluster::Cluster;
use wharfinger_console::EngineDoor;
use wharfinger_gate::{Directory, DirectoryError, LocalRegistry};
use wharfinger_identity::{AccountId, PublicKeyId, Role};
use wharfinger_keys::PublicKey;
use wharfinger_oci::{Host, Repository};
use wharfinger_policy::Owner;
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::PublicKeyRecord;
use wharfinger_transport::{Live, Peer};
use wharfinger_trust::Resolver;

/// The gate's directory: the accounts of this instance.
pub(crate) struct AccountsDirectory(pub(crate) Arc<Accounts>);

#[async_trait]
impl Directory for AccountsDirectory {
    async fn revision(&self) -> Result<i64, DirectoryError> {
        let revision = self.0.revision().await.map_err(|error| DirectoryError(Box::new(error)))?;
        i64::try_from(revision).map_err(|error| DirectoryError(Box::new(error)))
    }

    async fn owner(&self, key: &PublicKey) -> Result<Option<Owner>, DirectoryError> {
        let owner = self.0.owner_of(key).await.map_err(|error| DirectoryError(Box::new(error)))?;
        Ok(owner.map(|owner| Owner {
            account: owner.account.id.clone(),
            name: owner.account.name.to_string(),
            is_active: owner.account.is_active,
            teams: owner.teams.clone(),
        }))
    }
}

/// The registry in the same process: who may read there needs no other credentials.
pub(crate) struct SharedRegistry {
    pub(crate) host: Host,
    pub(crate) accounts: Arc<Accounts>,
    pub(crate) access: Arc<RegistryAccess>,
    pub(crate) tokens: Arc<Tokens>,
}

#[async_trait]
impl LocalRegistry for SharedRegistry {
    fn host(&self) -> &Host {
        &self.host
    }

    async fn pull_token(&self, account: Option<&AccountId>, repository: &Repository, name: &str) -> Option<String> {
        let account = match account {
            Some(account) => Some(self.accounts.find(account).await.ok()??),
            None => None,
        };
        if !self.access.permits(account.as_ref(), repository, Action::Pull).await.ok()? {
            return None;
        }
        let access = Access { typ: "repository".to_owned(), name: name.to_owned(), actions: vec!["pull".to_owned()] };
        self.tokens.issue(account.as_ref(), vec![access]).ok()
    }

    async fn mirror_token(&self) -> Option<String> {
        self.access.mirror_token().ok().map(|token| token.reveal().to_owned())
    }
}

/// What the cluster's configuration says to whoever changes the directory or makes bundles.
pub(crate) struct PolicyOf(pub(crate) Arc<Cluster>);

#[async_trait]
impl PolicyNames for PolicyOf {
    async fn teams(&self) -> Result<PolicyTeams, StorageError> {
        let trust = self.0.current().await.map_err(StorageError::unavailable)?.configuration.trust;
        Ok(PolicyTeams {
            teams: trust.named_teams().map(|team| team.id.clone()).collect(),
            users: trust.rules.iter().flat_map(|rule| &rule.require.users).map(|user| user.id.clone()).collect(),
            delegate_membership: trust.delegate_membership,
        })
    }

    async fn default_new_user_role(&self) -> Result<Role, StorageError> {
        Ok(self.0.current().await.map_err(StorageError::unavailable)?.configuration.auth.default_new_user_role)
    }
}

#[async_trait]
impl Kubernetes for PolicyOf {
    async fn api_server(&self) -> Result<Option<ApiServer>, StorageError> {
        let settings = self.0.current().await.map_err(StorageError::unavailable)?.configuration.kubernetes;
        Ok(Some(ApiServer { server: settings.server, ca_bundle: settings.ca_bundle }).filter(|known| !known.server.is_empty()))
    }
}

/// Shuts the connections of those who were shut out.
pub(crate) struct CutLive(pub(crate) Arc<Live>);

impl Cut for CutLive {
    fn close_account(&self, account: &AccountId) {
        self.0.close_account(account.as_str());
    }

    fn close_key(&self, key: &PublicKeyId) {
        self.0.close_key(key.as_str());
    }
}

/// Before a key goes: what rests on it, as far as this cluster has seen.
pub(crate) struct RestingOn(pub(crate) Arc<Resolver>);

#[async_trait]
impl wharfinger_auth::SignedTags for RestingOn {
    async fn signed_by(&self, keys: &[PublicKeyRecord]) -> Result<Vec<String>, StorageError> {
        let id = |record: &PublicKeyRecord| PublicKey::from_spki_der(&record.spki).map(|key| key.canonical_id());
        let ids: Vec<_> = keys.iter().map(id).collect::<Result<_, _>>().map_err(StorageError::unavailable)?;
        self.0.signed_by(&ids).await.map_err(StorageError::unavailable)
    }
}

/// The engine's door as a client with a session knocks at it, without a network between.
pub(crate) struct EngineHere(pub(crate) Router);

#[async_trait]
impl EngineDoor for EngineHere {
    async fn call(&self, session: &Secret, peer: &Peer, mut request: Request<Body>) -> Response {
        let Ok(mut bearer) = HeaderValue::try_from(format!("Bearer {}", session.reveal())) else {
            return StatusCode::UNAUTHORIZED.into_response();
        };
        bearer.set_sensitive(true);
        request.headers_mut().insert(header::AUTHORIZATION, bearer);
        request.extensions_mut().insert(peer.clone());
        let Ok(response) = self.0.clone().oneshot(request).await;
        response
    }
}
