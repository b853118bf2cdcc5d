//! One caller who has as much under way as they may, at each of the doors, and the others.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;
use wharfinger_e2e::{Api, PASSWORD, Serve, Wharfinger, free_port, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// Registry and cluster in one process. What is asked here is answered before an engine would be.
fn up(dir: &Path, flag: &str, value: &str) -> Wharfinger {
    let port = |what: &str| (format!("--{what}-listen"), format!("127.0.0.1:{}", free_port()));
    let ((registry, at), (cluster, there)) = (port("registry"), port("cluster"));
    let serve = Serve::new("up", dir).flag(&registry, &at).flag(&cluster, &there).flag("--engine", "unix:///no/engine.sock");
    serve.switch("--no-install-ca").flag(flag, value).start().unwrap()
}

/// Somebody in the middle of sending, until dropped.
struct Sending {
    curl: Command,
    child: Child,
}

impl Sending {
    fn to(url: &str, arguments: &[&str]) -> Self {
        let mut curl = Command::new("curl");
        // `.`: it looks at what comes back while nothing is there to send.
        curl.args(["-ksS", "-o", "/dev/null", "-T", "."]).args(arguments).arg(url);
        curl.stdin(Stdio::piped()).stderr(Stdio::null());
        let child = curl.spawn().unwrap();
        Self { curl, child }
    }

    /// Whether `seen` is seen in time. Whoever looks takes a place as well, and may have kept the sender out.
    fn until(&mut self, seen: impl Fn() -> bool) -> bool {
        until(PATIENCE, || {
            if self.child.try_wait().unwrap().is_some() {
                self.child = self.curl.spawn().unwrap();
            }
            seen()
        })
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn whoever_has_too_many_calls_under_way_waits_at_every_door_and_nobody_else_does() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let wharfinger = up(dir.path(), "--max-calls-per-user", "1");
    let (registry, cluster) = (wharfinger.registry().unwrap(), wharfinger.cluster().unwrap());
    let password = wharfinger.admin_password().unwrap();
    let admin = Api::at(cluster).login("admin", &password);
    admin.post("/accounts/", &json!({"name": "dev", "password": PASSWORD})).is(201);
    let dev = Api::at(cluster).login("dev", PASSWORD);
    let host = registry.trim_start_matches("https://");
    let scopes = format!("scope=repository:admin/app:pull&scope=repository:{host}/admin/app:pull");
    let token = Api::at(registry).with_password("admin", &password).get(&format!("/auth/token?service={host}&{scopes}")).json();
    let pulls = Api::at(registry).with_token(token["token"].as_str().unwrap());

    let user = format!("admin:{password}");
    let mut sending = Sending::to(&format!("{cluster}/api/ucp/config-toml"), &["-X", "PUT", "-u", &user]);
    assert!(sending.until(|| admin.get("/id/").status == 429));
    let doors = [
        (&admin, "/accounts/".to_owned()),
        (&admin, "/v1.41/info".to_owned()),
        (&pulls, "/v2/admin/app/tags/list".to_owned()),
        (&pulls, format!("/v2/{host}/admin/app/_trust/tuf/root.json")),
        (&Api::at(registry).with_password("admin", &password), "/api/v0/repositories".to_owned()),
    ];
    for (caller, path) in doors {
        caller.get(&path).is(429).says("are under way");
    }
    dev.get("/id/").is(200);
    Api::at(registry).get("/_ping").is(200);

    drop(sending);
    assert!(until(PATIENCE, || admin.get("/id/").status == 200));
}

/// They are counted in `transport`; here is that the flags arrive. It is a cluster alone: one that follows a registry's
/// changefeed at the same address has the only place there is.
#[test]
fn the_bounds_of_an_address_have_flags_that_count() {
    let dir = tempfile::Builder::new().prefix("wf-").tempdir().unwrap();
    let alone = |flag: &str| {
        let at = format!("127.0.0.1:{}", free_port());
        let serve = Serve::new("cluster serve", &dir.path().join(flag)).flag("--cluster-listen", &at);
        serve.flag("--engine", "unix:///no/engine.sock").flag(flag, "1").start().unwrap()
    };

    let wharfinger = alone("--max-connections-per-address");
    let url = wharfinger.cluster().unwrap();
    let held = TcpStream::connect(url.trim_start_matches("https://")).unwrap();
    assert!(Api::at(url).try_call("GET", "/ca", None).is_err(), "a second connection");
    drop(held);
    assert!(until(PATIENCE, || Api::at(url).try_call("GET", "/ca", None).is_ok()));

    let wharfinger = alone("--max-calls-per-address");
    let url = wharfinger.cluster().unwrap();
    let json = ["-X", "POST", "-H", "Content-Type: application/json"];
    let mut sending = Sending::to(&format!("{url}/auth/login"), &json);
    assert!(sending.until(|| Api::at(url).get("/ca").status == 429));
    drop(sending);
    assert!(until(PATIENCE, || Api::at(url).get("/ca").status == 200));
}
