//! What is known of the other end of one connection.

use std::{net::SocketAddr, sync::Arc};

use tokio_util::sync::CancellationToken;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::{Busy, Live, under_way::Place};

/// The other end of a connection: its address and, if it showed one, the key of its client certificate, whose chain TLS
/// has verified against the client CA of the listener. In each request's extensions (`axum::Extension<Peer>`).
#[derive(Clone)]
pub struct Peer {
    connection: Arc<Connection>,
    /// What the request it came with has under way; none of a connection that is only held.
    place: Option<Arc<Place>>,
}

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
        let connection = Connection { remote, spki, live: Arc::clone(live), id, cancelled };
        Self { connection: Arc::new(connection), place: None }
    }

    /// The peer as one request carries it: as long as a clone of it is held, the request is under way.
    pub(crate) fn of_a_request(&self) -> Result<Self, Busy> {
        let place = self.connection.live.under_way().begin(self.remote().ip())?;
        Ok(Self { connection: Arc::clone(&self.connection), place: Some(Arc::new(place)) })
    }

    /// The answer of this request has begun.
    pub(crate) fn answered(&self) {
        if let Some(place) = &self.place {
            place.streams();
        }
    }

    /// The `SubjectPublicKeyInfo` (DER) of the verified client certificate.
    pub fn certificate_spki(&self) -> Option<&[u8]> {
        self.connection.spki.as_deref()
    }

    pub fn remote(&self) -> SocketAddr {
        self.connection.remote
    }

    /// Says on whose behalf this connection is used, as soon as it is known, so that it can be cut. From then on the request
    /// counts as the account's; it is refused when too many of these are under way.
    pub fn bind(&self, account: &str, key: Option<&str>) -> Result<(), Busy> {
        self.connection.live.bind(self.connection.id, account, key);
        self.counts_as(account)
    }

    /// Says on whose behalf this request alone is made: it counts as the account's, and is refused when too many of these are
    /// under way. The connection is not cut with the account: a cluster asks a registry for all its people over one.
    pub fn counts_as(&self, account: &str) -> Result<(), Busy> {
        self.place.as_ref().map_or(Ok(()), |place| place.belongs_to(account))
    }

    /// Says on whose behalf, as another system calls them, this request alone is made: it is refused when `most` of theirs are under
    /// way.
    pub fn counts_as_other(&self, name: &str, most: usize) -> Result<(), Busy> {
        self.place.as_ref().map_or(Ok(()), |place| place.belongs_to_other(name, most))
    }

    /// Cancelled when the connection is to end at once; tunnels watch it.
    pub fn cancelled(&self) -> &CancellationToken {
        &self.connection.cancelled
    }

    pub fn live(&self) -> &Arc<Live> {
        &self.connection.live
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.live.forget(self.id);
    }
}
