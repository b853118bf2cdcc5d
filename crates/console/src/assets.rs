//! The stylesheet and the module, from the binary itself, under names that hold their hash: once fetched, they are kept for good.

use std::sync::LazyLock;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::header;
use sha2::{Digest as _, Sha256};

const STYLESHEET: &str = include_str!("../assets/console.css");
const MODULE: &str = include_str!("../assets/console.js");

static STYLESHEET_PATH: LazyLock<String> = LazyLock::new(|| path(STYLESHEET, "css"));
static MODULE_PATH: LazyLock<String> = LazyLock::new(|| path(MODULE, "js"));

fn path(content: &str, extension: &str) -> String {
    let hash = hex::encode(&Sha256::digest(content)[..8]);
    format!("/manage/assets/console-{hash}.{extension}")
}

pub(crate) fn stylesheet() -> &'static str {
    &STYLESHEET_PATH
}

pub(crate) fn module() -> &'static str {
    &MODULE_PATH
}

pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route(stylesheet(), get(async || served(STYLESHEET, "text/css; charset=utf-8")))
        .route(module(), get(async || served(MODULE, "text/javascript; charset=utf-8")))
}

fn served(content: &'static str, kind: &'static str) -> Response {
    let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=31536000, immutable")];
    (headers, content).into_response()
}
