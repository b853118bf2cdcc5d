//! A cluster's console on a temporary `SQLite`.

use std::sync::Arc;

use async_trait::async_trait;
use axum::Router;
use time::OffsetDateTime;
use wharfinger_auth::{
    Accounts, ApiServer, BundleSettings, Bundles, CertificateAuthority, Clock, Directory, Kubernetes, NoPolicy, Secret,
    SessionSettings,
};
use wharfinger_cluster::{Cluster, PodRunner};
use wharfinger_console::{Console, console_routes};
use wharfinger_engine::{Engine, Upstream};
use wharfinger_gate::{DirectoryError, Gate};
use wharfinger_keys::{PublicKey, SealKey};
use wharfinger_policy::Owner;
use wharfinger_storage::StorageError;
use wharfinger_storage_sql::Sql;
use wharfinger_transport::Live;
use wharfinger_trust::Resolver;

use crate::browser::{Browser, PASSWORD};
use crate::engine::{FakeEngine, Here};
use crate::folk::{CutLive, Folk};

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

pub struct House {
    pub console: Console,
    pub router: Router,
    pub engine: FakeEngine,
    folk: Folk,
    pub live: Arc<Live>,
    _folder: tempfile::TempDir,
}

pub async fn house() -> House {
    house_of(None).await
}

/// One that looks at these pods, too.
pub async fn house_beside(pods: Arc<dyn PodRunner>) -> House {
    house_of(Some(pods)).await
}

async fn house_of(pods: Option<Arc<dyn PodRunner>>) -> House {
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
    let cluster = Cluster::new(sql.clone(), sql.clone(), sql.clone(), seal.clone(), None, Some(resolver.clone()), now);
    let gate = Arc::new(Gate::new(sql.clone(), keys, resolver.clone(), sql.clone(), None, seal, now));
    let engine = FakeEngine::start();
    let upstream = Upstream::new(engine.address().parse().unwrap(), None).unwrap();
    let door = Arc::new(Engine::new(upstream, accounts.clone(), gate.clone(), sql.clone()));
    let console = Console {
        bundles: Arc::new(Bundles::new(accounts.clone(), ca.clone(), sql.clone(), Arc::new(NoKubernetes), settings)),
        cluster: Arc::new(match pods {
            Some(pods) => cluster.beside(pods),
            None => cluster,
        }),
        gate,
        accounts,
        directory,
        resolver,
        audit: sql,
        engine: Arc::new(Here(wharfinger_engine::routes(door))),
        host: "cluster.test".to_owned(),
    };
    let folk = Folk { accounts: console.accounts.clone(), directory: console.directory.clone() };
    House { router: console_routes(console.clone()), console, engine, folk, live, _folder: folder }
}

impl std::ops::Deref for House {
    type Target = Folk;

    fn deref(&self) -> &Folk {
        &self.folk
    }
}

impl House {
    pub fn browser(&self) -> Browser {
        let mut browser = Browser::at(&self.router, &self.live, "cluster.test");
        browser.says.push(("origin", "https://cluster.test"));
        browser
    }

    /// Signed in, with the token of a form at hand.
    pub async fn browser_of(&self, name: &str) -> Browser {
        self.browser().signed_in(name).await
    }
}
