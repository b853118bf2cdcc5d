//! `POST /images/create`: a pull, or the import of an archive.

use std::str::FromStr as _;

use axum::body::Body;
use http::HeaderValue;
use wharfinger_oci::{Digest, Reference};

use super::{Decided, ImageCallRefused, Pinned};
use crate::query::Query;

pub(crate) struct Pull {
    query: Query,
    /// The reference that is pulled; `None` for an import.
    image: Option<String>,
    all_tags: bool,
}

/// What is left to do when the engine has pulled a digest: give it the tag that was asked for, as the stock client's own
/// trusted pull does.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct TagAfterwards {
    /// `host/repo@sha256:…`
    pub(crate) source: String,
    pub(crate) repository: String,
    pub(crate) tag: String,
}

impl Pull {
    pub(crate) fn parse(query: Option<&str>) -> Result<Self, ImageCallRefused> {
        let query = Query::parse(query, &["fromImage", "fromSrc", "repo", "tag", "message", "platform"], &["changes"])?;
        let (image, all_tags) = match (query.some("fromImage"), query.some("fromSrc")) {
            (Some(_), Some(_)) => return Err(ImageCallRefused::TwoSources),
            (None, None) => return Err(ImageCallRefused::NoImage),
            (None, Some(_)) => (None, false),
            (Some(image), None) => {
                let parsed = Reference::from_str(image).ok();
                let named = parsed.is_some_and(|parsed| parsed.tag.is_some() || parsed.digest.is_some());
                match query.some("tag") {
                    Some(_) if named => return Err(ImageCallRefused::TwoTags),
                    Some(tag) => {
                        let separator = if Digest::from_str(tag).is_ok() { '@' } else { ':' };
                        (Some(format!("{image}{separator}{tag}")), false)
                    }
                    None => (Some(image.to_owned()), !named),
                }
            }
        };
        Ok(Self { query, image, all_tags })
    }

    pub(crate) fn is_import(&self) -> bool {
        self.image.is_none()
    }

    /// All tags of a repository cannot be pinned.
    pub(crate) fn check(&self, enforcing: bool) -> Result<(), ImageCallRefused> {
        match &self.image {
            Some(image) if self.all_tags && enforcing => Err(ImageCallRefused::AllTags(image.clone())),
            _ => Ok(()),
        }
    }

    pub(crate) fn images(&self) -> Vec<String> {
        self.image.iter().cloned().collect()
    }

    /// An import carries its archive; a pull has no body: the engine would read a form in it.
    pub(crate) fn pin(mut self, decided: &Decided, body: Body) -> Result<(Pinned, Option<TagAfterwards>), ImageCallRefused> {
        let segments = vec!["images".to_owned(), "create".to_owned()];
        let Some(image) = self.image.clone() else {
            let content_type = Some(HeaderValue::from_static("application/x-tar"));
            return Ok((Pinned { segments, query: self.query.encoded(), content_type, body }, None));
        };
        self.check(matches!(decided, Decided::Enforced(_)))?;
        let mut afterwards = None;
        if let Some(pin) = decided.pin(&image)? {
            let repository = pin.reference.name();
            self.query.set("fromImage", repository.clone());
            self.query.set("tag", pin.digest.to_string());
            afterwards = pin.reference.tag.as_ref().map(|tag| TagAfterwards {
                source: format!("{repository}@{}", pin.digest),
                repository,
                tag: tag.to_string(),
            });
        }
        Ok((Pinned { segments, query: self.query.encoded(), content_type: None, body: Body::empty() }, afterwards))
    }
}
