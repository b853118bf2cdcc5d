//! The registered host: what is asked of it, and with whose credentials. They go to that host, to its registered Notary
//! server and to a token realm on one of the two or registered itself, nowhere else; redirects are not followed. Docker Hub alone is three hosts: its trust data and its tokens have their own.

use reqwest::header::{AUTHORIZATION, ETAG, HeaderMap, IF_NONE_MATCH};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use time::{Duration, OffsetDateTime};
use tokio::time::timeout;
use wharfinger_oci::Host;
use wharfinger_tuf::{Gun, Want};

use crate::challenge::Challenge;
use crate::credentials::{Authorization, Credentials, Keyring, Secret};
use crate::{Registration, TrustError, place};

/// A token answer holds a JWT, perhaps two.
const TOKEN_BYTES: u64 = 256 * 1024;
/// The registry token specification: less than 60 counts as 60.
const SHORTEST_TOKEN: i64 = 60;
const LONGEST_TOKEN: i64 = 3600;
/// A token that ends within this is not used any more.
const LEEWAY: Duration = Duration::seconds(10);

pub(crate) struct Server<'a> {
    /// For the Notary server.
    pub(crate) client: Client,
    /// For the registry's host and the registered token service.
    pub(crate) registry_client: Client,
    pub(crate) registration: &'a Registration,
    pub(crate) host: &'a Host,
    /// What is asked for, as token services call it.
    pub(crate) scope: String,
    pub(crate) keyring: &'a Keyring,
    pub(crate) now: OffsetDateTime,
    /// How long it may take until an answer begins, and each time until it goes on.
    pub(crate) patience: std::time::Duration,
}

/// Who does not begin to answer within this does not answer: what has to be refused for it is refused within two seconds.
pub(crate) const PATIENCE: std::time::Duration = std::time::Duration::from_millis(1700);

/// The right to read the trust data of `gun`.
pub(crate) fn scope_of(gun: &Gun) -> String {
    format!("repository:{gun}:pull")
}

/// Where a file is, below `/v2/`.
pub(crate) fn file_path(gun: &Gun, want: &Want) -> String {
    format!("{gun}/_trust/tuf/{}", want.path())
}

/// What the host says about one file.
pub(crate) enum Answer {
    Found {
        bytes: Vec<u8>,
        etag: Option<String>,
    },
    /// The state named by the `If-None-Match` is the current one.
    Unchanged,
    Missing,
    /// 401 or 403.
    Refused,
}

/// Why there is no authorization.
enum NoToken {
    Refused,
    Failed(TrustError),
}

impl From<TrustError> for NoToken {
    fn from(error: TrustError) -> Self {
        Self::Failed(error)
    }
}

#[derive(Deserialize)]
struct TokenAnswer {
    token: Option<String>,
    access_token: Option<String>,
    expires_in: Option<i64>,
}

