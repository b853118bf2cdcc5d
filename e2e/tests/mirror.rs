//! Clusters follow what their registries tell, and go on when these fall silent.

use std::time::Duration;

use serde_json::{Value, json};
use wharfinger_e2e::{Api, Cast, DockerCli, Person, Scene, Serve, Wharfinger, free_port, until};

/// Two seconds are promised; the rest is for a busy machine.
const IN_FORCE: Duration = Duration::from_secs(20);

/// A cluster of its own that has registered the scene's registry, and requires a signature, whoever's.
struct Second {
    wharfinger: Wharfinger,
    session: Api,
    admin: Person,
    metrics: String,
}

impl Second {
    fn beside(scene: &Scene) -> Self {
        let metrics = format!("127.0.0.1:{}", free_port());
        let wharfinger = Serve::new("cluster serve", &scene.dir().join("second"))
            .flag("--cluster-listen", &format!("127.0.0.1:{}", free_port()))
            .flag("--engine", scene.engine())
            .flag("--metrics-listen", &metrics)
            .start()
            .unwrap();
        let url = wharfinger.cluster().unwrap().to_owned();
        let session = Api::at(&url).login("admin", &wharfinger.admin_password().unwrap());
        let admin = scene.machine("second-admin", DockerCli::newest()).with("CLUSTER", url.trim_start_matches("https://"));
        wharfinger_e2e::bundle(&session, &admin);
        let ca = scene.registry_api().get("/ca").is(200).body;
        session.post("/api/config/trustedregistry_", &json!({"hostAddress": scene.registry, "caBundle": ca})).ok();
        session.put("/api/config/trust", &json!({"require_content_trust": true})).ok();
        Self { wharfinger, session, admin, metrics }
    }

    fn runs(&self, image: &str) -> wharfinger_e2e::Ran {
        let run = format!("docker run --rm --entrypoint cat {image} /etc/says");
        self.admin.sh(&format!("(cd ~/bundle && eval \"$(<env.sh)\" && cd ~ && {run})"))
    }

    fn metric(&self, name: &str) -> Option<f64> {
        let text = self.admin.sh(&format!("curl -s http://{}/metrics", self.metrics)).output;
        let line = text.lines().find(|line| line.starts_with(name))?;
        line.rsplit_once(' ')?.1.parse().ok()
    }
}

fn explained(session: &Api, image: &str) -> Value {
    session.post("/api/trust/explain", &json!({"image": image})).is(200).json()
}

fn signed() -> (Scene, Cast, String, Second) {
    let scene = Scene::up();
    let cast = scene.acme("public");
    let image = scene.push(&cast.dev, "acme/app:1", "v1");
    scene.enforce(&["acme/qa"]);
    cast.add_quinn(&image);
    cast.quinn_signs(&image);
    let second = Second::beside(&scene);
    (scene, cast, image, second)
}

#[test]
fn what_changes_at_the_registry_is_in_force_on_every_cluster() {
    let (scene, cast, image, second) = signed();
    let clusters = [scene.admin(), &second.session];
    for cluster in clusters {
        assert_eq!(explained(cluster, &image)["verdict"], "allow");
    }
    assert!(until(IN_FORCE, || second.metric("wharfinger_registry_repositories{") == Some(1.0)), "it is followed");
    cast.quinn.does(&format!("docker trust revoke --yes {image}"));
    for cluster in clusters {
        assert!(until(IN_FORCE, || explained(cluster, &image)["verdict"] == "deny"), "{}", explained(cluster, &image));
    }
    // What is signed runs at once: before a denial the registry is asked.
    cast.quinn_signs(&image);
    for cluster in clusters {
        assert_eq!(explained(cluster, &image)["verdict"], "allow");
    }
    // Made private, it is nobody's business elsewhere any more.
    let path = "/api/v0/repositories/acme/app";
    scene.registry_admin().patch(path, &json!({"visibility": "private"})).ok();
    assert!(until(IN_FORCE, || explained(&second.session, &image)["code"] == "no-trust-data"), "it is still read");
    assert_eq!(explained(scene.admin(), &image)["verdict"], "allow", "who shares the accounts goes on reading");
}

#[test]
fn while_the_registry_is_silent_what_was_proven_runs_and_nothing_else() {
    let (mut scene, cast, image, second) = signed();
    let other = scene.push(&cast.dev, "acme/app:2", "v2");
    cast.quinn_signs(&other);
    second.runs(&image).ok().says("v1");
    assert!(until(IN_FORCE, || second.metric("wharfinger_registry_followed{") == Some(1.0)), "it is followed");
    scene.wharfinger.stop().unwrap();
    // What was heard a moment ago counts as heard; from then on it is old.
    assert!(until(IN_FORCE, || second.metric("wharfinger_registry_unheard_seconds{").unwrap() > 3.0));
    second.runs(&image).ok().says("v1");
    second.runs(&other).fails().says("trust could not be decided").says("did not answer");
    let audit = second.session.get("/api/audit?action=deploy&limit=10").is(200).json();
    assert!(audit.to_string().contains("stale_seconds"), "{audit}");
    assert!(second.metric("wharfinger_decisions_stale_total").unwrap() >= 1.0);
    let answer = explained(&second.session, &image);
    assert!(answer["verdict"] == "allow" && answer["stale_seconds"].is_u64(), "{answer}");
    // Never, if the policy says so; the new policy has proven nothing either.
    second.session.put("/api/config/trust", &json!({"require_content_trust": true, "max_staleness_minutes": 0})).ok();
    assert!(second.session.get("/api/ucp/config-toml").body.contains("max_staleness_minutes = 0"));
    second.runs(&image).fails().says("did not answer");
    scene.wharfinger.start_again().unwrap();
    assert!(until(IN_FORCE, || second.runs(&other).output.contains("v2")), "{}", second.wharfinger.log());
    second.runs(&image).ok().says("v1");
}
