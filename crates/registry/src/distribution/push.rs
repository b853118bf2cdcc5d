//! Who pushes, and where to: the first push makes the repository.

use wharfinger_auth::{Action, RepositoryGranted};
use wharfinger_identity::{Account, AccountId};
use wharfinger_oci::Repository;

use super::call::Call;
use super::error::Refusal;

/// Permission to push, and the account it was given to.
pub(crate) async fn authorize(call: &Call<'_>, name: &Repository) -> Result<(RepositoryGranted, Account), Refusal> {
    let granted = call.authorize(name, Action::Push).await?;
    let account = granted.account().cloned().ok_or_else(|| Refusal::Denied("nobody pushes without an account".to_owned()))?;
    Ok((granted, account))
}

/// Makes the repository, private, if it is not there; whether the account may was asked when the permission was given.
pub(crate) async fn make_room(call: &Call<'_>, granted: &RepositoryGranted) -> Result<(), Refusal> {
    Ok(call.registry.access.make_room(granted, call.registry.clock.now()).await?)
}

/// Asks again once a body has come: that may have taken its time, and the right be gone by now. Not by the token, which may
/// well have run out on the way.
pub(crate) async fn still_allowed(call: &Call<'_>, name: &Repository, account: &AccountId) -> Result<(), Refusal> {
    let registry = call.registry;
    let account = registry.accounts.find(account).await?.filter(|account| account.is_active);
    if account.is_some() && registry.access.permits(account.as_ref(), name, Action::Push).await? {
        return Ok(());
    }
    Err(Refusal::Denied(format!("you may not push to {name} any more")))
}
