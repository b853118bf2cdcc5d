//! Services, made and changed as the stock client does it.

use std::str::FromStr as _;
use std::sync::Arc;

use serde_json::{Value, json};
use wharfinger_gate::{Explanation, Standing, Workload};
use wharfinger_oci::{Digest, Reference};

use super::{Call, Engine, Said, encoded, text};
use crate::difference::question;
use crate::engine::registry_login::RegistryLogin;
use crate::error::Refused;

const CONTAINER: &str = "/TaskTemplate/ContainerSpec";

/// An image and what a deployment of it meets now.
#[derive(Clone)]
pub(crate) struct Decided {
    pub(crate) image: String,
    pub(crate) explanation: Explanation,
}

impl Decided {
    /// Whether it would be refused.
    pub(crate) fn is_refused(&self) -> bool {
        self.explanation.enforced && self.explanation.verdict == "deny"
    }
}

impl Engine<'_> {
    /// What a deployment of the image would meet now. Nothing is recorded: that does the door, when it is asked.
    pub(crate) async fn decide(&self, image: &str, login: Option<&Arc<RegistryLogin>>) -> Result<Decided, Refused> {
        let console = &self.house.console;
        let mut asked = question(self.visitor, image);
        if let Some(login) = login {
            asked = Workload { credentials: login.clone(), ..asked };
        }
        let configuration = console.cluster.current().await?.configuration;
        let explanation = if configuration.trust.require_content_trust {
            console.gate.explain(&asked, image).await
        } else {
            console.gate.foresee(&configuration, &asked, &Standing::Named(image.to_owned())).await
        };
        Ok(Decided { image: image.to_owned(), explanation })
    }

    /// Makes a service. Answers what the engine and the registry had to say of it.
    pub(crate) async fn create_service(&self, mut body: Value, login: Option<&RegistryLogin>) -> Result<Vec<String>, Said> {
        let mut said: Vec<String> = self.resolve(&mut body, login).await?.into_iter().collect();
        let auth = login.and_then(|login| login.header(&image_of(&body)?));
        let answer = self.ask(Call::post("/services/create", body).with_registry_auth(auth)).await?;
        said.extend(warnings(&answer));
        Ok(said)
    }

    /// Changes a service that is there, as the engine describes it, into the one that `body` says.
    pub(crate) async fn update_service(
        &self,
        now: &Value,
        mut body: Value,
        login: Option<&RegistryLogin>,
    ) -> Result<Vec<String>, Said> {
        let mut said: Vec<String> = self.resolve(&mut body, login).await?.into_iter().collect();
        // Tasks that stay as they are go on.
        body["TaskTemplate"]["ForceUpdate"] = now.pointer("/Spec/TaskTemplate/ForceUpdate").cloned().unwrap_or_default();
        let version = now.pointer("/Version/Index").and_then(Value::as_u64).unwrap_or_default();
        let auth = login.and_then(|login| login.header(&image_of(&body)?));
        let call =
            Call::post(format!("/services/{}/update", encoded(text(now, "/ID"))), body).with("version", &version.to_string());
        said.extend(warnings(&self.ask(call.with_registry_auth(auth)).await?));
        Ok(said)
    }

    /// Writes the digest that the image's registry names now, and what that image runs on: a service that names a tag alone means
    /// something else on every machine. Where the registry cannot be asked it stays as it is, and the answer says so.
    async fn resolve(&self, body: &mut Value, login: Option<&RegistryLogin>) -> Result<Option<String>, Said> {
        let Some(image) = image_of(body) else { return Ok(None) };
        let written = text(body, &format!("{CONTAINER}/Image")).to_owned();
        let tagged = if image.tag.is_none() && image.digest.is_none() { format!("{written}:latest") } else { written };
        body["TaskTemplate"]["ContainerSpec"]["Image"] = tagged.clone().into();
        let auth = login.and_then(|login| login.header(&image));
        let asked = Call::get(format!("/distribution/{tagged}/json")).with_registry_auth(auth);
        let found = match self.ask(asked).await {
            Ok(found) => found,
            Err(said) if said.status == http::StatusCode::UNAUTHORIZED => return Err(said),
            Err(said) => return Ok(Some(format!("{tagged} could not be looked up in its registry: {}", said.message))),
        };
        if let Ok(digest) = text(&found, "/Descriptor/digest").parse::<Digest>()
            && image.digest.is_none()
        {
            body["TaskTemplate"]["ContainerSpec"]["Image"] = format!("{tagged}@{digest}").into();
        }
        let platform = |platform: &Value| {
            // Machines do not agree on how they write this one.
            let arm = text(platform, "/architecture").eq_ignore_ascii_case("arm");
            let architecture = if arm { "" } else { text(platform, "/architecture") };
            json!({ "Architecture": architecture, "OS": text(platform, "/os") })
        };
        let platforms: Vec<Value> = found["Platforms"].as_array().into_iter().flatten().map(platform).collect();
        if !platforms.is_empty() {
            if !body["TaskTemplate"]["Placement"].is_object() {
                body["TaskTemplate"]["Placement"] = json!({});
            }
            body["TaskTemplate"]["Placement"]["Platforms"] = platforms.into();
        }
        Ok(None)
    }
}

fn image_of(body: &Value) -> Option<Reference> {
    Reference::from_str(text(body, &format!("{CONTAINER}/Image"))).ok()
}

fn warnings(answer: &Value) -> Vec<String> {
    // Of a new service the engine says one, of a change a list.
    let many = answer["Warnings"].as_array().into_iter().flatten();
    many.chain(&answer["Warning"].as_str().map(Value::from)).filter_map(Value::as_str).map(str::to_owned).collect()
}
