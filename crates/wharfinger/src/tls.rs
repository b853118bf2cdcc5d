//! The certificate an origin serves: the user's own, or one of the instance's CA that renews itself.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use wharfinger_oci::Host;
use wharfinger_transport::{ServerTls, TlsIdentity, validate_certificate_covers};

use crate::instance::Instance;
use crate::options::{Origin, TlsFiles};

/// What an origin serves, and what clients have to trust for it.
pub(crate) struct Served {
    pub(crate) tls: Arc<ServerTls>,
    /// The CA of the served certificate, PEM: what `/ca` and client bundles hold.
    pub(crate) ca_pem: String,
    name: &'static str,
    host: Host,
    client_ca: Option<String>,
    issued: bool,
}

impl Served {
    /// `client_ca`: whose client certificates are accepted. A user's certificate that does not cover the public host is refused.
    pub(crate) async fn open(
        instance: &Instance,
        name: &'static str,
        origin: &Origin,
        client_ca: Option<&str>,
    ) -> anyhow::Result<Self> {
        let served = |tls, ca_pem, issued| Self {
            tls: Arc::new(tls),
            ca_pem,
            name,
            host: origin.host.clone(),
            client_ca: client_ca.map(str::to_owned),
            issued,
        };
        if let Some(files) = &origin.tls {
            let (cert, key, ca) = read_own(files)?;
            if let Err(refused) = validate_certificate_covers(&cert, origin.host.as_str()) {
                bail!("--{name}-tls-cert {}: {refused}", files.cert.display());
            }
            let identity = TlsIdentity { cert_pem: &cert, key_pem: &key, client_ca_pem: client_ca };
            return Ok(served(ServerTls::new(&identity)?, ca, false));
        }
        let issued = issue(instance, name, &origin.host).await?;
        let identity = TlsIdentity { cert_pem: &issued.chain_pem, key_pem: &issued.key_pem, client_ca_pem: client_ca };
        Ok(served(ServerTls::new(&identity)?, instance.ca.ca_pem().to_owned(), true))
    }

    /// Exchanges an issued certificate that comes to its end; what is served by a user's own certificate is left alone.
    pub(crate) async fn renew(&self, instance: &Instance) -> anyhow::Result<()> {
        if !self.issued {
            return Ok(());
        }
        let issued = issue(instance, self.name, &self.host).await?;
        let client_ca_pem = self.client_ca.as_deref();
        let identity = TlsIdentity { cert_pem: &issued.chain_pem, key_pem: &issued.key_pem, client_ca_pem };
        Ok(self.tls.replace(&identity)?)
    }
}

/// What clients of an origin have to trust, whether it is served now or not.
pub(crate) fn ca_of(instance: &Instance, origin: &Origin) -> anyhow::Result<String> {
    match &origin.tls {
        Some(files) => Ok(read_own(files)?.2),
        None => Ok(instance.ca.ca_pem().to_owned()),
    }
}

async fn issue(instance: &Instance, name: &str, host: &Host) -> anyhow::Result<wharfinger_auth::Issued> {
    // The machine itself may always come by loopback.
    let mut hosts = vec![host.name().to_owned()];
    hosts.extend(["localhost", "127.0.0.1", "::1"].map(str::to_owned).into_iter().filter(|local| local != host.name()));
    let issued = instance.ca.server_certificate(&*instance.sql, &instance.seal, name, &hosts).await;
    issued.with_context(|| format!("cannot make the {name}'s certificate"))
}

fn read_own(files: &TlsFiles) -> anyhow::Result<(String, String, String)> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let ca = files.ca.as_deref().context("a certificate of your own needs its CA file too")?;
    Ok((read(&files.cert)?, read(&files.key)?, read(ca)?))
}
