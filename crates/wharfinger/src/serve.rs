//! `up`, `registry serve`, `cluster serve`: the rooms put together, the doors opened, and closed again in order.

use std::sync::Arc;
use std::time::Duration;

use crate::cluster_origin::ClusterOrigin;
use crate::instance::Instance;
use crate::metrics::Decides;
use crate::options::{Options, Origin};
use crate::registry_origin::RegistryOrigin;
use crate::tls::Served;
use anyhow::Context as _;
use axum::Router;
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// Which doors a process opens.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Parts {
    Both,
    Registry,
    Cluster,
}

/// Serves until SIGTERM or SIGINT, then ends what runs.
pub(crate) async fn serve(options: Options, parts: Parts) -> anyhow::Result<()> {
    let shutdown = CancellationToken::new();
    end_on_signal(shutdown.clone())?;
    let instance = Arc::new(Instance::open(&options.data_dir, &options.seal_key_file, options.bounds).await?);
    instance.ensure_admin(options.admin_password_file.as_deref()).await?;

    let registry =
        if parts == Parts::Cluster { None } else { Some(RegistryOrigin::open(&instance, &options, parts == Parts::Both).await?) };
    let cluster =
        if parts == Parts::Registry { None } else { Some(ClusterOrigin::open(&instance, &options, registry.as_ref()).await?) };

    // Everything is bound before anything is served: a port that is taken is an error, not half a start.
    let registry_listener = match &registry {
        Some(_) => Some(bind("registry", &options.registry).await?),
        None => None,
    };
    let cluster_listener = match &cluster {
        Some(_) => Some(bind("cluster", &options.cluster).await?),
        None => None,
    };
    let mut doors = JoinSet::new();
    let mut ready = String::from("ready");
    if let (Some(origin), Some(listener)) = (&registry, registry_listener) {
        open_door(&mut doors, &instance, &origin.served, origin.router.clone(), listener, &shutdown);
        ready = format!("{ready} registry=https://{}", options.registry.host);
    }
    if let (Some(origin), Some(listener)) = (&cluster, cluster_listener) {
        open_door(&mut doors, &instance, &origin.served, origin.router.clone(), listener, &shutdown);
        ready = format!("{ready} cluster=https://{}", options.cluster.host);
    }
    if let Some(address) = options.metrics_listen {
        let listener = TcpListener::bind(address).await.with_context(|| format!("--metrics-listen {address}"))?;
        let decides = cluster.as_ref().map(|origin| Decides { gate: origin.gate.clone(), resolver: origin.resolver.clone() });
        doors.spawn(crate::metrics::serve(listener, instance.clone(), decides, shutdown.clone()));
    }
    println!("{ready}");
    if let Some(origin) = &cluster {
        let following = origin.resolver.clone().follow(origin.gate.clone());
        tokio::spawn(shutdown.clone().run_until_cancelled_owned(following));
    }
    if let Some(origin) = &registry {
        let notary = origin.notary.clone();
        let ended = shutdown.clone();
        tokio::spawn(async move {
            ended.cancelled().await;
            notary.end_waits();
        });
    }

    let upkeep = tokio::spawn(keep_up(instance.clone(), registry, cluster, shutdown.clone()));
    while doors.join_next().await.is_some() {}
    shutdown.cancel();
    upkeep.await.context("the upkeep task failed")?;
    instance.sql.close().await;
    Ok(())
}

async fn bind(name: &str, origin: &Origin) -> anyhow::Result<TcpListener> {
    TcpListener::bind(origin.listen)
        .await
        .with_context(|| format!("--{name}-listen {}: choose another address or port", origin.listen))
}

fn open_door(
    doors: &mut JoinSet<()>,
    instance: &Arc<Instance>,
    served: &Served,
    router: Router,
    listener: TcpListener,
    shutdown: &CancellationToken,
) {
    doors.spawn(wharfinger_transport::serve(listener, served.tls.clone(), router, instance.live.clone(), shutdown.clone()));
}

fn end_on_signal(shutdown: CancellationToken) -> anyhow::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("ending: no new connections, what runs may finish");
        shutdown.cancel();
    });
    Ok(())
}

/// What has to be done now and then: certificates renewed, signatures renewed before they expire, leftovers removed.
async fn keep_up(
    instance: Arc<Instance>,
    registry: Option<RegistryOrigin>,
    cluster: Option<ClusterOrigin>,
    shutdown: CancellationToken,
) {
    let mut minutes = 0u64;
    let mut tick = tokio::time::interval(Duration::from_mins(1));
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = shutdown.cancelled() => return,
            _ = tick.tick() => {}
        }
        if let Some(origin) = &cluster {
            origin.keep_up().await;
        }
        if let Some(origin) = &registry {
            origin.keep_up(OffsetDateTime::now_utc()).await;
        }
        let served = [registry.as_ref().map(|origin| &origin.served), cluster.as_ref().map(|origin| &origin.served)];
        for served in served.into_iter().flatten() {
            if let Err(error) = served.renew(&instance).await {
                tracing::error!("a certificate could not be renewed: {error:#}");
            }
        }
        if minutes.is_multiple_of(60)
            && let Err(error) = instance.accounts.sweep().await
        {
            tracing::warn!(%error, "expired sessions could not be removed");
        }
        minutes += 1;
    }
}
