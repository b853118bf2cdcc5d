//! Connections that become streams, byte by byte.

use std::{sync::Arc, time::Duration};

use http::Method;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use wharfinger_transport::TUNNEL_GRACE;

use crate::{gated::Set, stage::account_id};

/// A connection on which a test says what it wants.
pub struct Raw(TlsStream<TcpStream>);

impl Raw {
    pub async fn connect(set: &Set, name: &str) -> Self {
        let folder = set.bundle(name);
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(folder.join("ca.pem")).unwrap()).unwrap();
        let chain = vec![CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let config = builder.with_root_certificates(roots).with_client_auth_cert(chain, key).unwrap();
        let tcp = TcpStream::connect(set.stage.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        Self(TlsConnector::from(Arc::new(config)).connect(name, tcp).await.unwrap())
    }

    pub async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Ends this side and no more: TLS says so with `close_notify`.
    async fn end(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// The headers of an answer.
    pub async fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(char::from(self.0.read_u8().await.unwrap()));
        }
        head.to_lowercase()
    }

    pub async fn hears(&mut self, text: &str) {
        let mut heard = vec![0; text.len()];
        timeout(Duration::from_secs(5), self.0.read_exact(&mut heard)).await.expect(text).unwrap();
        assert_eq!(String::from_utf8_lossy(&heard), text);
    }

    pub async fn rest(&mut self) -> String {
        let mut rest = Vec::new();
        // A connection that was cut has no proper end.
        let _ = timeout(Duration::from_secs(5), self.0.read_to_end(&mut rest)).await.expect("the end of the stream");
        String::from_utf8_lossy(&rest).into_owned()
    }
}

const ATTACH: &str = "POST /v1.41/containers/a/attach?stream=1&stdin=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n";

#[tokio::test]
async fn a_stream_goes_both_ways_and_each_side_ends_alone() {
    let set = Set::new().await;
    let mut raw = Raw::connect(&set, "ops").await;
    raw.say(ATTACH).await;
    let head = raw.head().await;
    assert!(head.starts_with("http/1.1 101") && head.contains("upgrade: tcp"), "{head}");
    raw.say("hello").await;
    raw.hears("hello").await;
    raw.end().await;
    raw.hears("bye").await;
    assert_eq!(raw.rest().await, "");
}

#[tokio::test]
async fn what_a_caller_says_too_early_still_arrives() {
    let set = Set::new().await;
    let mut raw = Raw::connect(&set, "ops").await;
    raw.say(&format!("{ATTACH}early")).await;
    raw.head().await;
    raw.hears("early").await;
}

/// A hijacked connection is never used again, at either end.
#[tokio::test]
async fn a_second_request_hidden_in_a_stream_is_only_text() {
    let set = Set::new().await;
    let mut raw = Raw::connect(&set, "ops").await;
    let hidden = "POST /v1.41/containers/create HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    raw.say(&format!("{ATTACH}{hidden}")).await;
    raw.head().await;
    raw.hears(hidden).await;
    raw.end().await;
    raw.hears("bye").await;
    assert_eq!(set.engine.calls(), ["POST /v1.41/containers/a/attach?stream=1&stdin=1"]);
}

/// Builds begin inside of the stream, where nobody sees them.
#[tokio::test]
async fn a_stream_of_builds_does_not_outlive_the_permission_to_build() {
    let set = Set::new().await;
    let mut raw = Raw::connect(&set, "ops").await;
    raw.say("POST /v1.41/grpc HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n").await;
    assert!(raw.head().await.starts_with("http/1.1 101"));
    raw.say("solve").await;
    raw.hears("solve").await;
    set.stage.gate.enforce();
    timeout(Duration::from_secs(4), raw.rest()).await.expect("the switch was turned on");
}

