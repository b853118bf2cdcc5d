//! What is known of the other end of one connection.

use std::{net::SocketAddr, sync::Arc};

use tokio_util::sync::CancellationToken;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::Live;

/// The other end of a connection: its address and, if it showed one, the key of its client certificate, whose chain TLS
/// has verified against the client CA of the listener. In each request's extensions (`axum::Extension<Peer>`).
#[derive(Clone)]
pub struct Peer(Arc<Connection>);

struct Connection {
    remote: SocketAddr,
    spki: Option<Vec<u8>>,
    live: Arc<Live>,
    id: u64,
    cancelled: CancellationToken,
}

impl Peer {
    /// A peer whose connection is listed in `live` for as long as a clone of it is held.
    pub fn new(remote: SocketAddr, client_certificate: Option<&[u8]>, live: &Arc<Live>) -> Self {
        let (id, cancelled) = live.open();
        let spki = client_certificate.and_then(|der| {
            let (_, certificate) = X509Certificate::from_der(der).ok()?;
            Some(certificate.public_key().raw.to_vec())
        });
        Self(Arc::new(Connection { remote, spki, live: Arc::clone(live), id, cancelled }))
    }

    /// The `SubjectPublicKeyInfo` (DER) of the verified client certificate.
    pub fn certificate_spki(&self) -> Option<&[u8]> {
        self.0.spki.as_deref()
    }

    pub fn remote(&self) -> SocketAddr {
        self.0.remote
    }

    /// Says on whose behalf this connection is used, as soon as it is known, so that it can be cut.
    pub fn bind(&self, account: &str, key: Option<&str>) {
        self.0.live.bind(self.0.id, account, key);
    }

    /// Cancelled when the connection is to end at once; tunnels watch it.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.0.cancelled
    }

    pub fn live(&self) -> &Arc<Live> {
        &self.0.live
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.live.forget(self.id);
    }
}
