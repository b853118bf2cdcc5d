//! One registry, its people, and how they ask.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use time::OffsetDateTime;
use tower::ServiceExt as _;
use wharfinger_auth::{Access, Accounts, Clock, RegistryAccess, RepositoryTrust, Secret, SessionSettings, Tokens};
use wharfinger_identity::{Account, AccountId, AccountName, Role, Team, TeamId};
use wharfinger_keys::SealKey;
use wharfinger_oci::{Digest, Repository};
use wharfinger_registry::{Registry, routes};
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::{AccountChange, Accounts as _};
use wharfinger_storage::audit::{Act, Audit, Link, Recorded, Search};
use wharfinger_storage::repositories::{AccessLevel, Repositories as _, RepositoryChange, Scope, Visibility};
use wharfinger_storage_blob::BlobFiles;
use wharfinger_storage_sql::Sql;

pub const HOST: &str = "dtr.test:5443";
pub const PASSWORD: &str = "correct horse battery staple";
pub const OCI_IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// What the notary would say.
#[derive(Default)]
pub struct Signed(Mutex<BTreeMap<String, Digest>>, Mutex<Vec<String>>);

#[async_trait]
impl RepositoryTrust for Signed {
    async fn released(&self, _: &Repository) -> Result<BTreeMap<String, Digest>, StorageError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn forget(&self, repository: &Repository, _: Option<&Account>) -> Result<(), StorageError> {
        self.1.lock().unwrap().push(repository.to_string());
        Ok(())
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

    /// Who did what to what, oldest first.
    pub async fn lines(&self) -> Vec<String> {
        let entries = self.sql.oldest(0, 100).await.unwrap();
        entries.iter().map(|entry| format!("{} {} {}", entry.act.actor, entry.act.action, entry.act.object)).collect()
    }
}

#[async_trait]
impl Audit for Record {
    async fn append(&self, act: &Act) -> Result<i64, StorageError> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(StorageError::unavailable("the disk is full"));
        }
        self.sql.append(act).await
    }

    async fn newest(&self, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>, StorageError> {
        self.sql.newest(before, limit).await
    }

    async fn search(&self, search: &Search, before: Option<i64>, limit: u32) -> Result<Vec<Recorded>, StorageError> {
        self.sql.search(search, before, limit).await
    }

    async fn oldest(&self, after: i64, limit: u32) -> Result<Vec<Recorded>, StorageError> {
        self.sql.oldest(after, limit).await
    }

    async fn head(&self) -> Result<(i64, Link), StorageError> {
        self.sql.head().await
    }
}

/// `admin` administers all; `alice` and `bob` are users; `qa` is an organization, `carol` its admin, `dave` in its team `testers`.
pub struct Stage {
    pub registry: Arc<Registry>,
    pub sql: Sql,
    pub tokens: Tokens,
    pub folder: tempfile::TempDir,
    seal: SealKey,
    signed: Arc<Signed>,
    pub audit: Arc<Record>,
    router: Router,
}

impl Stage {
    pub async fn new() -> Self {
        let stage = Self::open(tempfile::tempdir().unwrap(), SealKey::generate()).await;
        let password = Secret::new(PASSWORD);
        stage.registry.accounts.ensure_admin(&password).await.unwrap();
        for (name, is_org) in [("alice", false), ("bob", false), ("carol", false), ("dave", false), ("qa", true)] {
            let account = Account {
                id: AccountId::generate(),
                name: name.parse().unwrap(),
                full_name: String::new(),
                is_org,
                is_admin: false,
                is_active: true,
                role: Role::RestrictedControl,
            };
            stage.sql.create_account(&account, None, stage.now()).await.unwrap();
        }
        let (qa, dave) = (stage.account("qa").await.id, stage.account("dave").await.id);
        stage.sql.put_member(&qa, &stage.account("carol").await.id, true).await.unwrap();
        let team = Team { id: TeamId::generate(), org: qa, name: "testers".parse().unwrap(), description: String::new() };
        stage.sql.create_team(&team).await.unwrap();
        stage.sql.put_team_member(&team.id, &dave).await.unwrap();
        stage
    }

    /// The same registry after the process was killed and started again.
    pub async fn restarted(self) -> Self {
        let Self { folder, seal, registry, router, sql, .. } = self;
        drop((registry, router));
        sql.close().await;
        Self::open(folder, seal).await
    }

    async fn open(folder: tempfile::TempDir, seal: SealKey) -> Self {
        let sql = Sql::open(&folder.path().join("db")).await.unwrap();
        let shared = Arc::new(sql.clone());
        let clock = Clock::system();
        let blobs = BlobFiles::open(&folder.path().join("blobs")).await.unwrap();
        let accounts = Arc::new(
            Accounts::new(shared.clone(), shared.clone(), SessionSettings::default(), clock.clone()).with_cookies_of("test"),
        );
        let audit = Arc::new(Record { sql: sql.clone(), failing: AtomicBool::new(false) });
        let open_tokens = || Tokens::open(&sql, &seal, HOST, clock.clone());
        let (ours, tests) = (open_tokens().await.unwrap(), open_tokens().await.unwrap());
        let access = Arc::new(RegistryAccess::new(accounts.clone(), Arc::new(ours), shared.clone(), audit.clone(), HOST));
        let signed = Arc::new(Signed::default());
        let registry = Arc::new(Registry {
            repositories: shared.clone(),
            content: shared,
            blobs: Arc::new(blobs),
            access,
            accounts,
            signed: signed.clone(),
            trust: Arc::new(|request| {
                let said = format!("notary: {} {}", request.method(), request.uri().path());
                Box::pin(async move { said.into_response() })
            }),
            ca_pem: Arc::new(|| "-----BEGIN CERTIFICATE-----\n".to_owned()),
            clock,
        });
        Self { router: routes(registry.clone()), registry, sql, tokens: tests, folder, seal, signed, audit }
    }

