//! A registry host made for tests: serves collections over real TLS with its own CA, asks for tokens if told to, and keeps a log.
#![allow(dead_code)] // each test binary uses its own part of this

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use time::OffsetDateTime;
use tokio_util::sync::CancellationToken;
use wharfinger_storage_sql::Sql;
use wharfinger_transport::{Live, ServerTls, TlsIdentity, serve};
use wharfinger_trust::{Registration, Resolver};

use crate::forge::{Site, now};

/// What the host does when asked.
#[derive(Default)]
pub struct Script {
    pub sites: BTreeMap<String, Site>,
    /// User and password; none: everything is open.
    pub user: Option<(String, String)>,
    /// Sent as the realm instead of the host's own.
    pub realm: Option<String>,
    pub etags: bool,
    /// Answers every request for trust data.
    pub status: Option<StatusCode>,
    /// Timestamps never end.
    pub endless: bool,
    /// What comes instead of a timestamp.
    pub timestamps: Option<fn() -> Body>,
    pub feed: Option<Feed>,
    /// Nothing is answered at all.
    pub mute: bool,
    /// The token with which files are read, and what everybody else is told.
    pub readers: Option<(String, StatusCode)>,
    pub log: Vec<String>,
}

/// A changefeed: ids, GUNs and hashes of timestamps, oldest first.
#[derive(Clone, Default)]
pub struct Feed {
    pub lines: Vec<(i64, String, String)>,
    /// What ours says of its readers' rights; none: a stock server's feed.
    pub rights: Option<String>,
    /// What comes instead.
    pub instead: Option<(StatusCode, Vec<u8>)>,
}

pub struct Host {
    pub name: String,
    pub ca: String,
    script: Arc<Mutex<Script>>,
    ended: CancellationToken,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.ended.cancel();
    }
}

impl Host {
    pub async fn start() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        let (cert_pem, key_pem) = (certificate.pem(), key.serialize_pem());
        let tls = ServerTls::new(&TlsIdentity { cert_pem: &cert_pem, key_pem: &key_pem, client_ca_pem: None }).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let name = listener.local_addr().unwrap().to_string();
        let script = Arc::new(Mutex::new(Script::default()));
        let router = Router::new().fallback(answer).with_state((name.clone(), Arc::clone(&script)));
        let ended = CancellationToken::new();
        tokio::spawn(serve(listener, Arc::new(tls), router, Live::new(), ended.clone()));
        Self { name, ca: cert_pem, script, ended }
    }

    pub fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap()
    }

    pub fn publish(&self, gun: &str, site: Site) {
        self.script().sites.insert(gun.to_owned(), site);
    }

    /// A feed as ours, or as a stock server's.
    pub fn feed(&self, ours: bool) {
        self.script().feed = Some(Feed { rights: ours.then(|| "1".to_owned()), ..Feed::default() });
    }

    /// The feed tells of a change.
    pub fn tell(&self, gun: &str) {
        let mut script = self.script();
        let lines = &mut script.feed.as_mut().unwrap().lines;
        let id = lines.last().map_or(1, |(id, ..)| id + 1);
        lines.push((id, gun.to_owned(), format!("sha of {id}")));
    }

    /// The requests since the last call, other than for the feed.
    pub fn requests(&self) -> Vec<String> {
        std::mem::take(&mut self.script().log)
    }

    pub fn registration(&self) -> Registration {
        Registration::of(self.name.parse().unwrap(), Some(self.ca.clone()))
    }

    pub fn gun(&self, path: &str) -> String {
        format!("{}/{path}", self.name)
    }
}

async fn changes(script: &Mutex<Script>, query: &str, authorization: &str) -> Response {
    let number = |name: &str| -> Option<i64> {
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    };
    let after = number("change_id").unwrap_or_default();
    let until = tokio::time::Instant::now() + std::time::Duration::from_secs(number("wait").unwrap_or(0).unsigned_abs());
    loop {
        let (feed, refused) = {
            let script = script.lock().unwrap();
            let user = script.user.as_ref().map(|(user, password)| format!("Bearer token-of-{user}-{password}"));
            (script.feed.clone(), user.is_some_and(|expected| expected != authorization))
        };
        let Some(feed) = feed else { return StatusCode::NOT_FOUND.into_response() };
        if refused {
            return StatusCode::UNAUTHORIZED.into_response();
        }
        if let Some(instead) = feed.instead {
            return instead.into_response();
        }
        let newest = feed.lines.last().map_or(0, |(id, ..)| *id);
        let lines: Vec<_> = match after {
            ..0 => feed.lines.into_iter().rev().take(1).collect(),
            _ => feed.lines.into_iter().filter(|(id, ..)| *id > after).take(1000).collect(),
        };
        let waits = feed.rights.is_some() && lines.is_empty() && newest >= after;
        if waits && tokio::time::Instant::now() < until {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            continue;
        }
        let next = lines.last().map_or(newest.min(after.max(0)), |(id, ..)| *id).to_string();
        let records: Vec<_> = lines
            .into_iter()
            .map(|(id, gun, sha)| serde_json::json!({"ID": id.to_string(), "GUN": gun, "SHA256": sha, "Category": "update"}))
            .collect();
        let mut answer = serde_json::json!({"count": records.len(), "records": records});
        if let Some(rights) = feed.rights {
            answer["next"] = next.into();
            answer["rights"] = rights.into();
        }
        return answer.to_string().into_response();
    }
}

