//! A listener from outside.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Extension, Router, routing::get};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, PublicKeyData as _};
use rustls::{
    ClientConfig, RootCertStore,
    client::Resumption,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;
use wharfinger_transport::{
    Busy, CertificateRefused, Live, Peer, ServerTls, TlsError, TlsIdentity, outbound, serve, validate_certificate_covers,
};

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

struct Leaf {
    pem: String,
    key_pem: String,
    spki: Vec<u8>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let pem = params.self_signed(&key).unwrap().pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn issue(&self, names: &[&str]) -> Leaf {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        let pem = params.signed_by(&key, &self.issuer).unwrap().pem();
        Leaf { pem, key_pem: key.serialize_pem(), spki: key.subject_public_key_info() }
    }
}

struct Serving {
    address: SocketAddr,
    tls: Arc<ServerTls>,
    live: Arc<Live>,
    shutdown: CancellationToken,
}

impl Serving {
    async fn start(leaf: &Leaf, client_ca: Option<&Authority>) -> Self {
        let tls = Arc::new(ServerTls::new(&identity(leaf, client_ca)).unwrap());
        let router = Router::new().route("/who", get(who)).route("/counted", get(counted));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, live, shutdown) = (listener.local_addr().unwrap(), Live::new(), CancellationToken::new());
        tokio::spawn(serve(listener, tls.clone(), router, live.clone(), shutdown.clone()));
        Self { address, tls, live, shutdown }
    }
}

fn identity<'a>(leaf: &'a Leaf, client_ca: Option<&'a Authority>) -> TlsIdentity<'a> {
    TlsIdentity { cert_pem: &leaf.pem, key_pem: &leaf.key_pem, client_ca_pem: client_ca.map(|ca| ca.pem.as_str()) }
}

async fn who(Extension(peer): Extension<Peer>) -> String {
    peer.bind("somebody", None).unwrap();
    format!("{} {:?}", peer.remote().ip(), peer.certificate_spki())
}

async fn counted(Extension(peer): Extension<Peer>) -> Result<&'static str, Busy> {
    peer.counts_as("somebody").map(|()| "counted")
}

fn config(ca: &Authority, shows: Option<&Leaf>) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let builder = builder.with_root_certificates(roots);
    let mut config = match shows {
        None => builder.with_no_client_auth(),
        Some(leaf) => {
            let chain = vec![CertificateDer::from_pem_slice(leaf.pem.as_bytes()).unwrap()];
            builder.with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(leaf.key_pem.as_bytes()).unwrap()).unwrap()
        }
    };
    config.resumption = Resumption::in_memory_sessions(8);
    config
}

async fn connect(config: &Arc<ClientConfig>, address: SocketAddr) -> std::io::Result<TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await?;
    TlsConnector::from(config.clone()).connect(ServerName::try_from("localhost").unwrap(), tcp).await
}

