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

/// Where the image of the container itself stands.
const IMAGE: &str = "image";

/// What a service runs, as the engine says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct ServiceNow {
    pub(crate) id: String,
    /// The index of its version: a change has to name it, or the engine refuses the change.
    pub(crate) version: String,
    pub(crate) images: Vec<Placed>,
    /// What a rollback would run.
    pub(crate) previous: Vec<Placed>,
    /// Whose it is.
    pub(crate) owner: Option<String>,
    /// What names exactly the image it ran when the policy came, if it names one by a tag alone and that is on record.
    pub(crate) ran: Option<String>,
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

    /// The images this could make run that do not run there already. Scale, restart and reschedule name none.
    pub(crate) fn images(&mut self) -> Vec<String> {
        let mut placed = placed(&mut self.body);
        placed.retain(|placed| self.kept(placed).is_none());
        if self.rolls_back() {
            placed.extend(self.rolled_back_to());
        }
        placed.extend(self.left_behind().into_iter().filter(|(_, image)| names_one(image)));
        placed.into_iter().map(|(_, image)| image).collect()
    }

    /// Whether it leaves an image as it is of which nobody knows what it means: neither its name nor the record says so.
    pub(crate) fn keeps_by_name_alone(&mut self) -> bool {
        let placed = placed(&mut self.body);
        placed.iter().any(|placed| self.runs_already(placed) && self.kept(placed).is_none())
    }

    pub(crate) fn pin(mut self, decided: &Decided) -> Result<Pinned, ImageCallRefused> {
        if matches!(decided, Decided::Enforced(_)) {
            self.check_kind()?;
            self.check_rollback(decided)?;
            self.check_return(decided)?;
            self.write(decided)?;
        }
        let (content_type, body) = json(self.body.to_string());
        Ok(Pinned { segments: self.segments, query: self.query.encoded(), content_type, body })
    }

    fn write(&mut self, decided: &Decided) -> Result<(), ImageCallRefused> {
        let mut body = std::mem::replace(&mut self.body, Json::Null);
        for (place, image) in places(&mut body) {
            if image.is_empty() {
                continue;
            }
            *image = match self.kept(&(place, image.clone())) {
                Some(same) => same,
                None => decided.write(image)?,
            };
        }
        self.body = body;
        Ok(())
    }

    /// What stands for an image that the service runs already, so that it goes on with exactly that one.
    fn kept(&self, placed: &Placed) -> Option<String> {
        if !self.runs_already(placed) {
            return None;
        }
        let (place, image) = placed;
        if names_one(image) {
            return Some(image.clone());
        }
        // What a tag means can have changed since.
        self.now.as_ref().filter(|_| place == IMAGE).and_then(|now| now.ran.clone())
    }

    /// What a rollback would run and does not run already.
    fn rolled_back_to(&self) -> Vec<Placed> {
        let previous = self.now.iter().flat_map(|now| &now.previous);
        previous.filter(|placed| !(self.runs_already(placed) && names_one(&placed.1))).cloned().collect()
    }

    /// What the engine would return to if the update failed, where that is something else than what is sent.
    fn left_behind(&mut self) -> Vec<Placed> {
        let action = self.body.get("UpdateConfig").and_then(|update| update.get("FailureAction")?.text());
        if action != Some("rollback") || self.rolls_back() {
            return Vec::new();
        }
        let sent = placed(&mut self.body);
        let now = self.now.iter().flat_map(|now| &now.images);
        now.filter(|running| !(sent.contains(running) && names_one(&running.1))).cloned().collect()
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
        if !now.previous.iter().any(|(place, _)| place == IMAGE) {
            return Err(ImageCallRefused::Rollback("something that is no container".to_owned()));
        }
        for (_, image) in self.rolled_back_to() {
            if !names_one(&image) || !is_decided_as_it_stands(decided, &image)? {
                return Err(ImageCallRefused::Rollback(image));
            }
        }
        Ok(())
    }

    /// The same for an update that is to be undone by the engine itself when it fails.
    fn check_return(&mut self, decided: &Decided) -> Result<(), ImageCallRefused> {
        for (_, image) in self.left_behind() {
            if !names_one(&image) || !is_decided_as_it_stands(decided, &image)? {
                return Err(ImageCallRefused::Return(image));
            }
        }
        Ok(())
    }
}

/// Whether the digest in `image` is the one that was decided.
fn is_decided_as_it_stands(decided: &Decided, image: &str) -> Result<bool, ImageCallRefused> {
    Ok(match decided.pin(image)? {
        None => image.parse().is_ok_and(|exempt: Reference| exempt.digest.is_some()),
        Some(pin) => pin.reference.digest.as_ref() == Some(&pin.digest),
    })
}

/// Whether `image` means one image for good: by a digest, or by a whole id.
fn names_one(image: &str) -> bool {
    let id = image.strip_prefix("sha256:").is_some_and(|id| id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()));
    id || image.parse().is_ok_and(|reference: Reference| reference.digest.is_some())
}

impl ServiceNow {
    /// Reads the engine's own description of a service.
    pub(crate) fn read(description: &[u8]) -> Option<Self> {
        let mut description = read(description).ok()?;
        let Json::Number(version) = description.get("Version")?.get("Index")? else { return None };
        let (version, id) = (version.clone(), description.get("ID").and_then(Json::text).unwrap_or_default().to_owned());
        let owner = owner::of(Kind::Service, &description).map(ToOwned::to_owned);
        let images = placed(description.get_mut("Spec")?);
        let previous = description.get_mut("PreviousSpec").map(placed).unwrap_or_default();
        Some(Self { id, version, images, previous, owner, ran: None })
    }

    /// The image that the service names by a tag alone, if it does.
    pub(crate) fn by_name_alone(&self) -> Option<&str> {
        let image = self.images.iter().find(|(place, _)| place == IMAGE);
        image.map(|(_, image)| image.as_str()).filter(|image| !names_one(image))
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
            ("Image", Json::Text(image)) => places.push((IMAGE.to_owned(), image)),
            ("Mounts", mounts) => places.extend(mounted(mounts).into_iter().map(|image| ("mount".to_owned(), image))),
            _ => {}
        }
    }
    places
}
