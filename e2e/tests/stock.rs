//! A registry that is not ours: Debian's docker-registry with Debian's notary-server beside it.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use wharfinger_e2e::{DockerCli, Person, Scene, free_port, until};

const SOON: Duration = Duration::from_secs(20);

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn start(program: &str, arguments: &[&str], address: &str) -> Ended {
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Ended(command.spawn().unwrap_or_else(|error| panic!("{program} is installed: {error}")));
    assert!(until(SOON, || std::net::TcpStream::connect(address).is_ok()), "{program} listens");
    running
}

/// Both servers, each under a certificate of its own.
struct Stock {
    registry: String,
    notary: String,
    registry_ca: String,
    notary_ca: String,
    _running: [Ended; 2],
}

impl Stock {
    fn start(folder: &Path) -> Self {
        let at = |name: &str| folder.join(name).display().to_string();
        fs::create_dir_all(folder).unwrap();
        let certificate = |name: &str| {
            let subject = "subjectAltName=IP:127.0.0.1";
            let mut openssl = Command::new("openssl");
            openssl.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]);
            openssl.args(["-subj", "/CN=127.0.0.1", "-addext", subject, "-addext", "basicConstraints=critical,CA:FALSE"]);
            openssl.args(["-keyout", &at(&format!("{name}.key")), "-out", &at(&format!("{name}.pem"))]);
            wharfinger_e2e::run(openssl).unwrap().ok();
            fs::read_to_string(at(&format!("{name}.pem"))).unwrap()
        };
        let (registry_ca, notary_ca) = (certificate("registry"), certificate("notary"));
        let free = || format!("127.0.0.1:{}", free_port());
        let (registry, notary) = (free(), free());
        let yaml = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: '{registry}', tls: {{certificate: {}, key: {}}}}}\n",
            at("images"),
            at("registry.pem"),
            at("registry.key")
        );
        fs::write(at("registry.yml"), yaml).unwrap();
        let json = json!({
            "server": { "http_addr": notary, "tls_key_file": at("notary.key"), "tls_cert_file": at("notary.pem") },
            "trust_service": { "type": "local" },
            "storage": { "backend": "memory" },
            "logging": { "level": "error" }
        });
        fs::write(at("notary.json"), json.to_string()).unwrap();
        let running = [
            start("docker-registry", &["serve", &at("registry.yml")], &registry),
            start("notary-server", &[&format!("-config={}", at("notary.json"))], &notary),
        ];
        Self { registry, notary, registry_ca, notary_ca, _running: running }
    }

    fn registration(&self) -> serde_json::Value {
        json!({
            "hostAddress": self.registry, "caBundle": self.registry_ca,
            "notaryURL": format!("https://{}", self.notary), "notaryCABundle": self.notary_ca,
        })
    }
}

#[test]
fn what_stock_clients_sign_at_a_stock_registry_runs_and_nothing_else_there() {
    let scene = Scene::up();
    let stock = Stock::start(&scene.dir().join("stock"));
    let olga = scene.person("olga");
    scene.operates(&olga);
    scene.enforce(&[]);
    let dev: Person =
        scene.machine("dev", DockerCli::newest()).with("DOCKER_CONTENT_TRUST_SERVER", &format!("https://{}", stock.notary));
    let image = format!("{}/acme/app:1", stock.registry);
    wharfinger_e2e::import_busybox(&dev, &image, "v1").unwrap();
    dev.does(&format!("docker push {image}"));
    let run = format!("docker run --rm --entrypoint cat {image} /etc/says");

    olga.sh(&run).fails().says(&format!("{} must be a registered trusted registry", stock.registry));
    scene.admin().post("/api/config/trustedregistry_", &stock.registration()).ok();
    olga.sh(&run).fails().says("image or trust data does not exist");

    dev.does("docker trust key generate signer");
    dev.does(&format!("docker trust signer add --key signer.pub signer {}/acme/app", stock.registry));
    dev.does(&format!("docker trust sign {image}"));
    olga.does(&run).says("v1");

    // A signature that is taken back ends it: the stock feed is read, too.
    let explained = || scene.admin().post("/api/trust/explain", &json!({"image": image})).is(200).json();
    assert_eq!(explained()["verdict"], "allow");
    dev.does(&format!("docker trust revoke --yes {image}"));
    assert!(until(SOON, || explained()["verdict"] == "deny"), "{}", explained());
    olga.sh(&run).fails();
    dev.does(&format!("docker trust sign {image}"));
    olga.does(&run).says("v1");

    // Under another root than the pinned one nothing of it runs.
    let mut pinned = stock.registration();
    pinned["pinnedRoots"] = json!([{"pattern": format!("{}/*", stock.registry), "keys": ["ab".repeat(32)]}]);
    scene.admin().post("/api/config/trustedregistry_", &pinned).ok();
    olga.sh(&run).fails().says("(not-pinned)");
}
