//! The door with a gate that says what a test wants, and questions as a real API server sent them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use wharfinger_admission::{Admission, Callers, PullSecrets, WebhookSecret, routes};
use wharfinger_auth::AuthError;
use wharfinger_gate::{Admitted, Cause, Decide, Denial, Pin, PresentedError, SignedPin, Workload};
use wharfinger_identity::AccountId;
use wharfinger_oci::{Digest, Reference};
use wharfinger_policy::KubernetesSettings;
use wharfinger_trust::{Credentials, Secret};

pub const SEGMENT: &str = "a-path-that-only-the-webhook-configuration-knows";

/// What the recorded objects hold, with the digest each was pinned to when they were recorded.
pub const SIGNED: &[(&str, &str)] = &[
    ("registry.example.com/app:v1", "sha256:7feaa9c2844f4a3c377758691f3175fb27bb3e983527ff95c58a278babae5d4d"),
    ("registry.example.com/app:v2", "sha256:2222222222222222222222222222222222222222222222222222222222222222"),
    ("registry.example.com/app:v3", "sha256:1a949f56b060e3bd2a49b5811073cc511d1c278dfe8a4630ced77a4aebf19c00"),
    ("registry.example.com/debug:v1", "sha256:55a1eba1a6bac41a4f90c3d197f7960f73e7268db6bb6710ecfef867845b6fc8"),
    ("registry.example.com/side:v1", "sha256:0000000000000000000000000000000000000000000000000000000000000000"),
    ("busybox:latest", "sha256:9d75f0d7c398df565d7ac04c6819b62d6d8f9560f5eb4672596ecd8f7e96ae91"),
];

/// Allows what is signed, each image by itself.
#[derive(Default)]
pub struct TestGate {
    pub off: AtomicBool,
    pub outdated: AtomicBool,
    pub silent: AtomicBool,
    pub settings: Mutex<KubernetesSettings>,
    /// Taken away from what is signed.
    pub revoked: Mutex<BTreeSet<String>>,
    /// Allowed because their rule is in audit mode.
    pub audited: Mutex<BTreeSet<String>>,
    pub asked: Mutex<Vec<Asked>>,
}

/// What of a workload a door can get wrong.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Asked {
    pub image: String,
    pub actor: String,
    pub namespace: Option<String>,
    pub dry_run: bool,
    pub purpose: &'static str,
    pub is_somebody: bool,
    /// How many credentials came along.
    pub credentials: usize,
}

#[async_trait]
impl Decide for TestGate {
    async fn admit(&self, workload: &Workload) -> Result<Admitted, Denial> {
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        let [image] = workload.images.as_slice() else { panic!("one at a time: {:?}", workload.images) };
        let parsed = image.parse::<Reference>();
        let credentials = match &parsed {
            Ok(reference) => workload.credentials.for_image(reference).await.unwrap().len(),
            Err(_) => 0,
        };
        self.asked.lock().unwrap().push(Asked {
            image: image.clone(),
            actor: workload.account_name.clone(),
            namespace: workload.namespace.clone(),
            dry_run: workload.dry_run,
            purpose: workload.purpose.as_str(),
            is_somebody: workload.account.is_some() || workload.is_admin,
            credentials,
        });
        let denial = |cause| Denial { image: image.clone(), cause };
        let reference = parsed.map_err(|error| denial(Cause::Malformed { why: error.to_string() }))?;
        if self.audited.lock().unwrap().contains(image) {
            let would_be = denial(Cause::PolicyNotMet { missing: vec!["acme/qa".to_owned()] });
            let exempt = Admitted::forged_for_tests([(image.clone(), Pin::Exempt(reference))]);
            return Ok(exempt.with_warning_for_tests(would_be));
        }
        let signed: BTreeMap<String, Digest> =
            SIGNED.iter().map(|(name, digest)| ((*name).to_owned(), digest.parse().unwrap())).collect();
        let signed = |reference: &Reference| match (&reference.tag, &reference.digest) {
            (None, Some(digest)) => signed.values().find(|of_a_tag| *of_a_tag == digest).cloned(),
            _ => signed.get(&format!("{}:{}", reference.name(), reference.tag_or_latest())).cloned(),
        };
        let revoked = self.revoked.lock().unwrap().contains(&reference.without_digest());
        let digest = signed(&reference).filter(|_| !revoked).ok_or_else(|| denial(Cause::NotReleased))?;
        if reference.digest.as_ref().is_some_and(|asked| *asked != digest) {
            return Err(denial(Cause::OtherDigest { signed: digest.to_string() }));
        }
        let pinned = reference.pinned(&digest);
        let pin = Pin::Signed(SignedPin { reference, digest, length: 1, pinned });
        Ok(Admitted::forged_for_tests([(image.clone(), pin)]))
    }

    async fn admit_local(&self, _: &Workload, _: &str, _: &[String]) -> Result<Admitted, Denial> {
        panic!("Kubernetes knows no local names")
    }

    async fn still_current(&self, _: &Admitted) -> Result<(), Denial> {
        if self.outdated.load(Ordering::SeqCst) {
            return Err(Denial { image: "it".to_owned(), cause: Cause::Outdated });
        }
        Ok(())
    }

    async fn enforcing(&self) -> Result<bool, Denial> {
        Ok(!self.off.load(Ordering::SeqCst))
    }

