//! A gate on a real database and a real registry host, with a directory that says what a test wants.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use time::OffsetDateTime;
use wharfinger_gate::{
    Admitted, Decide as _, Denial, Directory, DirectoryError, Explanation, Gate, Pin, Policy, Purpose, Workload,
};
use wharfinger_identity::{AccountId, TeamId};
use wharfinger_keys::{PublicKey, SealKey};
use wharfinger_policy::{Configuration, Mode, Owner, Registration, RequiredTeam, Requirement, Rule};
use wharfinger_storage::audit::{Act, Audit, Link, Recorded, Search};
use wharfinger_storage::settings::Settings as _;
use wharfinger_storage::{Result, StorageError};
use wharfinger_storage_sql::Sql;
use wharfinger_trust::{Gun, Resolver};

use crate::forge::{Forge, now, role};
use crate::host::Host;

/// One signer, who is in the team `qa` and nowhere else.
pub struct People {
    revision: AtomicI64,
    signer: Mutex<Option<(PublicKey, Owner)>>,
}

impl People {
    fn change(&self, change: impl FnOnce(&mut Option<(PublicKey, Owner)>)) {
        change(&mut self.signer.lock().unwrap());
        self.revision.fetch_add(1, Ordering::SeqCst);
    }

    pub fn deactivate(&self) {
        self.change(|signer| signer.as_mut().unwrap().1.is_active = false);
    }

    pub fn activate(&self) {
        self.change(|signer| signer.as_mut().unwrap().1.is_active = true);
    }

    pub fn disown(&self) {
        self.change(|signer| *signer = None);
    }
}

#[async_trait]
impl Directory for People {
    async fn revision(&self) -> std::result::Result<i64, DirectoryError> {
        Ok(self.revision.load(Ordering::SeqCst))
    }

    async fn owner(&self, key: &PublicKey) -> std::result::Result<Option<Owner>, DirectoryError> {
        let signer = self.signer.lock().unwrap();
        Ok(signer.as_ref().filter(|(known, _)| known == key).map(|(_, owner)| owner.clone()))
    }
}

/// The real record, until it is told to fail.
pub struct Record {
    sql: Arc<Sql>,
    failing: AtomicBool,
}

impl Record {
    pub fn fail(&self) {
        self.failing.store(true, Ordering::SeqCst);
    }
}

