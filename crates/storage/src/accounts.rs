//! The directory: accounts, organizations, their members and teams, and everybody's public keys.
//!
//! Every change bumps one counter, the directory's revision, in the transaction of the change; what was decided at one revision
//! may be compared with the next. Ids are never used twice, names may be.

use async_trait::async_trait;
use time::OffsetDateTime;
use wharfinger_identity::{Account, AccountId, AccountName, PublicKeyId, Role, Team, TeamId, TeamName};

use crate::Result;

/// Which accounts a listing shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum AccountFilter {
    #[default]
    All,
    Users,
    Orgs,
    Admins,
    NonAdmins,
    ActiveUsers,
    InactiveUsers,
}

/// A slice of a listing ordered by name: what comes at or after `start`, at most `limit` rows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    pub start: String,
    pub limit: u32,
}

impl Page {
    /// The first rows, as many as nobody has.
    pub fn everything() -> Self {
        Self { start: String::new(), limit: 1_000_000 }
    }
}

/// The fields of an account that may change; `None` leaves a field as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AccountChange {
    pub full_name: Option<String>,
    pub is_admin: Option<bool>,
    pub is_active: Option<bool>,
    pub role: Option<Role>,
}

/// The fields of a team that may change; `None` leaves a field as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct TeamChange {
    pub name: Option<TeamName>,
    pub description: Option<String>,
}

/// The fields of a public key that may change; `None` leaves a field as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PublicKeyChange {
    pub label: Option<String>,
    pub login: Option<bool>,
}

/// A user in an organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    pub account: Account,
    pub is_admin: bool,
}

/// An organization and a user's place in it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Membership {
    pub org: Account,
    pub is_admin: bool,
}

/// How many members and teams an account has (zero for users).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    pub members: u64,
    pub teams: u64,
}

/// One public key of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PublicKeyRecord {
    pub id: PublicKeyId,
    pub account: AccountId,
    /// The key itself (SPKI DER): at most one row of the whole directory holds it.
    pub spki: Vec<u8>,
    pub label: String,
    /// Certificates issued for it, PEM; empty for a key that was only registered.
    pub certificates: Vec<String>,
    /// Whether a certificate with this key lets its holder in. Its signatures count either way.
    pub login: bool,
    pub created: OffsetDateTime,
}

/// Whose key it is, and the teams that person is in, read in one moment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyOwnerRecord {
    pub key: PublicKeyRecord,
    pub account: Account,
    pub teams: Vec<TeamId>,
}

/// The directory. Where a method takes an id of nothing, it changes nothing and answers `None` or `false`.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Grows with every change of the directory. As cheap and as fresh as [`crate::settings::Settings::revision`].
    async fn revision(&self) -> Result<u64>;

    /// `Conflict` when the name is taken. `password` is a PHC string; without one nobody can log in with a password.
    async fn create_account(&self, account: &Account, password: Option<&str>, now: OffsetDateTime) -> Result<()>;
    async fn account(&self, id: &AccountId) -> Result<Option<Account>>;
    async fn account_named(&self, name: &AccountName) -> Result<Option<Account>>;
    /// Those whose name or full name holds `find` (empty: all), ordered by name. ASCII letters are the same in both cases.
    async fn accounts(&self, filter: AccountFilter, find: &str, page: &Page) -> Result<Vec<Account>>;
    async fn counts(&self, id: &AccountId) -> Result<Counts>;
    /// `Conflict` when nobody would be left who is an active administrator.
    async fn update_account(&self, id: &AccountId, change: &AccountChange) -> Result<Option<Account>>;
    /// Takes its members, teams, keys and sessions along. `Conflict` as for `update_account`.
    async fn delete_account(&self, id: &AccountId) -> Result<bool>;
    /// The PHC string of the account's password.
    async fn password(&self, id: &AccountId) -> Result<Option<String>>;
    async fn set_password(&self, id: &AccountId, password: &str) -> Result<bool>;

    /// Adds the user to the organization, or changes whether they administer it.
    async fn put_member(&self, org: &AccountId, user: &AccountId, is_admin: bool) -> Result<()>;
    /// Takes the user out of the organization and of its teams.
    async fn remove_member(&self, org: &AccountId, user: &AccountId) -> Result<bool>;
    async fn members(&self, org: &AccountId, page: &Page) -> Result<Vec<Member>>;
    async fn member(&self, org: &AccountId, user: &AccountId) -> Result<Option<Member>>;
    async fn memberships(&self, user: &AccountId) -> Result<Vec<Membership>>;

    /// `Conflict` when the organization has a team of that name.
    async fn create_team(&self, team: &Team) -> Result<()>;
    async fn team(&self, id: &TeamId) -> Result<Option<Team>>;
    async fn team_named(&self, org: &AccountId, name: &TeamName) -> Result<Option<Team>>;
    async fn teams(&self, org: &AccountId, page: &Page) -> Result<Vec<Team>>;
    /// Teams of that name in whichever organization.
    async fn teams_called(&self, name: &TeamName) -> Result<Vec<Team>>;
    async fn update_team(&self, id: &TeamId, change: &TeamChange) -> Result<Option<Team>>;
    async fn delete_team(&self, id: &TeamId) -> Result<bool>;
    /// Adds the user to the team, and to its organization if they are not in it.
    async fn put_team_member(&self, team: &TeamId, user: &AccountId) -> Result<()>;
    async fn remove_team_member(&self, team: &TeamId, user: &AccountId) -> Result<bool>;
    async fn team_members(&self, team: &TeamId, page: &Page) -> Result<Vec<Account>>;
    async fn team_member_count(&self, team: &TeamId) -> Result<u64>;
    async fn teams_of(&self, user: &AccountId) -> Result<Vec<Team>>;

    /// `Conflict` when the key is somebody's already, also the same account's.
    async fn add_key(&self, key: &PublicKeyRecord) -> Result<()>;
    async fn key(&self, id: &PublicKeyId) -> Result<Option<PublicKeyRecord>>;
    /// Ordered by id, which is the order they were added in; `start` is an id.
    async fn keys_of(&self, account: &AccountId, page: &Page) -> Result<Vec<PublicKeyRecord>>;
    async fn update_key(&self, id: &PublicKeyId, change: &PublicKeyChange) -> Result<Option<PublicKeyRecord>>;
    async fn delete_key(&self, id: &PublicKeyId) -> Result<bool>;
    async fn owner_of(&self, spki: &[u8]) -> Result<Option<KeyOwnerRecord>>;
}
