//! `POST /services/create` and `POST /services/{id}/update`.

use wharfinger_oci::Reference;

use super::{
    Decided, ImageCallRefused, Pinned,
    container::{mounted, unforged_volumes},
    json,
};
use crate::{
    call::Kind,
    json::{Json, read},
    owner::{self, Forged},
    query::Query,
    schema::SERVICE,
};

pub(crate) struct Service {
    segments: Vec<String>,
    query: Query,
    body: Json,
    /// What the service runs already, if this changes one.
    now: Option<ServiceNow>,
}

/// Where an image stands in a service, and its name there.
type Placed = (String, String);

/// What a service runs, as the engine says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ServiceNow {
    /// The index of its version: a change has to name it, or the engine refuses the change.
    pub(crate) version: String,
    pub(crate) images: Vec<Placed>,
    /// What a rollback would run.
    pub(crate) previous: Vec<Placed>,
    /// Whose it is.
    pub(crate) owner: Option<String>,
}

impl Service {
    pub(crate) fn create(query: Option<&str>, body: &[u8]) -> Result<Self, ImageCallRefused> {
        let segments = vec!["services".to_owned(), "create".to_owned()];
        Ok(Self { segments, query: Query::parse(query, &[], &[])?, body: body_of(body)?, now: None })
    }

    pub(crate) fn update(query: Option<&str>, service: &str, body: &[u8]) -> Result<Self, ImageCallRefused> {
        let segments = vec!["services".to_owned(), service.to_owned(), "update".to_owned()];
        let query = Query::parse(query, &["version", "registryAuthFrom", "rollback"], &[])?;
        Ok(Self { segments, query, body: body_of(body)?, now: None })
    }

    /// Writes whose the service is; to its tasks as well, so that their containers are.
    pub(crate) fn owned_by(&mut self, owner: Option<&str>) -> Result<(), Forged> {
        if let Some(container) = self.body.get_mut("TaskTemplate").and_then(|task| task.get_mut("ContainerSpec")) {
            unforged_volumes(container.get("Mounts"))?;
            owner::write(container, owner)?;
        }
        owner::write(&mut self.body, owner)
    }

    pub(crate) fn body(&self) -> &Json {
        &self.body
    }

    pub(crate) fn body_mut(&mut self) -> &mut Json {
        &mut self.body
    }

