//! Doors for whoever throws bytes at this room's readers. Only with the feature `fuzzing`, which the product is built without.

use axum::body::Body;
use futures_util::FutureExt as _;
use http::{Request, header};

use crate::entrance::Site;
use crate::pages::login;
use crate::posted::Fields;

/// A form: its fields as they are read, if it is one.
pub fn form(content_type: &str, bytes: &[u8]) -> Option<Vec<(String, String)>> {
    let request = Request::post("/").header(header::CONTENT_TYPE, content_type).body(()).ok()?;
    // All of it is there: nothing is waited for.
    let read = Fields::read(request.into_parts().0, Body::from(bytes.to_vec()), bytes.len()).now_or_never()?;
    read.ok().map(Fields::into_pairs)
}

/// Where somebody is led who signed in and asked for `next`: in each console to a page of its own.
pub fn next(next: &str) {
    for site in [Site::Cluster, Site::Registry] {
        let place = login::place(site, next);
        let path = place.split('?').next().unwrap_or_default();
        assert!(site.has(path), "{next:?} leads to {place:?}");
        let leads_out =
            place.starts_with("//") || place.contains('\\') || place.chars().any(|c| c.is_control() || c.is_whitespace());
        assert!(!leads_out, "{next:?} leads to {place:?}");
        assert_eq!(login::place(site, &place), place, "what is asked for again leads elsewhere");
    }
}
