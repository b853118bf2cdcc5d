//! What a form of ours sent: from our own origin, with the token of the visitor's session.

use std::sync::Arc;

use axum::Form;
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use http::StatusCode;
use http::request::Parts;
use wharfinger_auth::Need;
use wharfinger_transport::whole_body;

use crate::entrance::Entrance;
use crate::error::Refused;
use crate::visitor::{Visitor, sent_by_our_own_page};

/// A configuration with a few hundred CA bundles, percent-encoded; more is no form.
const LONGEST: usize = 8 * 1024 * 1024;

/// The fields of a form or of an address, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl From<Vec<(String, String)>> for Fields {
    fn from(fields: Vec<(String, String)>) -> Self {
        Self(fields)
    }
}

impl Fields {
    pub(crate) async fn read(parts: Parts, body: Body, longest: usize) -> Result<Self, Refused> {
        let bytes =
            whole_body(body, longest).await.map_err(|error| Refused::page(StatusCode::PAYLOAD_TOO_LARGE, error.to_string()))?;
        let request = Request::from_parts(parts, Body::from(bytes));
        let read = Form::<Vec<(String, String)>>::from_request(request, &()).await;
        let Form(fields) = read.map_err(|error| Refused::page(error.status(), error.body_text()))?;
        // Browsers send lines as CR LF, which a certificate or a file never had.
        Ok(Self(fields.into_iter().map(|(name, value)| (name, value.replace("\r\n", "\n"))).collect()))
    }

    /// A form as it is before anybody typed.
    pub(crate) fn of<'a>(fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[cfg(feature = "fuzzing")]
    pub(crate) fn into_pairs(self) -> Vec<(String, String)> {
        self.0
    }

    /// The first of that name, without spaces around it; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The first of that name exactly as it was typed: a password, a file.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// What stands in a field of the form that `act` sends: what was just typed there, else what is stored.
    pub(crate) fn kept<'text>(&'text self, act: &str, name: &str, stored: &'text str) -> &'text str {
        if self.text("do") == act { self.text(name) } else { stored }
    }

    pub(crate) fn all(&self, name: &str) -> Vec<String> {
        self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone()).collect()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn checked(&self, name: &str) -> bool {
        !self.raw(name).is_empty()
    }
}

/// A form and who sent it.
pub(crate) struct Posted {
    pub(crate) visitor: Visitor,
    pub(crate) fields: Fields,
}

impl<E: Entrance> FromRequest<Arc<E>> for Posted {
    type Rejection = Refused;

    async fn from_request(request: Request, house: &Arc<E>) -> Result<Self, Refused> {
        let (parts, body) = request.into_parts();
        sent_by_our_own_page(&parts)?;
        let visitor = Visitor::find(&parts, &**house).await?.ok_or(Refused::SignIn { next: None })?;
        let fields = Fields::read(parts, body, LONGEST).await?;
        if !visitor.token.matches(fields.raw("token")) {
            let why = "this form was made for another session, for example before you signed in again: go back, load the page anew, \
                       and send it from there";
            return Err(Refused::forbidden(why));
        }
        Ok(Self { visitor, fields })
    }
}

/// A form that an administrator sent.
pub(crate) struct PostedByAdmin(pub(crate) Posted);

impl<E: Entrance> FromRequest<Arc<E>> for PostedByAdmin {
    type Rejection = Refused;

    async fn from_request(request: Request, house: &Arc<E>) -> Result<Self, Refused> {
        let posted = Posted::from_request(request, house).await?;
        posted.visitor.must(Need::Admin)?;
        Ok(Self(posted))
    }
}
