//! The server's end of TLS: its certificate, whose client certificates it looks at, and how both are exchanged while it
//! runs.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{NoServerSessionStorage, WebPkiClientVerifier},
};
use thiserror::Error;

/// What a listener shows and asks for. Borrowed: the private key is kept nowhere but in the TLS configuration.
pub struct TlsIdentity<'a> {
    /// The served certificate and its chain, leaf first.
    pub cert_pem: &'a str,
    pub key_pem: &'a str,
    /// Client certificates of this CA are accepted; without it none are asked for. They are never required: a bearer
    /// token may come instead, over the same port.
    pub client_ca_pem: Option<&'a str>,
}

#[derive(Debug, Error)]
pub enum TlsError {
    #[error("no certificate could be read from the certificate file")]
    NoCertificate,
    #[error("no private key could be read from the key file")]
    NoKey,
    #[error("the client CA cannot be used")]
    ClientCa(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("the certificate and its key cannot be used together")]
    Unusable(#[source] rustls::Error),
}

/// The TLS side of a listener; [`ServerTls::replace`] takes effect with the next handshake.
pub struct ServerTls(ArcSwap<ServerConfig>);

impl ServerTls {
    pub fn new(identity: &TlsIdentity<'_>) -> Result<Self, TlsError> {
        Ok(Self(ArcSwap::from_pointee(configure(identity)?)))
    }

    /// Exchanges certificate, key and client CA. On an error the present ones stay.
    pub fn replace(&self, identity: &TlsIdentity<'_>) -> Result<(), TlsError> {
        self.0.store(Arc::new(configure(identity)?));
        Ok(())
    }

    pub(crate) fn config(&self) -> Arc<ServerConfig> {
        self.0.load_full()
    }
}

fn configure(identity: &TlsIdentity<'_>) -> Result<ServerConfig, TlsError> {
    let chain = certificates(identity.cert_pem).filter(|chain| !chain.is_empty()).ok_or(TlsError::NoCertificate)?;
    let key = PrivateKeyDer::from_pem_slice(identity.key_pem.as_bytes()).map_err(|_| TlsError::NoKey)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?;
    let builder = match identity.client_ca_pem {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let mut roots = RootCertStore::empty();
            for certificate in certificates(pem).unwrap_or_default() {
                roots.add(certificate).map_err(|error| TlsError::ClientCa(error.into()))?;
            }
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .allow_unauthenticated()
                .build()
                .map_err(|error| TlsError::ClientCa(error.into()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let mut config = builder.with_single_cert(chain, key).map_err(TlsError::Unusable)?;
    // rustls restores the client's chain on resumption without checking it again: a certificate that has expired, or
    // whose CA was exchanged, would still open the door. So nothing is resumed.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// Every certificate of a PEM text; none if any block of it cannot be read.
pub(crate) fn certificates(pem: &str) -> Option<Vec<CertificateDer<'static>>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().ok()
}
