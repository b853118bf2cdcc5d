//! Image references, by the grammar of the reference implementation of the distribution project:
//! `[host[:port]/]path[:tag][@digest]`, with Docker's rule for what is a host.

use std::fmt;
use std::str::FromStr;

use crate::Digest;

/// A registry host in canonical form: lower case, no default port (443), never a scheme or a path.
///
/// `docker.io`, `index.docker.io` and `registry-1.docker.io` are one host, `docker.io`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Host(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HostError {
    #[error("a host is written without a scheme: `{0}`")]
    Scheme(String),
    #[error("a host is written without a path: `{0}`")]
    Path(String),
    #[error("`{0}` is not a host[:port]")]
    Malformed(String),
}

impl Host {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_docker_hub(&self) -> bool {
        self.0 == "docker.io"
    }

    /// As a reference has to name it: with its port where Docker would take the bare name for a namespace of Docker Hub.
    pub fn in_reference(&self) -> String {
        if is_host(&self.0) { self.0.clone() } else { format!("{}:443", self.0) }
    }

    /// The name without its port (an IPv6 address keeps its brackets).
    pub fn name(&self) -> &str {
        match self.0.rfind(':') {
            Some(colon) if !self.0.ends_with(']') => &self.0[..colon],
            _ => &self.0,
        }
    }
}

impl FromStr for Host {
    type Err = HostError;

    fn from_str(text: &str) -> Result<Self, HostError> {
        if let Some((_, rest)) = text.split_once("://") {
            return Err(HostError::Scheme(rest.trim_end_matches('/').to_owned()));
        }
        if let Some((host, _)) = text.split_once('/') {
            return Err(HostError::Path(host.to_owned()));
        }
        let malformed = || HostError::Malformed(text.chars().take(300).collect());
        let (name, port) = split_port(text).ok_or_else(malformed)?;
        if name.is_empty() || name.len() > 253 || !is_host_name(name) {
            return Err(malformed());
        }
        // One trailing dot names the same host (RFC 1034 § 3.1).
        let name = name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
        let port = match port {
            // `u16` would take a sign.
            Some(port) if !port.bytes().all(|byte| byte.is_ascii_digit()) => return Err(malformed()),
            Some(port) => Some(port.parse::<u16>().ok().filter(|port| *port != 0).ok_or_else(malformed)?),
            None => None,
        };
        let canonical = match port {
            None | Some(443) => name,
            Some(port) => format!("{name}:{port}"),
        };
        let hub = matches!(canonical.as_str(), "docker.io" | "index.docker.io" | "registry-1.docker.io");
        Ok(Self(if hub { "docker.io".to_owned() } else { canonical }))
    }
}

fn split_port(text: &str) -> Option<(&str, Option<&str>)> {
    if text.starts_with('[') {
        let end = text.find(']')?;
        let (name, rest) = text.split_at(end + 1);
        return match rest {
            "" => Some((name, None)),
            _ => Some((name, Some(rest.strip_prefix(':')?))),
        };
    }
    Some(match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    })
}