    /// What a rollback goes back to, which is not what is sent; of another version than the one that is to be changed nothing is
    /// known. `None`: this is no rollback.
    pub(crate) fn rolls_back_to<'a>(&self, now: Option<&'a Json>) -> Option<&'a Json> {
        let version = |now: &Json| match now.get("Version").and_then(|version| version.get("Index")) {
            Some(Json::Number(index)) => self.query.get("version") == Some(index.as_str()),
            _ => false,
        };
        let previous = now.filter(|now| version(now)).and_then(|now| now.get("PreviousSpec"));
        self.rolls_back().then_some(previous.unwrap_or(&Json::Null))
    }

    /// Says what the service runs already. It counts only if the engine will take this change for a change of exactly
    /// that version.
    pub(crate) fn running(&mut self, now: ServiceNow) {
        if self.query.get("version") == Some(now.version.as_str()) {
            self.now = Some(now);
        }
    }

    /// The images this would make run that do not run there already. Scale, restart and reschedule name none.
    pub(crate) fn images(&mut self) -> Vec<String> {
        let mut placed = placed(&mut self.body);
        if self.rolls_back() {
            placed.extend(self.now.iter().flat_map(|now| now.previous.clone()));
        }
        placed.into_iter().filter(|placed| !self.runs_already(placed)).map(|(_, image)| image).collect()
    }

    pub(crate) fn pin(mut self, decided: &Decided) -> Result<Pinned, ImageCallRefused> {
        if matches!(decided, Decided::Enforced(_)) {
            self.check_kind()?;
            self.check_rollback(decided)?;
        }
        let now = self.now.take().unwrap_or_default();
        for (place, image) in places(&mut self.body) {
            if !now.images.contains(&(place, image.clone())) && !image.is_empty() {
                *image = decided.write(image)?;
            }
        }
        let (content_type, body) = json(self.body.to_string());
        Ok(Pinned { segments: self.segments, query: self.query.encoded(), content_type, body })
    }

    fn rolls_back(&self) -> bool {
        self.query.some("rollback").is_some()
    }

    fn runs_already(&self, placed: &Placed) -> bool {
        self.now.as_ref().is_some_and(|now| now.images.contains(placed))
    }

    /// A plugin has no signature, and a task that is no container names its image where nobody looks.
    fn check_kind(&mut self) -> Result<(), ImageCallRefused> {
        let task = self.body.get("TaskTemplate");
        let runtime = task.and_then(|task| task.get("Runtime")?.text()).unwrap_or_default();
        if !matches!(runtime, "" | "container") {
            return Err(ImageCallRefused::Runtime(runtime.chars().take(40).collect()));
        }
        for (key, kind) in [("PluginSpec", "plugin"), ("NetworkAttachmentSpec", "attachment")] {
            if task.and_then(|task| task.get(key)).is_some_and(|spec| !spec.is_null()) {
                return Err(ImageCallRefused::Runtime(kind.to_owned()));
            }
        }
        let image = task.and_then(|task| task.get("ContainerSpec")?.get("Image")?.text());
        if image.is_none_or(str::is_empty) { Err(ImageCallRefused::NoImage) } else { Ok(()) }
    }

    /// The engine rolls back to what it remembers, not to what is sent: so that has to be the signed digest already.
    fn check_rollback(&self, decided: &Decided) -> Result<(), ImageCallRefused> {
        if !self.rolls_back() {
            return Ok(());
        }
        // Without knowing what would run, nothing can be said of it.
        let now = self.now.as_ref().ok_or_else(|| ImageCallRefused::Rollback("an image that is not known".to_owned()))?;
        if !now.previous.iter().any(|(place, _)| place == "image") {
            return Err(ImageCallRefused::Rollback("something that is no container".to_owned()));
        }
        for placed in now.previous.iter().filter(|placed| !self.runs_already(placed)) {
            let (_, image) = placed;
            let same = match decided.pin(image)? {
                None => image.parse().is_ok_and(|exempt: Reference| exempt.digest.is_some()),
                Some(pin) => pin.reference.digest.as_ref() == Some(&pin.digest),
            };
            if !same {
                return Err(ImageCallRefused::Rollback(image.clone()));
            }
        }
        Ok(())
    }
}

impl ServiceNow {
    /// Reads the engine's own description of a service.
    pub(crate) fn read(description: &[u8]) -> Option<Self> {
        let mut description = read(description).ok()?;
        let Json::Number(version) = description.get("Version")?.get("Index")? else { return None };
        let version = version.clone();
        let owner = owner::of(Kind::Service, &description).map(ToOwned::to_owned);
        let images = placed(description.get_mut("Spec")?);
        let previous = description.get_mut("PreviousSpec").map(placed).unwrap_or_default();
        Some(Self { version, images, previous, owner })
    }
}

fn body_of(bytes: &[u8]) -> Result<Json, ImageCallRefused> {
    let body = read(bytes)?;
    SERVICE.check(&body)?;
    Ok(body)
}

fn placed(spec: &mut Json) -> Vec<Placed> {
    let places = places(spec).into_iter().map(|(place, image)| (place, image.clone()));
    places.filter(|(_, image)| !image.is_empty()).collect()
}

fn places(spec: &mut Json) -> Vec<(String, &mut String)> {
    let container = spec.get_mut("TaskTemplate").and_then(|task| task.get_mut("ContainerSpec"));
    let Some(Json::Object(entries)) = container else { return Vec::new() };
    let mut places = Vec::new();
    for (key, value) in entries {
        match (key.as_str(), value) {
            ("Image", Json::Text(image)) => places.push(("image".to_owned(), image)),
            ("Mounts", mounts) => places.extend(mounted(mounts).into_iter().map(|image| ("mount".to_owned(), image))),
            _ => {}
        }
    }
    places
}
