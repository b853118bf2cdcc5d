//! What a request wants: which call of the engine's API it is, what that call carries, and what it needs.

pub mod table;

mod path;
mod verdict;
mod version;

pub use path::PathRefused;
pub use verdict::Verdict;
pub use version::{ApiVersion, NotAVersion};

pub(crate) use path::{Path, encode};

use http::Method;
use thiserror::Error;
use wharfinger_auth::Need;

/// What a call carries, and so how it travels.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Carries {
    /// Nothing that could make an image run: it streams through untouched.
    Nothing,
    /// Answered without a login: clients ask it before anything else.
    Ping,
    /// The answer names the API version, which is that of the door.
    Version,
    /// The connection becomes a stream both ways.
    Hijack,
    /// Names of images: parsed in full, decided, rewritten.
    Image(ImageCall),
    /// No image, but what says whose something is or what it reaches: parsed in full and written anew.
    Document(Document),
    /// Runs code that nobody signed.
    Build,
    /// The stream of a build's client, in which no proxy sees the images.
    BuildTunnel,
    /// Brings a plugin, which has no signature.
    Plugin,
}

/// The calls that name images.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ImageCall {
    ContainerCreate,
    Pull,
    Distribution,
    ServiceCreate,
    ServiceUpdate,
}

/// The calls that are read in full though they name no image.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Document {
    VolumeCreate,
    NetworkCreate,
    NetworkConnect,
    NetworkDisconnect,
    SecretCreate,
    SecretUpdate,
    ConfigCreate,
    ConfigUpdate,
    ContainerStart,
    ContainerRename,
    ContainerUpdate,
    ExecCreate,
    Commit,
}

impl Document {
    pub const ALL: [Self; 13] = [
        Self::VolumeCreate,
        Self::NetworkCreate,
        Self::NetworkConnect,
        Self::NetworkDisconnect,
        Self::SecretCreate,
        Self::SecretUpdate,
        Self::ConfigCreate,
        Self::ConfigUpdate,
        Self::ContainerStart,
        Self::ContainerRename,
        Self::ContainerUpdate,
        Self::ExecCreate,
        Self::Commit,
    ];
}

/// What somebody can own, and what belongs to such a thing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Container,
    /// Its container's.
    Exec,
    Network,
    Volume,
    Service,
    /// Its service's.
    Task,
    Secret,
    Config,
    /// Everybody's: who may pull it may use it, and only full control gives names.
    Image,
    /// Its container's; others are shown with full control.
    Event,
    /// Nobody's, and shown in full only to those who place workloads.
    Node,
}

impl Kind {
    /// As people say it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Container => "container",
            Self::Exec => "exec instance",
            Self::Network => "network",
            Self::Volume => "volume",
            Self::Service => "service",
            Self::Task => "task",
            Self::Secret => "secret",
            Self::Config => "config",
            Self::Image => "image",
            Self::Event => "event",
            Self::Node => "node",
        }
    }
}

/// What a call is about, for those who reach only what is theirs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum About {
    /// Nothing that has an owner.
    Nothing,
    /// All of a kind: they get their part.
    List(Kind),
    /// The one that is named: it has to be theirs.
    One(Kind),
    /// The one that is named, and what is asked of it or goes on in it: theirs, and within the limits.
    Inside(Kind),
    /// A new one: it becomes theirs, within the limits.
    New(Kind),
}

/// One call of the engine's API, in one spelling.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: Method,
    /// The version in the path, if there was one.
    pub version: Option<ApiVersion>,
    pub carries: Carries,
    /// What its caller needs; `None`: not even a login.
    pub need: Option<Need>,
    pub about: About,
    /// The line of the table, for the log.
    pub pattern: &'static str,
    /// What stands in the first place of the pattern: the container, image, service.
    pub name: Option<String>,
    path: Path,
}

#[derive(Debug, PartialEq, Eq, Error)]
pub enum CallRefused {
    #[error(transparent)]
    Path(#[from] PathRefused),
    #[error("{method} /{path} is not a call of the engine's API that is let through here")]
    Unknown { method: Method, path: String },
    #[error("client version {asked} is too new. Maximum supported API version is {newest}")]
    TooNew { asked: ApiVersion, newest: ApiVersion },
    #[error(
        "client version {asked} is too old. Minimum supported API version is {}, please upgrade your client to a newer version",
        ApiVersion::OLDEST
    )]
    TooOld { asked: ApiVersion },
}

impl Call {
    /// Finds the call in the table.
    pub fn parse(method: &Method, path: &str) -> Result<Self, CallRefused> {
        let path = Path::parse(path)?;
        let (route, name) = table::find(method, &path.segments).ok_or_else(|| CallRefused::Unknown {
            method: method.clone(),
            path: path.segments.join("/").chars().take(200).collect(),
        })?;
        let Path { version, .. } = path;
        Ok(Self {
            method: method.clone(),
            version,
            carries: route.carries,
            need: route.need,
            about: route.about,
            pattern: route.pattern,
            name,
            path,
        })
    }

    /// The version the call is to be read by, given the newest that engine and table both know. A call without a version
    /// would be read by the engine's newest, which may be newer than the table: so one is always named.
    pub fn effective_version(&self, newest: ApiVersion) -> Result<ApiVersion, CallRefused> {
        let Some(asked) = self.version else { return Ok(newest) };
        if asked > newest {
            return Err(CallRefused::TooNew { asked, newest });
        }
        if asked < ApiVersion::OLDEST {
            return Err(CallRefused::TooOld { asked });
        }
        Ok(asked)
    }

    /// Names the same thing by its id, which nobody can give to another one meanwhile.
    pub(crate) fn rename(&mut self, id: &str) {
        let place = self.pattern.trim_start_matches('/').split('/').position(|part| part.starts_with('{'));
        if let Some(segment) = place.and_then(|place| self.path.segments.get_mut(place)) {
            id.clone_into(segment);
            self.name = Some(id.to_owned());
        }
    }

    /// The path as it is forwarded.
    pub(crate) fn path(&self, version: ApiVersion) -> String {
        self.path.encoded(version)
    }
}

#[cfg(test)]
mod tests;
