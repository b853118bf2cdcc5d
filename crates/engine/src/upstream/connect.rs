//! How to reach the engine.

use std::{
    io,
    path::PathBuf,
    pin::Pin,
    str::FromStr,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use hyper_util::{
    client::legacy::connect::{Connected, Connection},
    rt::TokioIo,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
};
use thiserror::Error;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// An engine that does not take a connection in this time is down.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the engine listens: `unix:///path` or `tcp://host:port`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EngineAddress {
    Unix(PathBuf),
    Tcp { host: String, port: u16 },
}

/// What a `tcp://` engine is verified by and shown, as PEM.
pub struct EngineTls<'a> {
    pub ca_pem: &'a str,
    /// Client certificate and its key.
    pub client_pem: Option<(&'a str, &'a str)>,
}

#[derive(Debug, Error)]
pub enum EngineAddressError {
    #[error("`{0}` is not an engine's address: write unix:///path/to/docker.sock or tcp://host:port")]
    Malformed(String),
    #[error("the engine's CA file holds no usable certificate")]
    Ca,
    #[error("the client certificate for the engine cannot be used")]
    Client,
}

impl FromStr for EngineAddress {
    type Err = EngineAddressError;

    fn from_str(text: &str) -> Result<Self, EngineAddressError> {
        let malformed = || EngineAddressError::Malformed(text.to_owned());
        if let Some(path) = text.strip_prefix("unix://") {
            return if path.starts_with('/') { Ok(Self::Unix(path.into())) } else { Err(malformed()) };
        }
        let rest = text.strip_prefix("tcp://").ok_or_else(malformed)?;
        let (host, port) = rest.trim_end_matches('/').rsplit_once(':').ok_or_else(malformed)?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() || host.contains('/') {
            return Err(malformed());
        }
        Ok(Self::Tcp { host: host.to_owned(), port: port.parse().map_err(|_| malformed())? })
    }
}

/// Opens connections to one engine.
#[derive(Clone)]
pub(super) struct Connector {
    address: EngineAddress,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
}

impl Connector {
    pub(super) fn new(address: EngineAddress, tls: Option<&EngineTls<'_>>) -> Result<Self, EngineAddressError> {
        let tls = match (&address, tls) {
            (EngineAddress::Tcp { host, .. }, Some(tls)) => {
                let name = ServerName::try_from(host.clone()).map_err(|_| EngineAddressError::Malformed(host.clone()))?;
                Some((Arc::new(client_config(tls)?), name))
            }
            _ => None,
        };
        Ok(Self { address, tls })
    }

    pub(super) async fn connect(&self) -> io::Result<EngineStream> {
        timeout(CONNECT, self.open()).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
    }

    async fn open(&self) -> io::Result<EngineStream> {
        match &self.address {
            EngineAddress::Unix(path) => Ok(EngineStream::new(UnixStream::connect(path).await?)),
            EngineAddress::Tcp { host, port } => {
                let tcp = TcpStream::connect((host.as_str(), *port)).await?;
                tcp.set_nodelay(true)?;
                match &self.tls {
                    None => Ok(EngineStream::new(tcp)),
                    Some((config, name)) => {
                        let tls = TlsConnector::from(Arc::clone(config)).connect(name.clone(), tcp).await?;
                        Ok(EngineStream::new(tls))
                    }
                }
            }
        }
    }
}

fn client_config(tls: &EngineTls<'_>) -> Result<ClientConfig, EngineAddressError> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(tls.ca_pem.as_bytes()) {
        roots.add(certificate.map_err(|_| EngineAddressError::Ca)?).map_err(|_| EngineAddressError::Ca)?;
    }
    if roots.is_empty() {
        return Err(EngineAddressError::Ca);
    }
    // No ALPN: the engine is spoken to in HTTP/1.1 only, because upgrades need it.
    let builder = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|_| EngineAddressError::Ca)?
        .with_root_certificates(roots);
    let Some((cert_pem, key_pem)) = tls.client_pem else { return Ok(builder.with_no_client_auth()) };
    let chain: Vec<_> =
        CertificateDer::pem_slice_iter(cert_pem.as_bytes()).collect::<Result<_, _>>().map_err(|_| EngineAddressError::Client)?;
    let key = PrivateKeyDer::from_pem_slice(key_pem.as_bytes()).map_err(|_| EngineAddressError::Client)?;
    builder.with_client_auth_cert(chain, key).map_err(|_| EngineAddressError::Client)
}

trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// A connection to the engine, over whatever it is.
pub(super) struct EngineStream(TokioIo<Box<dyn Duplex>>);

impl EngineStream {
    fn new(stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) -> Self {
        Self(TokioIo::new(Box::new(stream)))
    }
}

impl Connection for EngineStream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for EngineStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl hyper::rt::Write for EngineStream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

impl tower::Service<http::Uri> for Connector {
    type Response = EngineStream;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<EngineStream>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.connect().await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engines_address_is_a_socket_or_a_host_and_port() {
        let parse = |text: &str| text.parse::<EngineAddress>();
        assert_eq!(parse("unix:///run/docker.sock").unwrap(), EngineAddress::Unix("/run/docker.sock".into()));
        assert_eq!(parse("tcp://[::1]:2376").unwrap(), EngineAddress::Tcp { host: "::1".into(), port: 2376 });
        for bad in ["", "docker.sock", "unix://docker.sock", "tcp://host", "tcp://:1", "tcp://h:x", "http://h:1"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
