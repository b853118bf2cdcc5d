//! `kubernetes install` and `kubernetes uninstall`: every object by server-side apply, and what became of each.

use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};
use wharfinger_admission::{ApiServer, Installation, Keep, Kept, Manifest, Phase, Place, ROLE_BINDINGS, Webhooks, is_ours};

use super::{operators_api_server, webhooks_of};
use crate::cli::{InstallArguments, OutputFormat, UninstallArguments};
use crate::instance::Instance;
use crate::options::Options;

/// What lets Wharfinger read the pull secrets of every namespace.
const EVERYWHERE: &str = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/wharfinger-pull-secrets";

/// The first release whose API server holds the label of a namespace's name to its name.
const NAMES_ARE_HELD_SINCE: u32 = 21;

pub(crate) async fn install(arguments: InstallArguments) -> anyhow::Result<ExitCode> {
    let InstallArguments { scope, in_cluster, image, dry_run, output, serving } = arguments;
    let options = Options::read(serving)?;
    let webhooks = if in_cluster {
        // The process in the cluster writes its path and CA into them as it starts; until then nobody answers, and nothing passes.
        let place = Place::Service { namespace: scope.namespace.clone() };
        Webhooks { place, segment: None, ca_pem: None, resources: Vec::new() }
    } else {
        let instance = Instance::open_beside(&options.data_dir, &options.seal_key_file).await?;
        let webhooks = webhooks_of(&instance, &options).await;
        instance.sql.close().await;
        webhooks?
    };
    let installation = Installation {
        namespace: &scope.namespace,
        pull_secrets_in: &scope.pull_secrets_in,
        image: image.as_deref(),
        webhooks: &webhooks,
    };
    let mut manifests = installation.manifests()?;
    if let Some(format) = output {
        print!("{}", printed(&manifests, format)?);
        return Ok(ExitCode::SUCCESS);
    }
    let api_server = operators_api_server(options.kubeconfig.as_ref())?;
    if in_cluster {
        ensure_names_are_held(&api_server).await?;
    }
    let keep = if dry_run { Keep::DryRun } else { Keep::Kept };
    for manifest in &mut manifests {
        let before = api_server.get(&manifest.path()).await?;
        if let Some(before) = before.as_ref().filter(|_| in_cluster) {
            // The process inside knows of `[[kubernetes.resources]]`, and has written them there.
            manifest.ask_no_less_than(before);
        }
        println!("{}: {}", manifest.called(), applied(&api_server, manifest, before, keep).await?);
    }
    if keep == Keep::Kept {
        for phase in Phase::ALL {
            if api_server.restore(phase, &webhooks).await? == Kept::Corrected {
                println!("{} wharfinger: changed, it left something out", phase.kind());
            }
        }
    }
    withdraw(&api_server, &manifests, keep).await?;
    if scope.pull_secrets_in.is_empty() {
        println!(
            "\nWharfinger's service account may get every secret of the cluster by its name: --pull-secrets-in NAME limits that to \
             namespaces."
        );
    }
    Ok(ExitCode::SUCCESS)
}

/// Inside the cluster the webhooks leave Wharfinger's own namespace out, by a label that must be nobody's to write.
async fn ensure_names_are_held(api_server: &ApiServer) -> anyhow::Result<()> {
    let version = api_server.get("/version").await?.unwrap_or_default();
    let number = |key: &str| {
        let digits = version[key].as_str().unwrap_or_default().trim_end_matches(|letter: char| !letter.is_ascii_digit());
        digits.parse::<u32>().ok()
    };
    match (number("major"), number("minor")) {
        (Some(2..), _) | (Some(1), Some(NAMES_ARE_HELD_SINCE..)) => Ok(()),
        (Some(major), Some(minor)) => bail!(
            "--in-cluster needs Kubernetes 1.{NAMES_ARE_HELD_SINCE} or later, and this is {major}.{minor}: an older API server lets \
             anybody give their namespace the name by which Wharfinger's own is left out. Run Wharfinger outside of the cluster"
        ),
        _ => bail!("the API server does not say which version it is"),
    }
}

/// Applies it over what was there `before`, and says what became of it.
async fn applied(api_server: &ApiServer, manifest: &Manifest, before: Option<Value>, keep: Keep) -> anyhow::Result<&'static str> {
    let called = manifest.called();
    if before.as_ref().is_some_and(|before| !is_ours(before)) {
        if manifest.object["kind"] == "Namespace" {
            return Ok("was there, and stays as it is");
        }
        bail!("there is a {called} that Wharfinger did not make: remove it, or give --namespace another name");
    }
    if let (Some(before), Some(after)) = (&before, manifest.object["webhooks"][0]["clientConfig"].as_object()) {
        let moves = after.keys().any(|key| key == "service") != before["webhooks"][0]["clientConfig"]["service"].is_object();
        ensure!(!moves, "{called} leads elsewhere (into the cluster, or out of it): run `wharfinger kubernetes uninstall` first");
    }
    if keep == Keep::DryRun && !is_there(api_server, manifest).await? {
        return Ok("would be made (its namespace is not there yet, so the API server cannot say more)");
    }
    let after = api_server.apply(&manifest.path(), &manifest.object, keep).await?;
    Ok(match (before.map(meant), keep) {
        (None, Keep::Kept) => "made",
        (None, Keep::DryRun) => "would be made",
        (Some(before), _) if before == meant(after) => "is as it should be",
        (Some(_), Keep::Kept) => "changed",
        (Some(_), Keep::DryRun) => "would be changed",
    })
}

