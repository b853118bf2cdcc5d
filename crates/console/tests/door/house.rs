//! The router on a temporary `SQLite`, and a browser that keeps its cookie.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::{Extension, Router};
use http::{HeaderMap, Request, StatusCode, header};
use time::OffsetDateTime;
use tower::ServiceExt as _;
use wharfinger_auth::{
    Accounts, ApiServer, BundleSettings, Bundles, CertificateAuthority, Clock, Cut, Directory, Kubernetes, NoPolicy, Secret,
    SessionSettings,
};
use wharfinger_cluster::Cluster;
use wharfinger_console::{Console, console_routes};
use wharfinger_gate::{DirectoryError, Gate};
use wharfinger_identity::{AccountId, PublicKeyId};
use wharfinger_keys::{PublicKey, SealKey};
use wharfinger_policy::Owner;
use wharfinger_storage::StorageError;
use wharfinger_storage_sql::Sql;
use wharfinger_transport::{Live, Peer};
use wharfinger_trust::Resolver;

pub const PASSWORD: &str = "correct horse battery";

struct Keys(Arc<Accounts>);

#[async_trait]
impl wharfinger_gate::Directory for Keys {
    async fn revision(&self) -> Result<i64, DirectoryError> {
        let revision = self.0.revision().await.map_err(|error| DirectoryError(Box::new(error)))?;
        i64::try_from(revision).map_err(|error| DirectoryError(Box::new(error)))
    }

    async fn owner(&self, _: &PublicKey) -> Result<Option<Owner>, DirectoryError> {
        Ok(None)
    }
}

struct NoKubernetes;

#[async_trait]
impl Kubernetes for NoKubernetes {
    async fn api_server(&self) -> Result<Option<ApiServer>, StorageError> {
        Ok(None)
    }
}

pub struct CutLive(pub Arc<Live>);

impl Cut for CutLive {
    fn close_account(&self, account: &AccountId) {
        self.0.close_account(account.as_str());
    }

    fn close_key(&self, key: &PublicKeyId) {
        self.0.close_key(key.as_str());
    }
}

pub struct House {
    pub console: Console,
    pub router: Router,
    live: Arc<Live>,
    _folder: tempfile::TempDir,
}

pub async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let sql = Arc::new(Sql::open(&folder.path().join("db")).await.unwrap());
    let (seal, clock, live) = (Arc::new(SealKey::generate()), Clock::system(), Live::new());
    let now: fn() -> OffsetDateTime = OffsetDateTime::now_utc;
    let ca = Arc::new(CertificateAuthority::open(&*sql, &seal, clock.clone()).await.unwrap());
    let settings = SessionSettings::default();
    let accounts = Arc::new(Accounts::new(sql.clone(), sql.clone(), settings, clock).with_cookies_of(ca.instance_id()));
    accounts.ensure_admin(&Secret::new(PASSWORD)).await.unwrap();
    let cut = Arc::new(CutLive(live.clone()));
    let directory = Arc::new(Directory::new(accounts.clone(), Arc::new(NoPolicy), cut, None, sql.clone()));
    let settings = BundleSettings {
        public_host: "cluster.test".into(),
        served_ca_pem: ca.ca_pem().into(),
        lifetime: time::Duration::days(365),
    };
    let resolver = Arc::new(Resolver::new(sql.clone(), Arc::new(now)));
    let keys = Arc::new(Keys(accounts.clone()));
    let console = Console {
        bundles: Arc::new(Bundles::new(accounts.clone(), ca.clone(), sql.clone(), Arc::new(NoKubernetes), settings)),
        cluster: Arc::new(Cluster::new(sql.clone(), sql.clone(), sql.clone(), seal.clone(), None, Some(resolver.clone()), now)),
        gate: Arc::new(Gate::new(sql.clone(), keys, resolver.clone(), sql.clone(), None, seal, now)),
        accounts,
        directory,
        resolver,
        audit: sql,
        host: "cluster.test".to_owned(),
    };
    House { router: console_routes(console.clone()), console, live, _folder: folder }
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.text().contains(words), "should say {words:?}: {}", self.text());
        self
    }

    #[track_caller]
    pub fn hides(self, words: &str) -> Self {
        assert!(!self.text().contains(words), "should not say {words:?}: {}", self.text());
        self
    }

    /// 303, and where to.
    #[track_caller]
    pub fn leads_to(self) -> String {
        assert_eq!(self.status, 303, "{}", self.text());
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// The value of the hidden field of that name.
    #[track_caller]
    pub fn hidden(&self, name: &str) -> String {
        let text = self.text();
        let (_, rest) = text.split_once(&format!("name=\"{name}\" value=\"")).unwrap_or_else(|| panic!("no {name}: {text}"));
        rest.split('"').next().unwrap().to_owned()
    }
}

