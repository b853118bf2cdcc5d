//! The cluster's origin: accounts, bundles and policy, and behind everything else the whole engine API.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use time::OffsetDateTime;
use wharfinger_admission::{Admission, Pods, PullSecrets, WebhookSecret};
use wharfinger_api::{AccountsApi, ClusterApi};
use wharfinger_auth::{BundleSettings, Bundles, Directory};
use wharfinger_cluster::Cluster;
use wharfinger_console::Console;
use wharfinger_engine::{Engine, EngineAddress, EngineTls, Upstream};
use wharfinger_gate::{Gate, LocalRegistry};
use wharfinger_trust::Resolver;

use crate::adapters::{AccountsDirectory, CutLive, EngineHere, PolicyOf, RestingOn, SharedRegistry};
use crate::instance::Instance;
use crate::kubernetes::{self, Keeper};
use crate::options::Options;
use crate::registry_origin::RegistryOrigin;
use crate::tls::Served;

pub(crate) struct ClusterOrigin {
    pub(crate) served: Served,
    pub(crate) router: Router,
    pub(crate) gate: Arc<Gate>,
    pub(crate) resolver: Arc<Resolver>,
    cluster: Arc<Cluster>,
    webhooks: Option<Keeper>,
}

impl ClusterOrigin {
    /// `registry`: the one in the same process, which shares the accounts and is registered with this cluster.
    pub(crate) async fn open(
        instance: &Arc<Instance>,
        options: &Options,
        registry: Option<&RegistryOrigin>,
    ) -> anyhow::Result<Self> {
        let served = Served::open(instance, "cluster", &options.cluster, Some(instance.ca.ca_pem())).await?;
        let sql = &instance.sql;
        let now: fn() -> OffsetDateTime = OffsetDateTime::now_utc;
        let engine_is_here = options.engine.starts_with("unix://");
        let engine_ca = (options.install_ca && engine_is_here).then(|| options.engine_certs_dir.clone());
        let resolver = Arc::new(Resolver::new(sql.clone(), Arc::new(now)));
        let cluster =
            Cluster::new(sql.clone(), sql.clone(), sql.clone(), instance.seal.clone(), engine_ca, Some(resolver.clone()), now);
        // One for what the cluster itself asks, one for the door.
        let cluster = cluster.in_front_of(Arc::new(upstream(options)?), sql.clone());
        let api_server = options.kubeconfig.as_ref().map(kubernetes::api_server).transpose()?.map(Arc::new);
        let cluster = Arc::new(match &api_server {
            Some(api_server) => cluster.beside(Arc::new(Pods(api_server.clone()))),
            None => cluster,
        });
        let mut local: Option<Arc<dyn LocalRegistry>> = None;
        if let Some(registry) = registry {
            let host = options.registry.host.clone();
            cluster
                .register_own(&host, &registry.served.ca_pem, instance.ca.instance_id())
                .await
                .context("the registry could not be registered with the cluster")?;
            local = Some(Arc::new(SharedRegistry {
                host,
                accounts: instance.accounts.clone(),
                access: registry.access.clone(),
                tokens: registry.tokens.clone(),
            }));
        }
        let directory = Arc::new(AccountsDirectory(instance.accounts.clone()));
        let gate = Arc::new(Gate::new(sql.clone(), directory, resolver.clone(), sql.clone(), local, instance.seal.clone(), now));
        let settings = BundleSettings {
            public_host: options.cluster.host.to_string(),
            served_ca_pem: served.ca_pem.clone(),
            lifetime: time::Duration::days(i64::from(options.bundle_days)),
        };
        let policy = Arc::new(PolicyOf(cluster.clone()));
        let bundles =
            Arc::new(Bundles::new(instance.accounts.clone(), instance.ca.clone(), sql.clone(), policy.clone(), settings));
        let people_directory = Arc::new(Directory::new(
            instance.accounts.clone(),
            policy,
            Arc::new(CutLive(instance.live.clone())),
            Some(Arc::new(RestingOn(resolver.clone()))),
            sql.clone(),
        ));
        let engine = Arc::new(Engine::new(upstream(options)?, instance.accounts.clone(), gate.clone(), sql.clone()));
        let console = Console {
            accounts: instance.accounts.clone(),
            directory: people_directory.clone(),
            bundles: bundles.clone(),
            cluster: cluster.clone(),
            gate: gate.clone(),
            resolver: resolver.clone(),
            audit: sql.clone(),
            engine: Arc::new(EngineHere(wharfinger_engine::routes(engine.clone()))),
            host: options.cluster.host.to_string(),
        };
        let people = AccountsApi { accounts: instance.accounts.clone(), directory: people_directory, bundles: Some(bundles) };
        let settings =
            ClusterApi { accounts: instance.accounts.clone(), cluster: cluster.clone(), gate: gate.clone(), audit: sql.clone() };
        match engine.check().await {
            Ok(version) => tracing::info!(engine = options.engine, api = %version, "the engine answers"),
            Err(error) => tracing::warn!(engine = options.engine, "{error}"),
        }
        let webhook = WebhookSecret::open(&**sql, &instance.seal).await?;
        let webhooks = api_server.clone().map(|api_server| Keeper::new(api_server, &webhook, options, &served, cluster.clone()));
        let pull_secrets = api_server.map(|api_server| api_server as Arc<dyn PullSecrets>);
        let admission = Arc::new(Admission::new(gate.clone(), pull_secrets, instance.accounts.clone(), webhook));
        let router = wharfinger_api::account_routes(people)
            .merge(wharfinger_api::cluster_routes(settings))
            .merge(wharfinger_api::ca_routes(&served.ca_pem, instance.ca.ca_pem()))
            .merge(wharfinger_admission::routes(&admission))
            .merge(wharfinger_console::console_routes(console))
            .merge(wharfinger_engine::routes(engine));
        Ok(Self { served, router, gate, resolver, cluster, webhooks })
    }

    /// What asks us is kept right; what ran when the policy came is recorded as soon as the engine answers.
    pub(crate) async fn keep_up(&self) {
        if let Some(webhooks) = &self.webhooks {
            webhooks.keep().await;
        }
        if let Err(error) = self.cluster.record_existing().await {
            tracing::warn!(%error, "what runs is not on record yet");
        }
    }
}

fn upstream(options: &Options) -> anyhow::Result<Upstream> {
    let address: EngineAddress = options.engine.parse()?;
    let Some(files) = &options.engine_tls else {
        return Ok(Upstream::new(address, None)?);
    };
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let ca = read(&files.ca)?;
    let client = match &files.client {
        Some((cert, key)) => Some((read(cert)?, read(key)?)),
        None => None,
    };
    let client_pem = client.as_ref().map(|(cert, key)| (cert.as_str(), key.as_str()));
    let tls = EngineTls { ca_pem: &ca, client_pem };
    Ok(Upstream::new(address, Some(&tls))?)
}