async fn ask(stream: &mut TlsStream<TcpStream>) -> std::io::Result<String> {
    stream.write_all(b"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Over a connection that goes on: what came is a whole answer, for it is short.
async fn ask_again(stream: &mut TlsStream<TcpStream>) -> std::io::Result<String> {
    stream.write_all(b"GET /counted HTTP/1.1\r\nHost: x\r\n\r\n").await?;
    let mut answer = String::new();
    while !answer.ends_with("counted") {
        let mut part = [0; 1024];
        match stream.read(&mut part).await? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            length => answer.push_str(&String::from_utf8_lossy(&part[..length])),
        }
    }
    Ok(answer)
}

#[tokio::test]
async fn a_request_carries_the_key_that_tls_proved_and_needs_none() {
    let ca = Authority::new("ca");
    let serving = Serving::start(&ca.issue(&["localhost"]), Some(&ca)).await;
    let client = ca.issue(&["qa"]);
    let mut with = connect(&Arc::new(config(&ca, Some(&client))), serving.address).await.unwrap();
    assert!(ask(&mut with).await.unwrap().ends_with(&format!("127.0.0.1 Some({:?})", client.spki)));
    let mut without = connect(&Arc::new(config(&ca, None)), serving.address).await.unwrap();
    assert!(ask(&mut without).await.unwrap().ends_with("127.0.0.1 None"));
}

#[tokio::test]
async fn a_certificate_of_another_ca_is_no_proof() {
    let (ca, other) = (Authority::new("ca"), Authority::new("other"));
    let serving = Serving::start(&ca.issue(&["localhost"]), Some(&ca)).await;
    let config = Arc::new(config(&ca, Some(&other.issue(&["qa"]))));
    let answer = match connect(&config, serving.address).await {
        Err(error) => Err(error),
        Ok(mut stream) => ask(&mut stream).await,
    };
    assert!(answer.is_err() || answer.unwrap().is_empty());
}

/// Else the client sees a broken pipe instead of why it was refused.
#[tokio::test]
async fn what_a_client_still_sends_after_an_early_answer_is_read_out() {
    let ca = Authority::new("ca");
    let serving = Serving::start(&ca.issue(&["localhost"]), Some(&ca)).await;
    let mut stream = connect(&Arc::new(config(&ca, None)), serving.address).await.unwrap();
    let rest = vec![b'a'; 900_000];
    let head = format!("POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n", rest.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 404"), "{}", String::from_utf8_lossy(&answer));
    stream.write_all(&rest).await.unwrap();
    assert!(ask(&mut stream).await.unwrap().starts_with("HTTP/1.1 200"));
}

/// rustls would restore the client's chain without checking it again.
#[tokio::test]
async fn no_session_is_resumed() {
    let ca = Authority::new("ca");
    let serving = Serving::start(&ca.issue(&["localhost"]), Some(&ca)).await;
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let client = ca.issue(&["qa"]);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]).unwrap();
        let chain = vec![CertificateDer::from_pem_slice(client.pem.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(client.key_pem.as_bytes()).unwrap();
        let config = Arc::new(builder.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap());
        for _ in 0..2 {
            let mut stream = connect(&config, serving.address).await.unwrap();
            ask(&mut stream).await.unwrap();
            assert_eq!(stream.get_ref().1.handshake_kind(), Some(rustls::HandshakeKind::Full));
        }
    }
}

#[tokio::test]
async fn certificates_are_exchanged_while_it_serves_and_bad_ones_change_nothing() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let serving = Serving::start(&old.issue(&["localhost"]), None).await;
    let (trusts_old, trusts_new) = (Arc::new(config(&old, None)), Arc::new(config(&new, None)));
    assert!(connect(&trusts_new, serving.address).await.is_err());
    let (one, other) = (new.issue(&["localhost"]), new.issue(&["localhost"]));
    let mixed = TlsIdentity { cert_pem: &one.pem, key_pem: &other.key_pem, client_ca_pem: None };
    assert!(matches!(serving.tls.replace(&mixed), Err(TlsError::Unusable(_))));
    let nothing = TlsIdentity { cert_pem: "", key_pem: &one.key_pem, client_ca_pem: None };
    assert!(matches!(serving.tls.replace(&nothing), Err(TlsError::NoCertificate)));
    assert!(connect(&trusts_old, serving.address).await.is_ok());
    serving.tls.replace(&identity(&one, None)).unwrap();
    assert!(connect(&trusts_new, serving.address).await.is_ok());
    assert!(connect(&trusts_old, serving.address).await.is_err());
}

/// An API server that asks at that moment would refuse what it is asked about.
#[tokio::test]
async fn a_renewed_certificate_fails_no_request() {
    const RENEWALS: usize = 20;
    let ca = Authority::new("ca");
    let serving = Serving::start(&ca.issue(&["localhost"]), None).await;
    let (trusts, address) = (Arc::new(config(&ca, None)), serving.address);
    let (renewed, _) = tokio::sync::watch::channel(0);
    let answered = Arc::new(AtomicUsize::new(0));
    let mut clients = JoinSet::new();
    for keeps in [true, true, false, false] {
        let (trusts, answered, mut renewals) = (trusts.clone(), answered.clone(), renewed.subscribe());
        clients.spawn(async move {
            let mut stream = connect(&trusts, address).await.unwrap();
            while *renewals.borrow_and_update() < RENEWALS {
                if !keeps {
                    stream = connect(&trusts, address).await.unwrap();
                }
                assert!(ask_again(&mut stream).await.unwrap().starts_with("HTTP/1.1 200"));
                answered.fetch_add(1, Ordering::Relaxed);
            }
            stream
        });
    }
    let mut last = None;
    for renewal in 1..=RENEWALS {
        let leaf = ca.issue(&["localhost"]);
        serving.tls.replace(&identity(&leaf, None)).unwrap();
        let before = answered.load(Ordering::Relaxed);
        // Each certificate serves a while, on old connections and new ones.
        while answered.load(Ordering::Relaxed) < before + 20 {
            tokio::task::yield_now().await;
        }
        last = Some(leaf);
        renewed.send_replace(renewal);
    }
    while let Some(client) = clients.join_next().await {
        assert!(ask_again(&mut client.expect("no request failed")).await.is_ok(), "an old connection goes on");
    }
    let newest = connect(&trusts, address).await.unwrap();
    let shown = newest.get_ref().1.peer_certificates().unwrap()[0].clone();
    assert_eq!(shown, CertificateDer::from_pem_slice(last.unwrap().pem.as_bytes()).unwrap());
}

#[tokio::test]
async fn a_client_that_says_nothing_keeps_nobody_waiting_and_is_let_go() {
    let ca = Authority::new("ca");
    let serving = Serving::start(&ca.issue(&["localhost"]), None).await;
    let mut silent = TcpStream::connect(serving.address).await.unwrap();
    let config = Arc::new(config(&ca, None));
    let mut other = timeout(Duration::from_secs(5), connect(&config, serving.address)).await.unwrap().unwrap();
    assert!(ask(&mut other).await.unwrap().contains("200 OK"));
    tokio::time::pause();
    let mut byte = [0];
    // The clock runs ahead while nothing else happens: ten seconds pass at once.
    assert_eq!(silent.read(&mut byte).await.unwrap_or(0), 0);
}

