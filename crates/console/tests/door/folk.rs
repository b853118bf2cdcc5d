//! The people of a console, made through its directory as an administrator makes them.

use std::sync::Arc;

use wharfinger_auth::{Accounts, Directory, NewAccount, NewTeam, Principal, Secret, Via};
use wharfinger_identity::{AccountId, PublicKeyId, Role};
use wharfinger_transport::Live;

use crate::browser::PASSWORD;

pub struct Folk {
    pub accounts: Arc<Accounts>,
    pub directory: Arc<Directory>,
}

impl Folk {
    pub async fn principal(&self, name: &str) -> Principal {
        let account = self.accounts.find_named(&name.parse().unwrap()).await.unwrap().unwrap();
        Principal { account, via: Via::Password }
    }

    pub async fn user(&self, name: &str) {
        self.user_as(name, Role::RestrictedControl).await;
    }

    pub async fn user_as(&self, name: &str, role: Role) {
        let password = Some(Secret::new(PASSWORD));
        let new = NewAccount { name: name.to_owned(), password, role: Some(role), ..NewAccount::default() };
        self.directory.create_account(&self.principal("admin").await, new).await.unwrap();
    }

    /// The organization's team with one member; makes what is missing.
    pub async fn team(&self, org: &str, team: &str, member: &str) {
        let admin = self.principal("admin").await;
        if self.directory.account(&admin, org).await.is_err() {
            let new = NewAccount { name: org.to_owned(), is_org: true, ..NewAccount::default() };
            self.directory.create_account(&admin, new).await.unwrap();
        }
        let new = NewTeam { name: team.to_owned(), description: String::new() };
        self.directory.create_team(&admin, org, new).await.unwrap();
        self.directory.put_team_member(&admin, org, team, member).await.unwrap();
    }
}

pub struct CutLive(pub Arc<Live>);

impl wharfinger_auth::Cut for CutLive {
    fn close_account(&self, account: &AccountId) {
        self.0.close_account(account.as_str());
    }

    fn close_key(&self, key: &PublicKeyId) {
        self.0.close_key(key.as_str());
    }
}
