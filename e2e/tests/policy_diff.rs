//! Asked with a client bundle: what a new policy would do to what runs, and why an image may or may not run.

use serde_json::{Value, json};
use wharfinger_e2e::{Cast, Person, Scene, binary};

/// `acme/app:1` signed by quinn, `acme/app:2` by nobody; the switch off. An administrator with a bundle and the binary.
fn stage() -> (Scene, Cast, Person) {
    let scene = Scene::up();
    let cast = scene.acme("private");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.push(&cast.dev, "acme/app:2", "v2");
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    let admin = scene.admin_machine();
    for person in [&admin, &cast.olga] {
        person.install("wharfinger", &binary()).unwrap();
    }
    scene.operates(&admin);
    (scene, cast, admin)
}

/// A running container, taken off with this value. The engine is shared: the others' workloads are in every answer.
struct Container<'a>(&'a Person, String);

impl<'a> Container<'a> {
    fn run(person: &'a Person, name: &str, image: &str) -> Self {
        person.does(&format!("docker run -d --name {name} {image}"));
        Self(person, name.to_owned())
    }
}

impl Drop for Container<'_> {
    fn drop(&mut self) {
        self.0.sh(&format!("docker rm -f {}", self.1));
    }
}

#[test]
fn a_new_policy_says_what_it_would_refuse_before_it_is_saved() {
    let (scene, cast, admin) = stage();
    let (signed, unsigned) = (scene.image("acme/app:1"), scene.image("acme/app:2"));
    let port = scene.cluster.rsplit(':').next().unwrap().to_owned();
    let (good, bad) = (format!("good{port}"), format!("bad{port}"));
    let _good = Container::run(&cast.olga, &good, &signed);
    // Whoever writes a service's label onto a container does not hide it.
    let _bad = Container::run(&cast.olga, &bad, &format!("--label com.docker.swarm.service.id=x {unsigned}"));
    let file = scene.admin().get("/api/ucp/config-toml").is(200).body;
    admin.writes("same.toml", &file);
    let teams = "require_signature_from = [\"acme/qa\"]";
    let stricter = file
        .replace("require_content_trust = false", "require_content_trust = true")
        .replace("require_signature_from = []", teams);
    assert!(stricter.contains(teams) && stricter.contains("require_content_trust = true"), "{stricter}");
    admin.writes("new.toml", &stricter);

    admin
        .does("wharfinger policy diff same.toml")
        .says(&format!("container {bad}: allow (off) → allow (off)"))
        .says("0 would be refused");
    let told = admin.sh("wharfinger policy diff new.toml");
    assert_eq!(told.status, 1, "{told}");
    let told = told
        .says(&format!("container {good}: allow (off) → allow (signed)"))
        .says(&format!("container {bad}: allow (off) → deny (not-released)"))
        .says(&format!("image or trust data does not exist for {unsigned}"))
        .says(&format!("docker trust sign {unsigned}"));
    assert!(told.stdout.lines().last().unwrap().contains("would be refused"), "{told}");
    let json: Value = admin.sh("wharfinger policy diff --json new.toml").json();
    let row = |json: &Value, name: &str| {
        json["workloads"].as_array().unwrap().iter().find(|row| row["name"] == name).cloned().unwrap_or_else(|| panic!("{json}"))
    };
    assert_eq!((&row(&json, &bad)["change"], &row(&json, &good)["change"]), (&json!("refused"), &json!("same")));
    assert!(row(&json, &good)["runs"].as_str().unwrap().starts_with(&format!("{signed}@sha256:")), "{json}");

    // Another digest is signed now than the one that runs.
    scene.push(&cast.dev, "acme/app:1", "v3");
    cast.quinn.does(&format!("docker trust sign --local {signed}"));
    admin.sh("wharfinger policy diff new.toml").says(&format!("container {good}: allow (off) → deny (other-digest)"));

    // Nothing was saved, and nothing recorded as a decision.
    assert_eq!(scene.admin().get("/api/ucp/config-toml").body, file);
    let decisions = scene.admin().get("/api/audit?action=deploy").is(200).json();
    assert_eq!(decisions["entries"], json!([]));
    admin.writes("wrong.toml", stricter.replace("acme/qa", "acme/nobody"));
    let wrong = admin.sh("wharfinger policy diff wrong.toml");
    assert_eq!(wrong.status, 2, "{wrong}");
    let refused =
        scene.admin().call("PUT", "/api/ucp/config-toml", Some(("text/plain", &stricter.replace("acme/qa", "acme/nobody"))));
    let message = refused.is(400).json()["errors"][0]["message"].as_str().unwrap().to_owned();
    wrong.says(&message);
    cast.olga.writes("new.toml", &stricter);
    let plain = cast.olga.sh("wharfinger policy diff new.toml");
    assert_eq!(plain.status, 2, "{plain}");
    plain.says("403");
}

