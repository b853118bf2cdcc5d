//! What Debian's stock `notary` (0.7.0) does, done against our door.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::stage::{HOST, Stage};

/// A person with a trust folder of their own.
struct Person {
    config: PathBuf,
    folder: PathBuf,
}

impl Person {
    fn new(stage: &Stage, url: &str, name: &str) -> Self {
        let folder = stage.folder.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let config = folder.join("config.json");
        let text = format!(r#"{{"trust_dir":"{}","remote_server":{{"url":"{url}"}}}}"#, folder.join("trust").display());
        std::fs::write(&config, text).unwrap();
        Self { config, folder }
    }

    /// Runs `notary`, with "yes" for whatever it asks.
    async fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new("/usr/bin/notary");
        command.arg("-c").arg(&self.config).args(arguments).env_clear().env("HOME", &self.folder).kill_on_drop(true);
        for role in ["ROOT", "TARGETS", "SNAPSHOT", "DELEGATION"] {
            command.env(format!("NOTARY_{role}_PASSPHRASE"), "a passphrase");
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("Debian's package `notary` is installed");
        let mut answer = child.stdin.take().unwrap();
        // It may have ended without asking.
        let _ = answer.write_all(b"yes\n").await;
        drop(answer);
        child.wait_with_output().await.unwrap()
    }

    /// Runs what must succeed; what it printed.
    async fn must(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let text = text(&output);
        assert!(output.status.success(), "notary {arguments:?}: {text}");
        text
    }

    async fn must_fail(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments).await;
        let text = text(&output);
        assert!(!output.status.success(), "notary {arguments:?}: {text}");
        text
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.folder.join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn gun(repository: &str) -> String {
    format!("{HOST}/{repository}")
}

/// A new key pair: the certificate for `delegation add`, the private key for `key import`.
fn signer(folder: &Path, name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let certificate = folder.join(format!("{name}.crt"));
    let key = folder.join(format!("{name}.pem"));
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    (certificate.to_str().unwrap().to_owned(), key.to_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_notary_publishes_notary_lists_and_verifies() {
    let stage = Stage::open().await;
    let url = stage.serve().await;
    let owner = Person::new(&stage, &url, "owner");
    let gun = gun("qa/app");
    owner.must(&["init", &gun]).await;
    let file = owner.file("v1", "content of v1");
    owner.must(&["add", &gun, "v1", &file]).await;
    owner.must(&["publish", &gun]).await;

    let reader = Person::new(&stage, &url, "reader");
    let listed = reader.must(&["list", &gun]).await;
    assert!(listed.contains("v1"), "{listed}");
    reader.must(&["verify", &gun, "v1", "-i", &file]).await;
    let other = reader.file("other", "something else");
    reader.must_fail(&["verify", &gun, "v1", "-i", &other]).await;

    owner.must(&["remove", &gun, "v1", "-p"]).await;
    let listed = reader.must(&["list", &gun]).await;
    assert!(!listed.contains("v1"), "{listed}");
    owner.must(&["witness", &gun, "targets", "-p"]).await;
    reader.must(&["list", &gun]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn delegations_are_added_signed_listed_and_removed() {
    let stage = Stage::open().await;
    let url = stage.serve().await;
    let owner = Person::new(&stage, &url, "owner");
    let gun = gun("qa/app");
    let (certificate, key) = signer(&owner.folder, "alice");
    owner.must(&["init", &gun, "-p"]).await;
    owner.must(&["key", "rotate", &gun, "snapshot", "-r"]).await;
    owner.must(&["delegation", "add", &gun, "targets/releases", &certificate, "--all-paths", "-p"]).await;

    let alice = Person::new(&stage, &url, "alice");
    alice.must(&["key", "import", &key, "--role", "delegation"]).await;
    let file = alice.file("v1", "content of v1");
    alice.must(&["add", &gun, "v1", &file, "--roles", "targets/releases", "-p"]).await;
    let listed = owner.must(&["list", &gun]).await;
    assert!(listed.contains("targets/releases"), "{listed}");
    let roles = owner.must(&["delegation", "list", &gun]).await;
    assert!(roles.contains("targets/releases"), "{roles}");
    alice.must(&["witness", &gun, "targets/releases", "-p"]).await;

    // One below: made by the releases role's own keys.
    alice.must(&["delegation", "add", &gun, "targets/releases/qa", &certificate, "--all-paths", "-p"]).await;
    alice.must(&["add", &gun, "v2", &file, "--roles", "targets/releases/qa", "-p"]).await;
    let listed = owner.must(&["list", &gun]).await;
    assert!(listed.contains("targets/releases/qa"), "{listed}");

    owner.must(&["delegation", "remove", &gun, "targets/releases", "-y", "-p"]).await;
    let listed = owner.must(&["list", &gun]).await;
    assert!(!listed.contains("v1"), "{listed}");
    let refused = alice.must_fail(&["add", &gun, "v3", &file, "--roles", "targets/releases", "-p"]).await;
    assert!(!refused.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_key_can_be_rotated_and_warm_clients_follow() {
    let stage = Stage::open().await;
    let url = stage.serve().await;
    let owner = Person::new(&stage, &url, "owner");
    let warm = Person::new(&stage, &url, "warm");
    let gun = gun("qa/app");
    owner.must(&["init", &gun, "-p"]).await;
    warm.must(&["list", &gun]).await;
    let file = owner.file("v1", "content of v1");
    for (round, rotation) in [
        &["snapshot", "-r"][..],
        &["timestamp", "-r"],
        &["targets"],
        &["snapshot"],
        &["root"],
        &["snapshot", "-r"],
        &["snapshot", "-r"],
        &["timestamp", "-r"],
        &["root"],
    ]
    .into_iter()
    .enumerate()
    {
        let mut command = vec!["key", "rotate", &gun];
        command.extend(rotation);
        owner.must(&command).await;
        let tag = format!("v{round}");
        owner.must(&["add", &gun, &tag, &file, "-p"]).await;
        let listed = Person::new(&stage, &url, &format!("fresh{round}")).must(&["list", &gun]).await;
        assert!(listed.contains(&tag), "{rotation:?}: {listed}");
    }
    // It saw the first root only, and walks every one between.
    let listed = warm.must(&["list", &gun]).await;
    assert!(listed.contains("v8"), "{listed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_collection_is_gone_and_can_be_begun_anew() {
    let stage = Stage::open().await;
    let url = stage.serve().await;
    let owner = Person::new(&stage, &url, "owner");
    let gun = gun("qa/app");
    owner.must(&["init", &gun, "-p"]).await;
    owner.must(&["delete", &gun, "--remote"]).await;
    let absent = Person::new(&stage, &url, "reader").must_fail(&["list", &gun]).await;
    assert!(absent.contains("does not have trust data"), "{absent}");
    owner.must(&["delete", &gun, "--remote"]).await;
    owner.must(&["init", &gun, "-p"]).await;
    Person::new(&stage, &url, "another").must(&["list", &gun]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_racing_publishes_of_one_role_one_is_told_that_it_lost() {
    let stage = Stage::open().await;
    let url = stage.serve().await;
    let owner = Person::new(&stage, &url, "owner");
    let gun = gun("qa/app");
    let (certificate, key) = signer(&owner.folder, "alice");
    owner.must(&["init", &gun, "-p"]).await;
    owner.must(&["key", "rotate", &gun, "snapshot", "-r"]).await;
    owner.must(&["delegation", "add", &gun, "targets/releases", &certificate, "--all-paths", "-p"]).await;
    let mut racers = Vec::new();
    for name in ["one", "two"] {
        let racer = Person::new(&stage, &url, name);
        racer.must(&["key", "import", &key, "--role", "delegation"]).await;
        let file = racer.file("v1", name);
        racer.must(&["add", &gun, name, &file, "--roles", "targets/releases"]).await;
        racers.push(racer);
    }
    let publish = ["publish", gun.as_str()];
    let (one, two) = tokio::join!(racers[0].run(&publish), racers[1].run(&publish));
    // Both can win, one after the other; never both with one version.
    for output in [&one, &two] {
        assert!(output.status.success() || text(output).contains("trust server rejected operation"), "{}", text(output));
    }
    assert!(one.status.success() || two.status.success());
    let listed = owner.must(&["list", &gun]).await;
    for (name, output) in [("one", &one), ("two", &two)] {
        assert_eq!(listed.contains(name), output.status.success(), "{name}: {listed}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn another_spelling_of_the_host_is_refused_with_the_right_one_named() {
    let stage = Stage::open().await;
    let url = stage.serve().await;
    let owner = Person::new(&stage, &url, "owner");
    for wrong in ["DTR.test:5400/qa/app", "dtr.test/qa/app", "other.test:5400/qa/app"] {
        let refused = owner.must_fail(&["init", wrong, "-p"]).await;
        assert!(refused.contains("dtr.test:5400/qa/app"), "{refused}");
    }
}
