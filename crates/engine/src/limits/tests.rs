//! Every key of the engine's API is either allowed or refused on purpose: who teaches the schema a new one decides here.

use super::*;
use crate::json::read;

fn keys(request: &[u8], path: &[&str]) -> Vec<(String, Json)> {
    let request = read(request).unwrap();
    path.iter().fold(&request, |object, key| object.get(key).unwrap()).entries().to_vec()
}

/// Which of these keys, each alone in its place, are refused.
fn refused(keys: Vec<(String, Json)>, look: impl Fn(Json) -> Result<(), Beyond>) -> Vec<String> {
    let alone = keys.into_iter().map(|(key, value)| (key.clone(), Json::Object(vec![(key, value)])));
    alone.filter(|(_, object)| look(object.clone()).is_err()).map(|(key, _)| key).collect()
}

fn object(key: &str, value: Json) -> Json {
    Json::Object(vec![(key.to_owned(), value)])
}

#[test]
fn these_keys_of_a_container_are_refused_and_no_others() {
    let request = include_bytes!("../image/requests/container.json");
    assert_eq!(refused(keys(request, &[]), |body| container(&body)), ["HostConfig", "NetworkingConfig"]);
    let host = refused(keys(request, &["HostConfig"]), |host| container(&object("HostConfig", host)));
    let expected = [
        "Annotations",
        "Binds",
        "BlkioDeviceReadBps",
        "BlkioDeviceReadIOps",
        "BlkioDeviceWriteBps",
        "BlkioDeviceWriteIOps",
        "BlkioWeightDevice",
        "CapAdd",
        "Capabilities",
        "Cgroup",
        "CgroupParent",
        "CgroupnsMode",
        "CpuRealtimePeriod",
        "CpuRealtimeRuntime",
        "DeviceCgroupRules",
        "DeviceRequests",
        "Devices",
        "IpcMode",
        "LogConfig",
        "MaskedPaths",
        "Mounts",
        "OomKillDisable",
        "OomScoreAdj",
        "PidMode",
        "Privileged",
        "ReadonlyPaths",
        "Runtime",
        "SecurityOpt",
        "StorageOpt",
        "Sysctls",
        "UTSMode",
        "UsernsMode",
        "VolumeDriver",
    ];
    assert_eq!(host, expected);
}

#[test]
fn these_keys_of_a_service_are_refused_and_no_others() {
    let request = include_bytes!("../image/requests/service.json");
    let container_spec = |container: Json| object("TaskTemplate", object("ContainerSpec", container));
    let container =
        refused(keys(request, &["TaskTemplate", "ContainerSpec"]), |container| service(&container_spec(container), true));
    assert_eq!(container, ["CapabilityAdd", "Mounts", "OomScoreAdj", "Privileges", "Sysctls"]);
    let with_image = |mut task: Json| {
        if task.get("ContainerSpec").is_none() {
            task.set("ContainerSpec", object("Image", Json::Text("x".to_owned())));
        }
        object("TaskTemplate", task)
    };
    let placed = refused(keys(request, &["TaskTemplate"]), |task| service(&with_image(task), true));
    assert_eq!(placed, ["ContainerSpec", "LogDriver", "NetworkAttachmentSpec", "Networks", "PluginSpec", "Runtime"]);
    let unplaced = refused(keys(request, &["TaskTemplate"]), |task| service(&with_image(task), false));
    assert!(unplaced.contains(&"Placement".to_owned()));
}

#[test]
fn what_means_nothing_is_no_reason_to_refuse() {
    let body =
        br#"{"Image":"x","Runtime":"","HostConfig":{"Privileged":false,"CapAdd":[],"PidMode":"","Devices":null,"Sysctls":{},
        "OomScoreAdj":0,"MaskedPaths":null,"Mounts":null,"Binds":[],"SecurityOpt":null,"NetworkMode":"default"}}"#;
    assert_eq!(container(&read(body).unwrap()), Ok(()));
    // But a text is not a number, and an object of empty values is not empty.
    for body in
        [r#"{"HostConfig":{"Sysctls":{"a":""}}}"#, r#"{"HostConfig":{"Devices":[{}]}}"#, r#"{"HostConfig":{"Privileged":"x"}}"#]
    {
        assert!(container(&read(body.as_bytes()).unwrap()).is_err(), "{body}");
    }
}
