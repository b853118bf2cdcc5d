use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use wharfinger_auth::{BundleError, Principal, Via};
use wharfinger_identity::PublicKeyId;
use wharfinger_keys::PublicKey;

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
