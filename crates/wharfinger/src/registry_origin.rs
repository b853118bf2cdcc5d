//! The registry's origin: OCI distribution, the Notary server, tokens, repositories and their console on one host and port.

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use time::OffsetDateTime;
use wharfinger_api::AccountsApi;
use wharfinger_auth::{Directory, NoPolicy, RegistryAccess, TokenService, Tokens};
use wharfinger_console::{People, RegistryConsole};
use wharfinger_notary::Notary;
use wharfinger_registry::{Registry, TrustDoor};
use wharfinger_storage_blob::BlobFiles;

use crate::adapters::CutLive;
use crate::instance::Instance;
use crate::options::Options;
use crate::tls::Served;

pub(crate) struct RegistryOrigin {
    pub(crate) served: Served,
    pub(crate) router: Router,
    pub(crate) access: Arc<RegistryAccess>,
    pub(crate) tokens: Arc<Tokens>,
    registry: Arc<Registry>,
    pub(crate) notary: Notary,
}

impl RegistryOrigin {
    /// `shared`: a cluster in the same process keeps the accounts.
    pub(crate) async fn open(instance: &Arc<Instance>, options: &Options, shared: bool) -> anyhow::Result<Self> {
        let host = options.registry.host.to_string();
        let served = Served::open(instance, "registry", &options.registry, None).await?;
        let sql = &instance.sql;
        let clock = instance.clock.clone();
        let tokens = Tokens::open(&**sql, &instance.seal, &host, clock.clone()).await.context("cannot open the token key")?;
        let tokens = Arc::new(tokens);
        let access = Arc::new(RegistryAccess::new(instance.accounts.clone(), tokens.clone(), sql.clone(), sql.clone(), &host));
        let now = Arc::new(OffsetDateTime::now_utc);
        let notary = Notary::new(host.clone(), access.clone(), sql.clone(), instance.seal.clone(), now);
        let blobs = BlobFiles::open(&instance.data_dir.join("blobs")).await.context("cannot open the folder of blobs")?;
        let blobs = Arc::new(blobs);
        let door = notary.clone();
        let trust: TrustDoor = Arc::new(move |request| {
            let door = door.clone();
            Box::pin(async move { door.handle(request).await })
        });
        let ca_pem = served.ca_pem.clone();
        let registry = Arc::new(Registry {
            repositories: sql.clone(),
            content: sql.clone(),
            blobs: blobs.clone(),
            access: access.clone(),
            accounts: instance.accounts.clone(),
            signed: Arc::new(notary.clone()),
            trust,
            ca_pem: Arc::new(move || ca_pem.clone()),
            clock: clock.clone(),
        });
        let service = Arc::new(TokenService::new(access.clone()));
        let people = AccountsApi {
            accounts: instance.accounts.clone(),
            directory: Arc::new(Directory::new(
                instance.accounts.clone(),
                Arc::new(NoPolicy),
                Arc::new(CutLive(instance.live.clone())),
                None,
                sql.clone(),
            )),
            bundles: None,
        };
        let console = RegistryConsole {
            accounts: instance.accounts.clone(),
            people: if shared {
                People::AtCluster(options.cluster.host.to_string())
            } else {
                People::Here(people.directory.clone())
            },
            access: access.clone(),
            content: sql.clone(),
            blobs,
            collections: sql.clone(),
            trust: registry.signed.clone(),
            clock,
            host,
        };
        let mut router = wharfinger_registry::routes(registry.clone())
            .merge(wharfinger_api::token_routes(service))
            .merge(wharfinger_console::registry_console_routes(console));
        // Where a cluster shares the accounts, they are changed there, under its policy.
        if !shared {
            router = router.merge(wharfinger_api::account_routes(people));
        }
        Ok(Self { served, router, access, tokens, registry, notary })
    }

    /// Signatures of ours are renewed before they expire; what uploads left behind goes.
    pub(crate) async fn keep_up(&self, now: OffsetDateTime) {
        match self.notary.resign_due(now).await {
            Ok(resigned) if resigned.collections > 0 || resigned.failed > 0 => {
                tracing::info!(collections = resigned.collections, failed = resigned.failed, "timestamps and snapshots renewed");
            }
            Ok(_) => {}
            Err(error) => tracing::error!(%error, "timestamps could not be renewed"),
        }
        if let Err(error) = self.registry.sweep().await {
            tracing::warn!(%error, "old uploads could not be removed");
        }
    }
}
