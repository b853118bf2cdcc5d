//! What is wrong with a webhook configuration, as the API server has it.

use serde_json::Value;

use crate::webhooks::{Phase, Place, Webhooks, all_but};

/// One thing that was looked at.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// What should be so.
    pub what: String,
    /// How it is instead.
    pub wrong: Option<String>,
    pub remedy: &'static str,
}

const INSTALL: &str = "run `wharfinger kubernetes install` again";

/// Looks at the configuration of `phase`; `found` is what the API server has of it.
pub fn check(phase: Phase, found: Option<&Value>, webhooks: &Webhooks) -> Vec<Finding> {
    let kind = phase.kind();
    let finding = |what: &str, wrong: Option<String>, remedy| Finding { what: format!("{kind}: {what}"), wrong, remedy };
    let name = phase.webhook();
    let listed = found.and_then(|found| found.get("webhooks")).and_then(Value::as_array);
    let Some(webhook) = listed.into_iter().flatten().find(|webhook| webhook["name"] == name.as_str()) else {
        let wrong = match found {
            None => "there is none, so nobody asks about anything".to_owned(),
            Some(_) => format!("it has no webhook {name}"),
        };
        return vec![finding("it is there", Some(wrong), "run `wharfinger kubernetes install`")];
    };
    vec![
        finding("it is there", None, ""),
        finding("it fails closed", fails_open(webhook), INSTALL),
        finding("it asks about every kind of workload", not_asked_about(&webhook["rules"], &webhooks.rules()), INSTALL),
        finding("it leaves nothing out", left_out(webhook, webhooks), INSTALL),
        finding("dry runs pass through it", refuses_dry_runs(webhook), INSTALL),
        finding(
            "it leads here and trusts what is served",
            leads_elsewhere(phase, webhook, webhooks),
            "start the server with --kubeconfig, which corrects it, or install again",
        ),
    ]
}

fn fails_open(webhook: &Value) -> Option<String> {
    let policy = webhook["failurePolicy"].as_str().unwrap_or_default();
    (policy != "Fail").then(|| format!("failurePolicy is `{policy}`: while nobody answers, everything runs"))
}

/// What `wanted` asks about and `rules` do not.
pub(crate) fn not_asked_about(rules: &Value, wanted: &Value) -> Option<String> {
    let rules: Vec<&Value> = rules.as_array().into_iter().flatten().collect();
    let mut missing = Vec::new();
    for wanted in wanted.as_array().into_iter().flatten() {
        let group = wanted["apiGroups"][0].as_str().unwrap_or_default();
        for resource in strings(&wanted["resources"]) {
            for operation in strings(&wanted["operations"]) {
                if !rules.iter().any(|rule| covers(rule, group, resource, operation)) {
                    let dot = if group.is_empty() { "" } else { "." };
                    missing.push(format!("{operation} of {resource}{dot}{group}"));
                }
            }
        }
    }
    (!missing.is_empty()).then(|| format!("it does not ask about {}", missing.join(", ")))
}

fn covers(rule: &Value, group: &str, resource: &str, operation: &str) -> bool {
    let has = |key: &str, value: &str| strings(&rule[key]).any(|listed| listed == "*" || listed == value);
    let (of_all, subresource) = match resource.split_once('/') {
        Some((_, sub)) => ("*/*", Some(format!("*/{sub}"))),
        None => ("*", None),
    };
    let listed = strings(&rule["resources"])
        .any(|listed| listed == resource || listed == of_all || listed == "*/*" || subresource.as_deref() == Some(listed));
    let everywhere = rule["scope"].as_str().is_none_or(|scope| scope == "*" || scope == "Namespaced");
    has("apiGroups", group)
        && has("operations", operation)
        && strings(&rule["apiVersions"]).any(|version| version == "*")
        && listed
        && everywhere
}

fn left_out(webhook: &Value, webhooks: &Webhooks) -> Option<String> {
    if !selects_all(&webhook["objectSelector"]) {
        return Some("its objectSelector lets whoever sets a label go unasked".to_owned());
    }
    if webhook["matchConditions"].as_array().is_some_and(|conditions| !conditions.is_empty()) {
        return Some("its matchConditions leave something out".to_owned());
    }
    let selector = &webhook["namespaceSelector"];
    if selects_all(selector) || selector == &own_namespace(webhook, webhooks) {
        return None;
    }
    Some("its namespaceSelector leaves out more than Wharfinger's own namespace by its name".to_owned())
}

/// Where the webhook is reached by a service, that service's namespace may be left out, by the name the API server gives it.
fn own_namespace(webhook: &Value, webhooks: &Webhooks) -> Value {
    let namespace = match &webhooks.place {
        Place::Service { namespace } => Some(namespace.as_str()),
        Place::Host(_) => webhook["clientConfig"]["service"]["namespace"].as_str(),
    };
    namespace.map(all_but).unwrap_or_default()
}

