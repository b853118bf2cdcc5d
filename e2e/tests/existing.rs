//! What ran before the policy came: it goes on as it was, down to the digest, and nothing else comes in under its name.

use std::time::Duration;

use serde_json::{Value, json};
use wharfinger_e2e::{Cast, Person, Scene, import_busybox, until};

struct Before {
    scene: Scene,
    cast: Cast,
    image: String,
    service: String,
}

impl Before {
    /// `acme/app:1` says `v1` and nobody has signed it; the switch is off.
    fn new() -> Self {
        let scene = Scene::up();
        let cast = scene.acme("public");
        let image = scene.push(&cast.dev, "acme/app:1", "v1");
        let service = format!("b{}", scene.cluster.rsplit(':').next().unwrap());
        Self { scene, cast, image, service }
    }

    /// A service that names `image` by its tag alone, as scripts and older clients make them.
    fn create(&self, flags: &str, image: &str) {
        self.olga().does(&format!("docker service create --no-resolve-image --name {} {flags} {image}", self.service));
    }

    fn update(&self, flags: &str) -> wharfinger_e2e::Ran {
        self.olga().sh(&format!("docker service update {flags} {}", self.service))
    }

    fn runs_image(&self) -> String {
        let format = "{{.Spec.TaskTemplate.ContainerSpec.Image}}";
        self.olga().does(&format!("docker service inspect {} --format '{format}'", self.service)).line().to_owned()
    }

    /// What the operator is told of the service.
    fn row(&self) -> Value {
        let rows = self.scene.admin().get("/api/workloads").is(200).json()["workloads"].clone();
        let own = |row: &&Value| row["name"] == self.service.as_str();
        rows.as_array().unwrap().iter().find(own).cloned().unwrap_or_else(|| panic!("{rows}"))
    }

    /// What the running tasks say.
    fn says(&self, count: usize, text: &str) {
        let logs = || self.olga().does(&format!("docker service logs --raw {}", self.service)).stdout;
        let said = until(Duration::from_mins(1), || logs().lines().filter(|line| *line == text).count() >= count);
        assert!(said, "{}", logs());
    }

    fn olga(&self) -> &Person {
        &self.cast.olga
    }
}

impl Drop for Before {
    fn drop(&mut self) {
        self.olga().sh(&format!("docker service rm {}", self.service));
    }
}

#[test]
fn a_service_that_names_a_tag_goes_on_with_the_digest_it_ran_wherever_the_tag_moved() {
    let mut b = Before::new();
    b.create("", &b.image.clone());
    assert_eq!(b.runs_image(), b.image);
    b.scene.enforce(&["acme/qa"]);
    let row = b.row();
    assert_eq!((&row["byTag"], &row["ranBefore"]), (&json!(true), &row["runs"]), "{row}");
    let ran = row["runs"].as_str().unwrap().to_owned();
    assert!(ran.starts_with(&format!("{}@sha256:", b.image)), "{ran}");

    b.scene.push(&b.cast.dev, "acme/app:1", "v2-unsigned");
    // The record is on disk.
    b.scene.wharfinger.stop().unwrap();
    b.scene.wharfinger.start_again().unwrap();
    b.olga().does(&format!("docker service scale {}=2", b.service)).says("converged");
    assert_eq!(b.runs_image(), ran);
    b.says(2, "v1");
    // Going back to the text of before would fetch what it means now.
    b.olga().sh(&format!("docker service rollback {}", b.service)).fails().says("image or trust data does not exist");
    b.update("--force --env-add A=b").ok();
    b.update("--label-add a=b").ok();
    assert_eq!(b.runs_image(), ran);
    let logs = b.olga().does(&format!("docker service logs --raw {}", b.service));
    assert!(!logs.stdout.contains("v2"), "{logs}");
    assert_eq!(b.row()["byTag"], false);
    // The same text means another image now.
    b.update(&format!("--image {}", b.image)).fails().says("image or trust data does not exist");
    b.olga().sh(&format!("docker service rollback {}", b.service)).ok();
    assert_eq!(b.runs_image(), ran);
    b.cast.add_quinn(&b.image);
    b.cast.quinn_signs(&b.image);
    b.update(&format!("--image {}", b.image)).ok().says("converged");
    assert!(b.runs_image() != ran && b.runs_image().starts_with(&b.image), "{}", b.runs_image());
}

#[test]
fn what_a_service_would_run_and_nobody_knows_is_decided_as_a_new_deployment() {
    let b = Before::new();
    b.create("--replicas 0", &b.image);
    b.scene.enforce(&["acme/qa"]);
    assert_eq!(b.row()["runs"], Value::Null);
    let scale = format!("docker service scale {}=1", b.service);
    b.olga().sh(&scale).fails().says(&format!("image or trust data does not exist for {}", b.image)).says("is not on record");
    b.cast.add_quinn(&b.image);
    b.cast.quinn_signs(&b.image);
    b.olga().does(&scale).says("converged");
    assert!(b.runs_image().contains("@sha256:"), "{}", b.runs_image());
}

#[test]
fn an_update_that_undoes_itself_does_not_bring_a_tag_back() {
    let b = Before::new();
    b.create("--update-failure-action rollback", &b.image);
    b.scene.enforce(&["acme/qa"]);
    let scale = format!("docker service scale {}=2", b.service);
    b.olga().sh(&scale).fails().says("--update-failure-action pause");
    b.update("--update-failure-action pause").ok();
    b.update("--update-failure-action rollback").ok();
    b.olga().does(&scale).says("converged");
    assert!(b.runs_image().starts_with(&format!("{}@sha256:", b.image)));
}

#[test]
fn an_image_of_no_registry_goes_on_by_its_id() {
    let b = Before::new();
    let local = format!("local-{}:1", b.service);
    import_busybox(&b.cast.dev, &local, "built here").unwrap();
    let id = b.cast.dev.does(&format!("docker image inspect -f '{{{{.Id}}}}' {local}")).line().to_owned();
    b.create("", &local);
    b.scene.enforce(&["acme/qa"]);
    assert_eq!(b.row()["ranBefore"], id.as_str());
    import_busybox(&b.cast.dev, &local, "something else").unwrap();
    b.olga().does(&format!("docker service scale {}=2", b.service)).says("converged");
    assert_eq!(b.runs_image(), id);
    b.says(2, "built here");
    b.olga().does(&format!("docker service scale {}=1", b.service)).says("converged");
}
