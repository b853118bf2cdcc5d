//! Whether it is the API server that asks, where more than the secret path is wanted.

use async_trait::async_trait;
use wharfinger_auth::{Accounts, AuthError};
use wharfinger_transport::Peer;

/// Who recognises the account behind a client certificate.
#[async_trait]
pub trait Callers: Send + Sync {
    /// Id and name of the account whose key this is (SPKI, DER); an error for a key that opens nothing any more.
    async fn account(&self, spki: &[u8]) -> Result<Option<(String, String)>, AuthError>;
}

#[async_trait]
impl Callers for Accounts {
    async fn account(&self, spki: &[u8]) -> Result<Option<(String, String)>, AuthError> {
        let principal = self.authenticate(Some(spki), None, None).await?;
        Ok(principal.map(|principal| (principal.account.id.to_string(), principal.account.name.to_string())))
    }
}

/// The path is printed by the API server whenever it cannot reach the webhook, to whoever deployed: who wants more than it asks for
/// the certificate of one account.
#[derive(Debug, thiserror::Error)]
#[error(
    "the client certificate of `{0}` is needed here ([kubernetes] api_server_account): give the API server a kubeconfig of its client bundle for this webhook"
)]
pub(crate) struct NotTheApiServer(String);

pub(crate) async fn check(callers: &dyn Callers, expected: &str, peer: Option<&Peer>) -> Result<(), NotTheApiServer> {
    if expected.is_empty() {
        return Ok(());
    }
    let refused = || NotTheApiServer(expected.to_owned());
    let spki = peer.and_then(Peer::certificate_spki).ok_or_else(refused)?;
    let (id, name) = callers.account(spki).await.ok().flatten().ok_or_else(refused)?;
    if expected != name && expected != id {
        return Err(refused());
    }
    // From now on the connection is cut when the account's key goes.
    peer.map_or(Ok(()), |peer| peer.bind(&id, None)).map_err(|_| refused())
}