impl Server<'_> {
    /// Asks for what is at `path` below `/v2/`, on behalf of `credentials`; of an answer longer than `limit` one byte more than that is
    /// read. A token from earlier that is no longer good is replaced once.
    pub(crate) async fn get(
        &self,
        path: &str,
        limit: u64,
        etag: Option<&str>,
        credentials: Option<&Credentials>,
    ) -> Result<Answer, TrustError> {
        let kept = self.keyring.token(self.host, &self.scope, credentials, self.now).await;
        if let Some(authorization) = kept {
            match self.get_as(path, limit, etag, &authorization).await? {
                Answer::Refused => self.keyring.drop_token(self.host, &self.scope, credentials).await,
                answer => return Ok(answer),
            }
        }
        let authorization = match self.authorize(credentials).await {
            Ok(authorization) => authorization,
            Err(NoToken::Failed(error)) => return Err(error),
            Err(NoToken::Refused) => {
                self.keyring.refused(self.host, &self.scope, credentials).await;
                return Ok(Answer::Refused);
            }
        };
        let answer = self.get_as(path, limit, etag, &authorization).await?;
        match answer {
            Answer::Refused => self.keyring.refused(self.host, &self.scope, credentials).await,
            _ => self.keyring.keep_token(self.host, &self.scope, credentials, authorization).await,
        }
        Ok(answer)
    }

    /// Whether the host asked for nothing when `credentials` last got an answer.
    pub(crate) async fn is_open(&self, credentials: Option<&Credentials>) -> bool {
        let token = self.keyring.token(self.host, &self.scope, credentials, self.now).await;
        token.is_some_and(|authorization| authorization.header.is_none())
    }

    /// Is anybody there? Whatever they say.
    pub(crate) async fn ping(&self) -> Result<(), TrustError> {
        self.send(self.client.get(self.url("")?)).await.map(drop)
    }

    async fn get_as(
        &self,
        path: &str,
        limit: u64,
        etag: Option<&str>,
        authorization: &Authorization,
    ) -> Result<Answer, TrustError> {
        let url = self.url(path)?;
        let mut request = authorized(self.client.get(url), authorization);
        if let Some(etag) = etag {
            request = request.header(IF_NONE_MATCH, etag);
        }
        let response = self.send(request).await?;
        match response.status() {
            StatusCode::OK => {
                let etag = text(response.headers(), ETAG.as_str());
                Ok(Answer::Found { bytes: self.body(response, limit).await?, etag })
            }
            StatusCode::NOT_MODIFIED if etag.is_some() => Ok(Answer::Unchanged),
            StatusCode::NOT_FOUND => Ok(Answer::Missing),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Ok(Answer::Refused),
            status => Err(self.status(&format!("it answered {status}"), status)),
        }
    }

    /// A host that says it cannot answer now is no better than one that says nothing.
    fn status(&self, cause: &str, status: StatusCode) -> TrustError {
        if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
            return self.unreachable(cause);
        }
        self.unusable(cause)
    }

    /// Like the stock client: ask `/v2/` without credentials, and answer what it challenges with.
    async fn authorize(&self, credentials: Option<&Credentials>) -> Result<Authorization, NoToken> {
        let until = self.now + Duration::seconds(LONGEST_TOKEN);
        if let Some(Credentials::Bearer(token)) = credentials {
            return Ok(Authorization::bearer(token, until));
        }
        let response = self.send(self.client.get(self.url("")?)).await?;
        if response.status() != StatusCode::UNAUTHORIZED {
            return Ok(Authorization::none(self.now + Duration::minutes(5)));
        }
        match (Challenge::read(response.headers()), credentials) {
            (Some(Challenge::Bearer { realm, service }), _) => self.fetch_token(&realm, service.as_deref(), credentials).await,
            (Some(Challenge::Basic), Some(Credentials::Basic { username, password })) => {
                Ok(Authorization::basic(username, password, until))
            }
            _ => Err(NoToken::Refused),
        }
    }

    async fn fetch_token(
        &self,
        realm: &str,
        service: Option<&str>,
        credentials: Option<&Credentials>,
    ) -> Result<Authorization, NoToken> {
        let (realm, client) = self.own_realm(realm)?;
        let mut parameters = vec![("scope", self.scope.as_str())];
        parameters.extend(service.map(|service| ("service", service)));
        let request = match credentials {
            Some(Credentials::IdentityToken(token)) => {
                parameters.extend([
                    ("grant_type", "refresh_token"),
                    ("client_id", "wharfinger"),
                    ("refresh_token", token.expose()),
                ]);
                client.post(realm).form(&parameters)
            }
            Some(Credentials::Basic { username, password }) => {
                parameters.push(("account", username));
                client.get(realm).query(&parameters).basic_auth(username, Some(password.expose()))
            }
            _ => client.get(realm).query(&parameters),
        };
        let response = self.send(request).await?;
        match response.status() {
            StatusCode::OK => {}
            status if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS => return Err(NoToken::Refused),
            status => return Err(self.status(&format!("its token service answered {status}"), status).into()),
        }
        let body = self.body(response, TOKEN_BYTES).await?;
        let unreadable = || self.unusable("its token service gave an answer that is not a token");
        let answer: TokenAnswer = serde_json::from_slice(&body).map_err(|_| unreadable())?;
        let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty()).ok_or_else(unreadable)?;
        let seconds = answer.expires_in.unwrap_or(SHORTEST_TOKEN).clamp(SHORTEST_TOKEN, LONGEST_TOKEN);
        Ok(Authorization::bearer(&Secret::new(token), self.now + Duration::seconds(seconds) - LEEWAY))
    }

    /// The token realm, if it is https on the registered host or its Notary server, or the registered one, and the client that trusts
    /// its certificate: no other place is sent anything (CVE-2026-33540).
    fn own_realm(&self, realm: &str) -> Result<(Url, &Client), TrustError> {
        let foreign = || {
            self.unusable(
                "it names a token service on another host, which is not trusted with credentials unless it is registered as token_realm",
            )
        };
        let url = Url::parse(realm).map_err(|_| foreign())?;
        let authority = place::authority(&url).ok_or_else(foreign)?;
        if url.scheme() != "https" || !url.username().is_empty() || url.password().is_some() {
            return Err(foreign());
        }
        let is = |host: &Host| authority.parse::<Host>().is_ok_and(|named| named == *host);
        let notarys = self.registration.notary.as_ref().and_then(|notary| notary.url.authority()?.parse::<Host>().ok());
        let registered = self.registration.token_realm.as_ref().is_some_and(|registered| registered.is(&url));
        let hubs = self.host.is_docker_hub() && authority == "auth.docker.io";
        if is(self.host) || hubs {
            Ok((url, &self.registry_client))
        } else if notarys.is_some_and(|notary| is(&notary)) {
            Ok((url, &self.client))
        } else if registered {
            Ok((url, &self.registry_client))
        } else {
            Err(foreign())
        }
    }

    fn url(&self, path: &str) -> Result<Url, TrustError> {
        let url = match &self.registration.notary {
            Some(notary) => notary.url.at(path),
            // Docker Hub serves its trust data elsewhere.
            None if self.host.is_docker_hub() => Url::parse(&format!("https://notary.docker.io/v2/{path}")).ok(),
            None => Url::parse(&format!("https://{}/v2/{path}", self.host)).ok(),
        };
        url.ok_or_else(|| self.unusable("its name is not a URL's"))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response, TrustError> {
        match timeout(self.patience, request.send()).await {
            Ok(answered) => answered.map_err(|error| self.failed(error)),
            Err(_) => Err(self.silent()),
        }
    }

    fn silent(&self) -> TrustError {
        self.unreachable(&format!("nothing came within {:?}", self.patience))
    }

    /// Reads at most one byte more than `limit`: enough for the reader to see that it is too much.
    async fn body(&self, mut response: Response, limit: u64) -> Result<Vec<u8>, TrustError> {
        let mut body = Vec::new();
        loop {
            let chunk = timeout(self.patience, response.chunk()).await.map_err(|_| self.silent())?;
            let Some(chunk) = chunk.map_err(|error| self.failed(error))? else { break };
            let room = usize::try_from(limit.saturating_add(1)).unwrap_or(usize::MAX).saturating_sub(body.len());
            body.extend_from_slice(chunk.get(..room.min(chunk.len())).unwrap_or_default());
            if body.len() as u64 > limit {
                break;
            }
        }
        Ok(body)
    }

    fn failed(&self, error: reqwest::Error) -> TrustError {
        let error = error.without_url();
        let mut cause = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(inner) = source {
            let text = inner.to_string();
            if !cause.ends_with(&text) {
                cause = format!("{cause}: {text}");
            }
            source = inner.source();
        }
        self.unreachable(&cause)
    }

    pub(crate) fn unreachable(&self, cause: &str) -> TrustError {
        TrustError::Unreachable { host: self.called(), cause: cause.to_owned() }
    }

    pub(crate) fn unusable(&self, cause: &str) -> TrustError {
        TrustError::Unusable { host: self.called(), cause: cause.to_owned() }
    }

    /// The host as people know it.
    fn called(&self) -> String {
        let notary = self.registration.notary.as_ref().and_then(|notary| notary.url.authority());
        notary.map_or_else(|| self.host.to_string(), |notary| format!("{} (Notary server {notary})", self.host))
    }
}

fn authorized(request: RequestBuilder, authorization: &Authorization) -> RequestBuilder {
    match &authorization.header {
        Some(value) => request.header(AUTHORIZATION, value.expose()),
        None => request,
    }
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    Some(headers.get(name)?.to_str().ok()?.to_owned())
}