#[tokio::test]
async fn an_answer_that_is_no_stream_stays_an_answer() {
    let set = Set::new().await;
    set.engine.answers("POST /containers/a/attach", 404, r#"{"message":"No such container: a"}"#);
    let mut raw = Raw::connect(&set, "ops").await;
    raw.say(ATTACH).await;
    let head = raw.head().await;
    assert!(head.starts_with("http/1.1 404"), "{head}");
    raw.hears(r#"{"message":"No such container: a"}"#).await;
}

#[tokio::test]
async fn without_an_upgrade_the_output_comes_as_a_body() {
    let set = Set::new().await;
    let url = set.stage.url("/exec/a/start");
    let mut answer = set.client.post(url).body("{\"Detach\":false}").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    drop(answer.chunk());
    let seen = set.engine.seen().remove(0);
    assert_eq!((seen.body.as_str(), seen.headers["upgrade"].to_str().unwrap()), ("{\"Detach\":false}", "tcp"));
}

#[tokio::test]
async fn a_call_that_is_no_stream_cannot_be_upgraded() {
    let set = Set::new().await;
    let mut raw = Raw::connect(&set, "ops").await;
    raw.say("GET /info HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n").await;
    let head = raw.head().await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(!set.engine.seen()[0].headers.contains_key("upgrade"));
}

#[tokio::test]
async fn an_account_that_is_cut_loses_its_streams_and_tunnels_at_once() {
    let set = Set::new().await;
    let mut tunnel = Raw::connect(&set, "ops").await;
    tunnel.say(ATTACH).await;
    tunnel.head().await;
    let mut logs = Raw::connect(&set, "ops").await;
    logs.say("GET /containers/a/logs?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    logs.head().await;
    let mut unnamed = Raw::connect(&set, "ops").await;
    unnamed.say("GET /_ping HTTP/1.1\r\nHost: x\r\n\r\n").await;
    unnamed.head().await;
    assert_eq!(set.stage.live.connections(), 3);
    assert_eq!(set.stage.live.close_account(account_id("ops").as_str()), 2);
    tunnel.rest().await;
    assert!(logs.rest().await.contains("first line"));
    // Somebody whose login was checked a moment ago does not slip in either.
    unnamed.say("GET /containers/a/logs?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    unnamed.rest().await;
}

#[tokio::test]
async fn a_key_that_is_cut_loses_its_connections() {
    let set = Set::new().await;
    let mut tunnel = Raw::connect(&set, "ops").await;
    tunnel.say(ATTACH).await;
    tunnel.head().await;
    assert_eq!(set.stage.live.close_key("key-of-nobody"), 0);
    tunnel.say("still").await;
    tunnel.hears("still").await;
    assert_eq!(set.stage.live.close_key("key-of-ops"), 1);
    tunnel.rest().await;
}

#[tokio::test]
async fn a_connection_that_ended_is_forgotten() {
    let set = Set::new().await;
    let mut raw = Raw::connect(&set, "ops").await;
    raw.say("GET /info HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    raw.rest().await;
    drop(raw);
    let gone = async {
        while set.stage.live.connections() > 0 {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(5), gone).await.unwrap();
}

#[tokio::test]
async fn calls_come_by_http_2_as_well() {
    let set = Set::new().await;
    let folder = set.bundle("ops");
    let mut pem = std::fs::read(folder.join("cert.pem")).unwrap();
    pem.extend(std::fs::read(folder.join("key.pem")).unwrap());
    let ca = reqwest::Certificate::from_pem(&std::fs::read(folder.join("ca.pem")).unwrap()).unwrap();
    let builder = reqwest::Client::builder().tls_certs_only([ca]).identity(reqwest::Identity::from_pem(&pem).unwrap());
    let client = builder.build().unwrap();
    let answer = client.request(Method::GET, set.stage.url("/info")).send().await.unwrap();
    assert_eq!((answer.version(), answer.status()), (http::Version::HTTP_2, http::StatusCode::OK));
}

#[tokio::test]
async fn tunnels_and_endless_answers_get_their_grace_and_then_end() {
    let mut set = Set::new().await;
    let mut tunnel = Raw::connect(&set, "ops").await;
    tunnel.say(ATTACH).await;
    tunnel.head().await;
    let mut logs = Raw::connect(&set, "ops").await;
    logs.say("GET /containers/a/logs?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n").await;
    logs.head().await;
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    set.stage.shut_down().await;
    assert!(began.elapsed() >= TUNNEL_GRACE);
    tokio::time::resume();
    tunnel.rest().await;
    assert!(!logs.rest().await.ends_with("0\r\n\r\n"), "half an answer must not look like a whole one");
}

#[tokio::test]
async fn a_door_without_streams_ends_at_once() {
    let mut set = Set::new().await;
    set.client.get(set.stage.url("/info")).send().await.unwrap().text().await.unwrap();
    timeout(Duration::from_secs(2), set.stage.shut_down()).await.unwrap();
}
