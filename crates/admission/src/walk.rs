//! Where images stand in an object. What is expected and not found, or is of another shape, is refused: an object of which
//! nobody knows what it runs must not be taken for one that runs nothing.

use serde_json::Value;
use wharfinger_policy::{KubernetesSettings, TooMuch};

use crate::review::Resource;

/// One image of an object.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Slot {
    /// What it belongs to, as people call it: `container app`, `volume data`.
    pub(crate) owner: String,
    /// A JSON pointer to the text.
    pub(crate) pointer: String,
    pub(crate) image: String,
}

/// Images, and what a pod says of credentials for them.
#[derive(Default, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) slots: Vec<Slot>,
    /// `imagePullSecrets`, by name.
    pub(crate) pull_secrets: Vec<String>,
    /// Empty: the namespace's `default`.
    pub(crate) service_account: String,
}

#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(
        "{0} are not among the kinds whose images are known here: name them in [[kubernetes.resources]] of the cluster's \
         configuration, or take them out of the webhook configuration"
    )]
    UnknownResource(String),
    #[error("{pointer} is {found} where {expected} is expected")]
    Shape { pointer: String, expected: &'static str, found: &'static str },
    #[error("{owner} names no image")]
    NoImage { owner: String },
    #[error(
        "none of the paths of [[kubernetes.resources]] for {0} finds an image in it: correct them, or set may_have_none = true"
    )]
    NothingFound(String),
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
}