#[test]
fn explain_asks_with_a_bundle_and_says_what_was_found_to_whom_may_read_it() {
    let (scene, cast, admin) = stage();
    scene.enforce(&["acme/qa"]);
    let (signed, unsigned) = (scene.image("acme/app:1"), scene.image("acme/app:2"));
    for person in [&admin, &cast.olga] {
        person
            .does(&format!("wharfinger explain {signed}"))
            .says(&format!("{signed}: allow (signed)"))
            .says("signed    as quinn by quinn, for acme/qa")
            .says("digest    sha256:");
    }
    let refused = cast.olga.sh(&format!("wharfinger explain {unsigned}"));
    assert_eq!(refused.status, 1, "{refused}");
    refused.says("deny (not-released)").says("docker trust sign");
    let json: Value = admin.does(&format!("wharfinger explain --json {signed}")).json();
    assert_eq!((&json["verdict"], &json["withheld"]), (&json!("allow"), &json!(false)));
    let nowhere = admin.sh(&format!("wharfinger explain --cluster tcp://127.0.0.1:1 {signed}"));
    assert_eq!(nowhere.status, 2, "{nowhere}");
    let nobody = admin.sh(&format!("wharfinger explain --cert-path /nowhere {signed}"));
    assert_eq!(nobody.status, 2, "{nobody}");

    // eve operates the cluster and may not read the repository.
    let eve = scene.person("eve");
    eve.install("wharfinger", &binary()).unwrap();
    scene.operates(&eve);
    let told = eve.does(&format!("wharfinger explain {signed}"));
    told.says("allow (signed)").never_says("quinn").never_says("sha256:").says("readers of the repository only");
    let other = format!("{signed}@sha256:{}", "0".repeat(64));
    let digest = json["digest"].as_str().unwrap();
    let refused = eve.sh(&format!("wharfinger explain {other}"));
    assert_eq!(refused.status, 1, "{refused}");
    refused.says("deny (other-digest)").says("may not read").never_says(digest).never_says("quinn");
    let refused = eve.sh(&format!("docker run --rm {other}")).fails();
    refused.says("image did not meet required signing policy").never_says(digest).never_says("quinn");
    cast.olga.sh(&format!("wharfinger explain {other}")).says(digest);
}

#[test]
fn a_rule_for_namespaces_is_explained_for_them_and_is_none_of_dockers() {
    let (scene, cast, admin) = stage();
    let signed = scene.image("acme/app:1");
    let rule = json!({"images": [signed.trim_end_matches(":1")], "namespaces": ["prod-*"], "require": {"users": ["dev"]}});
    let policy = json!({"require_content_trust": true, "require_signature_from": ["acme/qa"], "rules": [rule]});
    scene.admin().put("/api/config/trust", &policy).is(200);
    admin.does(&format!("wharfinger explain {signed}")).says("allow (signed)").says("require_signature_from");
    admin.does(&format!("wharfinger explain --namespace dev {signed}")).says("allow (signed)");
    let there = admin.sh(&format!("wharfinger explain --namespace prod-eu {signed}"));
    assert_eq!(there.status, 1, "{there}");
    there.says("deny (policy-not-met)").says("in prod-*)").says("missing   dev");
    cast.olga.does(&format!("docker run --rm --entrypoint cat {signed} /etc/says")).says("v1");
    scene.admin().get("/api/ucp/config-toml").is(200).says("namespaces = [\"prod-*\"]");
}

#[test]
fn images_are_resolved_for_scripts_as_ucp_did() {
    let (scene, _cast, _admin) = stage();
    scene.enforce(&["acme/qa"]);
    let (signed, unsigned) = (scene.image("acme/app:1"), scene.image("acme/app:2"));
    let form = format!("containerImage={signed}&containerImage={unsigned}");
    let kind = "application/x-www-form-urlencoded";
    let resolved = scene.admin().call("POST", "/api/dct/resolveimage", Some((kind, &form))).is(200).json();
    assert!(resolved["resolvedImages"][&signed].as_str().unwrap().starts_with(&format!("{signed}@sha256:")), "{resolved}");
    assert_eq!(resolved["errorMessages"], json!([format!("image or trust data does not exist for {unsigned}")]));
    scene.admin().call("POST", "/api/dct/resolveimage", Some((kind, "imagePullSecret=x"))).is(400);
    scene.cluster_api().call("POST", "/api/dct/resolveimage", Some((kind, &form))).is(401);
}

#[test]
fn an_exemption_by_digest_in_a_namespace_is_explained_there_and_is_none_of_dockers() {
    let (scene, cast, admin) = stage();
    let digest = format!("sha256:{}", "a".repeat(64));
    let proxy = format!("registry.k8s.test/kube-proxy@{digest}");
    let exemption = json!({"digest": digest, "namespaces": ["kube-system"], "reason": "it comes with the cluster",
        "requested_by": "quinn", "expires": "2999-01-01T00:00:00Z"});
    let policy = json!({"require_content_trust": true, "require_signature_from": ["acme/qa"], "exemptions": [exemption]});
    scene.admin().put("/api/config/trust", &policy).is(200);
    admin.does(&format!("wharfinger explain --namespace kube-system {proxy}")).says("allow (exempt)").says("in kube-system)");
    for elsewhere in ["", "--namespace default "] {
        let refused = admin.sh(&format!("wharfinger explain {elsewhere}{proxy}"));
        assert_eq!(refused.status, 1, "{refused}");
        refused.says("deny (not-registered)");
    }
    cast.olga.sh(&format!("docker run --rm {proxy}")).fails().says("must be a registered trusted registry");
    admin.writes("same.toml", scene.admin().get("/api/ucp/config-toml").is(200).says("namespaces = [\"kube-system\"]").body);
    admin.does("wharfinger policy diff same.toml").says("would be refused");
}
