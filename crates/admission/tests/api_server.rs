//! An API server that does what a real one hardly ever does. What a real one does is tried in `e2e`.

#[path = "api_server/pods.rs"]
mod pods;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::StatusCode;
use rcgen::{CertificateParams, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use wharfinger_admission::{ApiServer, ApiServerError, Keep};
use wharfinger_transport::{Live, ServerTls, TlsIdentity, serve};

type Answers = Arc<dyn Fn(&str) -> Response + Send + Sync>;

struct Fake {
    kubeconfig: PathBuf,
    asked: Arc<Mutex<Vec<String>>>,
    _folder: TempDir,
}

#[derive(Clone)]
struct Told {
    answers: Answers,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Answers paths as it is told to, to whoever shows the token.
async fn fake<F>(answers: F) -> Fake
where
    F: Fn(&str) -> Response + Send + Sync + 'static,
{
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap().pem();
    let key_pem = key.serialize_pem();
    let tls = Arc::new(ServerTls::new(&TlsIdentity { cert_pem: &certificate, key_pem: &key_pem, client_ca_pem: None }).unwrap());
    let asked = Arc::new(Mutex::default());
    let told = Told { answers: Arc::new(answers), asked: Arc::clone(&asked) };
    let router = Router::new().fallback(answer).with_state(told);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, tls, router, Live::new(), CancellationToken::new()));
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let ca = STANDARD.encode(&certificate);
    let text = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: k, user: u}}}}]\n\
         clusters: [{{name: k, cluster: {{server: 'https://localhost:{port}', certificate-authority-data: {ca}}}}}]\n\
         users: [{{name: u, user: {{token: hunter2}}}}]\n"
    );
    std::fs::write(&kubeconfig, text).unwrap();
    Fake { kubeconfig, asked, _folder: folder }
}

async fn answer(State(told): State<Told>, request: Request) -> Response {
    assert_eq!(request.headers()["authorization"], "Bearer hunter2");
    let path = request.uri().path_and_query().unwrap().to_string();
    told.asked.lock().unwrap().push(path.clone());
    (told.answers)(&path)
}

fn json_of(value: &Value) -> Response {
    axum::Json(value.clone()).into_response()
}

fn status(code: StatusCode, message: &str) -> Response {
    (code, axum::Json(json!({"kind": "Status", "message": message}))).into_response()
}

fn pull_secret(host: &str) -> Response {
    let config = json!({"auths": {host: {"username": "qa", "password": "x"}}});
    json_of(&json!({
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": STANDARD.encode(config.to_string())},
    }))
}

