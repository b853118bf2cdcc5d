//! `GET /distribution/{name}/json`: what a tag means at its registry. The docker client pins services to the answer.

use axum::body::Body;

use super::{Decided, ImageCallRefused, Pinned};
use crate::query::Query;

pub(crate) struct Distribution {
    image: String,
}

impl Distribution {
    pub(crate) fn parse(query: Option<&str>, name: &str) -> Result<Self, ImageCallRefused> {
        Query::parse(query, &[], &[])?;
        Ok(Self { image: name.to_owned() })
    }

    pub(crate) fn images(&self) -> Vec<String> {
        vec![self.image.clone()]
    }

    pub(crate) fn pin(self, decided: &Decided) -> Result<Pinned, ImageCallRefused> {
        let name = match decided.pin(&self.image)? {
            Some(pin) => format!("{}@{}", pin.reference.name(), pin.digest),
            None => self.image,
        };
        let mut segments = vec!["distribution".to_owned()];
        segments.extend(name.split('/').map(ToOwned::to_owned));
        segments.push("json".to_owned());
        Ok(Pinned { segments, query: String::new(), content_type: None, body: Body::empty() })
    }
}
