//! Services made by clicking, on a real swarm: seen to start, refused as by the stock client, and limited as by it.

use wharfinger_e2e::{Cast, DockerCli, PASSWORD, Person, Scene};

use crate::browser::{Browser, JavaScript};

/// A cluster that runs only what quinn signed, and services that go when this does: the engine is shared.
struct Swarm {
    scene: Scene,
    cast: Cast,
    signed: String,
    unsigned: String,
    /// Whoever operates the engine itself.
    machine: Person,
    service: String,
}

impl Swarm {
    fn new() -> Self {
        let scene = Scene::up();
        let cast = scene.acme("public");
        let (signed, unsigned) = (scene.push(&cast.dev, "acme/app:1", "v1"), scene.push(&cast.dev, "acme/app:2", "v2"));
        cast.add_quinn(&signed);
        cast.quinn_signs(&signed);
        scene.enforce(&["acme/qa"]);
        let machine = scene.machine("machine", DockerCli::newest());
        let service = format!("web{}", scene.cluster.rsplit(':').next().unwrap());
        Self { scene, cast, signed, unsigned, machine, service }
    }

    fn label(&self) -> String {
        format!("place{}", self.service)
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        let (service, label) = (&self.service, self.label());
        self.machine.sh(&format!("docker service rm {service}"));
        self.machine.sh(&format!("docker node update --label-rm {label} $(docker node ls -q)"));
    }
}

#[test]
fn a_service_is_created_by_clicking_and_seen_to_start_on_the_open_page() {
    let (s, browser) = (Swarm::new(), Browser::start(JavaScript::On));
    browser.signs_in(&s.scene, "olga", PASSWORD).clicks("Deploy").sees("Create a service");
    browser.fills("Name", &s.service).fills("Image", &s.signed).fills("Environment", "A=one\nB=two");
    browser.fills("Placement constraints", &format!("node.labels.{} == yes", s.label()));
    browser.clicks("Create the service").sees(&format!("The service {} is made", s.service));
    assert_eq!(browser.place(), "/manage/deploy/progress");
    browser.sees("0 of 1 task running").sees("pending").sees("no suitable node");
    browser.runs("window.sameAsBefore = true");
    s.machine.does(&format!("docker node update --label-add {}=yes $(docker node ls -q)", s.label()));
    browser.sees("It runs.").sees("1 of 1");
    assert_eq!(browser.runs("return window.sameAsBefore"), true, "the page was not loaded anew");

    let runs = "{{.Spec.TaskTemplate.ContainerSpec.Image}} {{.Spec.TaskTemplate.ContainerSpec.Env}}";
    let runs = s.cast.olga.does(&format!("docker service inspect {} --format '{runs}'", s.service));
    runs.says(&format!("{}@sha256:", s.signed)).says("[A=one B=two]");
    let recorded = s.scene.admin().get("/api/audit?actor=olga&action=deploy&outcome=allow").json().to_string();
    assert!(recorded.contains(&s.signed), "{recorded}");
    browser.complained_of_nothing();
}

#[test]
fn an_image_that_nobody_signed_is_refused_with_what_to_do_and_runs_once_it_is_signed() {
    let (s, browser) = (Swarm::new(), Browser::start(JavaScript::Off));
    browser.signs_in(&s.scene, "olga", PASSWORD).clicks("Deploy");
    browser.fills("Name", &s.service).fills("Image", &s.unsigned).fills("Labels", "team=shop").clicks("Create the service");
    browser.sees(&format!("image or trust data does not exist for {}", s.unsigned)).sees("What to do").sees("docker trust sign");
    assert_eq!(browser.holds("Labels").trim(), "team=shop");
    s.cast.olga.does("docker service ls").never_says(&s.service);
    s.cast.quinn_signs(&s.unsigned);
    browser.clicks("Create the service").sees("is made");
    browser.waits_for(|| {
        browser.clicks("Refresh");
        browser.text().contains("It runs.")
    });
    browser.complained_of_nothing_but_bad_input();
}

#[test]
fn who_has_restricted_control_is_limited_as_by_the_stock_client() {
    let (s, browser) = (Swarm::new(), Browser::start(JavaScript::On));
    let rita = s.scene.person("rita");
    s.scene.admin().patch("/accounts/rita", &serde_json::json!({ "role": "restrictedcontrol" })).ok();
    s.scene.operates(&rita);
    browser.signs_in(&s.scene, "rita", PASSWORD).clicks("Deploy");
    browser.fills("Name", &s.service).fills("Image", &s.signed).fills("Mounts", "/etc:/outside").clicks("Create the service");
    let said = rita
        .sh(&format!("docker service create --name {} --mount type=bind,source=/etc,target=/outside {}", s.service, s.signed));
    let sentence = said.fails().stderr.trim().rsplit("daemon: ").next().unwrap().to_owned();
    browser.sees(&sentence);
    browser.fills("Mounts", "").clicks("Create the service").sees("It runs.");
    rita.does("docker service ls").says(&s.service);
    s.cast.olga.does(&format!("docker service inspect {}", s.service)).says("com.wharfinger.owner");
    // It is rita's: quinn, who shares no team with her, sees nothing of it.
    s.scene.admin().patch("/accounts/quinn", &serde_json::json!({ "role": "restrictedcontrol" })).ok();
    let other = Browser::start(JavaScript::Off);
    other.signs_in(&s.scene, "quinn", PASSWORD);
    other.goes(&format!("https://{}/manage/deploy/progress?service={}", s.scene.cluster, s.service)).sees("there is no service");
    browser.complained_of_nothing_but_bad_input();
}
