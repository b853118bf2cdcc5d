//! A stage for one test: a folder, the shared engine, one `wharfinger up`, and its people.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

use anyhow::{Context, Result, ensure};
use serde_json::json;
use tempfile::TempDir;

use crate::api::Api;
use crate::image::import_busybox;
use crate::person::{DockerCli, Person};
use crate::run::run;
use crate::wharfinger::{Serve, Wharfinger};

/// The password of everyone whom a test makes.
pub const PASSWORD: &str = "correct horse battery";

/// The engine that all tests of one run share; `cargo xtask test` starts it and names it here.
///
/// # Panics
/// When no engine is named: a test that quietly did not run would prove nothing.
pub fn shared_engine() -> String {
    std::env::var("WHARFINGER_TEST_ENGINE").unwrap_or_else(|_| {
        panic!(
            "WHARFINGER_TEST_ENGINE names no engine: run `cargo xtask test`, \
             or `cargo xtask engine` in another terminal"
        )
    })
}

/// Takes `port` for this process until it ends, if nobody listens there and no other test or demo has taken it.
///
/// # Panics
/// When there is no folder for the claims.
pub fn claim_port(port: u16) -> bool {
    /// What is held, one locked file a port.
    static CLAIMED: Mutex<Vec<File>> = Mutex::new(Vec::new());
    let folder = std::env::temp_dir().join("wharfinger-test-ports");
    fs::create_dir_all(&folder).expect("a folder for the claims");
    let claim = File::create(folder.join(port.to_string())).expect("a claim");
    let free = claim.try_lock().is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok();
    if free {
        CLAIMED.lock().unwrap_or_else(PoisonError::into_inner).push(claim);
    }
    free
}

/// A port that is this process's until it ends. The range lies below the one that the kernel deals from for outgoing
/// connections, which would otherwise take it meanwhile.
///
/// # Panics
/// When all of them are taken.
pub fn free_port() -> u16 {
    const FIRST: u16 = 20_000;
    const COUNT: u32 = 10_000;
    // Each process begins elsewhere, so that they seldom ask for the same one.
    let start = std::process::id().wrapping_mul(37) % COUNT;
    let mut ports = (0..COUNT).filter_map(|step| FIRST.checked_add(u16::try_from((start + step) % COUNT).ok()?));
    ports.find(|port| claim_port(*port)).expect("one of ten thousand ports is free")
}

/// One registry and one cluster in front of the shared engine.
#[derive(Debug)]
pub struct Scene {
    pub wharfinger: Wharfinger,
    /// `localhost:<port>`, as it stands in image names.
    pub registry: String,
    pub cluster: String,
    admin: OnceLock<Api>,
    engine: String,
    dir: TempDir,
}

impl Scene {
    /// `wharfinger up` on an empty folder.
    #[track_caller]
    pub fn up() -> Self {
        Self::up_with(|serve| serve)
    }

    /// `wharfinger up` with more flags.
    #[track_caller]
    pub fn up_with(flags: impl FnOnce(Serve) -> Serve) -> Self {
        match Self::try_up(&shared_engine(), flags) {
            Ok(scene) => scene,
            Err(error) => panic!("{error:#}"),
        }
    }

    /// `wharfinger up` in front of the engine at `engine`.
    pub fn try_up(engine: &str, flags: impl FnOnce(Serve) -> Serve) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("wf-").tempdir()?;
        let registry = format!("127.0.0.1:{}", free_port());
        let cluster = format!("127.0.0.1:{}", free_port());
        let serve = Serve::new("up", &dir.path().join("up"))
            .flag("--registry-listen", &registry)
            .flag("--cluster-listen", &cluster)
            .flag("--engine", engine);
        let wharfinger = flags(serve).start()?;
        let host = |url: Option<&str>| {
            let url = url.context("`up` names both origins")?;
            Ok::<_, anyhow::Error>(url.trim_start_matches("https://").to_owned())
        };
        Ok(Self {
            registry: host(wharfinger.registry())?,
            cluster: host(wharfinger.cluster())?,
            wharfinger,
            admin: OnceLock::new(),
            engine: engine.into(),
            dir,
        })
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn engine(&self) -> &str {
        &self.engine
    }

    /// The cluster's origin, with nobody logged in.
    pub fn cluster_api(&self) -> Api {
        Api::at(&format!("https://{}", self.cluster))
    }

    /// The registry's origin, with nobody logged in.
    pub fn registry_api(&self) -> Api {
        Api::at(&format!("https://{}", self.registry))
    }

    /// The first administrator at the cluster.
    #[track_caller]
    pub fn admin(&self) -> &Api {
        self.admin.get_or_init(|| {
            let password = self.wharfinger.admin_password().expect("`up` wrote it");
            self.cluster_api().login("admin", &password)
        })
    }