impl Fake {
    fn api(&self) -> ApiServer {
        ApiServer::from_kubeconfig(&self.kubeconfig).unwrap()
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

#[tokio::test]
async fn the_pod_s_secrets_and_its_account_s_are_read_in_its_namespace_and_nowhere_else() {
    let fake = fake(|path| match path {
        "/api/v1/namespaces/qa/serviceaccounts/runner" => json_of(&json!({"imagePullSecrets": [{"name": "account"}]})),
        "/api/v1/namespaces/qa/secrets/account" => pull_secret("dtr.test"),
        "/api/v1/namespaces/qa/secrets/pod" => pull_secret("dtr.test/qa"),
        _ => status(StatusCode::NOT_FOUND, "not found"),
    })
    .await;
    let named = ["pod".to_owned(), "missing".to_owned()];
    let secrets = fake.api().pull_secrets("qa", &named, "runner").await.unwrap();
    let image = "dtr.test/qa/app:1".parse().unwrap();
    assert_eq!(secrets.iter().filter_map(|secret| secret.for_image(&image)).count(), 2);
    let other = "dtr.test/other/app:1".parse().unwrap();
    assert!(secrets[0].for_image(&other).is_none(), "the most particular comes first");
    assert!(secrets[1].for_image(&other).is_some());
    assert!(fake.asked().iter().all(|path| path.starts_with("/api/v1/namespaces/qa/")), "{:?}", fake.asked());
}

#[tokio::test]
async fn a_name_that_is_none_is_never_asked_for() {
    let fake = fake(|_| json_of(&json!({"imagePullSecrets": [{"name": "../../default/secrets/other"}]}))).await;
    let api = fake.api();
    for (namespace, named, account) in
        [("../default", "a", "runner"), ("qa", "../b", "runner"), ("qa", "a", "runner/token"), ("qa", "a", "runner")]
    {
        let error = api.pull_secrets(namespace, &[named.to_owned()], account).await.unwrap_err();
        assert!(matches!(error, ApiServerError::Name(_)), "{error}");
    }
    let expected = "/api/v1/namespaces/qa/serviceaccounts/runner";
    let asked = fake.asked();
    assert!(asked.iter().all(|path| path == expected || path == "/api/v1/namespaces/qa/secrets/a"), "{asked:?}");
}

#[tokio::test]
async fn more_secrets_than_a_review_can_wait_for_are_refused() {
    let fake = fake(|_| status(StatusCode::NOT_FOUND, "not found")).await;
    let names: Vec<String> = (0..33).map(|number| format!("s{number}")).collect();
    let error = fake.api().pull_secrets("qa", &names, "default").await.unwrap_err();
    assert!(matches!(error, ApiServerError::TooManySecrets(33)), "{error}");
    assert!(fake.api().pull_secrets("qa", &names[..32], "default").await.unwrap().is_empty());
}

#[tokio::test]
async fn secrets_that_may_not_be_read_count_as_none() {
    let fake = fake(|_| status(StatusCode::FORBIDDEN, "cannot get resource")).await;
    assert!(fake.api().pull_secrets("qa", &["pod".to_owned()], "default").await.unwrap().is_empty());
}

#[tokio::test]
async fn an_api_server_that_fails_is_an_error_and_its_sentence_is_told() {
    let fake = fake(|_| status(StatusCode::INTERNAL_SERVER_ERROR, "etcd is away")).await;
    let error = fake.api().pull_secrets("qa", &[], "default").await.unwrap_err().to_string();
    assert!(error.contains("etcd is away") && error.contains("serviceaccounts/default"), "{error}");
    assert!(!error.contains("hunter2"));
}

#[tokio::test]
async fn a_silent_api_server_is_waited_for_two_seconds() {
    let fake =
        fake(|_| Body::from_stream(futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>()).into_response())
            .await;
    let begun = Instant::now();
    let error = fake.api().pull_secrets("qa", &[], "default").await.unwrap_err();
    assert!(matches!(error, ApiServerError::Silent { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let fake = fake(|_| vec![b' '; (4 << 20) + 1].into_response()).await;
    let error = fake.api().get("/api/v1/namespaces").await.unwrap_err();
    assert!(matches!(error, ApiServerError::Silent { .. }), "{error}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let fake = fake(|_| (StatusCode::FOUND, [("location", "https://localhost:1/")]).into_response()).await;
    let error = fake.api().get("/api").await.unwrap_err();
    assert!(matches!(error, ApiServerError::Refused { status: StatusCode::FOUND, .. }), "{error}");
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn a_dry_run_says_so_to_the_api_server() {
    let fake = fake(|_| json_of(&json!({}))).await;
    let api = fake.api();
    for keep in [Keep::DryRun, Keep::Kept] {
        api.create("/api/v1/namespaces", &json!({}), keep).await.unwrap();
        api.apply("/api/v1/namespaces/a", &json!({}), keep).await.unwrap();
        api.delete("/api/v1/namespaces/a", keep).await.unwrap();
    }
    let asked = fake.asked();
    let (dry, kept) = asked.split_at(3);
    assert!(dry.iter().all(|path| path.contains("dryRun=All")) && !kept.iter().any(|path| path.contains("dryRun")), "{asked:?}");
}
