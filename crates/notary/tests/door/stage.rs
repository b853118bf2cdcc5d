//! A notary on a temporary database, a clock that tests move, and people with rights.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use axum::routing::get;
use http::Request;
use time::{Duration, OffsetDateTime};
use wharfinger_keys::SealKey;
use wharfinger_notary::{Authorize, Denied, EVERYTHING, Follower, Grant, Need, Notary};
use wharfinger_oci::Repository;
use wharfinger_storage::StorageError;
use wharfinger_storage_sql::Sql;

use crate::forge;

pub const HOST: &str = "dtr.test:5400";

/// Rights by token: `pull`, `push` and `all` are tokens for every repository but `qa/private`, which only `owner` may use.
pub struct Rights;

#[async_trait]
impl Authorize for Rights {
    async fn repository(&self, bearer: Option<&str>, repository: &Repository, name: &str, need: Need) -> Result<Grant, Denied> {
        let level = match bearer {
            Some("owner") => 3,
            _ if repository.as_str() == "qa/private" => 0,
            Some("all") => 3,
            Some("push") => 2,
            Some("pull") => 1,
            _ => 0,
        };
        let (needed, actions): (_, &[&str]) = match need {
            Need::Pull => (1, &["pull"]),
            Need::PushPull => (2, &["pull", "push"]),
            Need::All => (3, &["*"]),
        };
        if level >= needed {
            return Ok(Grant::to_anyone());
        }
        Err(Denied::Challenge {
            www_authenticate: format!("Bearer realm=\"https://{HOST}/auth/token\",service=\"{HOST}\""),
            needed: actions.iter().map(|action| ("repository".into(), name.into(), (*action).into())).collect(),
        })
    }

    async fn make_room(&self, _: &Grant, _: OffsetDateTime) -> Result<(), StorageError> {
        Ok(())
    }

    async fn record(&self, _: &Grant, _: &str, _: &str) -> Result<(), StorageError> {
        Ok(())
    }

    async fn follower<'a>(&'a self, bearer: Option<&str>) -> Result<Box<dyn Follower + 'a>, Denied> {
        match bearer {
            Some("all") => Ok(Box::new(Everybody)),
            Some(token @ ("pull" | "push" | "owner")) => Ok(Box::new(Somebody(token.to_owned()))),
            _ => Err(Denied::Challenge { www_authenticate: "Bearer realm=\"x\"".into(), needed: vec![] }),
        }
    }
}

/// Who follows everything.
struct Everybody;

#[async_trait]
impl Follower for Everybody {
    async fn follows(&self, _: &Repository) -> Result<bool, StorageError> {
        Ok(true)
    }

    async fn rights(&self) -> Result<String, StorageError> {
        Ok(EVERYTHING.to_owned())
    }
}

/// Who follows what their token may read.
struct Somebody(String);

#[async_trait]
impl Follower for Somebody {
    async fn follows(&self, repository: &Repository) -> Result<bool, StorageError> {
        Ok(Rights.repository(Some(&self.0), repository, repository.as_str(), Need::Pull).await.is_ok())
    }

    async fn rights(&self) -> Result<String, StorageError> {
        Ok("1".to_owned())
    }
}

/// Everything to everyone.
struct Open;

#[async_trait]
impl Authorize for Open {
    async fn repository(&self, _: Option<&str>, _: &Repository, _: &str, _: Need) -> Result<Grant, Denied> {
        Ok(Grant::to_anyone())
    }

    async fn make_room(&self, _: &Grant, _: OffsetDateTime) -> Result<(), StorageError> {
        Ok(())
    }

    async fn record(&self, _: &Grant, _: &str, _: &str) -> Result<(), StorageError> {
        Ok(())
    }

    async fn follower<'a>(&'a self, _: Option<&str>) -> Result<Box<dyn Follower + 'a>, Denied> {
        Ok(Box::new(Everybody))
    }
}

/// Everything to everyone, and nothing can be recorded.
struct Unrecorded;

#[async_trait]
impl Authorize for Unrecorded {
    async fn repository(&self, _: Option<&str>, _: &Repository, _: &str, _: Need) -> Result<Grant, Denied> {
        Ok(Grant::to_anyone())
    }

    async fn make_room(&self, _: &Grant, _: OffsetDateTime) -> Result<(), StorageError> {
        Ok(())
    }

    async fn record(&self, _: &Grant, action: &str, object: &str) -> Result<(), StorageError> {
        Err(StorageError::unavailable(format!("{action} {object}")))
    }

    async fn follower<'a>(&'a self, _: Option<&str>) -> Result<Box<dyn Follower + 'a>, Denied> {
        Ok(Box::new(Everybody))
    }
}

pub struct Stage {
    pub notary: Notary,
    pub sql: Sql,
    pub folder: tempfile::TempDir,
    access: Arc<dyn Authorize>,
    seal: Arc<SealKey>,
    now: Arc<Mutex<OffsetDateTime>>,
}

impl Stage {
    /// With [`Rights`], at the time of the forge.
    pub async fn guarded() -> Self {
        Self::set(Arc::new(Rights), forge::now()).await
    }

    /// Everything to everyone, now: stock clients look at the machine's clock.
    pub async fn open() -> Self {
        Self::set(Arc::new(Open), OffsetDateTime::now_utc()).await
    }

    /// Everything to everyone at the time of the forge, and nothing can be recorded.
    pub async fn without_a_record() -> Self {
        Self::set(Arc::new(Unrecorded), forge::now()).await
    }

    async fn set(access: Arc<dyn Authorize>, now: OffsetDateTime) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let sql = Sql::open(&folder.path().join("db")).await.unwrap();
        let seal = Arc::new(SealKey::generate());
        let now = Arc::new(Mutex::new(now));
        let notary = notary(access.clone(), &sql, &seal, &now);
        Self { notary, sql, folder, access, seal, now }
    }

    /// Another process on the same database, perhaps with another seal key.
    pub fn restarted(&self, seal: Option<SealKey>) -> Notary {
        let seal = seal.map_or_else(|| self.seal.clone(), Arc::new);
        notary(self.access.clone(), &self.sql, &seal, &self.now)
    }

    pub fn now(&self) -> OffsetDateTime {
        *self.now.lock().unwrap()
    }

    pub fn pass(&self, time: Duration) {
        *self.now.lock().unwrap() += time;
    }

    /// Serves on loopback; the base URL.
    pub async fn serve(&self) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let notary = self.notary.clone();
        let router = Router::new()
            .route("/v2/", get(|| async { "{}" }))
            .fallback(move |request: Request<Body>| async move { notary.handle(request).await });
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }
}

fn notary(access: Arc<dyn Authorize>, sql: &Sql, seal: &Arc<SealKey>, now: &Arc<Mutex<OffsetDateTime>>) -> Notary {
    let clock = now.clone();
    let now = Arc::new(move || *clock.lock().unwrap());
    Notary::new(HOST, access, Arc::new(sql.clone()), seal.clone(), now)
}