    pub fn now(&self) -> OffsetDateTime {
        self.registry.clock.now()
    }

    pub async fn account(&self, name: &str) -> Account {
        self.sql.account_named(&name.parse::<AccountName>().unwrap()).await.unwrap().unwrap()
    }

    pub async fn deactivate(&self, name: &str) {
        let change = AccountChange { is_active: Some(false), ..AccountChange::default() };
        self.sql.update_account(&self.account(name).await.id, &change).await.unwrap();
    }

    /// Gives an account a password, so that it can use the API by Basic.
    pub async fn with_password(&self, name: &str) {
        let name = name.parse().unwrap();
        self.registry.accounts.reset_password(&name, &Secret::new(PASSWORD)).await.unwrap();
    }

    pub async fn publish(&self, name: &str) {
        let change = RepositoryChange { visibility: Some(Visibility::Public), ..RepositoryChange::default() };
        self.sql.change(&name.parse().unwrap(), &change, self.now()).await.unwrap().unwrap();
    }

    pub async fn grant_testers(&self, scope: Scope, level: AccessLevel) {
        let qa = self.account("qa").await.id;
        let team = self.sql.team_named(&qa, &"testers".parse().unwrap()).await.unwrap().unwrap();
        assert!(self.sql.grant(&scope, &team.id, level).await.unwrap());
    }

    pub fn sign(&self, tag: &str, digest: &Digest) {
        self.signed.0.lock().unwrap().insert(tag.to_owned(), digest.clone());
    }

    /// The repositories whose trust data was removed with them.
    pub fn forgotten(&self) -> Vec<String> {
        self.signed.1.lock().unwrap().clone()
    }

    /// A token as the token service would make it if it were asked for these names and did not ask who may.
    pub async fn token(&self, who: &str, names: &[&str]) -> String {
        let all = ["pull", "push", "delete", "*"].map(str::to_owned).to_vec();
        let access = names.iter().map(|name| Access {
            typ: if *name == "catalog" { "registry" } else { "repository" }.to_owned(),
            name: (*name).to_owned(),
            actions: all.clone(),
        });
        let account = if who.is_empty() { None } else { Some(self.account(who).await) };
        self.tokens.issue(account.as_ref(), access.collect()).unwrap()
    }

    pub fn ask(&self, method: &str, path: &str) -> Ask {
        Ask { router: self.router.clone(), request: Request::builder().method(method).uri(path), body: Body::empty() }
    }

    /// A request by somebody with a good token for the repository.
    pub async fn by(&self, who: &str, name: &str, method: &str, rest: &str) -> Ask {
        let token = self.token(who, &[name]).await;
        self.ask(method, &format!("/v2/{name}/{rest}")).bearer(&token)
    }

    /// Pushes a blob in one request.
    pub async fn push_blob(&self, who: &str, name: &str, content: &[u8]) -> Digest {
        let digest = Digest::sha256(content);
        let ask = self.by(who, name, "POST", &format!("blobs/uploads/?digest={digest}")).await;
        let answer = ask.body(content.to_vec()).send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        digest
    }

    /// Pushes an image of one layer under a tag; its manifest's digest.
    pub async fn push_image(&self, who: &str, name: &str, tag: &str, layer: &[u8]) -> Digest {
        let config = br#"{"os":"linux","architecture":"amd64"}"#;
        self.push_blob(who, name, config).await;
        self.push_blob(who, name, layer).await;
        let manifest = image(config, layer).to_string();
        let ask = self.by(who, name, "PUT", &format!("manifests/{tag}")).await.header("content-type", OCI_IMAGE);
        let answer = ask.body(manifest.clone()).send().await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        Digest::sha256(manifest.as_bytes())
    }

    /// The file a blob is kept in.
    pub fn blob_file(&self, digest: &Digest) -> PathBuf {
        self.folder.path().join("blobs/sha256").join(&digest.hex()[..2]).join(digest.hex())
    }

    /// Every file in the blob store.
    pub fn blob_files(&self) -> Vec<PathBuf> {
        fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() { walk(&path, found) } else { found.push(path) }
            }
        }
        let mut found = Vec::new();
        walk(&self.folder.path().join("blobs"), &mut found);
        found
    }
}

pub fn descriptor(media_type: &str, content: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::sha256(content), "size": content.len() })
}

pub fn image(config: &[u8], layer: &[u8]) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_IMAGE,
        "config": descriptor("application/vnd.oci.image.config.v1+json", config),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", layer)],
    })
}

/// A request being written.
pub struct Ask {
    router: Router,
    request: http::request::Builder,
    body: Body,
}

impl Ask {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn basic(self, who: &str) -> Self {
        self.basic_with(who, PASSWORD)
    }

    pub fn basic_with(self, who: &str, password: &str) -> Self {
        self.header("authorization", &format!("Basic {}", BASE64_STANDARD.encode(format!("{who}:{password}"))))
    }

    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    pub async fn send(self) -> Answer {
        let request = self.request.body(self.body).unwrap();
        let response = self.router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.map(|collected| collected.to_bytes().to_vec()).map_err(|error| error.to_string());
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// An error: the body broke off.
    pub body: Result<Vec<u8>, String>,
}

impl Answer {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body.as_deref().unwrap_or(b"(broken off)")).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(self.body.as_deref().unwrap()).unwrap()
    }

    /// Status and code of a refusal.
    pub fn refusal(&self) -> (u16, String) {
        (self.status.as_u16(), self.json()["errors"][0]["code"].as_str().unwrap().to_owned())
    }
}

pub fn refusal(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}