async fn answer(State((name, script)): State<(String, Arc<Mutex<Script>>)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if script.lock().unwrap().mute {
        return std::future::pending().await;
    }
    let body = String::from_utf8(axum::body::to_bytes(body, 10_000).await.unwrap().to_vec()).unwrap();
    let authorization = parts.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    let path = parts.uri.path().to_owned();
    if path == "/v2/_trust/changefeed" {
        return changes(&script, parts.uri.query().unwrap_or_default(), &authorization).await;
    }
    let mut script = script.lock().unwrap();
    script.log.push(format!("{} {path} {authorization}", parts.method).trim_end().to_owned());
    if path == "/auth/token" {
        return token(&script, &parts.method, parts.uri.query().unwrap_or_default(), &authorization, &body);
    }
    if let Some(status) = script.status {
        return status.into_response();
    }
    let refused = || {
        let realm = script.realm.clone().unwrap_or_else(|| format!("https://{name}/auth/token"));
        let challenge = format!("Bearer realm=\"{realm}\",service=\"{name}\",scope=\"x\"");
        (StatusCode::UNAUTHORIZED, [("www-authenticate", challenge)]).into_response()
    };
    if path == "/v2/" {
        return if script.user.is_some() { refused() } else { "{}".into_response() };
    }
    let user = script.user.as_ref().map(|(user, password)| format!("Bearer token-of-{user}-{password}"));
    if user.is_some_and(|expected| expected != authorization) {
        return refused();
    }
    if let Some((token, refusal)) = &script.readers
        && authorization != format!("Bearer {token}")
    {
        return refusal.into_response();
    }
    let file = path.strip_prefix("/v2/").and_then(|rest| rest.split_once("/_trust/tuf/"));
    let bytes = file.and_then(|(gun, file)| script.sites.get(gun)?.files.get(file).cloned());
    let Some(bytes) = bytes else { return StatusCode::NOT_FOUND.into_response() };
    if script.endless && path.ends_with("/timestamp.json") {
        return Body::from(vec![b' '; 3 << 20]).into_response();
    }
    let etag = format!("\"{}\"", bytes.len() + usize::from(bytes[bytes.len() / 2]) * 7919);
    if let Some(body) = script.timestamps.filter(|_| path.ends_with("/timestamp.json")) {
        return body().into_response();
    }
    if !script.etags {
        return bytes.into_response();
    }
    if parts.headers.get("if-none-match").is_some_and(|given| given.to_str().unwrap() == etag) {
        script.log.last_mut().unwrap().push_str(" 304");
        return (StatusCode::NOT_MODIFIED, [("etag", etag)]).into_response();
    }
    ([("etag", etag)], bytes).into_response()
}

fn token(script: &Script, method: &Method, query: &str, authorization: &str, body: &str) -> Response {
    let Some((user, password)) = &script.user else { return StatusCode::NOT_FOUND.into_response() };
    let good = format!("{{\"token\":\"token-of-{user}-{password}\",\"expires_in\":300}}");
    let basic = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
    if method == Method::POST {
        let known = body.contains("grant_type=refresh_token") && body.contains(&format!("refresh_token=refresh-{user}"));
        return if known { good.into_response() } else { StatusCode::UNAUTHORIZED.into_response() };
    }
    assert!(query.contains("scope=repository%3A") || query.contains("scope=registry%3Acatalog"), "{query}");
    match authorization {
        "" => "{\"token\":\"anonymous\"}".into_response(),
        given if *given == basic => good.into_response(),
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// A process of a cluster: a database in a folder that outlives it.
pub struct Cluster {
    pub folder: tempfile::TempDir,
}

impl Cluster {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A new process on the same database.
    pub async fn start(&self) -> Resolver {
        self.start_at(now()).await
    }

    pub async fn start_at(&self, at: OffsetDateTime) -> Resolver {
        let sql = Sql::open(&self.folder.path().join("db")).await.unwrap();
        Resolver::new(Arc::new(sql), Arc::new(move || at))
    }
}
