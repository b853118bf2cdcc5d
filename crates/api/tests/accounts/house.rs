//! The routers on a temporary `SQLite`, and a client that speaks as somebody.

use std::net::SocketAddr;
use std::sync::Arc;

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::{Extension, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method, Request, StatusCode, header};
use serde_json::Value;
use time::OffsetDateTime;
use time::macros::datetime;
use tower::ServiceExt as _;
use wharfinger_api::AccountsApi;
use wharfinger_auth::{
    Accounts, ApiServer, BundleSettings, Bundles, CertificateAuthority, Clock, Cut, Directory, Kubernetes, NoPolicy,
    RegistryAccess, Secret, SessionSettings, TokenService, Tokens,
};
use wharfinger_identity::{AccountId, PublicKeyId};
use wharfinger_keys::SealKey;
use wharfinger_storage::StorageError;
use wharfinger_storage_sql::Sql;
use wharfinger_transport::{Live, Peer};

pub const PASSWORD: &str = "correct horse battery";
pub const NOW: OffsetDateTime = datetime!(2026-11-21 12:00 UTC);

/// Of a certificate that somebody brought along.
pub const SERVED_CA: &str = "-----BEGIN CERTIFICATE-----\nc2VydmVk\n-----END CERTIFICATE-----\n";

struct CutLive(Arc<Live>);

impl Cut for CutLive {
    fn close_account(&self, account: &AccountId) {
        self.0.close_account(account.as_str());
    }

    fn close_key(&self, key: &PublicKeyId) {
        self.0.close_key(key.as_str());
    }
}

/// A cluster that knows no API server.
struct NoKubernetes;

#[async_trait]
impl Kubernetes for NoKubernetes {
    async fn api_server(&self) -> Result<Option<ApiServer>, StorageError> {
        Ok(None)
    }
}

pub struct House {
    pub router: Router,
    pub live: Arc<Live>,
    _folder: tempfile::TempDir,
}

pub async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let sql = Arc::new(Sql::open(&folder.path().join("db")).await.unwrap());
    let (seal, clock, live) = (SealKey::generate(), Clock::new(|| NOW), Live::new());
    let ca = Arc::new(CertificateAuthority::open(&*sql, &seal, clock.clone()).await.unwrap());
    let settings = SessionSettings::default();
    let accounts = Accounts::new(sql.clone(), sql.clone(), settings, clock.clone()).with_cookies_of(ca.instance_id());
    let accounts = Arc::new(accounts);
    accounts.ensure_admin(&Secret::new(PASSWORD)).await.unwrap();
    let cut = Arc::new(CutLive(live.clone()));
    let directory = Arc::new(Directory::new(accounts.clone(), Arc::new(NoPolicy), cut, None, sql.clone()));
    let settings = BundleSettings {
        public_host: "cluster.test".into(),
        served_ca_pem: SERVED_CA.into(),
        lifetime: time::Duration::days(365),
    };
    let bundles = Some(Arc::new(Bundles::new(accounts.clone(), ca.clone(), sql.clone(), Arc::new(NoKubernetes), settings)));
    let tokens = Arc::new(Tokens::open(&*sql, &seal, "dtr.test", clock).await.unwrap());
    let access = Arc::new(RegistryAccess::new(accounts.clone(), tokens, sql.clone(), sql, "dtr.test"));
    let router = wharfinger_api::account_routes(AccountsApi { accounts, directory, bundles })
        .merge(wharfinger_api::token_routes(Arc::new(TokenService::new(access))))
        .merge(wharfinger_api::ca_routes(SERVED_CA, ca.ca_pem()));
    House { router, live, _folder: folder }
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    #[track_caller]
    pub fn json(&self) -> Value {
        if self.bytes.is_empty() { Value::Null } else { serde_json::from_slice(&self.bytes).unwrap() }
    }

    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.bytes));
        self
    }

    /// The code of the error, and what it says.
    #[track_caller]
    pub fn error(&self) -> (String, String) {
        let error = &self.json()["errors"][0];
        assert!(error.get("detail").is_some(), "the shape of an error: {}", self.json());
        (error["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    }
}

/// Somebody at an address.
#[derive(Clone)]
pub struct Client<'house> {
    house: &'house House,
    headers: Vec<(String, String)>,
    pub peer: Peer,
}

impl House {
    pub fn nobody(&self) -> Client<'_> {
        let address: SocketAddr = "192.0.2.1:40000".parse().unwrap();
        Client { house: self, headers: Vec::new(), peer: Peer::new(address, None, &self.live) }
    }

    pub fn basic(&self, user: &str, password: &str) -> Client<'_> {
        let pair = STANDARD.encode(format!("{user}:{password}"));
        self.nobody().with("authorization", &format!("Basic {pair}"))
    }

    pub async fn token(&self, user: &str, password: &str) -> String {
        let body = format!(r#"{{"username":"{user}","password":"{password}"}}"#);
        let answer = self.nobody().send(Method::POST, "/auth/login", &body).await.is(200);
        answer.json()["auth_token"].as_str().unwrap().to_owned()
    }

    pub async fn session(&self, user: &str) -> Client<'_> {
        let token = self.token(user, PASSWORD).await;
        self.nobody().with("authorization", &format!("Bearer {token}"))
    }

    /// On a connection that showed this certificate (DER), which TLS verified.
    pub fn certificate(&self, der: &[u8]) -> Client<'_> {
        let nobody = self.nobody();
        Client { peer: Peer::new(nobody.peer.remote(), Some(der), &self.live), ..nobody }
    }

    pub async fn user(&self, name: &str) {
        let body = format!(r#"{{"name":"{name}","password":"{PASSWORD}"}}"#);
        self.session("admin").await.post("/accounts/", &body).await.is(201);
    }
}

impl Client<'_> {
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub async fn send(&self, method: Method, path: &str, body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        // As plain `curl -d` says it.
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let router = self.house.router.clone().layer(Extension(self.peer.clone()));
        let response = router.oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, "").await
    }

    pub async fn post(&self, path: &str, body: &str) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub async fn put(&self, path: &str, body: &str) -> Answer {
        self.send(Method::PUT, path, body).await
    }

    pub async fn patch(&self, path: &str, body: &str) -> Answer {
        self.send(Method::PATCH, path, body).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "").await
    }
}
