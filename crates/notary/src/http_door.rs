//! Extract, call, respond.

use axum::body::Body;
use http::header::{AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, LAST_MODIFIED};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use time::OffsetDateTime;
use time::macros::format_description;
use wharfinger_oci::Repository;
use wharfinger_storage::collections::StoredFile;
use wharfinger_transport::Peer;
use wharfinger_tuf::Gun;

use crate::error::Refusal;
use crate::routes::{Route, Which, route};
use crate::{Grant, Need, Notary, upload};

impl Notary {
    /// Answers any request whose path is `/v2/_trust/…` or `/v2/<gun>/_trust/…`.
    pub async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let answer = self.answer(request).await;
        answer.unwrap_or_else(|refusal| {
            let response = refusal.response();
            // Quoted: a reason may hold what the client sent.
            let (status, reason) = (response.status().as_u16(), refusal.to_string());
            if response.status().is_server_error() {
                let source = std::error::Error::source(&refusal);
                tracing::error!(%method, path, status, reason, error = source, "the notary could not answer");
            } else if response.status() == StatusCode::BAD_REQUEST {
                tracing::info!(%method, path, status, ?reason, "the notary refused");
            } else {
                tracing::debug!(%method, path, status, ?reason, "the notary refused");
            }
            response
        })
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let (head, body) = request.into_parts();
        match route(&head.method, head.uri.path()).ok_or(Refusal::NoRoute)? {
            Route::Publish { gun } => {
                let (gun, repository) = self.repository(&gun)?;
                self.permit(&head, &gun, &repository, Need::PushPull).await?;
                let files = upload::read(&head.headers, body, self.inner.limits).await?;
                // The body may have taken its time: what counts is the right to publish now.
                let grant = self.permit(&head, &gun, &repository, Need::PushPull).await?;
                self.publish(&gun, &grant, files).await?;
                Ok(empty())
            }
            Route::Delete { gun } => {
                let (gun, repository) = self.asked_for(&gun)?;
                let grant = self.permit(&head, &gun, &repository, Need::All).await?;
                // Deleting what is not there is no change.
                if self.collections().head(gun.as_str()).await?.is_some() {
                    self.inner.access.record(&grant, "trust.delete", gun.as_str()).await?;
                    self.delete(&gun, grant.publisher().as_ref()).await?;
                }
                Ok(empty())
            }
            Route::Read { gun, role, which } => {
                let (gun, repository) = self.asked_for(&gun)?;
                let grant = self.permit(&head, &gun, &repository, Need::Pull).await?;
                let file = self.file(&gun, &role, &which).await?.ok_or(Refusal::NotFound)?;
                Ok(serve(file, caching(&which, grant.is_public()), head.headers.get(IF_NONE_MATCH)))
            }
            Route::Key { gun, role } => {
                let (gun, repository) = self.repository(&gun)?;
                self.permit(&head, &gun, &repository, Need::PushPull).await?;
                Ok(plain(self.server_key(&gun, role).await?))
            }
            Route::RotateKey { gun, role } => {
                let (gun, repository) = self.repository(&gun)?;
                let grant = self.permit(&head, &gun, &repository, Need::All).await?;
                self.inner.access.record(&grant, "trust.key.rotate", &format!("{gun} {}", role.as_str())).await?;
                Ok(plain(self.pending_key(&gun, role).await?))
            }
            Route::Changes { gun: Some(gun) } => {
                let (gun, repository) = self.asked_for(&gun)?;
                self.changes(&head, Some((&gun, &repository))).await
            }
            Route::Changes { gun: None } => self.changes(&head, None).await,
        }
    }

    /// Reading another registry's name finds nothing.
    fn asked_for(&self, gun: &str) -> Result<(Gun, Repository), Refusal> {
        self.repository(gun).map_err(|_| Refusal::NotFound)
    }

    /// What is granted; from then on the request counts as the account's.
    pub(crate) async fn permit(&self, head: &Parts, gun: &Gun, repository: &Repository, need: Need) -> Result<Grant, Refusal> {
        let grant = self.inner.access.repository(bearer(&head.headers), repository, gun.as_str(), need).await?;
        if let (Some(peer), Some(account)) = (head.extensions.get::<Peer>(), grant.account()) {
            peer.counts_as(account)?;
        }
        Ok(grant)
    }
}

pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Success is always 200: stock clients take any other status for a failure.
fn empty() -> Response<Body> {
    Response::new(Body::empty())
}

pub(crate) fn plain(body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// The stock server's, except that what not everyone may read is not for caches that others share.
fn caching(which: &Which, public: bool) -> &'static str {
    match (which, public) {
        (Which::Current, true) => "public, max-age=300, s-maxage=300, must-revalidate",
        (Which::Current, false) => "private, max-age=300, must-revalidate",
        (Which::Hash(_) | Which::Version(_), true) => "public, max-age=2592000, s-maxage=2592000",
        (Which::Hash(_) | Which::Version(_), false) => "private, max-age=2592000",
    }
}

fn serve(file: StoredFile, caching: &'static str, if_none_match: Option<&HeaderValue>) -> Response<Body> {
    let etag = format!("\"{}\"", file.sha256);
    let unchanged = if_none_match.and_then(|value| value.to_str().ok()).is_some_and(|value| matches(value, &etag));
    let mut response = if unchanged {
        let mut response = empty();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        plain(file.bytes)
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    set(headers, ETAG, &etag);
    set(headers, LAST_MODIFIED, &last_modified(file.stored_at));
    response
}

fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// RFC 9110 § 13.1.2: weak comparison.
fn matches(if_none_match: &str, etag: &str) -> bool {
    if_none_match.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

/// `Sat, 21 Nov 2026 21:19:37 UTC`: the stock server writes UTC, not GMT.
fn last_modified(time: OffsetDateTime) -> String {
    let form = format_description!("[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] UTC");
    time.to_offset(time::UtcOffset::UTC).format(form).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    #[test]
    fn last_modified_is_written_as_the_stock_server_writes_it() {
        assert_eq!(last_modified(datetime!(2026-11-01 21:19:07 UTC)), "Sun, 01 Nov 2026 21:19:07 UTC");
    }

    #[test]
    fn what_not_everyone_may_read_is_not_for_shared_caches() {
        for which in [Which::Current, Which::Version(1), Which::Hash(String::new())] {
            assert!(caching(&which, true).starts_with("public, "));
            assert!(caching(&which, false).starts_with("private, ") && !caching(&which, false).contains("s-maxage"));
        }
    }

    #[test]
    fn an_etag_matches_itself_among_others_and_weakly() {
        for yes in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert!(matches(yes, "\"a\""), "{yes}");
        }
        assert!(!matches("\"b\"", "\"a\"") && !matches("a", "\"a\""));
    }

    #[test]
    fn only_a_bearer_token_is_one() {
        let with = |value: &'static str| HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(value))]);
        assert_eq!(bearer(&with("bearer abc")), Some("abc"));
        assert_eq!(bearer(&with("Basic abc")), None);
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
