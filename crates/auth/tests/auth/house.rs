//! A room to ask, with people in it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use argon2::PasswordHasher as _;
use argon2::password_hash::phc::PasswordHash;
use async_trait::async_trait;
use time::macros::datetime;
use time::{Duration, OffsetDateTime};
use wharfinger_auth::{
    AccountChanges, Accounts, ApiServer, BundleSettings, Bundles, CertificateAuthority, Clock, Cut, Directory, Kubernetes,
    MemberChange, NewAccount, NewTeam, PolicyNames, PolicyTeams, Principal, RegistryAccess, SessionSettings, SignedTags,
    TokenService, Tokens, Via,
};
use wharfinger_identity::{Account, AccountId, PublicKeyId, Role, TeamId};
use wharfinger_keys::{PublicKey, SealKey};
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::{Accounts as _, PublicKeyRecord};
use wharfinger_storage::audit::{Act, Audit, Link, Recorded, Search};
use wharfinger_storage::repositories::{AccessLevel, Repositories, RepositoryRecord, Scope, Visibility};
use wharfinger_storage_sql::Sql;

pub const PASSWORD: &str = "correct horse battery";
pub const HOME: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
pub const START: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);
pub const REGISTRY: &str = "dtr.test:5443";

#[derive(Default)]
pub struct Policy(pub Mutex<PolicyTeams>);

#[async_trait]
impl PolicyNames for Policy {
    async fn teams(&self) -> Result<PolicyTeams, StorageError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

#[derive(Default)]
pub struct Cuts(pub Mutex<Vec<String>>);

impl Cut for Cuts {
    fn close_account(&self, account: &AccountId) {
        self.0.lock().unwrap().push(account.to_string());
    }

    fn close_key(&self, key: &PublicKeyId) {
        self.0.lock().unwrap().push(key.to_string());
    }
}

/// The label of a key of which nobody can tell what it signed.
pub const UNTOLD: &str = "untold";

pub struct Signed;

#[async_trait]
impl SignedTags for Signed {
    async fn signed_by(&self, keys: &[PublicKeyRecord]) -> Result<Vec<String>, StorageError> {
        if keys.iter().any(|key| key.label == UNTOLD) {
            return Err(StorageError::Damaged("trust".into()));
        }
        Ok(keys.iter().map(|key| format!("dtr.test/qa/app:{}", key.label)).collect())
    }
}

/// The real record, until it is told to fail.
pub struct Record {
    sql: Sql,
    failing: AtomicBool,
}

impl Record {
    pub fn fail(&self) {
        self.failing.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Audit for Record {
    async fn append(&self, act: &Act) -> wharfinger_storage::Result<i64> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(StorageError::unavailable("the disk is full"));
        }
        self.sql.append(act).await
    }

    async fn newest(&self, before: Option<i64>, limit: u32) -> wharfinger_storage::Result<Vec<Recorded>> {
        self.sql.newest(before, limit).await
    }

    async fn search(&self, search: &Search, before: Option<i64>, limit: u32) -> wharfinger_storage::Result<Vec<Recorded>> {
        self.sql.search(search, before, limit).await
    }

    async fn oldest(&self, after: i64, limit: u32) -> wharfinger_storage::Result<Vec<Recorded>> {
        self.sql.oldest(after, limit).await
    }

    async fn head(&self) -> wharfinger_storage::Result<(i64, Link)> {
        self.sql.head().await
    }
}

/// The stored form of [`PASSWORD`], made once: hashing is slow on purpose.
fn hash() -> &'static str {
    static HASH: OnceLock<String> = OnceLock::new();
    HASH.get_or_init(|| {
        let hash: PasswordHash = argon2::Argon2::default().hash_password(PASSWORD.as_bytes()).unwrap();
        hash.to_string()
    })
}

/// As if they had logged in with their password just now.
pub fn with_password(account: &Account) -> Principal {
    Principal { account: account.clone(), via: Via::Password }
}

fn person(name: &str) -> Account {
    Account {
        id: AccountId::generate(),
        name: name.parse().unwrap(),
        full_name: String::new(),
        is_org: false,
        is_admin: false,
        is_active: true,
        role: Role::RestrictedControl,
    }
}

/// The API server of Kubernetes that is known at the moment.
#[derive(Default)]
pub struct Known(pub Mutex<Option<ApiServer>>);

#[async_trait]
impl Kubernetes for Known {
    async fn api_server(&self) -> Result<Option<ApiServer>, StorageError> {
        Ok(self.0.lock().unwrap().clone())
    }
}

pub struct House {
    pub sql: Sql,
    pub seal: SealKey,
    pub accounts: Arc<Accounts>,
    pub ca: Arc<CertificateAuthority>,
    pub bundles: Bundles,
    pub kubernetes: Arc<Known>,
    pub directory: Directory,
    pub access: Arc<RegistryAccess>,
    pub tokens: Arc<Tokens>,
    pub service: TokenService,
    pub policy: Arc<Policy>,
    pub cuts: Arc<Cuts>,
    pub audit: Arc<Record>,
    pub admin: Account,
    pub folder: tempfile::TempDir,
    now: Arc<AtomicI64>,
}

