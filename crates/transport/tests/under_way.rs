//! One caller who has too much under way, and the others.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Extension, Router, body::Body, extract::Path, routing::get};
use futures_util::stream;
use reqwest::{Client, ClientBuilder, StatusCode};
use tokio::{net::TcpListener, task::JoinHandle, time::Instant};
use tokio_util::sync::CancellationToken;
use wharfinger_transport::{Bounds, Busy, Live, Peer, ServerTls, TlsIdentity, serve};

const PATIENCE: Duration = Duration::from_secs(20);

/// A listener whose paths name the account a request turns out to be of.
async fn listen(bounds: Bounds) -> SocketAddr {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (cert_pem, key_pem) = (key.cert.pem(), key.signing_key.serialize_pem());
    let identity = TlsIdentity { cert_pem: &cert_pem, key_pem: &key_pem, client_ca_pem: None };
    let router = Router::new()
        .route("/short/{account}", get(async |peer: Extension<Peer>, Path(account): Path<String>| bind(&peer, &account)))
        .route("/anyone", get(async || "done"))
        .route("/anyone/long", get(std::future::pending::<String>))
        .route("/long/{account}", get(long))
        .route("/stream/{account}", get(streaming));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let tls = Arc::new(ServerTls::new(&identity).unwrap());
    tokio::spawn(serve(listener, tls, router, Live::with_bounds(bounds), CancellationToken::new()));
    address
}

fn bind(peer: &Peer, account: &str) -> Result<&'static str, Busy> {
    peer.bind(account, None).map(|()| "done")
}

async fn long(Extension(peer): Extension<Peer>, Path(account): Path<String>) -> Result<&'static str, Busy> {
    bind(&peer, &account)?;
    std::future::pending().await
}

async fn streaming(Extension(peer): Extension<Peer>, Path(account): Path<String>) -> Result<Body, Busy> {
    bind(&peer, &account)?;
    Ok(Body::from_stream(stream::pending::<Result<String, std::io::Error>>()))
}

fn client() -> ClientBuilder {
    Client::builder().tls_danger_accept_invalid_certs(true).no_proxy()
}

async fn status(address: SocketAddr, path: &str) -> StatusCode {
    let answer = client().build().unwrap().get(format!("https://localhost:{}{path}", address.port())).send().await.unwrap();
    let status = answer.status();
    if status == StatusCode::TOO_MANY_REQUESTS {
        assert_eq!(answer.headers()["retry-after"], "1");
        assert!(answer.text().await.unwrap().contains("max-calls-per-"), "the answer says what to do");
    } else {
        answer.bytes().await.unwrap();
    }
    status
}

/// Somebody who asks until there is room, and waits for the whole answer until aborted.
fn asking(address: SocketAddr, path: &str) -> JoinHandle<()> {
    let url = format!("https://localhost:{}{path}", address.port());
    tokio::spawn(async move {
        let client = client().build().unwrap();
        while client.get(&url).send().await.unwrap().status() == StatusCode::TOO_MANY_REQUESTS {}
    })
}

async fn becomes(address: SocketAddr, path: &str, wanted: StatusCode) {
    let deadline = Instant::now() + PATIENCE;
    while status(address, path).await != wanted {
        assert!(Instant::now() < deadline, "{path} never became {wanted}");
    }
}

#[tokio::test]
async fn one_account_that_saturates_keeps_no_other_from_being_served() {
    let address = listen(Bounds { calls_per_user: 3, streams_per_user: 1, ..Bounds::default() }).await;
    let calls = [asking(address, "/long/alice"), asking(address, "/long/alice"), asking(address, "/long/alice")];
    becomes(address, "/short/alice", StatusCode::TOO_MANY_REQUESTS).await;
    assert_eq!(status(address, "/short/bob").await, StatusCode::OK);
    assert_eq!(status(address, "/anyone").await, StatusCode::OK);
    // The clients go away, and with them what they had under way.
    calls.iter().for_each(JoinHandle::abort);
    becomes(address, "/short/alice", StatusCode::OK).await;
}

#[tokio::test]
async fn streams_have_a_bound_of_their_own_and_count_as_calls_beyond_it() {
    let address = listen(Bounds { calls_per_user: 1, streams_per_user: 2, ..Bounds::default() }).await;
    let mut streams = Vec::new();
    for _ in 0..2 {
        becomes(address, "/short/alice", StatusCode::OK).await;
        let answer = client().build().unwrap().get(format!("https://localhost:{}/stream/alice", address.port())).send().await;
        assert_eq!(answer.as_ref().unwrap().status(), StatusCode::OK);
        streams.push(answer);
    }
    streams.push(client().build().unwrap().get(format!("https://localhost:{}/stream/alice", address.port())).send().await);
    becomes(address, "/short/alice", StatusCode::TOO_MANY_REQUESTS).await;
    drop(streams);
    becomes(address, "/short/alice", StatusCode::OK).await;
}

#[tokio::test]
async fn calls_of_nobody_are_bounded_by_their_address() {
    let address = listen(Bounds { calls_per_address: 2, ..Bounds::default() }).await;
    let calls = [asking(address, "/anyone/long"), asking(address, "/anyone/long")];
    becomes(address, "/anyone", StatusCode::TOO_MANY_REQUESTS).await;
    let elsewhere = client().local_address(std::net::IpAddr::from([127, 0, 0, 2])).build().unwrap();
    let answer = elsewhere.get(format!("https://127.0.0.1:{}/anyone", address.port())).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "another address is served");
    calls.iter().for_each(JoinHandle::abort);
    becomes(address, "/anyone", StatusCode::OK).await;
}

#[tokio::test]
async fn one_address_has_so_many_connections() {
    let address = listen(Bounds { connections_per_address: 2, ..Bounds::default() }).await;
    let connection = async |from: [u8; 4]| {
        let client = client().local_address(std::net::IpAddr::from(from)).build().unwrap();
        let answer = client.get(format!("https://127.0.0.1:{}/anyone", address.port())).send().await;
        answer.map(|answer| (client, answer.status()))
    };
    let held = [connection([127, 0, 0, 1]).await.unwrap(), connection([127, 0, 0, 1]).await.unwrap()];
    assert!(connection([127, 0, 0, 1]).await.is_err(), "a third connection");
    connection([127, 0, 0, 2]).await.expect("another address");
    drop(held);
    let deadline = Instant::now() + PATIENCE;
    while connection([127, 0, 0, 1]).await.is_err() {
        assert!(Instant::now() < deadline, "the place of a connection that ended is not given back");
    }
}

#[tokio::test]
async fn headers_are_bounded_in_size_and_number() {
    let address = listen(Bounds::default()).await;
    let url = format!("https://localhost:{}/anyone", address.port());
    for client in [client().http1_only(), client()].map(|client| client.build().unwrap()) {
        let large = client.get(&url).header("x-registry-config", "x".repeat(70 * 1024)).send().await;
        assert!(large.is_err() || large.unwrap().status() == StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        let fitting = client.get(&url).header("x-registry-config", "x".repeat(40 * 1024)).send().await.unwrap();
        assert_eq!(fitting.status(), StatusCode::OK);
    }
    let many =
        (0..101).fold(client().http1_only().build().unwrap().get(&url), |request, n| request.header(format!("x-{n}"), "1"));
    assert_eq!(many.send().await.unwrap().status(), StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
}
