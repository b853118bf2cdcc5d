//! A door that serves on loopback, the people who come, and a gate that says what a test wants.

use std::{
    collections::{BTreeMap, HashMap},
    net::SocketAddr,
    path::Path,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use wharfinger_auth::{AuthError, Circle, Principal, Via};
use wharfinger_engine::{Authenticate, Engine, Upstream, routes};
use wharfinger_gate::{Admitted, Cause, Decide, Denial, Pin, SignedPin, Workload};
use wharfinger_identity::{Account, AccountId, PublicKeyId, Role};
use wharfinger_oci::{Digest, Reference};
use wharfinger_policy::KubernetesSettings;
use wharfinger_storage::workloads::{Census, Workloads};
use wharfinger_transport::{Live, ServerTls, TlsIdentity, serve};

/// A serving door. It ends with this value.
pub struct Stage {
    pub address: SocketAddr,
    pub gate: Arc<TestGate>,
    pub live: Arc<Live>,
    pub before: Arc<Before>,
    people: Arc<People>,
    ca: Issuer<'static, KeyPair>,
    ca_pem: String,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Stage {
    /// A door in front of the engine at `engine` (`unix://…`).
    pub async fn open(engine: &str) -> Self {
        let upstream = Upstream::new(engine.parse().unwrap(), None).unwrap();
        let (ca, ca_pem) = authority();
        let (cert_pem, key_pem, _) = issue(&ca, &["localhost", "127.0.0.1"]);
        let identity = TlsIdentity { cert_pem: &cert_pem, key_pem: &key_pem, client_ca_pem: Some(&ca_pem) };
        let tls = Arc::new(ServerTls::new(&identity).unwrap());
        let (gate, people, live) = (Arc::new(TestGate::default()), Arc::new(People::default()), Live::new());
        let before = Arc::new(Before::default());
        let door = Engine::new(upstream, people.clone(), gate.clone(), before.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, shutdown) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(serve(listener, tls, routes(Arc::new(door)), live.clone(), shutdown.clone()));
        Self { address, gate, live, before, people, ca, ca_pem, shutdown, serving }
    }

    /// Somebody with a client bundle: `ca.pem`, `cert.pem` and `key.pem` in `folder`.
    pub fn bundle(&self, folder: &Path, name: &str, role: Role, admin: bool) {
        std::fs::create_dir_all(folder).unwrap();
        let (cert_pem, key_pem, spki) = issue(&self.ca, &[name]);
        self.people.keys.lock().unwrap().insert(spki, principal(name, role, admin));
        for (file, text) in [("ca.pem", &self.ca_pem), ("cert.pem", &cert_pem), ("key.pem", &key_pem)] {
            std::fs::write(folder.join(file), text).unwrap();
        }
    }

    /// From now on these share a team.
    pub fn team(&self, names: &[&str]) {
        self.people.teams.lock().unwrap().push(names.iter().map(|name| account_id(name)).collect());
    }

    /// From now on nobody shares a team.
    pub fn part(&self) {
        self.people.teams.lock().unwrap().clear();
    }

    /// A client that trusts the door and shows the certificate in `folder`, if any.
    pub fn client(&self, folder: Option<&Path>) -> reqwest::Client {
        let ca = reqwest::Certificate::from_pem(self.ca_pem.as_bytes()).unwrap();
        let builder = reqwest::Client::builder().tls_certs_only([ca]).http1_only();
        let builder = match folder {
            None => builder,
            Some(folder) => {
                let mut pem = std::fs::read(folder.join("cert.pem")).unwrap();
                pem.extend(std::fs::read(folder.join("key.pem")).unwrap());
                builder.identity(reqwest::Identity::from_pem(&pem).unwrap())
            }
        };
        builder.build().unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    pub fn docker_host(&self) -> String {
        format!("tcp://localhost:{}", self.address.port())
    }

    /// Asks the door to end; resolves when it has.
    pub async fn shut_down(&mut self) {
        self.shutdown.cancel();
        (&mut self.serving).await.unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

fn authority() -> (Issuer<'static, KeyPair>, String) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    // OpenSSL takes a certificate whose issuer has its own name for self-signed.
    params.distinguished_name.push(DnType::CommonName, "test CA");
    let key = KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem();
    (Issuer::new(params, key), pem)
}

fn issue(ca: &Issuer<'static, KeyPair>, names: &[&str]) -> (String, String, Vec<u8>) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, ca).unwrap();
    (certificate.pem(), key.serialize_pem(), key.subject_public_key_info())
}

/// The id of the account called `name`.
pub fn account_id(name: &str) -> AccountId {
    AccountId::stored(format!("id-of-{name}"))
}

fn principal(name: &str, role: Role, is_admin: bool) -> Principal {
    let account = Account {
        id: account_id(name),
        name: name.parse().unwrap(),
        full_name: String::new(),
        is_org: false,
        is_admin,
        is_active: true,
        role,
    };
    Principal { account, via: Via::Certificate(PublicKeyId::stored(format!("key-of-{name}"))) }
}

/// What services ran before the policy, by id and image.
#[derive(Default)]
pub struct Before(Mutex<HashMap<(String, String), String>>);

impl Before {
    /// The service `id`, which names `image`, ran exactly `pinned`.
    pub fn ran(&self, id: &str, image: &str, pinned: &str) {
        self.0.lock().unwrap().insert((id.to_owned(), image.to_owned()), pinned.to_owned());
    }
}

#[async_trait]
impl Workloads for Before {
    async fn forget(&self) -> wharfinger_storage::Result<()> {
        self.0.lock().unwrap().clear();
        Ok(())
    }

    async fn take(&self, _: &Census) -> wharfinger_storage::Result<bool> {
        Ok(false)
    }

    async fn census(&self) -> wharfinger_storage::Result<Option<Census>> {
        Ok(None)
    }

    async fn ran(&self, id: &str, image: &str) -> wharfinger_storage::Result<Option<String>> {
        Ok(self.0.lock().unwrap().get(&(id.to_owned(), image.to_owned())).cloned())
    }
}

/// Recognises people by their key.
#[derive(Default)]
struct People {
    keys: Mutex<HashMap<Vec<u8>, Principal>>,
    teams: Mutex<Vec<Vec<AccountId>>>,
}

trait SpkiOf {
    fn subject_public_key_info(&self) -> Vec<u8>;
}

impl SpkiOf for KeyPair {
    fn subject_public_key_info(&self) -> Vec<u8> {
        rcgen::PublicKeyData::subject_public_key_info(self)
    }
}

#[async_trait]
impl Authenticate for People {
    async fn authenticate(&self, spki: Option<&[u8]>, _bearer: Option<&str>) -> Result<Option<Principal>, AuthError> {
        let Some(spki) = spki else { return Ok(None) };
        self.keys.lock().unwrap().get(spki).cloned().map(Some).ok_or(AuthError::Refused("unknown key"))
    }

    async fn circle(&self, principal: &Principal) -> Result<Circle, AuthError> {
        let (me, teams) = (&principal.account.id, self.teams.lock().unwrap());
        Ok(Circle::of(me.clone(), teams.iter().filter(|team| team.contains(me)).flatten().cloned()))
    }
}

/// A gate that admits what a test signed, and remembers what it was asked.
#[derive(Default)]
pub struct TestGate {
    enforcing: AtomicBool,
    builds: AtomicBool,
    outdated: AtomicBool,
    signed: Mutex<BTreeMap<String, Digest>>,
    lent: Mutex<Option<String>>,
    pub asked: Mutex<Vec<String>>,
    pub credentials: Mutex<usize>,
}

impl TestGate {
    pub fn enforce(&self) {
        self.enforcing.store(true, Ordering::SeqCst);
    }

    pub fn allow_builds(&self) {
        self.builds.store(true, Ordering::SeqCst);
    }

    /// From now on every decision is outdated once it is made.
    pub fn outdate(&self) {
        self.outdated.store(true, Ordering::SeqCst);
    }

    /// `host/repo:tag` is signed, and means `digest`.
    pub fn sign(&self, reference: &str, digest: &Digest) {
        self.signed.lock().unwrap().insert(reference.to_owned(), digest.clone());
    }

    pub fn lend(&self, auth: &str) {
        *self.lent.lock().unwrap() = Some(auth.to_owned());
    }

    fn judge(&self, asked: &str, reference: &str) -> Result<Admitted, Denial> {
        self.asked.lock().unwrap().push(asked.to_owned());
        let denial = |cause| Denial { image: asked.to_owned(), cause };
        let parsed: Reference =
            reference.parse().map_err(|_| denial(Cause::Malformed { why: format!("{reference} is no reference") }))?;
        if parsed.repository.namespace() == "exempt" {
            return Ok(Admitted::forged_for_tests([(asked.to_owned(), Pin::Exempt(parsed))]));
        }
        let absent = || denial(Cause::NoTrustData { credentials_refused: false });
        let signed = self.signed.lock().unwrap();
        let digest = match &parsed.digest {
            Some(digest) => signed.values().find(|signed| *signed == digest).ok_or_else(absent)?.clone(),
            None => signed.get(&parsed.without_digest()).ok_or_else(absent)?.clone(),
        };
        let pinned = parsed.pinned(&digest);
        let pin = Pin::Signed(SignedPin { reference: parsed, digest, length: 1, pinned });
        Ok(Admitted::forged_for_tests([(asked.to_owned(), pin)]))
    }
}

#[async_trait]
impl Decide for TestGate {
    async fn admit(&self, workload: &Workload) -> Result<Admitted, Denial> {
        let [image] = workload.images.as_slice() else { panic!("one at a time: {:?}", workload.images) };
        let presented = match image.parse() {
            Ok(reference) => workload.credentials.for_image(&reference).await.unwrap().len(),
            Err(_) => 0,
        };
        *self.credentials.lock().unwrap() += presented;
        self.judge(image, image)
    }

    async fn admit_local(&self, _: &Workload, asked: &str, repo_digests: &[String]) -> Result<Admitted, Denial> {
        let Some(first) = repo_digests.first() else {
            return Err(Denial { image: asked.to_owned(), cause: Cause::LocalOnly });
        };
        self.judge(asked, first)
    }

    async fn still_current(&self, _: &Admitted) -> Result<(), Denial> {
        if self.outdated.load(Ordering::SeqCst) {
            return Err(Denial { image: "it".to_owned(), cause: Cause::Outdated });
        }
        Ok(())
    }

    async fn enforcing(&self) -> Result<bool, Denial> {
        Ok(self.enforcing.load(Ordering::SeqCst))
    }

    async fn kubernetes(&self) -> Result<KubernetesSettings, Denial> {
        Ok(KubernetesSettings::default())
    }

    async fn builds_allowed(&self) -> Result<bool, Denial> {
        Ok(self.builds.load(Ordering::SeqCst))
    }

    async fn record_build(&self, account_name: &str, call: &str) -> Result<(), Denial> {
        self.asked.lock().unwrap().push(format!("{account_name} builds: {call}"));
        Ok(())
    }

    async fn registry_auth(&self, _: &AccountId, _: &Reference) -> Option<String> {
        self.lent.lock().unwrap().clone()
    }
}
