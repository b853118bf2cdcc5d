use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use wharfinger_auth::{ApiServer, BundleError, Principal, Via};
use wharfinger_identity::{Account, AccountName, PublicKeyId, Team, TeamId, TeamName};
use wharfinger_keys::PublicKey;
use wharfinger_storage::accounts::Accounts as _;
use wharfinger_storage::audit::Audit as _;

use crate::house::{House, house, spki, unzip, with_password};

fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

fn run(folder: &Path, script: &str) -> (bool, String) {
    let output = Command::new("bash")
        .args(["-c", script])
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", folder)
        .env("DOCKER_CONFIG", folder.join("docker-config"))
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

async fn unpacked(house: &House) -> tempfile::TempDir {
    let ada = house.user("ada").await;
    let bundle = house.bundles.make(&with_password(&ada), "").await.unwrap();
    assert_eq!(bundle.file_name, "ucp-bundle-ada.zip");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("bundle.zip"), bundle.zip).unwrap();
    let (good, said) = run(folder.path(), "umask 022 && unzip -q bundle.zip");
    assert!(good, "{said}");
    folder
}

#[tokio::test]
async fn a_bundle_holds_what_ucps_held() {
    let house = house().await;
    let ada = house.user("ada").await;
    let (files, _) = house.bundle(&ada).await;
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    let expected = ["ca.pem", "cert.pem", "cert.pub", "env.cmd", "env.ps1", "env.sh", "key.pem", "ucp-docker-bundle.zip"];
    assert_eq!(names, expected);
    assert_eq!(text(&files, "ca.pem"), house.ca.ca_pem());
    assert!(text(&files, "key.pem").starts_with("-----BEGIN PRIVATE KEY-----"));
    assert_eq!(PublicKey::from_pem(&text(&files, "cert.pub")).unwrap().spki_der(), spki(&files["cert.pem"]));
    for script in ["env.sh", "env.ps1", "env.cmd"] {
        assert!(text(&files, script).contains("tcp://cluster.test:8443"), "{script}");
        assert!(!text(&files, script).contains("KUBECONFIG"), "{script}");
    }
}

#[tokio::test]
async fn unzip_gives_a_key_only_its_owner_can_read_and_env_sh_works_in_its_folder() {
    let house = house().await;
    let folder = unpacked(&house).await;
    for (name, mode) in [("key.pem", 0o600), ("ucp-docker-bundle.zip", 0o600), ("cert.pem", 0o644), ("env.sh", 0o644)] {
        let got = fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(got, mode, "{name}");
    }
    let (good, said) = run(folder.path(), r#"eval "$(<env.sh)" && echo "$DOCKER_HOST $DOCKER_CERT_PATH $DOCKER_TLS_VERIFY""#);
    assert!(good);
    assert_eq!(said.trim(), format!("tcp://cluster.test:8443 {} 1", folder.path().display()));
}

#[tokio::test]
async fn the_docker_cli_imports_the_nested_bundle_as_a_context() {
    let house = house().await;
    let folder = unpacked(&house).await;
    let (good, said) = run(
        folder.path(),
        "docker context import ucp ucp-docker-bundle.zip && docker context inspect ucp --format '{{.Endpoints.docker.Host}}'",
    );
    assert!(!said.contains("docker: command not found"), "this test needs the docker CLI (Debian: docker.io)");
    assert!(good, "{said}");
    assert!(said.contains("tcp://cluster.test:8443"), "{said}");
    let nested = unzip(&fs::read(folder.path().join("ucp-docker-bundle.zip")).unwrap());
    let names: Vec<&str> = nested.keys().map(String::as_str).collect();
    assert_eq!(names, ["meta.json", "tls/docker/ca.pem", "tls/docker/cert.pem", "tls/docker/key.pem"]);
}

#[tokio::test]
async fn the_docker_cli_loads_the_key_without_a_chmod() {
    let house = house().await;
    let folder = unpacked(&house).await;
    let (good, said) =
        run(folder.path(), "DOCKER_CONTENT_TRUST_REPOSITORY_PASSPHRASE=passphrase docker trust key load --name ada key.pem");
    assert!(good && said.contains("Successfully imported key from key.pem"), "{said}");
}

fn api_server(ca_bundle: &str) -> ApiServer {
    ApiServer { server: "https://kube.test:6443".to_owned(), ca_bundle: ca_bundle.to_owned() }
}

#[tokio::test]
async fn a_bundle_leads_to_the_api_server_that_is_known_when_it_is_made_and_to_none_else() {
    let house = house().await;
    let ada = house.user("ada").await;
    *house.kubernetes.0.lock().unwrap() = Some(api_server("-----BEGIN CERTIFICATE-----\n"));
    let (files, _) = house.bundle(&ada).await;
    let kube = text(&files, "kube.yml");
    let data = |pem: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pem);
    for line in [
        "current-context: \"ucp_cluster.test:8443_ada\"".to_owned(),
        "    server: \"https://kube.test:6443\"".to_owned(),
        format!("    certificate-authority-data: {}", data("-----BEGIN CERTIFICATE-----\n")),
        format!("    client-certificate-data: {}", data(&text(&files, "cert.pem"))),
        format!("    client-key-data: {}", data(&text(&files, "key.pem"))),
    ] {
        assert!(kube.lines().any(|written| written == line), "{line}\n{kube}");
    }
    for script in ["env.sh", "env.ps1", "env.cmd"] {
        assert!(text(&files, script).contains("KUBECONFIG"), "{script}");
    }
    *house.kubernetes.0.lock().unwrap() = Some(api_server(""));
    assert!(!text(&house.bundle(&ada).await.0, "kube.yml").contains("certificate-authority"), "the system's roots");
    *house.kubernetes.0.lock().unwrap() = None;
    assert!(!house.bundle(&ada).await.0.contains_key("kube.yml"));
}