/// Where a built-in resource holds its pods.
enum Holds {
    /// A pod's specification at this pointer.
    Pod(&'static str),
    /// `EphemeralContainers` of Kubernetes before 1.22: the list alone; later versions send the pod.
    EphemeralContainers,
    /// Nothing that could run: no image in it, or none that the API server takes from it.
    Nothing,
}

/// Subresources through which no image can come: the API server takes the rest of the object from what is stored.
const WITHOUT_IMAGES: &[&str] =
    &["approval", "attach", "binding", "eviction", "exec", "finalize", "log", "portforward", "proxy", "scale", "status", "token"];

/// `None`: not a built-in resource that holds pods.
fn holds(resource: &Resource, sub_resource: &str) -> Option<Holds> {
    if WITHOUT_IMAGES.contains(&sub_resource) {
        return Some(Holds::Nothing);
    }
    let pod = match (resource.group.as_str(), resource.resource.as_str(), sub_resource) {
        ("", "pods", "ephemeralcontainers") => return Some(Holds::EphemeralContainers),
        ("", "pods", "" | "resize") => "/spec",
        ("", "podtemplates", "") => "/template/spec",
        ("", "replicationcontrollers", "") => "/spec/template/spec",
        ("apps" | "extensions", "deployments" | "replicasets" | "statefulsets" | "daemonsets", "") => "/spec/template/spec",
        ("batch", "jobs", "") => "/spec/template/spec",
        ("batch", "cronjobs", "") => "/spec/jobTemplate/spec/template/spec",
        _ => return None,
    };
    Some(Holds::Pod(pod))
}

/// All images of `object`.
pub(crate) fn images(
    resource: &Resource,
    sub_resource: &str,
    object: &Value,
    settings: &KubernetesSettings,
) -> Result<Found, Unreadable> {
    match holds(resource, sub_resource) {
        Some(Holds::Nothing) => Ok(Found::default()),
        Some(Holds::Pod(pointer)) => pod(object, pointer),
        Some(Holds::EphemeralContainers) if object.get("ephemeralContainers").is_some() => {
            let mut found = Found::default();
            containers(object, "", "ephemeralContainers", "ephemeral container", &mut found)?;
            Ok(found)
        }
        // Of an old EphemeralContainers that lists none, or of the whole pod.
        Some(Holds::EphemeralContainers) if object.get("spec").is_none() => Ok(Found::default()),
        Some(Holds::EphemeralContainers) => pod(object, "/spec"),
        None => custom(resource, sub_resource, object, settings),
    }
}

fn pod(object: &Value, pointer: &str) -> Result<Found, Unreadable> {
    let spec = object.pointer(pointer).unwrap_or(&Value::Null);
    let mut found = Found::default();
    if !spec.is_object() {
        return Err(shape(pointer, "a pod's specification", spec));
    }
    containers(spec, pointer, "containers", "container", &mut found)?;
    if found.slots.is_empty() {
        return Err(shape(&format!("{pointer}/containers"), "at least one container", &Value::Null));
    }
    containers(spec, pointer, "initContainers", "init container", &mut found)?;
    containers(spec, pointer, "ephemeralContainers", "ephemeral container", &mut found)?;
    volumes(spec, pointer, &mut found)?;
    for secret in list(spec, pointer, "imagePullSecrets")? {
        found.pull_secrets.extend(secret.get("name").and_then(Value::as_str).map(str::to_owned));
    }
    let account = spec.get("serviceAccountName").or_else(|| spec.get("serviceAccount"));
    account.and_then(Value::as_str).unwrap_or_default().clone_into(&mut found.service_account);
    Ok(found)
}

fn containers(spec: &Value, pointer: &str, key: &str, what: &str, found: &mut Found) -> Result<(), Unreadable> {
    for (index, container) in list(spec, pointer, key)?.iter().enumerate() {
        let owner = match container.get("name").and_then(Value::as_str) {
            Some(name) => format!("{what} {name}"),
            None => format!("{what} {index}"),
        };
        let pointer = format!("{pointer}/{key}/{index}/image");
        let image = match container.get("image") {
            Some(Value::String(image)) => image.clone(),
            None | Some(Value::Null) => return Err(Unreadable::NoImage { owner }),
            Some(other) => return Err(shape(&pointer, "an image", other)),
        };
        found.slots.push(Slot { owner, pointer, image });
    }
    Ok(())
}

/// Image volumes (`volumes[].image.reference`).
fn volumes(spec: &Value, pointer: &str, found: &mut Found) -> Result<(), Unreadable> {
    for (index, volume) in list(spec, pointer, "volumes")?.iter().enumerate() {
        let Some(source) = volume.get("image").filter(|source| !source.is_null()) else { continue };
        let owner = format!("volume {}", volume.get("name").and_then(Value::as_str).unwrap_or("without a name"));
        let pointer = format!("{pointer}/volumes/{index}/image/reference");
        match source.get("reference") {
            Some(Value::String(image)) => found.slots.push(Slot { owner, pointer, image: image.clone() }),
            None | Some(Value::Null) => return Err(Unreadable::NoImage { owner }),
            Some(other) => return Err(shape(&pointer, "an image", other)),
        }
    }
    Ok(())
}

/// What the configuration says of a resource that is not built in.
fn custom(resource: &Resource, sub_resource: &str, object: &Value, settings: &KubernetesSettings) -> Result<Found, Unreadable> {
    let known = settings.resource(&resource.group, &resource.resource).filter(|_| sub_resource.is_empty());
    let known = known.ok_or_else(|| Unreadable::UnknownResource(called(resource, sub_resource)))?;
    let mut found = Found::default();
    for path in &known.images {
        for (pointer, value) in path.locate(object)? {
            let Value::String(image) = value else { return Err(shape(&pointer, "an image", value)) };
            if found.slots.iter().all(|slot| slot.pointer != pointer) {
                found.slots.push(Slot { owner: pointer.clone(), pointer, image: image.clone() });
            }
        }
    }
    if found.slots.is_empty() && !known.may_have_none {
        return Err(Unreadable::NothingFound(known.name()));
    }
    Ok(found)
}

/// As `kubectl` names it: `deployments.apps/scale`.
fn called(resource: &Resource, sub_resource: &str) -> String {
    let group = if resource.group.is_empty() { String::new() } else { format!(".{}", resource.group) };
    let sub = if sub_resource.is_empty() { String::new() } else { format!("/{sub_resource}") };
    format!("{}{group}{sub}", resource.resource)
}

/// The list at `key`; absent is empty.
fn list<'a>(spec: &'a Value, pointer: &str, key: &str) -> Result<&'a [Value], Unreadable> {
    match spec.get(key) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(list)) => Ok(list),
        Some(other) => Err(shape(&format!("{pointer}/{key}"), "a list", other)),
    }
}

fn shape(pointer: &str, expected: &'static str, found: &Value) -> Unreadable {
    let found = match found {
        Value::Null => "nothing",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    Unreadable::Shape { pointer: pointer.to_owned(), expected, found }
}