#[async_trait]
impl Audit for Record {
    async fn append(&self, act: &Act) -> Result<i64> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(StorageError::unavailable("the disk is full"));
        }
        self.sql.append(act).await
    }

    async fn newest(&self, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>> {
        self.sql.newest(before, limit).await
    }

    async fn search(&self, search: &Search, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>> {
        self.sql.search(search, before, limit).await
    }

    async fn oldest(&self, after: i64, limit: u32) -> Result<Vec<Recorded>> {
        self.sql.oldest(after, limit).await
    }

    async fn head(&self) -> Result<(i64, Link)> {
        self.sql.head().await
    }
}

pub struct Stage {
    pub gate: Arc<Gate>,
    pub host: Host,
    pub forge: Forge,
    pub directory: Arc<People>,
    pub audit: Arc<Record>,
    pub resolver: Arc<Resolver>,
    sql: Arc<Sql>,
    folder: tempfile::TempDir,
}

impl Stage {
    /// `qa/app:v1` is signed by a member of `org/qa`, and the policy asks for that team.
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sql = Arc::new(Sql::open(&folder.path().join("db")).await.unwrap());
        let host = Host::start().await;
        let gun = host.gun("qa/app");
        let forge = Forge::signed(&gun);
        host.publish(&gun, forge.render());
        let key = forge.signers[&role("targets/qa")][0].key.public_key().unwrap().clone();
        let teams = vec![TeamId::stored("qa")];
        let owner = Owner { account: AccountId::stored("quinn"), name: "quinn".to_owned(), is_active: true, teams };
        let directory = Arc::new(People { revision: AtomicI64::new(1), signer: Mutex::new(Some((key, owner))) });
        let audit = Arc::new(Record { sql: sql.clone(), failing: AtomicBool::new(false) });
        let resolver = Arc::new(Resolver::new(sql.clone(), Arc::new(now)));
        let seal = Arc::new(SealKey::generate());
        let gate = Gate::new(sql.clone(), directory.clone(), resolver.clone(), audit.clone(), None, seal, now);
        let stage = Self { gate: Arc::new(gate), host, forge, directory, audit, resolver, sql, folder };
        let (name, ca) = (stage.host.name.parse().unwrap(), stage.host.ca.clone());
        stage
            .configure(|configuration| {
                configuration.registries = vec![Registration::new(&name, ca)];
                configuration.trust.require_content_trust = true;
                Self::require(configuration, &["qa"]);
            })
            .await;
        stage
    }

    /// Another process on the same database, `later` by its clock.
    pub async fn restarted(&self, later: fn() -> OffsetDateTime) -> Gate {
        let sql = Arc::new(Sql::open(&self.folder.path().join("db")).await.unwrap());
        let resolver = Arc::new(Resolver::new(sql.clone(), Arc::new(later)));
        let seal = Arc::new(SealKey::generate());
        Gate::new(sql.clone(), self.directory.clone(), resolver, sql, None, seal, later)
    }

    pub fn require(configuration: &mut Configuration, teams: &[&str]) {
        let team = |name: &&str| RequiredTeam { id: TeamId::stored(*name), name: format!("org/{name}") };
        configuration.trust.require_signature_from = teams.iter().map(team).collect();
    }

    /// An enforced rule for `path` at this stage's host; without `at_least`, all of the teams.
    pub fn rule(&self, path: &str, teams: &[&str], at_least: Option<usize>) -> Rule {
        let team = |name: &&str| RequiredTeam { id: TeamId::stored(*name), name: format!("org/{name}") };
        let teams: Vec<_> = teams.iter().map(team).collect();
        let at_least = at_least.unwrap_or(teams.len());
        let require = Requirement { teams, users: Vec::new(), at_least };
        Rule { images: vec![self.host.gun(path).parse().unwrap()], namespaces: Vec::new(), require, mode: Mode::Enforce }
    }

    pub async fn configure(&self, change: impl FnOnce(&mut Configuration)) {
        let stored = self.sql.load().await.unwrap();
        let mut configuration = match stored.document.as_str() {
            "" => Configuration::default(),
            text => serde_json::from_str(text).unwrap(),
        };
        change(&mut configuration);
        self.write_document(&serde_json::to_string(&configuration).unwrap()).await;
    }

    pub async fn write_document(&self, document: &str) {
        let revision = self.sql.load().await.unwrap().revision;
        self.sql.replace(revision, document).await.unwrap();
    }

    pub fn gun(&self) -> Gun {
        self.host.gun("qa/app").parse().unwrap()
    }

    /// Serves the collection with every version raised.
    pub fn publish_next(&mut self) {
        self.forge.next();
        self.host.publish(self.gun().as_str(), self.forge.render());
    }

    pub fn workload(image: &str, purpose: Purpose) -> Workload {
        Workload { purpose, is_admin: true, ..Workload::question(image, AccountId::stored("olga"), "olga") }
    }

    /// The same by somebody who is no administrator.
    pub fn plain_workload(image: &str) -> Workload {
        Workload { is_admin: false, ..Self::workload(image, Purpose::Create) }
    }

    /// Records the policy as the cluster does with each change of it.
    pub async fn record_policy(&self) {
        let stored = self.sql.load().await.unwrap();
        let configuration: Configuration = serde_json::from_str(&stored.document).unwrap();
        let detail = serde_json::json!({ "revision": stored.revision, "policy": Policy::of(&configuration).document() });
        let act = Act {
            at: now(),
            actor: "ann".to_owned(),
            action: "policy.change".to_owned(),
            object: "trust_configuration".to_owned(),
            outcome: "done".to_owned(),
            detail: detail.to_string(),
        };
        self.sql.append(&act).await.unwrap();
    }

    pub async fn configuration(&self) -> Configuration {
        serde_json::from_str(&self.sql.load().await.unwrap().document).unwrap()
    }

    /// Oldest first.
    pub async fn log(&self) -> Vec<Recorded> {
        self.sql.oldest(0, 1000).await.unwrap()
    }

    pub async fn admit(&self, path: &str) -> std::result::Result<Admitted, Denial> {
        self.gate.admit(&Self::workload(&self.host.gun(path), Purpose::Create)).await
    }

    pub async fn decide(&self, path: &str) -> std::result::Result<Pin, Denial> {
        self.decide_exactly(&self.host.gun(path)).await
    }

    pub async fn decide_exactly(&self, image: &str) -> std::result::Result<Pin, Denial> {
        let admitted = self.gate.admit(&Self::workload(image, Purpose::Create)).await?;
        Ok(admitted.pin(image).expect("what was asked is answered").clone())
    }

    pub async fn explain(&self, path: &str) -> Explanation {
        let image = self.host.gun(path);
        self.gate.explain(&Self::workload(&image, Purpose::Explain), &image).await
    }

    /// Newest first.
    pub async fn recorded(&self) -> Vec<Act> {
        self.sql.newest(None, 100).await.unwrap().into_iter().map(|recorded| recorded.act).collect()
    }
}
