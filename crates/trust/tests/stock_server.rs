//! What Debian's `notary` publishes to Debian's `notary-server` is verified here. Needs the package `notary`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use time::OffsetDateTime;
use wharfinger_keys::{PrivateKey, PublicKey};
use wharfinger_storage_sql::Sql;
use wharfinger_trust::{Collection, Gun, NotaryServer, Pins, Reader, Registered, Registration, Resolver, TrustError};

/// A running `notary-server` (in memory, without authentication), and someone who publishes to it.
struct Peer {
    folder: TempDir,
    server: Child,
    host: String,
    ca: String,
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

impl Peer {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path.display().to_string()
        };
        let host = format!("127.0.0.1:{}", wharfinger_e2e::free_port());
        let configuration = serde_json::json!({
            "server": { "http_addr": host, "tls_key_file": write("key.pem", &key.serialize_pem()), "tls_cert_file": write("ca.pem", &certificate.pem()) },
            "trust_service": { "type": "local" },
            "storage": { "backend": "memory" },
            "logging": { "level": "error" }
        });
        let configuration = write("server.json", &configuration.to_string());
        let mut server = Command::new("notary-server");
        server.arg(format!("-config={configuration}")).stdout(Stdio::null()).stderr(Stdio::null());
        let server = server.spawn().expect("notary-server is installed (Debian package `notary`)");
        let peer = Self { folder, server, host, ca: certificate.pem() };
        for _ in 0..500 {
            if tokio::net::TcpStream::connect(&peer.host).await.is_ok() {
                return peer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("notary-server does not listen");
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    fn notary(&self, arguments: &str) {
        let mut command = Command::new("notary");
        command.args(["-s", &format!("https://{}", self.host), "--tlscacert", &self.path("ca.pem"), "-d", &self.path("trust")]);
        for role in ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"] {
            command.env(format!("NOTARY_{role}_PASSPHRASE"), "correct horse");
        }
        let output = command.args(arguments.split(' ')).output().expect("notary is installed");
        assert!(output.status.success(), "notary {arguments}: {output:?}");
    }

    /// A signer's key in the publisher's key store, and its certificate.
    fn signer(&self, name: &str) -> PublicKey {
        let private = PrivateKey::generate_p256();
        let pair = rcgen::KeyPair::try_from(private.to_pkcs8_der().as_slice()).unwrap();
        let mut parameters = rcgen::CertificateParams::default();
        parameters.not_before = OffsetDateTime::now_utc() - time::Duration::hours(1);
        parameters.not_after = OffsetDateTime::now_utc() + time::Duration::days(365);
        std::fs::write(self.path(&format!("{name}.crt")), parameters.self_signed(&pair).unwrap().pem()).unwrap();
        let key = self.path(&format!("{name}.key"));
        std::fs::write(&key, private.to_pkcs8_pem().as_str()).unwrap();
        std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        self.notary(&format!("key import {key} --role {name}"));
        private.public_key().clone()
    }

    fn gun(&self) -> Gun {
        format!("{}/qa/app", self.host).parse().unwrap()
    }

    async fn resolver(&self) -> Resolver {
        let sql = Sql::open(&self.folder.path().join("db")).await.unwrap();
        Resolver::new(Arc::new(sql), Arc::new(OffsetDateTime::now_utc))
    }

    async fn resolve(&self) -> Result<Arc<Collection>, TrustError> {
        let registration = Registration::of(self.host.parse().unwrap(), Some(self.ca.clone()));
        self.resolver().await.resolve(&registration, &self.gun(), &[]).await
    }
}

fn write(path: &Path, text: &str) -> String {
    std::fs::write(path, text).unwrap();
    path.display().to_string()
}

#[tokio::test]
async fn the_life_of_a_stock_collection_is_followed() {
    let peer = Peer::start().await;
    let gun = peer.gun();
    assert!(matches!(peer.resolve().await, Err(TrustError::Absent { credentials_refused: false })));

    // Without delegations, `targets` says what a tag means; nobody's signature counts.
    let manifest = write(&peer.folder.path().join("manifest"), "hello\n");
    peer.notary(&format!("init -p {gun}"));
    peer.notary(&format!("add -p {gun} v1 {manifest}"));
    let collection = peer.resolve().await.unwrap();
    assert_eq!(collection.released("v1").unwrap().length, 6);
    assert!(collection.counted("v1").is_empty());

    // The server takes over the snapshot; a signer is added, and signs.
    let qa = peer.signer("qa");
    peer.notary(&format!("key rotate {gun} snapshot -r"));
    peer.notary(&format!("delegation add -p {gun} targets/qa {} --all-paths", peer.path("qa.crt")));
    peer.notary(&format!("delegation add -p {gun} targets/releases {} --all-paths", peer.path("qa.crt")));
    assert!(peer.resolve().await.unwrap().released("v1").is_none(), "with delegations, `targets` alone says nothing");
    peer.notary(&format!("add -p {gun} v1 {manifest} -r targets/qa -r targets/releases"));
    let collection = peer.resolve().await.unwrap();
    let counted = collection.counted("v1");
    assert_eq!(counted.iter().map(|counted| (counted.role.as_str(), &counted.key)).collect::<Vec<_>>(), [("targets/qa", &qa)]);

    // Another digest under the same tag counts for nobody.
    let other = write(&peer.folder.path().join("other"), "other\n");
    peer.notary(&format!("add -p {gun} v1 {other} -r targets/releases"));
    let collection = peer.resolve().await.unwrap();
    assert!(collection.counted("v1").is_empty());
    assert_eq!(collection.elsewhere("v1").len(), 1);

    // Rotated keys are followed, also two roots at once.
    peer.notary(&format!("key rotate {gun} root"));
    peer.notary(&format!("key rotate {gun} targets"));
    peer.notary(&format!("key rotate {gun} timestamp -r"));
    let collection = peer.resolve().await.unwrap();
    assert!(collection.root().signed().version >= 4, "{}", collection.root().signed().version);

    // Withdrawn.
    peer.notary(&format!("remove -p {gun} v1 -r targets/qa"));
    assert!(peer.resolve().await.unwrap().elsewhere("v1").is_empty());

    peer.notary(&format!("delete {gun} --remote"));
    assert!(matches!(peer.resolve().await, Err(TrustError::Deleted { .. })));
    peer.notary(&format!("init -p {gun}"));
    let error = peer.resolve().await.unwrap_err();
    assert!(matches!(error, TrustError::Recreated { .. }), "{error}");
    assert!(peer.resolver().await.forget(&gun).await.unwrap());
    peer.resolve().await.unwrap();
}

#[tokio::test]
async fn nested_delegations_and_paths_are_read() {
    let peer = Peer::start().await;
    let gun = peer.gun();
    let manifest = write(&peer.folder.path().join("manifest"), "hello\n");
    let (_, _) = (peer.signer("qa"), peer.signer("sub"));
    peer.notary(&format!("init -p {gun}"));
    peer.notary(&format!("delegation add -p {gun} targets/releases {} --all-paths", peer.path("qa.crt")));
    peer.notary(&format!("delegation add -p {gun} targets/qa {} --paths rel", peer.path("qa.crt")));
    peer.notary(&format!("delegation add -p {gun} targets/qa/sub {} --paths rel", peer.path("sub.crt")));
    peer.notary(&format!("add -p {gun} rel-1 {manifest} -r targets/qa -r targets/qa/sub -r targets/releases"));
    peer.notary(&format!("add -p {gun} dev-1 {manifest} -r targets/releases"));
    let collection = peer.resolve().await.unwrap();
    assert_eq!(collection.counted("rel-1").len(), 1, "only direct children of targets count");
    assert!(collection.delegation(&"targets/qa/sub".parse().unwrap()).is_some());
    assert!(collection.released("dev-1").is_some());
    assert!(collection.counted("dev-1").is_empty());
}

#[tokio::test]
async fn names_that_canonical_json_treats_in_its_own_way_are_read() {
    let peer = Peer::start().await;
    let gun = peer.gun();
    let manifest = write(&peer.folder.path().join("manifest"), "hello\n");
    let names = ["v1", "v1!", "a\"b", "aZ", "a\\b", "<&>", "\u{2028}\u{2029}", "e\u{301}", "日本"];
    peer.notary(&format!("init {gun}"));
    for name in names {
        peer.notary(&format!("add {gun} {name} {manifest}"));
    }
    peer.notary(&format!("publish {gun}"));
    let collection = peer.resolve().await.unwrap();
    let read: std::collections::BTreeSet<_> = collection.tags().map(|(tag, _)| tag.to_owned()).collect();
    assert_eq!(read, names.map(str::to_owned).into());
}

#[tokio::test]
async fn a_stock_server_beside_a_registry_under_pinned_roots_is_read() {
    let peer = Peer::start().await;
    let gun: Gun = "registry.test:5000/qa/app".parse().unwrap();
    let manifest = write(&peer.folder.path().join("manifest"), "hello\n");
    peer.notary(&format!("init -p {gun}"));
    peer.notary(&format!("add -p {gun} v1 {manifest}"));
    let registration = |pins| Registration {
        notary: Some(NotaryServer { url: format!("https://{}", peer.host).parse().unwrap(), ca_bundle: Some(peer.ca.clone()) }),
        pins,
        ..Registration::of("registry.test:5000".parse().unwrap(), None)
    };
    let resolver = peer.resolver().await;
    let wrong = Pins { root_keys: ["ab".repeat(32).parse().unwrap()].into(), ..Pins::default() };
    assert!(matches!(resolver.resolve(&registration(wrong.clone()), &gun, &[]).await, Err(TrustError::NotPinned { .. })));
    let collection = resolver.resolve(&registration(Pins::default()), &gun, &[]).await.unwrap();
    assert_eq!(collection.released("v1").unwrap().length, 6);
    let ids = collection.root().signed().role(&"root".parse().unwrap()).unwrap().keyids.clone();
    let right = Pins { root_keys: ids.into_iter().collect(), ..Pins::default() };
    resolver.resolve(&registration(right), &gun, &[]).await.unwrap();
    assert!(matches!(resolver.resolve(&registration(wrong), &gun, &[]).await, Err(TrustError::NotPinned { .. })));
}

/// The one registered registry.
struct Registry(Registration);

#[async_trait::async_trait]
impl Registered for Registry {
    async fn hosts(&self) -> Option<Vec<wharfinger_oci::Host>> {
        Some(vec![self.0.host.clone()])
    }

