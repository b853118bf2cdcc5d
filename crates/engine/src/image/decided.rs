//! What the gate said of the images of one call.

use std::str::FromStr as _;

use wharfinger_gate::{Admitted, Pin, SignedPin};
use wharfinger_oci::Reference;

use super::ImageCallRefused;

/// The outcome for every image of a call.
pub(crate) enum Decided {
    /// *Run only signed images* is off: every image as it was asked for.
    Unenforced,
    Enforced(Vec<Decision>),
}

/// What the gate said of one image.
pub(crate) struct Decision {
    pub(crate) admitted: Admitted,
    /// Of an image that is exempt: what its registry has under that name, by digest. None where the registry is asked by the
    /// call itself.
    pub(crate) exempt: Option<String>,
}

impl Decided {
    /// What has to stand where `image` stood.
    pub(super) fn write(&self, image: &str) -> Result<String, ImageCallRefused> {
        let Self::Enforced(decisions) = self else { return Ok(image.to_owned()) };
        match find(decisions, image)? {
            (Pin::Signed(pin), _) => Ok(pin.pinned.clone()),
            (Pin::Exempt(_) | Pin::Unenforced, Some(exempt)) => Ok(exempt.clone()),
            (Pin::Exempt(_) | Pin::Unenforced, None) => Err(ImageCallRefused::Undecided(image.to_owned())),
        }
    }

    /// The signed digest of `image`; `None` where the policy does not ask.
    pub(super) fn pin(&self, image: &str) -> Result<Option<&SignedPin>, ImageCallRefused> {
        let Self::Enforced(decisions) = self else { return Ok(None) };
        match find(decisions, image)?.0 {
            Pin::Signed(pin) => Ok(Some(pin)),
            Pin::Exempt(_) | Pin::Unenforced => Ok(None),
        }
    }
}

fn find<'a>(decisions: &'a [Decision], image: &str) -> Result<(&'a Pin, Option<&'a String>), ImageCallRefused> {
    let found = decisions.iter().find_map(|decision| Some((decision.admitted.pin(image)?, decision.exempt.as_ref())));
    found.ok_or_else(|| ImageCallRefused::Undecided(image.to_owned()))
}

/// How an image was named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Asked {
    /// With the host of its registry: it means the same everywhere.
    ByName,
    /// By id, or by a name without a host: what it means, the engine says.
    Locally,
}

/// A name without a host may be an image that was built, loaded, imported or tagged on this engine, or an id's beginning.
pub(crate) fn asked(image: &str) -> Asked {
    match Reference::from_str(image) {
        Ok(reference) if reference.host_as_written.is_empty() => Asked::Locally,
        Err(_) if is_id(image) => Asked::Locally,
        // What is no reference at all the gate refuses as malformed.
        _ => Asked::ByName,
    }
}

fn is_id(image: &str) -> bool {
    let digits = image.strip_prefix("sha256:").unwrap_or(image);
    (1..=64).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_names_without_a_host_are_asked_of_the_engine() {
        let id = "a".repeat(64);
        for local in ["busybox", "busybox:1", "qa/app", "3f57d9401f8d", &id, &format!("sha256:{id}"), "sha256:abc"] {
            assert_eq!(asked(local), Asked::Locally, "{local}");
        }
        for named in
            ["dtr.test/qa/app", "localhost/app", "localhost:5443/app@sha256:x", "docker.io/library/busybox", "UPPER/x", ""]
        {
            assert_eq!(asked(named), Asked::ByName, "{named}");
        }
    }
}
