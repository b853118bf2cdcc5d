//! Where images stand: every place of every kind, and what is refused because nobody knows what it runs.

use serde_json::{Value, json};
use wharfinger_policy::{ImageResource, KubernetesFault, KubernetesSettings};

use crate::stage::{Stage, one, pod};

const SIGNED: &str = "registry.example.com/app:v1";
const EVIL: &str = "registry.example.com/evil:1";

/// CREATE of `object` as a resource of that group.
fn create(group: &str, resource: &str, object: &Value) -> Value {
    let mut review = one("--mutate--CREATE--deployments--");
    review["request"]["resource"] = json!({ "group": group, "version": "v9", "resource": resource });
    review["request"]["object"] = object.clone();
    review
}

#[tokio::test]
async fn every_place_of_a_pod_is_judged_in_every_kind_that_holds_one() {
    let spec = |place: &str| {
        let container = |name: &str, image: &str| json!({ "name": name, "image": image });
        let mut spec = json!({ "containers": [container("app", SIGNED)] });
        match place {
            "containers" => spec["containers"] = json!([container("app", SIGNED), container("second", EVIL)]),
            "volumes" => {
                spec["volumes"] = json!([{ "name": "plain", "emptyDir": {} }, { "name": "x", "image": { "reference": EVIL } }]);
            }
            place => spec[place] = json!([container("x", EVIL)]),
        }
        spec
    };
    let wrapped =
        |at: &str, spec: Value| at.split('/').filter(|key| !key.is_empty()).rev().fold(spec, |inner, key| json!({ key: inner }));
    let kinds = [
        ("", "pods", "/spec"),
        ("", "podtemplates", "/template/spec"),
        ("", "replicationcontrollers", "/spec/template/spec"),
        ("apps", "deployments", "/spec/template/spec"),
        ("apps", "replicasets", "/spec/template/spec"),
        ("apps", "statefulsets", "/spec/template/spec"),
        ("apps", "daemonsets", "/spec/template/spec"),
        ("extensions", "deployments", "/spec/template/spec"),
        ("batch", "jobs", "/spec/template/spec"),
        ("batch", "cronjobs", "/spec/jobTemplate/spec/template/spec"),
    ];
    for (group, resource, at) in kinds {
        let stage = Stage::new();
        let good = stage
            .mutate(&create(group, resource, &wrapped(at, json!({ "containers": [{ "name": "app", "image": SIGNED }] }))))
            .await;
        assert!(good.allowed && good.patches == 1, "{resource}: {}", good.message);
        for place in ["containers", "initContainers", "ephemeralContainers", "volumes"] {
            let object = wrapped(at, spec(place));
            for said in
                [stage.mutate(&create(group, resource, &object)).await, stage.validate(&create(group, resource, &object)).await]
            {
                assert!(!said.allowed && said.message.contains(EVIL), "{resource} {place}: {}", said.message);
            }
        }
    }
}

#[tokio::test]
async fn what_nobody_can_read_is_refused() {
    let stage = Stage::new();
    let app = json!({ "name": "app", "image": SIGNED });
    for (spec, says) in [
        (json!(null), "nothing where a pod's specification is expected"),
        (json!([]), "a list where a pod's specification is expected"),
        (json!({}), "at least one container"),
        (json!({ "containers": [] }), "at least one container"),
        (json!({ "containers": {} }), "an object where a list is expected"),
        (json!({ "containers": [{ "name": "app" }] }), "container app names no image"),
        (json!({ "containers": [{ "name": "app", "image": null }] }), "container app names no image"),
        (json!({ "containers": [{ "image": 7 }] }), "a number where an image is expected"),
        (json!({ "containers": ["app"] }), "container 0 names no image"),
        (json!({ "containers": [app], "initContainers": "x" }), "a text where a list is expected"),
        (json!({ "containers": [app], "volumes": [{ "name": "v", "image": {} }] }), "volume v names no image"),
        (json!({ "containers": [app], "volumes": [{ "name": "v", "image": { "reference": [] } }] }), "a list where an image"),
    ] {
        let said = stage.mutate(&pod(&spec)).await;
        assert!(!said.allowed && said.code == 403 && said.message.contains(says), "{spec}: {}", said.message);
    }
    let said = stage.mutate(&pod(&json!({ "containers": [{ "name": "app", "image": "" }] }))).await;
    assert!(!said.allowed, "an empty name is a name like others: {}", said.message);
}