    async fn reader(&self, _: &wharfinger_oci::Host, _: Option<&Gun>) -> Option<Reader> {
        Some(Reader { registration: self.0.clone(), credentials: None })
    }
}

#[tokio::test]
async fn a_stock_feed_is_followed() {
    let peer = Peer::start().await;
    let gun = peer.gun();
    let manifest = write(&peer.folder.path().join("manifest"), "hello\n");
    let registration = Registration::of(peer.host.parse().unwrap(), Some(peer.ca.clone()));
    let resolver = Arc::new(peer.resolver().await);
    let following = tokio::spawn(resolver.clone().follow(Arc::new(Registry(registration.clone()))));
    peer.notary(&format!("init -p {gun}"));
    for round in 1..4 {
        peer.notary(&format!("add -p {gun} v{round} {manifest}"));
        let begun = std::time::Instant::now();
        loop {
            let collection = resolver.resolve(&registration, &gun, &[]).await.unwrap();
            let current = resolver.lines().first().is_some_and(|line| line.current == 1);
            if current && collection.tags().count() == round {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "round {round} is not in force");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    peer.notary(&format!("delete {gun} --remote"));
    let begun = std::time::Instant::now();
    while !matches!(resolver.resolve(&registration, &gun, &[]).await, Err(TrustError::Deleted { .. })) {
        assert!(begun.elapsed() < Duration::from_secs(30), "the deletion is not in force");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    following.abort();
}