fn selects_all(selector: &Value) -> bool {
    let empty = |key: &str| match &selector[key] {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    empty("matchLabels") && empty("matchExpressions")
}

fn refuses_dry_runs(webhook: &Value) -> Option<String> {
    let effects = webhook["sideEffects"].as_str().unwrap_or_default();
    let fits = matches!(effects, "None" | "NoneOnDryRun");
    (!fits).then(|| format!("sideEffects is `{effects}`: the API server refuses every dry run"))
}

fn leads_elsewhere(phase: Phase, webhook: &Value, webhooks: &Webhooks) -> Option<String> {
    let found = &webhook["clientConfig"];
    let right = webhooks.client_config(phase, Some(found));
    // The address holds the secret segment: what is told of it is where it differs.
    let host = |config: &Value| config["url"].as_str().and_then(|url| url.split('/').nth(2)).map(str::to_owned);
    if host(found) != host(&right) {
        let (found, right) = (host(found).unwrap_or_default(), host(&right).unwrap_or_default());
        return Some(format!("it leads to `{found}` instead of `{right}`"));
    }
    if found["url"] != right["url"] || found["service"]["path"] != right["service"]["path"] {
        return Some("its path is not the one this process answers".to_owned());
    }
    (found["caBundle"] != right["caBundle"]).then(|| "it trusts another CA than that of the served certificate".to_owned())
}

fn strings(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn webhooks() -> Webhooks {
        Webhooks {
            place: Place::Host("cluster.test:8443".parse().unwrap()),
            segment: Some("SEGMENT".to_owned()),
            ca_pem: Some("PEM".to_owned()),
            resources: Vec::new(),
        }
    }

    fn wrong(found: &Value) -> Vec<String> {
        let findings = check(Phase::Mutate, Some(found), &webhooks());
        findings.into_iter().filter_map(|finding| Some(format!("{}: {}", finding.what, finding.wrong?))).collect()
    }

    #[test]
    fn what_is_installed_is_right() {
        for phase in Phase::ALL {
            let found = webhooks().configuration(phase);
            assert!(check(phase, Some(&found), &webhooks()).iter().all(|finding| finding.wrong.is_none()));
        }
        let inside = Webhooks { place: Place::Service { namespace: "dock".to_owned() }, ..webhooks() };
        let found = inside.configuration(Phase::Mutate);
        assert_eq!(wrong(&found), Vec::<String>::new(), "an installation inside the cluster is known by its service");
    }

    #[test]
    fn a_configuration_that_is_not_there_is_wrong() {
        assert!(check(Phase::Mutate, None, &webhooks())[0].wrong.is_some());
        assert_eq!(wrong(&json!({"webhooks": [{"name": "other"}]})).len(), 1);
    }

    #[test]
    fn each_thing_that_is_wrong_is_found() {
        let service = json!({"service": {"namespace": "dock", "name": "w", "path": "/admission/mutate/SEGMENT"}});
        for (pointer, value, part) in [
            ("failurePolicy", json!("Ignore"), "failurePolicy is `Ignore`"),
            ("rules", json!([]), "CREATE of pods, "),
            ("matchConditions", json!([{"name": "a", "expression": "false"}]), "matchConditions"),
            ("objectSelector", json!({"matchLabels": {"a": "b"}}), "objectSelector"),
            ("namespaceSelector", json!({"matchLabels": {"a": "b"}}), "namespaceSelector"),
            ("namespaceSelector", all_but("kube-system"), "namespaceSelector"),
            ("sideEffects", json!("Some"), "dry run"),
            ("clientConfig", json!({"url": "https://other.test/admission/mutate/SEGMENT"}), "leads to `other.test`"),
            ("clientConfig", json!({"url": "https://cluster.test:8443/admission/mutate/OTHER", "caBundle": "UEVN"}), "path"),
            ("clientConfig", json!({"url": "https://cluster.test:8443/admission/mutate/SEGMENT"}), "another CA"),
            ("clientConfig", service, "another CA"),
        ] {
            let mut found = webhooks().configuration(Phase::Mutate);
            found["webhooks"][0][pointer] = value;
            let found = wrong(&found);
            assert!(found.len() == 1 && found[0].contains(part), "{pointer}: {found:?}");
            assert!(!found[0].contains("SEGMENT"));
        }
    }

    #[test]
    fn a_rule_that_says_it_otherwise_covers_as_much() {
        let mut found = webhooks().configuration(Phase::Mutate);
        let all = json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]);
        found["webhooks"][0]["rules"] = all;
        assert_eq!(wrong(&found), Vec::<String>::new());
        for (key, value) in [
            ("resources", json!(["*"])),
            ("apiVersions", json!(["v1"])),
            ("scope", json!("Cluster")),
            ("operations", json!(["CREATE"])),
            ("apiGroups", json!(["apps"])),
        ] {
            let mut less = found.clone();
            less["webhooks"][0]["rules"][0][key] = value;
            assert_eq!(wrong(&less).len(), 1, "{key}");
        }
    }
}