fn is_host_name(name: &str) -> bool {
    if let Some(inner) = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return inner.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    name.split('.').all(|label| {
        let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(inside) && !label.starts_with('-') && !label.ends_with('-')
    })
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A repository's path on its registry, such as `qa/app`: lower-case components joined by `/`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Repository(String);

impl Repository {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first `/`; the whole of it when there is none.
    pub fn namespace(&self) -> &str {
        self.0.split('/').next().unwrap_or_default()
    }
}

impl FromStr for Repository {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        if text.len() > 255 || !text.split('/').all(is_path_component) {
            return Err(ReferenceError::new(text, "a repository path holds lower-case letters, digits and separators"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`
fn is_path_component(component: &str) -> bool {
    let alphanumeric = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = component.as_bytes();
    if !bytes.first().copied().is_some_and(alphanumeric) || !bytes.last().copied().is_some_and(alphanumeric) {
        return false;
    }
    component
        .split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        .all(|separator| matches!(separator, "" | "." | "_" | "__") || separator.bytes().all(|byte| byte == b'-'))
}

/// A tag: `[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Tag(String);

impl Tag {
    pub fn latest() -> Self {
        Self("latest".to_owned())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Tag {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let first = text.bytes().next().is_some_and(word);
        if !first || text.len() > 128 || !text.bytes().all(|byte| word(byte) || byte == b'.' || byte == b'-') {
            return Err(ReferenceError::new(text, "a tag holds up to 128 letters, digits, `_`, `.` and `-`"));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A parsed image reference. At least a tag or a digest may be absent; see [`Reference::tag_or_latest`].
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Reference {
    /// The host in canonical form; `docker.io` when none was written.
    pub host: Host,
    /// The host as it was written, for messages and GUNs (empty when none was written).
    pub host_as_written: String,
    pub repository: Repository,
    pub tag: Option<Tag>,
    pub digest: Option<Digest>,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("invalid reference format: `{text}`: {why}")]
pub struct ReferenceError {
    text: String,
    why: &'static str,
}

impl ReferenceError {
    fn new(text: &str, why: &'static str) -> Self {
        Self { text: text.chars().take(300).collect(), why }
    }
}

impl Reference {
    /// The tag a reference without tag and digest means.
    pub fn tag_or_latest(&self) -> Tag {
        self.tag.clone().unwrap_or_else(Tag::latest)
    }

    /// The name to print: as the person typed it, without the digest (a client may have added it),
    /// with `:latest` made plain.
    pub fn without_digest(&self) -> String {
        match (&self.tag, &self.digest) {
            (None, Some(digest)) => format!("{}@{digest}", self.name()),
            _ => format!("{}:{}", self.name(), self.tag_or_latest()),
        }
    }

    /// Host (as written) and path: what clients use as GUN.
    pub fn name(&self) -> String {
        if self.host_as_written.is_empty() {
            // `library/x/y` is no official image: without its beginning it would be another repository.
            let official = self.repository.as_str().strip_prefix("library/").filter(|image| !image.contains('/'));
            official.unwrap_or(self.repository.as_str()).to_owned()
        } else {
            format!("{}/{}", self.host_as_written, self.repository)
        }
    }

    /// `host/path:tag@digest`: the form that pins this reference to one manifest.
    pub fn pinned(&self, digest: &Digest) -> String {
        match &self.tag {
            None if self.digest.is_some() => format!("{}@{digest}", self.name()),
            _ => format!("{}:{}@{digest}", self.name(), self.tag_or_latest()),
        }
    }

    /// Of the digests an engine got an image by (`host/repository@sha256:…`), the one of this reference's own repository. What
    /// was only tagged, built, loaded or imported under its name has none.
    pub fn digest_among(&self, repo_digests: &[String]) -> Option<Digest> {
        let known = repo_digests.iter().filter_map(|known| Self::from_str(known).ok());
        let mut own = known.filter(|known| known.host == self.host && known.repository == self.repository);
        own.find_map(|known| known.digest)
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let (rest, digest) = match text.split_once('@') {
            Some((rest, digest)) => {
                let digest = digest.parse().map_err(|_| ReferenceError::new(text, "what follows `@` is not a digest"))?;
                (rest, Some(digest))
            }
            None => (text, None),
        };
        let (name, tag) = match rest.rfind(':') {
            Some(colon) if !rest[colon..].contains('/') => (&rest[..colon], Some(rest[colon + 1..].parse()?)),
            _ => (rest, None),
        };
        if digest.is_none() && name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(ReferenceError::new(text, "64 hex digits are an image id, not a name"));
        }
        let (written, path) = split_host(name);
        let host = match written {
            Some(host) => host.parse().map_err(|_| ReferenceError::new(text, "the registry host is malformed"))?,
            None => Host("docker.io".to_owned()),
        };
        let repository: Repository =
            if host.is_docker_hub() && !path.contains('/') { format!("library/{path}").parse()? } else { path.parse()? };
        Ok(Self { host, host_as_written: written.unwrap_or_default().to_owned(), repository, tag, digest })
    }
}

/// The host a name begins with, if it does, and the rest.
pub fn split_host(name: &str) -> (Option<&str>, &str) {
    match name.split_once('/') {
        Some((first, rest)) if is_host(first) => (Some(first), rest),
        _ => (None, name),
    }
}

/// Docker's rule: the first component is a host iff it holds `.` or `:`, is `localhost`, or has an upper-case letter.
fn is_host(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Reference {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn the_parts_of_a_reference_are_found() {
        let digest = Digest::sha256(b"x");
        let full = parse(&format!("dtr.test:5400/qa/app:v1@{digest}"));
        assert_eq!(full.host.as_str(), "dtr.test:5400");
        assert_eq!(full.repository.as_str(), "qa/app");
        assert_eq!(full.tag.as_ref().unwrap().as_str(), "v1");
        assert_eq!(full.digest, Some(digest.clone()));
        assert_eq!(full.without_digest(), "dtr.test:5400/qa/app:v1");
        assert_eq!(parse("localhost:5000/app").tag_or_latest().as_str(), "latest");
        assert_eq!(parse("dtr.test/a/b").pinned(&digest), format!("dtr.test/a/b:latest@{digest}"));
        assert_eq!(parse("busybox").host.as_str(), "docker.io");
        assert_eq!(parse("busybox").repository.as_str(), "library/busybox");
        assert_eq!(parse("busybox").without_digest(), "busybox:latest");
        assert_eq!(parse("library/x/y").without_digest(), "library/x/y:latest", "which is not `x/y`");
        assert_eq!(parse("index.docker.io/library/busybox").host.as_str(), "docker.io");
    }

    #[test]
    fn host_aliases_have_one_canonical_form() {
        for alias in ["dtr.test", "DTR.test", "dtr.test:443", "dtr.test.", "Dtr.Test.:443"] {
            assert_eq!(alias.parse::<Host>().unwrap().as_str(), "dtr.test", "{alias}");
        }
        assert_eq!("[::1]:5000".parse::<Host>().unwrap().as_str(), "[::1]:5000");
        assert_eq!("[::1]:5000".parse::<Host>().unwrap().name(), "[::1]");
    }

    #[test]
    fn a_trusted_host_inside_the_path_is_not_the_host() {
        assert_eq!(parse("evil.io/x/dtr.example.com/app").host.as_str(), "evil.io");
        assert_eq!(parse("x/dtr.example.com/app").host.as_str(), "docker.io");
    }

    #[test]
    fn what_is_not_a_reference_is_refused() {
        let id = "a".repeat(64);
        for bad in [
            "",
            ":v1",
            "a:",
            "Ünï",
            "dtr.test/UPPER",
            "a@sha256:12",
            "a b",
            "dtr.test/",
            "dtr.test//a",
            "a/../b",
            "a/-b",
            id.as_str(),
            "dtr.test:99999/a",
            "dtr.test:+443/a",
            "https://dtr.test/a",
            "-dtr.test/a:v1",
        ] {
            assert!(bad.parse::<Reference>().is_err(), "{bad:?}");
        }
        assert!("https://dtr.test".parse::<Host>().is_err());
        assert!("dtr.test/x".parse::<Host>().is_err());
        assert!("dtr test".parse::<Host>().is_err());
    }
}