pub async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let sql = Sql::open(&folder.path().join("db")).await.unwrap();
    let seal = SealKey::generate();
    let now = Arc::new(AtomicI64::new(START.unix_timestamp()));
    let hand = Arc::clone(&now);
    let clock = Clock::new(move || OffsetDateTime::from_unix_timestamp(hand.load(Ordering::SeqCst)).unwrap());
    let ca = Arc::new(CertificateAuthority::open(&sql, &seal, clock.clone()).await.unwrap());
    let shared = Arc::new(sql.clone());
    let accounts = Arc::new(
        Accounts::new(shared.clone(), shared.clone(), SessionSettings::default(), clock.clone())
            .with_cookies_of(ca.instance_id()),
    );
    let admin = Account { is_admin: true, role: Role::FullControl, ..person("admin") };
    sql.create_account(&admin, Some(hash()), START).await.unwrap();
    let tokens = Arc::new(Tokens::open(&sql, &seal, REGISTRY, clock).await.unwrap());
    let access = Arc::new(RegistryAccess::new(accounts.clone(), tokens.clone(), shared.clone(), shared.clone(), REGISTRY));
    let settings = BundleSettings {
        public_host: "cluster.test:8443".into(),
        served_ca_pem: ca.ca_pem().into(),
        lifetime: Duration::days(365),
    };
    let (policy, cuts) = (Arc::new(Policy::default()), Arc::new(Cuts::default()));
    let kubernetes = Arc::new(Known::default());
    let audit = Arc::new(Record { sql: sql.clone(), failing: AtomicBool::new(false) });
    House {
        bundles: Bundles::new(accounts.clone(), ca.clone(), audit.clone(), kubernetes.clone(), settings),
        kubernetes,
        directory: Directory::new(accounts.clone(), policy.clone(), cuts.clone(), Some(Arc::new(Signed)), audit.clone()),
        audit,
        service: TokenService::new(access.clone()),
        sql,
        seal,
        accounts,
        ca,
        access,
        tokens,
        policy,
        cuts,
        admin,
        folder,
        now,
    }
}

impl House {
    pub fn later(&self, by: Duration) {
        self.now.fetch_add(by.whole_seconds(), Ordering::SeqCst);
    }

    pub fn now(&self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(self.now.load(Ordering::SeqCst)).unwrap()
    }

    pub fn admin(&self) -> Principal {
        with_password(&self.admin)
    }

    pub async fn user(&self, name: &str) -> Account {
        let account = person(name);
        self.sql.create_account(&account, Some(hash()), self.now()).await.unwrap();
        account
    }

    pub async fn org(&self, name: &str) -> Account {
        let new = NewAccount { name: name.into(), is_org: true, ..NewAccount::default() };
        self.directory.create_account(&self.admin(), new).await.unwrap().account
    }

    pub async fn org_admin(&self, org: &str, user: &str) {
        let change = MemberChange { is_admin: Some(true) };
        self.directory.put_member(&self.admin(), org, user, change).await.unwrap();
    }

    pub async fn team(&self, org: &str, name: &str, members: &[&str]) -> TeamId {
        let new = NewTeam { name: name.into(), ..NewTeam::default() };
        let team = self.directory.create_team(&self.admin(), org, new).await.unwrap().team;
        for member in members {
            self.directory.put_team_member(&self.admin(), org, name, member).await.unwrap();
        }
        team.id
    }

    pub async fn role(&self, account: &Account, role: Role) -> Account {
        let changes = AccountChanges { role: Some(role), ..AccountChanges::default() };
        self.directory.update_account(&self.admin(), account.id.as_str(), changes).await.unwrap().0.account
    }

    pub async fn deactivate(&self, account: &Account) {
        let changes = AccountChanges { is_active: Some(false), ..AccountChanges::default() };
        self.directory.update_account(&self.admin(), account.id.as_str(), changes).await.unwrap();
    }

    pub async fn repository(&self, name: &str, owner: Option<&Account>, visibility: Visibility) {
        let record = RepositoryRecord {
            name: name.parse().unwrap(),
            owner: owner.map(|owner| owner.id.clone()),
            visibility,
            short_description: String::new(),
            long_description: String::new(),
            immutable_tags: false,
            created_at: START,
            updated_at: START,
        };
        assert!(self.sql.create(&record).await.unwrap());
    }

    pub async fn grant(&self, repository: &str, team: &TeamId, level: AccessLevel) {
        assert!(self.sql.grant(&Scope::Repository(repository.parse().unwrap()), team, level).await.unwrap());
    }

    pub async fn grant_namespace(&self, namespace: &str, team: &TeamId, level: AccessLevel) {
        assert!(self.sql.grant(&Scope::Namespace(namespace.parse().unwrap()), team, level).await.unwrap());
    }

    /// The files of a new bundle of this account, by name.
    pub async fn bundle(&self, account: &Account) -> (std::collections::BTreeMap<String, Vec<u8>>, PublicKeyId) {
        let bundle = self.bundles.make(&with_password(account), "laptop").await.unwrap();
        (unzip(&bundle.zip), bundle.key)
    }
}

pub fn unzip(bytes: &[u8]) -> std::collections::BTreeMap<String, Vec<u8>> {
    use std::io::Read as _;
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
    let mut files = std::collections::BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).unwrap();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.insert(file.name().unwrap().into_owned(), content);
    }
    files
}

/// The SPKI of a PEM certificate, as TLS would show it.
pub fn spki(pem: &[u8]) -> Vec<u8> {
    PublicKey::from_pem(std::str::from_utf8(pem).unwrap()).unwrap().spki_der().to_vec()
}