#[tokio::test]
async fn a_connection_that_is_cut_ends_within_two_seconds() {
    let ca = Authority::new("ca");
    let serving = Serving::start(&ca.issue(&["localhost"]), None).await;
    let mut stream = connect(&Arc::new(config(&ca, None)), serving.address).await.unwrap();
    stream.write_all(b"GET /who HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut piece = [0; 64];
    stream.read_exact(&mut piece).await.unwrap();
    let began = Instant::now();
    assert_eq!(serving.live.close_account("nobody"), 0);
    assert_eq!(serving.live.close_account("somebody"), 1);
    let mut rest = Vec::new();
    let _ = timeout(Duration::from_secs(2), stream.read_to_end(&mut rest)).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(2));
    assert!(serving.live.close_account("somebody") <= 1);
}

#[tokio::test]
async fn whoever_comes_back_after_being_cut_off_is_not_cut_off_again() {
    let ca = Authority::new("ca");
    let serving = Serving::start(&ca.issue(&["localhost"]), None).await;
    assert_eq!(serving.live.close_account("somebody"), 0);
    let mut stream = connect(&Arc::new(config(&ca, None)), serving.address).await.unwrap();
    stream.write_all(b"GET /who HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "a password just changed, an account just let in again");
}

/// A cluster asks a registry for all its people over one connection.
#[tokio::test]
async fn a_connection_that_others_use_is_not_cut_with_one_of_them() {
    let ca = Authority::new("ca");
    let serving = Serving::start(&ca.issue(&["localhost"]), Some(&ca)).await;
    let mut stream = connect(&Arc::new(config(&ca, None)), serving.address).await.unwrap();
    let mut answers = Vec::new();
    for connection in ["keep-alive", "close"] {
        let request = format!("GET /counted HTTP/1.1\r\nHost: x\r\nConnection: {connection}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        while !answer.ends_with(b"counted") {
            answer.push(stream.read_u8().await.unwrap());
        }
        answers.push(answer);
        assert_eq!(serving.live.close_account("somebody"), 0);
    }
    assert!(answers.iter().all(|answer| answer.starts_with(b"HTTP/1.1 200")));
}

#[tokio::test]
async fn nothing_new_is_accepted_after_shutdown() {
    let ca = Authority::new("ca");
    let serving = Serving::start(&ca.issue(&["localhost"]), None).await;
    let config = Arc::new(config(&ca, None));
    connect(&config, serving.address).await.unwrap();
    serving.shutdown.cancel();
    let closed = async { while connect(&config, serving.address).await.is_ok() {} };
    timeout(Duration::from_secs(5), closed).await.unwrap();
}

#[test]
fn a_certificate_that_does_not_cover_the_public_host_is_refused_with_the_reason() {
    let leaf = Authority::new("ca").issue(&["dtr.test", "*.apps.test", "10.1.2.3"]);
    for host in ["dtr.test", "dtr.test:5443", "x.apps.test:1", "10.1.2.3:443"] {
        assert_eq!(validate_certificate_covers(&leaf.pem, host), Ok(()), "{host}");
    }
    for host in ["other.test", "x.y.apps.test", "10.1.2.4", "[::1]:443", "::1"] {
        let refused = validate_certificate_covers(&leaf.pem, host).expect_err(host).to_string();
        assert!(refused.contains("dtr.test, *.apps.test, 10.1.2.3"), "{refused}");
    }
    assert!(matches!(validate_certificate_covers(&leaf.pem, "a b"), Err(CertificateRefused::NotAHost(_))));
    assert_eq!(validate_certificate_covers("", "dtr.test"), Err(CertificateRefused::Unreadable));
}

#[tokio::test]
async fn an_outbound_client_trusts_the_ca_it_was_given_and_no_other_and_follows_nothing() {
    let (ca, other) = (Authority::new("ca"), Authority::new("other"));
    let leaf = ca.issue(&["localhost"]);
    let tls = Arc::new(ServerTls::new(&identity(&leaf, None)).unwrap());
    let elsewhere = || async { axum::response::Redirect::temporary("https://localhost:1/") };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::spawn(serve(listener, tls, Router::new().route("/", get(elsewhere)), Live::new(), CancellationToken::new()));
    assert_eq!(outbound(Some(&ca.pem)).unwrap().get(&url).send().await.unwrap().status(), 307);
    for client in [outbound(Some(&other.pem)), outbound(None)] {
        assert!(client.unwrap().get(&url).send().await.unwrap_err().is_connect());
    }
    assert!(outbound(Some(&ca.pem)).unwrap().get(url.replace("https", "http")).send().await.is_err());
    assert!(outbound(Some("nothing")).is_err());
    assert!(outbound(Some("")).is_err());
}
