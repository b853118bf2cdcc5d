//! Debian's `docker-registry` with Debian's `notary-server` beside it can be registered. Needs both packages.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use time::OffsetDateTime;
use wharfinger_cluster::{Cluster, NewRegistration};
use wharfinger_keys::SealKey;
use wharfinger_storage_sql::Sql;

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A certificate for loopback in `name.pem` and `name.key`; its text.
fn certificate(folder: &Path, name: &str) -> String {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    std::fs::write(folder.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    std::fs::write(folder.join(format!("{name}.pem")), certificate.pem()).unwrap();
    certificate.pem()
}

async fn start(program: &str, arguments: &[&str], address: &str) -> Ended {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Ended(command.spawn().unwrap_or_else(|error| panic!("{program} is installed: {error}")));
    for _ in 0..500 {
        if tokio::net::TcpStream::connect(address).await.is_ok() {
            return running;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("{program} does not listen");
}

#[tokio::test]
async fn a_stock_registry_is_registered_with_the_stock_notary_server_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let (registry_ca, notary_ca) = (certificate(folder.path(), "registry"), certificate(folder.path(), "notary"));
    let free = || format!("127.0.0.1:{}", wharfinger_e2e::free_port());
    let (registry, notary) = (free(), free());
    let yaml = format!(
        "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{registry}', tls: {{certificate: {}, key: {}}}}}\n",
        at("images"),
        at("registry.pem"),
        at("registry.key")
    );
    std::fs::write(at("registry.yml"), yaml).unwrap();
    let json = serde_json::json!({
        "server": { "http_addr": notary, "tls_key_file": at("notary.key"), "tls_cert_file": at("notary.pem") },
        "trust_service": { "type": "local" },
        "storage": { "backend": "memory" },
        "logging": { "level": "error" }
    });
    std::fs::write(at("notary.json"), json.to_string()).unwrap();
    let _registry = start("docker-registry", &["serve", &at("registry.yml")], &registry).await;
    let _notary = start("notary-server", &[&format!("-config={}", at("notary.json"))], &notary).await;

    let sql = Arc::new(Sql::open(&folder.path().join("db")).await.unwrap());
    let now = OffsetDateTime::now_utc;
    let cluster = Cluster::new(sql.clone(), sql.clone(), sql.clone(), Arc::new(SealKey::generate()), None, None, now);
    let body = |notary_ca: &str| {
        let entry = serde_json::json!({ "pattern": format!("{registry}/*"), "keys": ["ab".repeat(32)] });
        let url = format!("https://{notary}");
        let body = serde_json::json!({ "hostAddress": registry, "caBundle": registry_ca, "notaryURL": url,
            "notaryCABundle": notary_ca, "pinnedRoots": [entry] });
        serde_json::from_value::<NewRegistration>(body).unwrap()
    };
    let refused = cluster.register("ann", body(&registry_ca)).await.unwrap_err().to_string();
    assert!(refused.starts_with(&format!("trusted registry not added: {registry}: notary_url: ")), "{refused}");
    cluster.register("ann", body(&notary_ca)).await.unwrap();
    assert_eq!(cluster.registrations().await.unwrap()[0].pinned_roots[0].pattern, format!("{registry}/*"));
}
