//! What the door itself asks of the engine, to decide well.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::time::timeout;
use wharfinger_oci::Digest;

use super::{EngineDown, Upstream};
use crate::{
    call::{ApiVersion, Kind, encode},
    image::{ServiceNow, TagAfterwards},
    json::{Json, read},
    owner,
    query::Query,
    registry_auth::X_REGISTRY_AUTH,
};

/// The longest answer that is read whole: a service's description with many environment variables.
const LONGEST: usize = 8 * 1024 * 1024;
/// An engine that takes longer for a question of the door's own hangs.
const PATIENCE: Duration = Duration::from_secs(10);

impl Upstream {
    /// Whether the engine is up; its headers name its version.
    pub(crate) async fn ping(&self) -> Result<Response<Incoming>, EngineDown> {
        in_time(self.plain(request(Method::GET, "/_ping")?)).await
    }

    /// The digests under which the engine got an image it has, as `host/repo@sha256:…`; `None` if it has no such image.
    pub(crate) async fn repo_digests(&self, image: &str) -> Result<Option<Vec<String>>, EngineDown> {
        #[derive(Deserialize)]
        struct Image {
            #[serde(rename = "RepoDigests")]
            repo_digests: Option<Vec<String>>,
        }
        let mut segments = vec!["images".to_owned()];
        segments.extend(image.split('/').map(ToOwned::to_owned));
        segments.push("json".to_owned());
        let Some(bytes) = self.describe(&segments).await? else { return Ok(None) };
        let image: Image = serde_json::from_slice(&bytes).map_err(|_| EngineDown::Unreadable)?;
        Ok(Some(image.repo_digests.unwrap_or_default()))
    }

    /// The manifest the image's registry has under that name, asked by the engine; `None` if there is none, or none for whoever
    /// `auth` is.
    pub(crate) async fn registry_digest(&self, image: &str, auth: Option<HeaderValue>) -> Result<Option<Digest>, EngineDown> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Distribution {
            descriptor: Descriptor,
        }
        #[derive(Deserialize)]
        struct Descriptor {
            digest: String,
        }
        let mut segments = vec!["distribution".to_owned()];
        segments.extend(image.split('/').map(ToOwned::to_owned));
        segments.push("json".to_owned());
        let mut request = request(Method::GET, &encode(&segments, self.newest().await?))?;
        request.headers_mut().extend(auth.map(|auth| (X_REGISTRY_AUTH, auth)));
        let whole = async {
            let answer = self.plain(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(EngineDown::Broken)?;
            Ok((status, body.to_bytes()))
        };
        let (status, body) = in_time(whole).await?;
        if !status.is_success() {
            return Ok(None);
        }
        let said: Distribution = serde_json::from_slice(&body).map_err(|_| EngineDown::Unreadable)?;
        said.descriptor.digest.parse().map(Some).map_err(|_| EngineDown::Unreadable)
    }

    /// What a service runs; `None` if there is no such service (or no swarm).
    pub(crate) async fn service(&self, service: &str) -> Result<Option<ServiceNow>, EngineDown> {
        let Some(bytes) = self.describe(&["services".to_owned(), service.to_owned()]).await? else { return Ok(None) };
        ServiceNow::read(&bytes).map(Some).ok_or(EngineDown::Unreadable)
    }

    /// What the engine says of a thing by its name or id; `None` if there is none, or several.
    pub(crate) async fn find(&self, kind: Kind, name: &str) -> Result<Option<Json>, EngineDown> {
        // A name from within a request may be anything; what would not stay one segment is no name of anything.
        if name.is_empty() || matches!(name, "." | "..") || name.contains(['/', '\\', '%']) || name.chars().any(char::is_control)
        {
            return Ok(None);
        }
        let (room, suffix) = match kind {
            Kind::Container => ("containers", Some("json")),
            Kind::Exec => ("exec", Some("json")),
            Kind::Network => ("networks", None),
            Kind::Volume => ("volumes", None),
            Kind::Service => ("services", None),
            Kind::Task => ("tasks", None),
            Kind::Secret => ("secrets", None),
            Kind::Config => ("configs", None),
            Kind::Node => ("nodes", None),
            Kind::Image | Kind::Event => return Ok(None),
        };
        let segments: Vec<String> = [Some(room), Some(name), suffix].into_iter().flatten().map(ToOwned::to_owned).collect();
        let Some(bytes) = self.describe(&segments).await? else { return Ok(None) };
        read(&bytes).map(Some).map_err(|_| EngineDown::Unreadable)
    }

