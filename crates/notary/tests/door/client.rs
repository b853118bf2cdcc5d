//! Requests as clients make them, and a forge whose server keys are the notary's own.

use std::sync::atomic::{AtomicI64, Ordering};

use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Request, StatusCode};
use serde_json::Value;
use time::Duration;
use wharfinger_notary::Notary;
use wharfinger_tuf::{RoleName, TufKey};

use crate::forge::{Forge, Identity, keys_of, role, sign};
use crate::stage::HOST;

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }

    /// The code of the one error in the body.
    pub fn code(&self) -> String {
        let body = self.json();
        assert_eq!(body["errors"].as_array().unwrap().len(), 1);
        assert!(self.body.len() < 1024, "clients read no more");
        body["errors"][0]["code"].as_str().unwrap().to_owned()
    }

    /// What the user of a stock client is told.
    pub fn message(&self) -> String {
        self.json()["errors"][0]["detail"]["Error"]["Msg"].as_str().unwrap_or_default().to_owned()
    }

    pub fn version(&self) -> u64 {
        assert_eq!(self.status, 200, "{}", String::from_utf8_lossy(&self.body));
        self.json()["signed"]["version"].as_u64().unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

pub async fn ask(notary: &Notary, method: &str, path: &str, token: &str) -> Answer {
    send(notary, Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}")), Body::empty())
        .await
}

pub async fn send(notary: &Notary, request: http::request::Builder, body: Body) -> Answer {
    let response = notary.handle(request.body(body).unwrap()).await;
    let (head, body) = response.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: head.status, headers: head.headers, body }
}

/// Below `_trust/` of a repository.
pub fn path(repository: &str, rest: &str) -> String {
    format!("/v2/{HOST}/{repository}/_trust/{rest}")
}

/// Reads below `_trust/tuf/`, by someone who may.
pub async fn get(notary: &Notary, repository: &str, file: &str) -> Answer {
    ask(notary, "GET", &path(repository, &format!("tuf/{file}")), "owner").await
}

pub async fn post(notary: &Notary, repository: &str, files: &[(&str, Vec<u8>)]) -> Answer {
    let mut body = Vec::new();
    for (name, bytes) in files {
        let head = format!(
            "--98f005e9\r\nContent-Disposition: form-data; name=\"files\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n"
        );
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    if files.is_empty() {
        body.extend(b"\r\n");
    }
    body.extend(b"--98f005e9--\r\n");
    let request = Request::post(path(repository, "tuf/"))
        .header("authorization", "Bearer owner")
        .header("content-type", "multipart/form-data; boundary=98f005e9");
    send(notary, request, body.into()).await
}

pub async fn server_key(notary: &Notary, repository: &str, role: &str) -> TufKey {
    key(&get(notary, repository, &format!("{role}.key")).await)
}

pub fn key(answer: &Answer) -> TufKey {
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!(body["keytype"], "ecdsa");
    assert!(body["keyval"]["private"].is_null());
    TufKey::new("ecdsa", STANDARD.decode(body["keyval"]["public"].as_str().unwrap()).unwrap())
}

/// A collection in the making for a repository of the notary: its timestamp and snapshot keys are the notary's.
pub async fn forge(notary: &Notary, repository: &str) -> Forge {
    static MADE: AtomicI64 = AtomicI64::new(0);
    let mut forge = Forge::signed(&format!("{HOST}/{repository}"));
    // Clocks go on: no two files that people sign expire at one instant.
    let later = Duration::seconds(MADE.fetch_add(1, Ordering::Relaxed));
    forge.targets.values_mut().for_each(|file| file.expires += later);
    for (name, old) in [("timestamp", forge.timestamp_key.id()), ("snapshot", forge.snapshot_key.id())] {
        let key = server_key(notary, repository, name).await;
        forge.root.keys.remove(&old);
        let identity = Identity { key, ..Identity::bare() };
        forge.root.keys.insert(identity.id(), identity.key.clone());
        forge.root.roles.insert(role(name), keys_of(&[&identity], 1));
    }
    forge
}

pub fn file(forge: &Forge, name: &str) -> Vec<u8> {
    let role = role(name);
    let identities = forge.identities(&role);
    match role {
        RoleName::Root => sign(&forge.root, &identities),
        _ => sign(&forge.targets[&role], &identities),
    }
}

pub async fn publish(notary: &Notary, repository: &str, forge: &Forge, roles: &[&str]) -> Answer {
    let files: Vec<_> = roles.iter().map(|name| (*name, file(forge, name))).collect();
    post(notary, repository, &files).await
}

pub const ALL: [&str; 4] = ["root", "targets", "targets/releases", "targets/qa"];

/// Publishes a first version of everything.
pub async fn published(notary: &Notary, repository: &str) -> Forge {
    let forge = forge(notary, repository).await;
    let answer = publish(notary, repository, &forge, &ALL).await;
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_slice()),
        (200, b"".as_slice()),
        "{}",
        String::from_utf8_lossy(&answer.body)
    );
    forge
}
