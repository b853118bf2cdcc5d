//! `GET|POST /auth/token`, as docker's token specification has them: Basic, an identity token, or nobody at all.

use std::sync::Arc;

use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::{HeaderMap, StatusCode, header};
use serde_json::{Map, Value};
use time::format_description::well_known::Rfc3339;
use wharfinger_auth::{Grant, Secret, TokenError, TokenRequest, TokenService};

use crate::caller::{From, Shown, credentials};
use crate::error::ApiError;
use crate::routes::with_bounded_bodies;

/// A form of a token request is a few lines.
const LONGEST_FORM: usize = 64 * 1024;

type Fields = Vec<(String, String)>;

pub fn token_routes(tokens: Arc<TokenService>) -> Router {
    with_bounded_bodies(Router::new().route("/auth/token", get(by_get).post(by_post)), LONGEST_FORM).with_state(tokens)
}

fn field(fields: &Fields, name: &str) -> Option<String> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
}

fn scopes(fields: Fields) -> Vec<String> {
    fields.into_iter().filter(|(field, _)| field == "scope").map(|(_, value)| value).collect()
}

async fn by_get(
    State(tokens): State<Arc<TokenService>>,
    From(from): From,
    headers: HeaderMap,
    Query(fields): Query<Fields>,
) -> Response {
    let grant = match credentials(&headers) {
        Ok(Shown::Nothing) => Grant::Anonymous,
        Ok(Shown::Password { username, password }) => Grant::Password { username, password },
        // A token is what is asked for here; it proves nothing.
        Ok(Shown::Bearer(_)) | Err(_) => return refused(TokenError::WrongCredentials),
    };
    let offline = field(&fields, "offline_token").is_some_and(|value| matches!(value.as_str(), "true" | "1"));
    let request = TokenRequest { grant, service: field(&fields, "service"), offline, from, scopes: scopes(fields) };
    answer(&tokens, request).await
}

async fn by_post(State(tokens): State<Arc<TokenService>>, From(from): From, Form(fields): Form<Fields>) -> Response {
    let missing = |name: &str| ApiError::invalid(name, format!("`{name}` is missing")).into_response();
    let grant = match field(&fields, "grant_type").as_deref() {
        Some("refresh_token") => match field(&fields, "refresh_token") {
            Some(token) => Grant::RefreshToken(Secret::new(token)),
            None => return missing("refresh_token"),
        },
        Some("password") => match (field(&fields, "username"), field(&fields, "password")) {
            (Some(username), Some(password)) => Grant::Password { username, password: Secret::new(password) },
            (None, _) => return missing("username"),
            (_, None) => return missing("password"),
        },
        _ => return ApiError::invalid("grant_type", "`refresh_token` or `password`").into_response(),
    };
    let offline = field(&fields, "access_type").as_deref() == Some("offline");
    let request = TokenRequest { grant, service: field(&fields, "service"), offline, from, scopes: scopes(fields) };
    answer(&tokens, request).await
}

async fn answer(tokens: &TokenService, request: TokenRequest) -> Response {
    let answer = match tokens.answer(request).await {
        Ok(answer) => answer,
        Err(error) => return refused(error),
    };
    let token = answer.token.reveal();
    let mut fields = Map::new();
    fields.insert("token".to_owned(), token.into());
    fields.insert("access_token".to_owned(), token.into());
    fields.insert("expires_in".to_owned(), answer.expires_in.whole_seconds().into());
    if let Ok(issued_at) = answer.issued_at.replace_nanosecond(0).unwrap_or(answer.issued_at).format(&Rfc3339) {
        fields.insert("issued_at".to_owned(), issued_at.into());
    }
    if let Some(refresh) = answer.refresh_token {
        fields.insert("refresh_token".to_owned(), refresh.reveal().into());
    }
    ([(header::CACHE_CONTROL, "no-store")], Json(Value::Object(fields))).into_response()
}

fn refused(error: TokenError) -> Response {
    let mut response = ApiError::from(error).into_response();
    if response.status() == StatusCode::UNAUTHORIZED {
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, header::HeaderValue::from_static("Basic realm=\"token service\""));
    }
    response
}
