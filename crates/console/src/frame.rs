//! What both consoles have around their pages: signing in and out, the stylesheet and the module, and what a browser is told
//! about every answer.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::middleware::map_response_with_state;
use axum::response::{Redirect, Response};
use axum::routing::{get, post};
use http::{HeaderValue, StatusCode, header};

use crate::assets;
use crate::entrance::Entrance;
use crate::error::{Refused, Wrong};
use crate::pages::login;

/// No script, style, frame or form target but our own.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; \
                                       connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// The whole console: its own pages, and around them what each console has. `/` leads to its first page.
pub(crate) fn framed<E: Entrance>(pages: Router<Arc<E>>, house: E) -> Router {
    let house = Arc::new(house);
    pages
        .route("/", get(async || Redirect::to(E::SITE.home())))
        .route("/manage/login", get(login::show::<E>).post(login::sign_in::<E>))
        .route("/manage/logout", post(login::sign_out::<E>))
        .merge(assets::routes())
        .layer(map_response_with_state(house.clone(), guarded::<E>))
        .with_state(house)
}

pub(crate) async fn nowhere() -> Refused {
    Refused::page(StatusCode::NOT_FOUND, "there is no such page in this console: start from its first page")
}

/// What went wrong becomes a page of this console; and what a browser is told about every answer.
async fn guarded<E: Entrance>(State(house): State<Arc<E>>, mut response: Response) -> Response {
    if let Some(wrong) = response.extensions_mut().remove::<Wrong>() {
        response = wrong.shown(&*house, response);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // With `no-referrer`, browsers say `Origin: null` with forms, which is no word of where they come from. Elsewhere nothing is told.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-opener-policy", HeaderValue::from_static("same-origin"));
    headers.insert("cross-origin-resource-policy", HeaderValue::from_static("same-origin"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