    async fn kubernetes(&self) -> Result<KubernetesSettings, Denial> {
        Ok(self.settings.lock().unwrap().clone())
    }

    async fn builds_allowed(&self) -> Result<bool, Denial> {
        panic!("nothing is built here")
    }

    async fn record_build(&self, _: &str, _: &str) -> Result<(), Denial> {
        panic!("nothing is built here")
    }

    async fn registry_auth(&self, _: &AccountId, _: &Reference) -> Option<String> {
        panic!("nothing is pulled here")
    }
}

/// Has one secret, `pull` in `default`, and one for the service account `robot` there.
struct TestSecrets;

#[async_trait]
impl PullSecrets for TestSecrets {
    async fn credentials(
        &self,
        namespace: &str,
        named: &[String],
        service_account: &str,
        _: &Reference,
    ) -> Result<Vec<Credentials>, PresentedError> {
        let there = |name: &str| namespace == "default" && (named.iter().any(|named| named == name) || service_account == name);
        let basic = Credentials::Basic { username: "robot".to_owned(), password: Secret::new("x") };
        Ok(["pull", "robot"].into_iter().filter(|name| there(name)).map(|_| basic.clone()).collect())
    }
}

/// Knows nobody: certificates are for the tests with a real API server.
pub struct TestCallers;

#[async_trait]
impl Callers for TestCallers {
    async fn account(&self, _: &[u8]) -> Result<Option<(String, String)>, AuthError> {
        Ok(None)
    }
}

pub struct Stage {
    pub gate: Arc<TestGate>,
    router: axum::Router,
}

/// What came back, read.
#[derive(Debug)]
pub struct Said {
    pub allowed: bool,
    pub message: String,
    pub code: u64,
    pub warnings: Vec<String>,
    /// The object as it is after the patch.
    pub object: Value,
    pub patches: usize,
}

impl Stage {
    pub fn new() -> Self {
        let gate = Arc::new(TestGate::default());
        let secret = WebhookSecret::known_for_tests(SEGMENT);
        let admission = Admission::new(gate.clone(), Some(Arc::new(TestSecrets)), Arc::new(TestCallers), secret);
        Self { gate, router: routes(&Arc::new(admission)) }
    }

    pub async fn post(&self, path: &str, body: impl Into<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.router.clone().oneshot(Request::post(path).body(body.into()).unwrap()).await.unwrap();
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    }

    pub async fn mutate(&self, review: &Value) -> Said {
        self.ask("mutate", review).await
    }

    pub async fn validate(&self, review: &Value) -> Said {
        self.ask("validate", review).await
    }

    async fn ask(&self, phase: &str, review: &Value) -> Said {
        let (status, body) = self.post(&format!("/admission/{phase}/{SEGMENT}?timeout=10s"), review.to_string()).await;
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        let answer: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!((&answer["apiVersion"], &answer["kind"]), (&json!("admission.k8s.io/v1"), &json!("AdmissionReview")));
        let response = &answer["response"];
        assert_eq!(response["uid"], review["request"]["uid"]);
        let mut object = review["request"]["object"].clone();
        let mut patches = 0;
        if let Some(patch) = response["patch"].as_str() {
            assert_eq!(response["patchType"], "JSONPatch");
            for one in serde_json::from_slice::<Vec<Value>>(&STANDARD.decode(patch).unwrap()).unwrap() {
                assert_eq!(one["op"], "replace");
                *object.pointer_mut(one["path"].as_str().unwrap()).expect("what is patched is there") = one["value"].clone();
                patches += 1;
            }
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Said {
            allowed: response["allowed"].as_bool().unwrap(),
            message: text(&response["status"]["message"]),
            code: response["status"]["code"].as_u64().unwrap_or_default(),
            warnings: response["warnings"].as_array().into_iter().flatten().map(text).collect(),
            object,
            patches,
        }
    }

    pub fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.gate.asked.lock().unwrap())
    }

    pub fn asked_images(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.image).collect()
    }

    pub fn revoke(&self, image: &str) {
        self.gate.revoked.lock().unwrap().insert(image.to_owned());
    }
}

/// Every review that was recorded, by name.
pub fn recorded() -> Vec<(String, Value)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reviews");
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap())
        })
        .collect();
    all.sort_by(|(one, _), (other, _)| one.cmp(other));
    all
}

/// The recorded review whose name holds `part`.
pub fn one(part: &str) -> Value {
    let mut found = recorded().into_iter().filter(|(name, _)| name.contains(part));
    found.next().unwrap_or_else(|| panic!("no review is called {part}")).1
}

/// Every text at a key `image` or `reference` of `object`.
pub fn images(object: &Value) -> Vec<String> {
    match object {
        Value::Object(map) => map
            .iter()
            .flat_map(|(key, value)| match value {
                Value::String(text) if key == "image" || key == "reference" => vec![text.clone()],
                _ => images(value),
            })
            .collect(),
        Value::Array(list) => list.iter().flat_map(images).collect(),
        _ => Vec::new(),
    }
}

/// CREATE of a pod with this specification.
pub fn pod(spec: &Value) -> Value {
    let mut review = one("v1.20.2--mutate--CREATE--pods--pod1--admin.json");
    review["request"]["object"]["spec"] = spec.clone();
    review
}
