//! The configurations are kept right while the process serves: whoever exchanges its CA, its host or its `[kubernetes]` section
//! need not install again.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Phase, Webhooks};
use crate::api_server::{ApiServer, ApiServerError};
use crate::check::check;
use crate::manifests::Manifest;

/// How a configuration was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    AsItWas,
    /// It led elsewhere, trusted another CA, or did not ask about everything.
    Corrected,
    /// Nothing asks this process: `wharfinger kubernetes install`.
    Missing,
}

impl ApiServer {
    /// The configuration of `phase`, if there is one.
    pub async fn configuration(&self, phase: Phase) -> Result<Option<Value>, ApiServerError> {
        self.get(&phase.path()).await
    }

    /// Corrects where the configuration of `phase` leads and what it asks about; of everything else in it nothing changes.
    pub async fn keep(&self, phase: Phase, webhooks: &Webhooks) -> Result<Kept, ApiServerError> {
        let Some(mut configuration) = self.configuration(phase).await? else { return Ok(Kept::Missing) };
        match corrected(&mut configuration, phase, webhooks) {
            Kept::Corrected => {}
            kept => return Ok(kept),
        }
        self.exchange(phase, webhooks, &configuration).await
    }

    /// Takes out of the configuration of `phase` what somebody else put in and an installation does not speak of, such as
    /// conditions, if something is wrong with it. Of where it leads nothing is lost.
    pub async fn restore(&self, phase: Phase, webhooks: &Webhooks) -> Result<Kept, ApiServerError> {
        let Some(mut configuration) = self.configuration(phase).await? else { return Ok(Kept::Missing) };
        if check(phase, Some(&configuration), webhooks).iter().all(|finding| finding.wrong.is_none()) {
            return Ok(Kept::AsItWas);
        }
        let Some(webhook) = ours(&mut configuration, phase) else { return Ok(Kept::Missing) };
        let leads = webhooks.client_config(phase, webhook.get("clientConfig"));
        let mut right = Manifest::of(phase, webhooks);
        // Where it is inside, the process there knows of more than who installs.
        if webhooks.segment.is_none() {
            right.ask_no_less_than(&json!({ "webhooks": [webhook] }));
        }
        if let Some(right) = right.object["webhooks"][0].as_object() {
            webhook.clone_from(right);
        }
        webhook.insert("clientConfig".to_owned(), leads);
        self.exchange(phase, webhooks, &configuration).await
    }

    async fn exchange(&self, phase: Phase, webhooks: &Webhooks, configuration: &Value) -> Result<Kept, ApiServerError> {
        match self.replace(&phase.path(), configuration).await {
            Ok(_) => Ok(Kept::Corrected),
            Err(error) => Err(without_segment(error, webhooks.segment.as_deref())),
        }
    }
}

/// Our webhook of a configuration.
fn ours(configuration: &mut Value, phase: Phase) -> Option<&mut Map<String, Value>> {
    let name = phase.webhook();
    let listed = configuration.get_mut("webhooks")?.as_array_mut()?.iter_mut().filter_map(Value::as_object_mut);
    listed.into_iter().find(|webhook| webhook.get("name").and_then(Value::as_str) == Some(name.as_str()))
}

fn corrected(configuration: &mut Value, phase: Phase, webhooks: &Webhooks) -> Kept {
    let Some(webhook) = ours(configuration, phase) else { return Kept::Missing };
    let leads = webhooks.client_config(phase, webhook.get("clientConfig"));
    let mut kept = Kept::AsItWas;
    for (key, right) in [("clientConfig", leads), ("rules", webhooks.rules())] {
        if webhook.get(key) != Some(&right) {
            webhook.insert(key.to_owned(), right);
            kept = Kept::Corrected;
        }
    }
    kept
}

/// An API server that refuses an address repeats it, and what it says may be logged.
fn without_segment(error: ApiServerError, segment: Option<&str>) -> ApiServerError {
    match (error, segment) {
        (ApiServerError::Refused { what, status, message }, Some(segment)) if status != StatusCode::NOT_FOUND => {
            ApiServerError::Refused { what, status, message: message.replace(segment, "…") }
        }
        (error, _) => error,
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Place, *};

    fn webhooks(host: &str, ca: &str) -> Webhooks {
        Webhooks {
            place: Place::Host(host.parse().unwrap()),
            segment: Some("SEGMENT".to_owned()),
            ca_pem: Some(ca.to_owned()),
            resources: Vec::new(),
        }
    }

    #[test]
    fn what_differs_is_corrected_and_nothing_else_is_touched() {
        let right = webhooks("cluster.test", "PEM");
        let mut found = right.configuration(Phase::Mutate);
        assert_eq!(corrected(&mut found, Phase::Mutate, &right), Kept::AsItWas);
        found["webhooks"][0]["timeoutSeconds"] = json!(5);
        found["webhooks"].as_array_mut().unwrap().insert(0, json!({"name": "other"}));
        for changed in [webhooks("cluster.test", "OTHER"), webhooks("other.test", "OTHER")] {
            assert_eq!(corrected(&mut found, Phase::Mutate, &changed), Kept::Corrected);
            assert_eq!(found["webhooks"][1]["clientConfig"], changed.client_config(Phase::Mutate, None));
            assert_eq!(corrected(&mut found, Phase::Mutate, &changed), Kept::AsItWas);
        }
        found["webhooks"][1]["rules"] = json!([]);
        let changed = webhooks("other.test", "OTHER");
        assert_eq!(corrected(&mut found, Phase::Mutate, &changed), Kept::Corrected);
        assert_eq!(found["webhooks"][1]["rules"], changed.rules());
        assert_eq!(found["webhooks"][1]["timeoutSeconds"], 5);
        assert_eq!(found["webhooks"][0], json!({"name": "other"}));
    }

    #[test]
    fn a_configuration_without_our_webhook_counts_as_missing() {
        for mut found in [json!({}), json!({"webhooks": null}), json!({"webhooks": [{"name": "other"}]})] {
            assert_eq!(corrected(&mut found, Phase::Validate, &webhooks("cluster.test", "PEM")), Kept::Missing);
        }
    }

    #[test]
    fn the_segment_is_not_in_what_the_api_server_repeats() {
        let refused = ApiServerError::Refused {
            what: "PUT".to_owned(),
            status: StatusCode::UNPROCESSABLE_ENTITY,
            message: "Invalid value: \"https://x/admission/mutate/SEGMENT\"".to_owned(),
        };
        let told = without_segment(refused, Some("SEGMENT"));
        assert!(!format!("{told} {told:?}").contains("SEGMENT"));
    }
}
