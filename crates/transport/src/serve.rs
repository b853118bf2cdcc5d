//! The accept loop.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use http::{Request, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use rustls::pki_types::CertificateDer;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt as _;

use crate::{Busy, Live, Peer, ServerTls, unread::Unread};

/// A client that opens TCP and says nothing holds a place no longer than this.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Slow headers (slowloris) hold a connection no longer than this.
const HEADERS: Duration = Duration::from_secs(30);
/// A vanished HTTP/2 client is noticed after at most twice this.
const HTTP2_PING: Duration = Duration::from_secs(30);
/// How many connections one listener holds; the rest wait in the kernel's queue.
const CONNECTIONS: usize = 8192;
/// Headers of one request, in bytes and in number. Credentials for a dozen registries (`X-Registry-Config`) are a few KiB.
const HEADER_BYTES: usize = 64 * 1024;
const HEADER_COUNT: usize = 100;
/// Requests of one HTTP/2 connection at once.
const STREAMS: u32 = 256;
/// What tunnels and endless streams get after the process was asked to end.
pub const TUNNEL_GRACE: Duration = Duration::from_secs(10);
/// What any other request gets.
const REQUEST_GRACE: Duration = Duration::from_mins(1);

/// Serves `router` until `shutdown` is cancelled; returns when what was running has ended. Each request carries a
/// [`Peer`] in its extensions. HTTP/1.1 requests may be upgraded, HTTP/2 ones not.
pub async fn serve(listener: TcpListener, tls: Arc<ServerTls>, router: Router, live: Arc<Live>, shutdown: CancellationToken) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    loop {
        let place = tokio::select! {
            () = shutdown.cancelled() => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let (tcp, remote) = tokio::select! {
            () = shutdown.cancelled() => break,
            accepted = listener.accept() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of file descriptors, most likely: others have to end first.
                    tracing::warn!(%error, "a connection could not be accepted");
                    sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
        };
        let Some(of_address) = live.under_way().connect(remote.ip()) else {
            tracing::debug!(%remote, "too many connections from one address");
            continue;
        };
        let (acceptor, router) = (TlsAcceptor::from(tls.config()), router.clone());
        let (live, shutdown) = (Arc::clone(&live), shutdown.clone());
        connections.spawn(async move {
            connection(tcp, remote, acceptor, router, live, shutdown).await;
            drop((place, of_address));
        });
    }
    drop(listener);
    end(&connections, &live).await;
}

async fn connection(
    tcp: TcpStream,
    remote: SocketAddr,
    acceptor: TlsAcceptor,
    router: Router,
    live: Arc<Live>,
    shutdown: CancellationToken,
) {
    // Small frames (a keystroke in a terminal) go out at once.
    let _ = tcp.set_nodelay(true);
    let tls = match timeout(HANDSHAKE, acceptor.accept(tcp)).await {
        Ok(Ok(tls)) => tls,
        Ok(Err(error)) => return tracing::debug!(%remote, %error, "TLS handshake failed"),
        Err(_) => return tracing::debug!(%remote, "TLS handshake took too long"),
    };
    let peer = Peer::new(remote, client_certificate(&tls).map(AsRef::as_ref), &live);
    let carried = peer.clone();
    let service = hyper::service::service_fn(move |request| answer(router.clone(), carried.of_a_request(), request));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADER_COUNT)
        .keep_alive(true);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HTTP2_PING)
        .keep_alive_timeout(HTTP2_PING)
        .max_header_list_size(u32::try_from(HEADER_BYTES).unwrap_or(u32::MAX))
        .max_concurrent_streams(STREAMS);
    let served = builder.serve_connection_with_upgrades(TokioIo::new(tls), service);
    tokio::pin!(served);
    let mut asked = false;
    loop {
        tokio::select! {
            () = peer.cancelled().cancelled() => return,
            () = shutdown.cancelled(), if !asked => {
                // Idle connections end now, others with what they are doing.
                served.as_mut().graceful_shutdown();
                asked = true;
            }
            ended = &mut served => {
                if let Err(error) = ended {
                    tracing::debug!(%remote, %error, "connection ended");
                }
                return;
            }
        }
    }
}

/// Hands a request to the router; it is under way until the last byte of its answer.
async fn answer(router: Router, peer: Result<Peer, Busy>, request: Request<Incoming>) -> Result<Response<Body>, Infallible> {
    // Who waits for a `100 Continue` and is answered otherwise sends nothing more.
    let mut request = if request.headers().contains_key(header::EXPECT) {
        request.map(Body::new)
    } else {
        request.map(|body| Body::new(Unread::new(body)))
    };
    let peer = match peer {
        Ok(peer) => peer,
        Err(busy) => return Ok(busy.into_response()),
    };
    request.extensions_mut().insert(peer.clone());
    let response = router.oneshot(request).await?;
    peer.answered();
    Ok(response.map(|body| Body::new(UnderWayUntilRead { body, _peer: peer })))
}

/// The body of an answer, which holds the place of its request.
struct UnderWayUntilRead {
    body: Body,
    _peer: Peer,
}

impl http_body::Body for UnderWayUntilRead {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn client_certificate(tls: &TlsStream<TcpStream>) -> Option<&CertificateDer<'static>> {
    tls.get_ref().1.peer_certificates()?.first()
}

async fn end(connections: &TaskTracker, live: &Live) {
    connections.close();
    live.tunnels().close();
    let all = async {
        connections.wait().await;
        live.tunnels().wait().await;
    };
    tokio::pin!(all);
    if timeout(TUNNEL_GRACE, &mut all).await.is_ok() {
        return;
    }
    live.ending().cancel();
    if timeout(REQUEST_GRACE, &mut all).await.is_err() {
        live.cancel_all();
        all.await;
    }
}