    /// The first administrator at the registry.
    pub fn registry_admin(&self) -> Api {
        let password = self.wharfinger.admin_password().expect("`up` wrote it");
        self.registry_api().with_password("admin", &password)
    }

    /// An account with [`PASSWORD`] and full control, so that it may use the engine.
    #[track_caller]
    pub fn account(&self, name: &str) {
        let account = json!({"name": name, "password": PASSWORD});
        self.admin().post("/accounts/", &account).is(201);
        let role = json!({"role": "fullcontrol"});
        self.admin().patch(&format!("/accounts/{name}"), &role).ok();
    }

    /// A team `org/team` with these members; makes the organization when it is not there.
    #[track_caller]
    pub fn team(&self, org: &str, team: &str, members: &[&str]) {
        let known = self.admin().get(&format!("/accounts/{org}")).status == 200;
        if !known {
            self.admin().post("/accounts/", &json!({"name": org, "isOrg": true})).is(201);
        }
        self.admin().post(&format!("/accounts/{org}/teams"), &json!({"name": team})).is(201);
        for member in members {
            self.admin().put(&format!("/accounts/{org}/members/{member}"), &json!({})).ok();
            self.admin().put(&format!("/accounts/{org}/teams/{team}/members/{member}"), &json!({})).ok();
        }
    }

    /// A machine for `name`, whose `docker` talks to the engine itself.
    #[track_caller]
    pub fn machine(&self, name: &str, cli: DockerCli) -> Person {
        Person::new(&self.dir.path().join("people"), name, cli)
            .expect("the folder is ours")
            .with_passphrases()
            .at_engine(&self.engine)
            .with("REGISTRY", &self.registry)
            .with("CLUSTER", &self.cluster)
    }

    /// An account and a machine, logged in to the registry.
    #[track_caller]
    pub fn person(&self, name: &str) -> Person {
        self.account(name);
        let person = self.machine(name, DockerCli::newest());
        self.docker_login(&person, name, PASSWORD);
        person
    }

    /// The administrator's machine, logged in to the registry.
    #[track_caller]
    pub fn admin_machine(&self) -> Person {
        let person = self.machine("admin", DockerCli::newest());
        let password = self.wharfinger.admin_password().expect("`up` wrote it");
        self.docker_login(&person, "admin", &password);
        person
    }

    #[track_caller]
    pub fn docker_login(&self, person: &Person, user: &str, password: &str) {
        person.writes("password", password);
        person.does(&format!("docker login -u {user} --password-stdin {} < password", self.registry));
    }

    /// Downloads and unpacks a client bundle into `bundle/` of the person's home.
    #[track_caller]
    pub fn bundle(&self, person: &Person) -> PathBuf {
        let session = self.session(&person.name);
        bundle(&session, person)
    }

    /// A password session of `user` at the cluster.
    #[track_caller]
    pub fn session(&self, user: &str) -> Api {
        if user == "admin" { self.admin().clone() } else { self.cluster_api().login(user, PASSWORD) }
    }

    /// Turns *Run only signed images* on, with these teams.
    #[track_caller]
    pub fn enforce(&self, teams: &[&str]) {
        let policy = json!({"require_content_trust": true, "require_signature_from": teams});
        self.admin().put("/api/config/trust", &policy).ok();
    }

    #[track_caller]
    pub fn enforce_nothing(&self) {
        let policy = json!({"require_content_trust": false});
        self.admin().put("/api/config/trust", &policy).ok();
    }

    /// The full name of an image in this registry.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.registry)
    }

    /// Makes an image on the engine that says `says`, and pushes it as `person`.
    #[track_caller]
    pub fn push(&self, person: &Person, name: &str, says: &str) -> String {
        let image = self.image(name);
        import_busybox(person, &image, says).expect("busybox-static is installed");
        person.does(&format!("docker push {image}"));
        image
    }

    /// Takes an image off the engine, so that running it needs the registry again.
    #[track_caller]
    pub fn forget(&self, image: &str) {
        let mut command = Command::new("docker");
        command.args(["-H", &self.engine, "image", "rm", "-f", image]);
        run(command).expect("docker runs");
    }
}

/// Downloads and unpacks a client bundle of this session into `bundle/` of the person's home.
#[track_caller]
pub fn bundle(session: &Api, person: &Person) -> PathBuf {
    let folder = person.home().join("bundle");
    fs::create_dir_all(&folder).expect("the home folder is ours");
    session.download("POST", "/api/clientbundle", &folder.join("bundle.zip"));
    person.does("cd ~/bundle && unzip -q -o bundle.zip; cd ~");
    folder
}

/// Fails unless `ran` is what a working engine says.
pub fn require_engine(engine: &str) -> Result<()> {
    let mut command = Command::new("docker");
    command.args(["-H", engine, "info", "--format", "{{.ServerVersion}}"]);
    let ran = run(command)?;
    ensure!(ran.status == 0, "{ran}");
    Ok(())
}
