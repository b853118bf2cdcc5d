//! Services and stacks on a real swarm, under the switch.

use wharfinger_e2e::{Cast, Person, Scene};

struct Swarm {
    scene: Scene,
    cast: Cast,
    image: String,
    service: String,
}

impl Swarm {
    /// `acme/app:1` signed by quinn, `acme/app:2` by nobody, the switch on.
    fn new() -> Self {
        let scene = Scene::up();
        let cast = scene.acme("public");
        let image = scene.push(&cast.dev, "acme/app:1", "v1");
        scene.push(&cast.dev, "acme/app:2", "v2");
        scene.enforce(&["acme/qa"]);
        cast.add_quinn(&image);
        cast.quinn_signs(&image);
        let service = format!("s{}", scene.cluster.rsplit(':').next().unwrap());
        Self { scene, cast, image, service }
    }

    fn unsigned(&self) -> String {
        self.scene.image("acme/app:2")
    }

    fn runs_image(&self) -> String {
        let format = "{{.Spec.TaskTemplate.ContainerSpec.Image}}";
        self.olga().does(&format!("docker service inspect {} --format '{format}'", self.service)).line().to_owned()
    }

    fn olga(&self) -> &Person {
        &self.cast.olga
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        self.olga().sh(&format!("docker service rm {0}; docker stack rm {0}", self.service));
    }
}

#[test]
fn a_service_is_created_pinned_or_refused() {
    let s = Swarm::new();
    let unsigned = s.unsigned();
    s.olga()
        .sh(&format!("docker service create --name {} {unsigned}", s.service))
        .fails()
        .says(&format!("image or trust data does not exist for {unsigned}"));
    s.olga().does(&format!("docker service create --name {} {}", s.service, s.image)).says("converged");
    assert!(s.runs_image().starts_with(&format!("{}@sha256:", s.image)), "{}", s.runs_image());
    s.olga().does(&format!("docker service ls --filter name={}", s.service)).says(&s.image);
    s.olga().does(&format!("docker service ps {}", s.service)).says("Running");
    s.olga().does(&format!("docker service logs {}", s.service)).says("v1");
}

#[test]
fn an_update_is_a_deployment_and_scaling_is_not() {
    let s = Swarm::new();
    let unsigned = s.unsigned();
    s.olga().does(&format!("docker service create --name {} {}", s.service, s.image));
    let before = s.runs_image();
    s.olga()
        .sh(&format!("docker service update --image {unsigned} {}", s.service))
        .fails()
        .says(&format!("image or trust data does not exist for {unsigned}"));
    assert_eq!(s.runs_image(), before);
    s.cast.quinn.does(&format!("docker trust revoke --yes {}", s.image));
    s.olga().does(&format!("docker service scale {}=2", s.service)).says("converged");
    s.olga().does(&format!("docker service update --force --env-add A=b {}", s.service));
    s.cast.quinn_signs(&unsigned);
    s.olga().does(&format!("docker service update --image {unsigned} {}", s.service)).says("converged");
    assert!(s.runs_image().starts_with(&format!("{unsigned}@sha256:")));
    // Going back is a deployment too, and its image was revoked meanwhile.
    s.olga()
        .sh(&format!("docker service rollback {}", s.service))
        .fails()
        .says(&format!("image or trust data does not exist for {}", s.image));
    s.cast.quinn_signs(&s.image);
    s.olga().does(&format!("docker service rollback {}", s.service));
    assert_eq!(s.runs_image(), before);
}

#[test]
fn a_service_from_before_the_switch_is_never_blocked() {
    let s = Swarm::new();
    s.scene.enforce_nothing();
    let unsigned = s.unsigned();
    s.olga().does(&format!("docker service create --name {} {unsigned}", s.service)).says("converged");
    s.scene.enforce(&["acme/qa"]);
    s.olga().does(&format!("docker service scale {}=2", s.service)).says("converged");
    s.olga().does(&format!("docker service update --force {}", s.service)).says("converged");
    s.olga().does(&format!("docker service update --label-add a=b {}", s.service));
}

#[test]
fn a_stack_deploys_signed_images_and_no_others() {
    let s = Swarm::new();
    let stack = |image: &str| format!("version: '3.7'\nservices:\n  web:\n    image: {image}\n");
    s.olga().writes("signed.yml", stack(&s.image));
    s.olga().writes("unsigned.yml", stack(&s.unsigned()));
    s.olga().sh(&format!("docker stack deploy -c unsigned.yml {}", s.service)).fails().says("image or trust data does not exist");
    s.olga().does(&format!("docker stack deploy -c signed.yml {}", s.service));
    s.olga().does(&format!("docker stack services {}", s.service)).says(&s.image);
    s.olga().does(&format!("docker stack deploy -c signed.yml {}", s.service));
    s.olga().sh(&format!("docker stack deploy -c unsigned.yml {}", s.service)).fails().says("image or trust data does not exist");
    s.olga().does(&format!("docker stack rm {}", s.service));
}

#[test]
fn a_moved_tag_creates_and_updates_to_what_was_signed() {
    let s = Swarm::new();
    s.olga().does(&format!("docker service create --name {} {}", s.service, s.image));
    let signed = s.runs_image();
    s.scene.push(&s.cast.dev, "acme/app:1", "v3-unsigned");
    s.olga().does(&format!("docker service update --force --image {} {}", s.image, s.service));
    assert_eq!(s.runs_image(), signed);
}