#[tokio::test]
async fn a_resource_nobody_told_us_of_is_refused() {
    let stage = Stage::new();
    let object = json!({ "spec": { "image": EVIL } });
    for (group, resource, sub, called) in [
        ("argoproj.io", "rollouts", "", "rollouts.argoproj.io"),
        ("", "configmaps", "", "configmaps"),
        ("apps", "pods", "", "pods.apps"),
        ("evil.io", "deployments", "", "deployments.evil.io"),
        ("apps", "deployments", "rollback", "deployments.apps/rollback"),
    ] {
        let mut review = create(group, resource, &object);
        review["request"]["subResource"] = json!(sub);
        let said = stage.mutate(&review).await;
        assert!(!said.allowed && said.message.contains(&format!("{called} are not among the kinds")), "{}", said.message);
        assert!(said.message.contains("[[kubernetes.resources]]"), "{}", said.message);
    }
}

#[tokio::test]
async fn the_configuration_takes_exactly_what_is_not_known_here() {
    let stage = Stage::new();
    for (group, resources) in [
        ("", "pods podtemplates replicationcontrollers configmaps services"),
        ("apps", "daemonsets deployments replicasets statefulsets controllerrevisions pods"),
        ("batch", "cronjobs jobs"),
        ("extensions", "daemonsets deployments replicasets jobs"),
        ("argoproj.io", "workflows deployments"),
    ] {
        for resource in resources.split(' ') {
            let said = stage.mutate(&create(group, resource, &json!({ "spec": {} }))).await;
            let known = said.allowed || !said.message.contains("are not among the kinds");
            let images = vec!["$.spec.image".parse().unwrap()];
            let named = ImageResource { group: group.to_owned(), resource: resource.to_owned(), images, may_have_none: false };
            let taken = KubernetesSettings { resources: vec![named], ..KubernetesSettings::default() }.check();
            assert_eq!(matches!(taken, Err(KubernetesFault::BuiltIn(_))), known, "{resource}.{group}: {taken:?}, {said:?}");
        }
    }
}

#[tokio::test]
async fn an_object_in_which_a_path_finds_too_much_is_refused() {
    let stage = Stage::new();
    stage.gate.settings.lock().unwrap().resources = vec![ImageResource {
        group: "argoproj.io".to_owned(),
        resource: "workflows".to_owned(),
        images: vec!["$.spec.steps[*].image".parse().unwrap()],
        may_have_none: true,
    }];
    let steps = |count: usize| json!({ "spec": { "steps": vec![json!({ "image": SIGNED }); count] } });
    assert!(stage.mutate(&create("argoproj.io", "workflows", &steps(1000))).await.allowed);
    let said = stage.mutate(&create("argoproj.io", "workflows", &steps(1001))).await;
    assert!(!said.allowed && said.message.contains("finds more than 1000 places"), "{}", said.message);
}

#[tokio::test]
async fn a_resource_of_the_configuration_is_judged_where_its_paths_say() {
    let stage = Stage::new();
    stage.gate.settings.lock().unwrap().resources = vec![ImageResource {
        group: "argoproj.io".to_owned(),
        resource: "workflows".to_owned(),
        images: vec!["$.spec.templates[*].container.image".parse().unwrap(), "$..sidecars[*].image".parse().unwrap()],
        may_have_none: false,
    }];
    let object = |image: &str| {
        json!({ "spec": { "templates": [
            { "container": { "image": SIGNED } },
            { "script": {}, "sidecars": [{ "image": image }] },
        ] } })
    };
    let said = stage.mutate(&create("argoproj.io", "workflows", &object(SIGNED))).await;
    assert!(said.allowed && said.patches == 2, "{said:?}");
    let said = stage.validate(&create("argoproj.io", "workflows", &said.object)).await;
    assert!(said.allowed, "{}", said.message);
    let said = stage.mutate(&create("argoproj.io", "workflows", &object(EVIL))).await;
    assert!(!said.allowed && said.message.contains("(/spec/templates/1/sidecars/0/image)"), "{}", said.message);
    let shaped = json!({ "spec": { "templates": [{ "container": { "image": { "name": EVIL } } }] } });
    let said = stage.mutate(&create("argoproj.io", "workflows", &shaped)).await;
    assert!(!said.allowed && said.message.contains("an object where an image is expected"), "{}", said.message);

    let none = create("argoproj.io", "workflows", &json!({ "spec": { "workflowTemplateRef": { "name": "x" } } }));
    let said = stage.mutate(&none).await;
    assert!(!said.allowed && said.message.contains("may_have_none"), "{}", said.message);
    stage.gate.settings.lock().unwrap().resources[0].may_have_none = true;
    assert!(stage.mutate(&none).await.allowed);
}
