//! The stylesheet and the module, from the binary itself, under names that hold their hash: once fetched, they are kept for good.
//!
//! They are sent compressed. Pages are not, on purpose: a page holds what is secret (the token of its forms, names of private
//! repositories) beside what an address can put there (`?find=`), and how well the two compress together would tell one from the
//! other to whoever makes a browser ask and watches the length of the answers (BREACH). Pages are short instead.

use std::io::Write as _;
use std::sync::LazyLock;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};

/// What every page is fetched with.
struct Asset {
    path: String,
    kind: &'static str,
    content: &'static str,
    /// The same, compressed; empty if that could not be done.
    gzip: Vec<u8>,
}

static STYLESHEET: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_str!("../assets/console.css"), "css", "text/css; charset=utf-8"));
static MODULE: LazyLock<Asset> =
    LazyLock::new(|| Asset::new(include_str!("../assets/console.js"), "js", "text/javascript; charset=utf-8"));

pub(crate) fn stylesheet() -> &'static str {
    &STYLESHEET.path
}

pub(crate) fn module() -> &'static str {
    &MODULE.path
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(stylesheet(), get(async |headers: HeaderMap| STYLESHEET.served(&headers)))
        .route(module(), get(async |headers: HeaderMap| MODULE.served(&headers)))
}

impl Asset {
    fn new(content: &'static str, extension: &str, kind: &'static str) -> Self {
        let hash = hex::encode(&Sha256::digest(content)[..8]);
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let gzip = gzip.write_all(content.as_bytes()).and_then(|()| gzip.finish()).unwrap_or_default();
        Self { path: format!("/manage/assets/console-{hash}.{extension}"), kind, content, gzip }
    }

    fn served(&'static self, asked: &HeaderMap) -> Response {
        let headers = [
            (header::CONTENT_TYPE, self.kind),
            (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
            (header::VARY, "accept-encoding"),
        ];
        if self.gzip.is_empty() || !takes_gzip(asked) {
            return (headers, self.content).into_response();
        }
        let mut response = (headers, self.gzip.as_slice()).into_response();
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        response
    }
}

/// RFC 9110 § 12.5.3, as far as browsers write it. Who says it otherwise gets it as it is, which everybody takes.
fn takes_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| coding.trim().eq_ignore_ascii_case("gzip"))
}