/// Rights that an earlier installation gave and this one does not.
async fn withdraw(api_server: &ApiServer, manifests: &[Manifest], keep: Keep) -> anyhow::Result<()> {
    let mut given = role_bindings(api_server).await?;
    given.push(Object {
        called: "ClusterRoleBinding wharfinger-pull-secrets".to_owned(),
        path: EVERYWHERE.to_owned(),
        holds_data: false,
    });
    for Object { called, path, .. } in given {
        if manifests.iter().any(|manifest| manifest.path() == path)
            || !api_server.get(&path).await?.is_some_and(|found| is_ours(&found))
        {
            continue;
        }
        api_server.delete(&path, keep).await?;
        println!("{called}: {}", if keep == Keep::Kept { "removed" } else { "would be removed" });
    }
    Ok(())
}

/// Whether the namespace of an object is there, if it has one.
async fn is_there(api_server: &ApiServer, manifest: &Manifest) -> anyhow::Result<bool> {
    match manifest.object["metadata"]["namespace"].as_str() {
        Some(namespace) => Ok(api_server.get(&format!("/api/v1/namespaces/{namespace}")).await?.is_some()),
        None => Ok(true),
    }
}

/// An object without what the API server counts for itself.
fn meant(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.retain(|key, _| !matches!(key.as_str(), "managedFields" | "resourceVersion" | "generation"));
    }
    object
}

/// As `kubectl apply` reads it.
fn printed(manifests: &[Manifest], format: OutputFormat) -> anyhow::Result<String> {
    match format {
        OutputFormat::Json => {
            let items: Vec<&Value> = manifests.iter().map(|manifest| &manifest.object).collect();
            let list = json!({ "apiVersion": "v1", "kind": "List", "items": items });
            Ok(format!("{}\n", serde_json::to_string_pretty(&list)?))
        }
        OutputFormat::Yaml => {
            let mut text = String::new();
            for manifest in manifests {
                let written = serde_saphyr::to_string(&manifest.object).context("cannot write YAML")?;
                text = format!("{text}---\n{}\n", written.trim_end());
            }
            Ok(text)
        }
    }
}

pub(crate) async fn uninstall(arguments: &UninstallArguments) -> anyhow::Result<ExitCode> {
    let kubeconfig = arguments.kubeconfig.as_deref().map(Into::into);
    let api_server = operators_api_server(kubeconfig.as_ref())?;
    let keep = if arguments.dry_run { Keep::DryRun } else { Keep::Kept };
    let place = Place::Service { namespace: arguments.namespace.clone() };
    let webhooks = Webhooks { place, segment: None, ca_pem: None, resources: Vec::new() };
    // All that may have been made.
    let installation =
        Installation { namespace: &arguments.namespace, pull_secrets_in: &[], image: Some("any"), webhooks: &webhooks };
    let manifests = installation.manifests()?;
    // The webhook configurations are the last, so they go first: nothing is refused because nobody answers any more.
    let mut objects: Vec<Object> = manifests.iter().rev().map(Object::of).collect();
    objects.extend(role_bindings(&api_server).await?);
    for Object { called, path, holds_data } in objects {
        let became = match api_server.get(&path).await? {
            None => continue,
            Some(found) if !is_ours(&found) => "stays: Wharfinger did not make it",
            Some(_) if holds_data && !arguments.data => "stays with the data in it (--data removes it)",
            Some(_) => {
                api_server.delete(&path, keep).await?;
                if arguments.dry_run { "would be removed" } else { "removed" }
            }
        };
        println!("{called}: {became}");
    }
    Ok(ExitCode::SUCCESS)
}

/// What may be there to be removed.
struct Object {
    called: String,
    path: String,
    holds_data: bool,
}

impl Object {
    fn of(manifest: &Manifest) -> Self {
        Self { called: manifest.called(), path: manifest.path(), holds_data: manifest.holds_data() }
    }
}

/// Those of an installation that was limited to some namespaces.
async fn role_bindings(api_server: &ApiServer) -> anyhow::Result<Vec<Object>> {
    let (collection, _) = ROLE_BINDINGS.split_once("/rolebindings").context("the path of role bindings")?;
    let listed = api_server.get(ROLE_BINDINGS).await?.unwrap_or_default();
    let binding = |found: &Value| {
        let (namespace, name) = (found["metadata"]["namespace"].as_str()?, found["metadata"]["name"].as_str()?);
        let path = format!("{collection}/namespaces/{namespace}/rolebindings/{name}");
        Some(Object { called: format!("RoleBinding {namespace}/{name}"), path, holds_data: false })
    };
    Ok(listed["items"].as_array().into_iter().flatten().filter_map(binding).collect())
}
