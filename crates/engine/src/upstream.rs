//! The engine's end: what was cleared is sent, and nothing else can be.

mod ask;
mod connect;
mod running;
mod tunnel;

use std::sync::RwLock;

use axum::body::Body;
use http::{HeaderName, HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use thiserror::Error;

pub use connect::{EngineAddress, EngineAddressError, EngineTls};
pub(crate) use tunnel::{Tunnel, Until};

use crate::{call::ApiVersion, cleared::Cleared};
use connect::Connector;

const API_VERSION: HeaderName = HeaderName::from_static("api-version");

/// The engine did not answer.
#[derive(Debug, Error)]
pub enum EngineDown {
    #[error("the Docker engine cannot be reached")]
    Connect(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the Docker engine broke off")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the Docker engine does not answer")]
    Silent,
    #[error("the Docker engine gave an answer that cannot be understood")]
    Unreadable,
    #[error("the Docker engine refused what this cluster needs to know or do ({0})")]
    Refused(http::StatusCode),
}

/// One engine. Plain calls share connections; a call that becomes a stream has one of its own, which is never used again.
pub struct Upstream {
    connector: Connector,
    pool: Client<Connector, Body>,
    version: RwLock<Option<ApiVersion>>,
}

impl Upstream {
    pub fn new(address: EngineAddress, tls: Option<&EngineTls<'_>>) -> Result<Self, EngineAddressError> {
        let connector = Connector::new(address, tls)?;
        let pool = Client::builder(TokioExecutor::new()).pool_timer(TokioTimer::new()).build(connector.clone());
        Ok(Self { connector, pool, version: RwLock::new(None) })
    }

    /// The newest version that engine and table both know. The engine says its own with every answer.
    pub async fn newest(&self) -> Result<ApiVersion, EngineDown> {
        let known = self.version.read().ok().and_then(|version| *version);
        if let Some(version) = known {
            return Ok(version.min(ApiVersion::NEWEST));
        }
        self.ping().await?;
        let learnt = self.version.read().ok().and_then(|version| *version);
        learnt.map(|version| version.min(ApiVersion::NEWEST)).ok_or(EngineDown::Unreadable)
    }

    /// Sends a call and streams its body; the answer's body streams as well.
    pub(crate) async fn send(&self, cleared: Cleared) -> Result<Response<Incoming>, EngineDown> {
        self.plain(cleared.into_request()).await
    }

    /// Sends a call that may become a stream. An engine hijacks the connection only when asked with `Upgrade`: without
    /// it, it answers 200 and talks on, which no HTTP client can follow. So it is always asked.
    pub(crate) async fn send_hijack(&self, cleared: Cleared, protocol: HeaderValue) -> Result<Response<Incoming>, EngineDown> {
        let mut request = cleared.into_request();
        // Only the pool writes the path alone by itself.
        let path = request.uri().path_and_query().cloned().ok_or(EngineDown::Unreadable)?;
        *request.uri_mut() = http::Uri::from(path);
        let headers = request.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, protocol);
        let stream = self.connector.connect().await.map_err(|error| EngineDown::Connect(error.into()))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(stream).await.map_err(|error| EngineDown::Broken(error.into()))?;
        tokio::spawn(async move {
            if let Err(error) = connection.with_upgrades().await {
                tracing::debug!(%error, "a connection of its own to the engine ended");
            }
        });
        let answer = sender.send_request(request).await.map_err(|error| EngineDown::Broken(error.into()))?;
        self.learn(&answer);
        Ok(answer)
    }

    async fn plain(&self, request: Request<Body>) -> Result<Response<Incoming>, EngineDown> {
        match self.pool.request(request).await {
            Ok(answer) => {
                self.learn(&answer);
                Ok(answer)
            }
            Err(error) if error.is_connect() => {
                // Another engine may come up in its place.
                self.forget_version();
                Err(EngineDown::Connect(error.into()))
            }
            Err(error) => Err(EngineDown::Broken(error.into())),
        }
    }

    fn learn(&self, answer: &Response<Incoming>) {
        let said = answer.headers().get(API_VERSION).and_then(|value| value.to_str().ok()?.parse().ok());
        if let (Some(said), Ok(mut version)) = (said, self.version.write()) {
            *version = Some(said);
        }
    }

    fn forget_version(&self) {
        if let Ok(mut version) = self.version.write() {
            *version = None;
        }
    }
}

/// What is advertised: never more than the table knows.
pub(crate) fn clamp(headers: &mut http::HeaderMap) {
    let newer = headers
        .get(API_VERSION)
        .and_then(|value| value.to_str().ok()?.parse::<ApiVersion>().ok())
        .is_none_or(|version| version > ApiVersion::NEWEST);
    if newer
        && headers.contains_key(API_VERSION)
        && let Ok(value) = HeaderValue::try_from(ApiVersion::NEWEST.to_string())
    {
        headers.insert(API_VERSION, value);
    }
}
