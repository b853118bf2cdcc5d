//! An engine that remembers what reached it and answers as it was told: for what a real one cannot be made to do.

use std::{
    collections::HashMap,
    convert::Infallible,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{
    body::{Frame, Incoming},
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixListener,
};

/// One call that reached the engine.
#[derive(Clone, Debug)]
pub struct Seen {
    pub call: String,
    pub headers: http::HeaderMap,
    pub body: String,
}

#[derive(Clone)]
pub struct FakeEngine(Arc<Inner>);

struct Inner {
    folder: TempDir,
    seen: Mutex<Vec<Seen>>,
    answers: Mutex<HashMap<String, (StatusCode, String)>>,
    version: Mutex<&'static str>,
}

impl FakeEngine {
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("wfe").tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join("sock")).unwrap();
        let inner = Inner { folder, seen: Mutex::default(), answers: Mutex::default(), version: Mutex::new("1.41") };
        let engine = Self(Arc::new(inner));
        let served = engine.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let engine = served.clone();
                let service = service_fn(move |request| engine.clone().answer(request));
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .half_close(true)
                        .serve_connection(TokioIo::new(stream), service)
                        .with_upgrades(),
                );
            }
        });
        engine
    }

    pub fn host(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    pub fn socket(&self) -> PathBuf {
        self.0.folder.path().join("sock")
    }

    /// The API version it has.
    pub fn speaks(&self, version: &'static str) {
        *self.0.version.lock().unwrap() = version;
    }

    /// Answers `call` (`GET /images/x/json`, without version and query) so from now on.
    pub fn answers(&self, call: &str, status: u16, body: &str) {
        self.0.answers.lock().unwrap().insert(call.to_owned(), (StatusCode::from_u16(status).unwrap(), body.to_owned()));
    }

    /// What reached it, but for pings.
    pub fn seen(&self) -> Vec<Seen> {
        self.0.seen.lock().unwrap().iter().filter(|seen| !seen.call.ends_with("/_ping")).cloned().collect()
    }

    /// The calls that reached it, without headers and bodies.
    pub fn calls(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.call).collect()
    }

    async fn answer(self, mut request: Request<Incoming>) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
        let upgrade = request.headers().contains_key("upgrade").then(|| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
        let call = format!("{} {}", parts.method, parts.uri);
        let body = String::from_utf8_lossy(&body).into_owned();
        self.0.seen.lock().unwrap().push(Seen { call, headers: parts.headers, body });

        let version = *self.0.version.lock().unwrap();
        let path = parts.uri.path();
        let bare = path.strip_prefix("/v").and_then(|rest| rest.find('/').map(|slash| &rest[slash..])).unwrap_or(path);
        let told = self.0.answers.lock().unwrap().get(&format!("{} {bare}", parts.method)).cloned();
        let builder = Response::builder().header("api-version", version).header("server", "fake");
        let response = match (upgrade, told) {
            (_, Some((status, body))) => builder.status(status).body(full(body)),
            (Some(upgrade), None) => {
                tokio::spawn(echo(upgrade));
                builder.status(101).header("connection", "Upgrade").header("upgrade", "tcp").body(full(String::new()))
            }
            (None, None) if bare.ends_with("/logs") => builder.body(endless()),
            (None, None) => builder.body(full("{}".to_owned())),
        };
        Ok(response.unwrap())
    }
}

/// Says everything back, and `bye` when the other side has said all.
async fn echo(upgrade: hyper::upgrade::OnUpgrade) {
    let Ok(upgraded) = upgrade.await else { return };
    let mut stream = TokioIo::new(upgraded);
    let mut piece = [0; 1024];
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        stream.write_all(&piece[..read]).await.ok();
    }
    stream.write_all(b"bye").await.ok();
    stream.shutdown().await.ok();
}

fn full(text: String) -> BoxBody<Bytes, Infallible> {
    Full::from(text).boxed()
}

/// One line, and then nothing for ever.
fn endless() -> BoxBody<Bytes, Infallible> {
    let line = futures_util::stream::iter([Ok(Frame::data(Bytes::from_static(b"first line\n")))]);
    let stream = futures_util::StreamExt::chain(line, futures_util::stream::pending());
    BodyExt::boxed(StreamBody::new(stream))
}