#[tokio::test]
async fn unzip_gives_a_kube_yml_only_its_owner_can_read_and_env_sh_says_where_it_is() {
    let house = house().await;
    *house.kubernetes.0.lock().unwrap() = Some(api_server(house.ca.ca_pem()));
    let folder = unpacked(&house).await;
    assert_eq!(fs::metadata(folder.path().join("kube.yml")).unwrap().permissions().mode() & 0o777, 0o600);
    let (good, said) =
        run(folder.path(), r#"mkdir "a b" && cp env.sh kube.yml "a b" && cd "a b" && eval "$(<env.sh)" && cat "$KUBECONFIG""#);
    assert!(good && said.starts_with("apiVersion: v1\nkind: Config\n"), "{said}");
}

#[tokio::test]
async fn the_docker_cli_imports_a_context_that_knows_an_api_server() {
    let house = house().await;
    *house.kubernetes.0.lock().unwrap() = Some(api_server(house.ca.ca_pem()));
    let folder = unpacked(&house).await;
    let (good, said) = run(
        folder.path(),
        "docker context import ucp ucp-docker-bundle.zip && docker context inspect ucp --format '{{.Endpoints.docker.Host}}'",
    );
    assert!(good && said.contains("tcp://cluster.test:8443"), "{said}");
    let nested = unzip(&fs::read(folder.path().join("ucp-docker-bundle.zip")).unwrap());
    let meta: serde_json::Value = serde_json::from_slice(&nested["meta.json"]).unwrap();
    assert_eq!(meta["Endpoints"]["kubernetes"]["Host"], "https://kube.test:6443");
    assert_eq!(text(&nested, "tls/kubernetes/ca.pem"), house.ca.ca_pem());
    for name in ["cert.pem", "key.pem"] {
        assert_eq!(nested[&format!("tls/kubernetes/{name}")], nested[&format!("tls/docker/{name}")], "{name}");
    }
    *house.kubernetes.0.lock().unwrap() = Some(api_server(""));
    let bea = house.user("bea").await;
    let nested = unzip(&house.bundle(&bea).await.0["ucp-docker-bundle.zip"]);
    assert!(!nested.contains_key("tls/kubernetes/ca.pem") && nested.contains_key("tls/kubernetes/key.pem"));
}

fn organizations(pem: &[u8]) -> Vec<String> {
    let (_, block) = x509_parser::pem::parse_x509_pem(pem).unwrap();
    let certificate = block.parse_x509().unwrap();
    certificate.subject().iter_organization().map(|name| name.as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_certificate_names_the_teams_of_its_account_as_they_are_when_it_is_made() {
    let house = house().await;
    let ada = house.user("ada").await;
    let named = async |account: &Account| {
        let mut names = organizations(&house.bundle(account).await.0["cert.pem"]);
        names.sort();
        names
    };
    assert_eq!(named(&ada).await, [""; 0]);
    // Names that would be Kubernetes' own: a `:` stands in none of ours.
    house.org("system").await;
    house.team("system", "masters", &["ada"]).await;
    house.org("acme").await;
    house.team("acme", "qa", &["ada"]).await;
    house.team("acme", "ops", &[]).await;
    assert_eq!(named(&ada).await, ["acme/qa", "system/masters"]);
    let issued = house.audit.newest(None, 1).await.unwrap().remove(0).act;
    let mut detail: serde_json::Value = serde_json::from_str(&issued.detail).unwrap();
    detail["groups"].as_array_mut().unwrap().sort_by_key(ToString::to_string);
    assert_eq!((issued.action.as_str(), &detail["groups"]), ("key.issue", &serde_json::json!(["acme/qa", "system/masters"])));
    assert_eq!(named(&house.admin).await, ["wharfinger:admin"]);
    let refused = |name: &str| name.parse::<AccountName>().is_err() && name.parse::<TeamName>().is_err();
    assert!(["system:masters", "wharfinger:admin", "a/b"].into_iter().all(refused));
    house.directory.remove_team_member(&house.admin(), "acme", "qa", "ada").await.unwrap();
    assert_eq!(named(&ada).await, ["system/masters"]);
}

#[tokio::test]
async fn more_teams_than_a_certificate_can_name_are_refused_and_leave_no_key() {
    let house = house().await;
    let ada = house.user("ada").await;
    let org = house.org("acme").await;
    for number in 0..301 {
        let (id, name) = (TeamId::generate(), format!("team-{number}").parse().unwrap());
        house.sql.create_team(&Team { id: id.clone(), org: org.id.clone(), name, description: String::new() }).await.unwrap();
        house.sql.put_team_member(&id, &ada.id).await.unwrap();
    }
    let refused = house.bundles.make(&with_password(&ada), "").await;
    assert!(matches!(refused, Err(BundleError::Groups { of: 301 })), "{refused:?}");
    let page = wharfinger_storage::accounts::Page::everything();
    assert!(house.directory.keys(&with_password(&ada), "ada", &page).await.unwrap().rows.is_empty());
    let one = house.sql.teams_of(&ada.id).await.unwrap().remove(0);
    house.sql.remove_team_member(&one.id, &ada.id).await.unwrap();
    assert_eq!(organizations(&house.bundle(&ada).await.0["cert.pem"]).len(), 300);
}

#[tokio::test]
async fn each_bundle_is_a_new_key_of_the_account() {
    let house = house().await;
    let ada = house.user("ada").await;
    let ((one, first), (other, second)) = (house.bundle(&ada).await, house.bundle(&ada).await);
    assert_ne!(one["key.pem"], other["key.pem"]);
    let page = wharfinger_storage::accounts::Page::everything();
    let keys = house.directory.keys(&with_password(&ada), "ada", &page).await.unwrap().rows;
    assert_eq!(keys.iter().map(|key| &key.id).collect::<Vec<_>>(), [&first, &second]);
    assert_eq!(keys[0].spki, spki(&one["cert.pem"]));
    assert_eq!(keys[0].certificates, [text(&one, "cert.pem")]);
    assert_eq!(keys[0].label, "laptop");
    let owner = house.accounts.owner_of(&PublicKey::from_pem(&text(&one, "cert.pub")).unwrap()).await.unwrap().unwrap();
    assert_eq!(owner.account, ada);
}

#[tokio::test]
async fn a_certificate_does_not_beget_another() {
    let house = house().await;
    let ada = house.user("ada").await;
    let (_, key) = house.bundle(&ada).await;
    let caller = Principal { account: ada.clone(), via: Via::Certificate(key) };
    assert!(matches!(house.bundles.make(&caller, "").await, Err(BundleError::NotAPasswordSession)));
    let stranger = Principal { account: ada.clone(), via: Via::Certificate(PublicKeyId::stored("gone")) };
    assert!(matches!(house.bundles.make(&stranger, "").await, Err(BundleError::NotAPasswordSession)));
    for label in ["a\nb", "\u{0}", &"x".repeat(201)] {
        assert!(matches!(house.bundles.make(&with_password(&ada), label).await, Err(BundleError::Label(_))));
    }
}