/// Somebody's browser.
pub struct Browser<'house> {
    house: &'house House,
    pub cookie: Option<String>,
    /// What it says of where a form comes from.
    pub says: Vec<(&'static str, &'static str)>,
    pub token: String,
}

impl House {
    pub fn browser(&self) -> Browser<'_> {
        let says = vec![("sec-fetch-site", "same-origin"), ("origin", "https://cluster.test")];
        Browser { house: self, cookie: None, says, token: String::new() }
    }

    /// Signed in, with the token of a form at hand.
    pub async fn browser_of(&self, name: &str) -> Browser<'_> {
        let mut browser = self.browser();
        let fields = [("username", name), ("password", PASSWORD), ("next", "")];
        let answer = browser.post("/manage/login", &fields).await;
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned();
        assert_eq!(answer.leads_to(), "/manage/");
        browser.cookie = Some(cookie);
        browser.token = browser.get("/manage/").await.is(200).hidden("token");
        browser
    }

    pub async fn user(&self, name: &str) {
        let admin = self.principal("admin").await;
        let new = wharfinger_auth::NewAccount {
            name: name.to_owned(),
            password: Some(Secret::new(PASSWORD)),
            ..wharfinger_auth::NewAccount::default()
        };
        self.console.directory.create_account(&admin, new).await.unwrap();
    }

    /// The organization's team with one member; makes what is missing.
    pub async fn team(&self, org: &str, team: &str, member: &str) {
        let (admin, directory) = (self.principal("admin").await, &self.console.directory);
        if directory.account(&admin, org).await.is_err() {
            let new = wharfinger_auth::NewAccount { name: org.to_owned(), is_org: true, ..Default::default() };
            directory.create_account(&admin, new).await.unwrap();
        }
        let new = wharfinger_auth::NewTeam { name: team.to_owned(), description: String::new() };
        directory.create_team(&admin, org, new).await.unwrap();
        directory.put_team_member(&admin, org, team, member).await.unwrap();
    }

    pub async fn principal(&self, name: &str) -> wharfinger_auth::Principal {
        let account = self.console.accounts.find_named(&name.parse().unwrap()).await.unwrap().unwrap();
        wharfinger_auth::Principal { account, via: wharfinger_auth::Via::Password }
    }
}

impl Browser<'_> {
    pub async fn send(&self, request: http::request::Builder, body: String) -> Answer {
        let mut request = request.header(header::HOST, "cluster.test");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, "theme=dark").header(header::COOKIE, cookie);
        }
        let address: SocketAddr = "192.0.2.1:40000".parse().unwrap();
        let peer = Peer::new(address, None, &self.house.live);
        let router = self.house.router.clone().layer(Extension(peer));
        let response = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    /// Exactly these fields.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in &self.says {
            request = request.header(*name, *value);
        }
        let encode = |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let pairs: Vec<String> = fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        self.send(request, pairs.join("&")).await
    }

    /// A form of ours: these fields with the token.
    pub async fn submit(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let all: Vec<(&str, &str)> = [("token", self.token.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.post(path, &all).await
    }
}
