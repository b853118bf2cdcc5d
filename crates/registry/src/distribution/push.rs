//! The first push makes the repository.

use wharfinger_auth::{Action, RepositoryGranted};
use wharfinger_identity::Account;
use wharfinger_oci::Repository;

use super::call::Call;
use super::error::Refusal;

/// Permission to push, and the account it was given to.
pub(crate) async fn authorize<'a>(call: &Call<'a>, name: &Repository) -> Result<(RepositoryGranted, Account), Refusal> {
    let granted = call.authorize(name, Action::Push).await?;
    let account = granted.account().cloned().ok_or_else(|| Refusal::Denied("nobody pushes without an account".to_owned()))?;
    Ok((granted, account))
}

/// Makes the repository, private, if it is not there; whether the account may was asked when the permission was given.
pub(crate) async fn make_room(call: &Call<'_>, granted: &RepositoryGranted) -> Result<(), Refusal> {
    if granted.exists() {
        return Ok(());
    }
    let registry = call.registry;
    let record = registry.new_record(granted.repository(), registry.clock.now()).await?;
    if registry.repositories.create(&record).await? {
        tracing::info!(repository = %record.name, "made by the first push");
    }
    Ok(())
}
