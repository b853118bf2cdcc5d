//! An engine that answers at once, and a hop to it that does nothing else.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Mutex;

/// Serves at `socket` until the runtime ends.
pub fn serve_stub(socket: &Path) -> Result<()> {
    let listener = UnixListener::bind(socket).context("the engine stub's socket")?;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer));
            tokio::spawn(connection);
        }
    });
    Ok(())
}

async fn answer(request: http::Request<hyper::body::Incoming>) -> Result<http::Response<Full<Bytes>>, Infallible> {
    let created = request.uri().path().ends_with("/containers/create");
    // The body is read, as an engine would.
    let _ = request.into_body().collect().await;
    let builder = http::Response::builder().header("api-version", "1.41").status(if created { 201 } else { 200 });
    let body = if created { r#"{"Id":"e90e34656806","Warnings":[]}"# } else { "OK" };
    Ok(builder.body(Full::from(body)).unwrap_or_default())
}

/// One connection to an engine, kept open.
pub struct Direct(SendRequest<Full<Bytes>>);

impl Direct {
    pub async fn to(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).await.context("the engine stub does not listen")?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self(sender))
    }

    pub async fn call(&mut self, path: &str, body: Bytes) -> Result<http::StatusCode> {
        let request = http::Request::post(path).header("host", "docker").header("content-type", "application/json");
        let answer = self.0.send_request(request.body(Full::new(body))?).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        Ok(status)
    }
}

/// A reverse proxy of the smallest kind: reads a request whole, and sends it on over one connection.
pub fn relay(direct: Direct) -> Router {
    Router::new().fallback(pass).with_state(Arc::new(Mutex::new(direct)))
}

async fn pass(State(direct): State<Arc<Mutex<Direct>>>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let mut direct = direct.lock().await;
    let status = direct.call(&path, body).await.unwrap_or(http::StatusCode::BAD_GATEWAY);
    let mut response = Response::new(Body::from(r#"{"Id":"e90e34656806","Warnings":[]}"#));
    *response.status_mut() = status;
    response
}