    /// How many machines the engine's swarm has; none without one.
    pub(crate) async fn nodes(&self) -> Result<u64, EngineDown> {
        #[derive(Deserialize)]
        struct Info {
            #[serde(rename = "Swarm")]
            swarm: Option<Swarm>,
        }
        #[derive(Deserialize)]
        struct Swarm {
            #[serde(rename = "Nodes")]
            nodes: Option<u64>,
        }
        let bytes = self.describe(&["info".to_owned()]).await?.ok_or(EngineDown::Unreadable)?;
        let info: Info = serde_json::from_slice(&bytes).map_err(|_| EngineDown::Unreadable)?;
        Ok(info.swarm.and_then(|swarm| swarm.nodes).unwrap_or_default())
    }

    /// Makes a volume that is somebody's, and answers what the engine then has under that name: it may have been there.
    pub(crate) async fn make_volume(&self, name: &str, owner: &str) -> Result<Json, EngineDown> {
        let mut volume = Json::Object(vec![("Name".to_owned(), Json::Text(name.to_owned()))]);
        owner::write(&mut volume, Some(owner)).map_err(|_| EngineDown::Unreadable)?;
        let path = encode(&["volumes".to_owned(), "create".to_owned()], self.newest().await?);
        let mut request = request(Method::POST, &path)?;
        request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *request.body_mut() = Body::from(volume.to_string());
        let whole = async {
            let answer = self.plain(request).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), LONGEST).collect().await.map_err(EngineDown::Broken)?;
            Ok((status, body.to_bytes()))
        };
        match in_time(whole).await? {
            (status, body) if status.is_success() => read(&body).map_err(|_| EngineDown::Unreadable),
            (status, _) => Err(EngineDown::Refused(status)),
        }
    }

    /// Gives a pulled digest its tag.
    pub(crate) async fn tag(&self, wanted: &TagAfterwards) -> Result<(), EngineDown> {
        let mut segments = vec!["images".to_owned()];
        segments.extend(wanted.source.split('/').map(ToOwned::to_owned));
        segments.push("tag".to_owned());
        let mut query = Query::default();
        query.set("repo", wanted.repository.clone());
        query.set("tag", wanted.tag.clone());
        let path = format!("{}?{}", encode(&segments, self.newest().await?), query.encoded());
        let answer = in_time(self.plain(request(Method::POST, &path)?)).await?;
        if answer.status().is_success() { Ok(()) } else { Err(EngineDown::Refused(answer.status())) }
    }

    /// What the engine says of one thing; `None` if it is not there.
    pub(super) async fn describe(&self, segments: &[String]) -> Result<Option<Vec<u8>>, EngineDown> {
        self.read(segments, &Query::default(), LONGEST).await
    }

    /// What the engine says at that path, up to `longest` bytes of it; `None` if there is nothing.
    pub(super) async fn read(&self, segments: &[String], query: &Query, longest: usize) -> Result<Option<Vec<u8>>, EngineDown> {
        let version: ApiVersion = self.newest().await?;
        let path = format!("{}?{}", encode(segments, version), query.encoded());
        let whole = async {
            let answer = self.plain(request(Method::GET, path.trim_end_matches('?'))?).await?;
            let status = answer.status();
            let body = Limited::new(answer.into_body(), longest).collect().await.map_err(EngineDown::Broken)?;
            Ok((status, body))
        };
        let (status, body) = in_time(whole).await?;
        match status {
            StatusCode::OK => Ok(Some(body.to_bytes().to_vec())),
            // An id that fits several images is 400, an engine outside a swarm says 503.
            StatusCode::NOT_FOUND | StatusCode::BAD_REQUEST | StatusCode::SERVICE_UNAVAILABLE => Ok(None),
            status => Err(EngineDown::Refused(status)),
        }
    }
}

async fn in_time<T>(asking: impl Future<Output = Result<T, EngineDown>>) -> Result<T, EngineDown> {
    timeout(PATIENCE, asking).await.unwrap_or(Err(EngineDown::Silent))
}

fn request(method: Method, path: &str) -> Result<Request<Body>, EngineDown> {
    let request = Request::builder().method(method).uri(format!("http://docker{path}")).header(header::HOST, "docker");
    request.body(Body::empty()).map_err(|_| EngineDown::Unreadable)
}
