//! What the engine's door adds to `POST /containers/create`, over TLS with a client bundle, in front of an engine that answers at
//! once. Beside it a plain reverse proxy over the same TLS.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use tokio_util::sync::CancellationToken;
use wharfinger_e2e::{Api, Serve, Wharfinger, free_port};
use wharfinger_storage_sql::Sql;
use wharfinger_transport::{Live, ServerTls, TlsIdentity, serve};

use crate::decide::Page;
use crate::engine::{Direct, relay, serve_stub};
use crate::figure::{Figure, Times};
use crate::host::Host;
use crate::world;

const LONG: Duration = Duration::from_secs(20);
const CREATE: &str = "/v1.41/containers/create";

pub fn measure() -> Result<Vec<Figure>> {
    let folder = tempfile::Builder::new().prefix("wf-").tempdir()?;
    let socket = folder.path().join("engine.sock");
    let runtime = tokio::runtime::Runtime::new()?;
    let _runtime = runtime.enter();
    serve_stub(&socket)?;
    let cluster = Serve::new("cluster serve", folder.path())
        .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
        .flag("--engine", &format!("unix://{}", socket.display()))
        .start()?;
    let bundle = folder.path().join("bundle");
    download_bundle(&cluster, &bundle)?;
    runtime.block_on(compare(&cluster, &socket, &bundle))
}

pub fn download_bundle(cluster: &Wharfinger, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let session = Api::at(cluster.cluster().context("a cluster")?).login("admin", &cluster.admin_password()?);
    session.download("POST", "/api/clientbundle", &folder.join("bundle.zip"));
    let mut unzip = Command::new("unzip");
    unzip.args(["-q", "bundle.zip"]).current_dir(folder);
    let unzipped = wharfinger_e2e::run(unzip)?;
    ensure!(unzipped.status == 0, "{unzipped}");
    Ok(())
}

async fn compare(cluster: &Wharfinger, socket: &Path, bundle: &Path) -> Result<Vec<Figure>> {
    let host = Host::start().await;
    host.feed(true);
    let signer = world::signer();
    let gun = host.gun("qa/app");
    host.publish(&gun, world::repository(&gun, &signer, 100).render());
    let sql = Sql::open(&cluster.data().join("wharfinger.db")).await?;
    world::tell(&sql, signer.private.public_key(), &host.name.parse()?, &host.ca).await?;
    sql.close().await;

    let mut direct = Direct::to(socket).await?;
    let relay = serve_relay(Direct::to(socket).await?).await?;
    let relayed = (client(&relay.ca, None)?, format!("https://{}{CREATE}", relay.address));
    let ca = std::fs::read_to_string(bundle.join("ca.pem"))?;
    let door = (client(&ca, Some(bundle))?, format!("{}{CREATE}", cluster.cluster().context("a cluster")?));
    let body = Bytes::from(serde_json::json!({ "Image": format!("{gun}:v50"), "Cmd": ["true"] }).to_string());

    // Until the cluster has heard of what was written beside it, and from the feed that what it has read is current.
    let since = Instant::now();
    let mut asked = true;
    while asked {
        let called = call(&door, &body).await;
        ensure!(since.elapsed() < Duration::from_secs(10), "the door refuses, or goes on asking the registry: {called:?}");
        asked = called.is_err() || !host.requests().is_empty();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let (mut alone, mut hop, mut through) = (Times::default(), Times::default(), Times::default());
    let (mut page, mut disk) = (Page::beside(bundle)?, Times::default());
    let began = Instant::now();
    while began.elapsed() < LONG {
        let start = Instant::now();
        let status = direct.call(CREATE, body.clone()).await?;
        alone.add(start.elapsed());
        ensure!(status == 201, "the stub says {status}");
        let start = Instant::now();
        call(&relayed, &body).await?;
        hop.add(start.elapsed());
        let start = Instant::now();
        call(&door, &body).await?;
        through.add(start.elapsed());
        disk.add(page.sync()?);
    }
    let added = |times: &Times, percent| times.percentile(percent).saturating_sub(alone.percentile(percent));
    Ok(vec![
        Figure::ms("the engine door adds: p50", added(&through, 50))
            .at_most(1.0)
            .beside_ms("a plain proxy hop", added(&hop, 50))
            .beside_ms("the stub alone", alone.percentile(50))
            .beside_ms("one fdatasync", disk.percentile(50)),
        Figure::ms("the engine door adds: p99", added(&through, 99))
            .at_most(3.0)
            .beside_ms("a plain proxy hop", added(&hop, 99))
            .beside_ms("the stub alone", alone.percentile(99))
            .beside_ms("one fdatasync", disk.percentile(99)),
    ])
}

pub async fn call((client, url): &(reqwest::Client, String), body: &Bytes) -> Result<()> {
    let answer = client.post(url).header("content-type", "application/json").body(body.clone()).send().await?;
    let status = answer.status();
    let said = answer.bytes().await?;
    ensure!(status.as_u16() == 201, "{url} says {status}: {}", String::from_utf8_lossy(&said));
    Ok(())
}

pub fn client(ca: &str, bundle: Option<&Path>) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder().http1_only().no_proxy();
    let builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(ca.as_bytes())?);
    let builder = match bundle {
        None => builder,
        Some(folder) => {
            let mut pem = std::fs::read(folder.join("cert.pem"))?;
            pem.extend(std::fs::read(folder.join("key.pem"))?);
            builder.identity(reqwest::Identity::from_pem(&pem)?)
        }
    };
    Ok(builder.build()?)
}

struct Relay {
    address: std::net::SocketAddr,
    ca: String,
}

async fn serve_relay(direct: Direct) -> Result<Relay> {
    let key = rcgen::KeyPair::generate()?;
    let ca = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()])?.self_signed(&key)?.pem();
    let tls = ServerTls::new(&TlsIdentity { cert_pem: &ca, key_pem: &key.serialize_pem(), client_ca_pem: None })?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, Arc::new(tls), relay(direct), Live::new(), CancellationToken::new()));
    Ok(Relay { address, ca })
}
