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
    /// The user's own certificate; without it ours.
    own: Option<TlsFiles>,
}

impl Served {
    /// `client_ca`: whose client certificates are accepted. A user's certificate that does not cover the public host is refused.
    pub(crate) async fn open(
        instance: &Instance,
        name: &'static str,
        origin: &Origin,
        client_ca: Option<&str>,
    ) -> anyhow::Result<Self> {
        let served = |tls, ca_pem| Self {
            tls: Arc::new(tls),
            ca_pem,
            name,
            host: origin.host.clone(),
            client_ca: client_ca.map(str::to_owned),
            own: origin.tls.clone(),
        };
        if let Some(files) = &origin.tls {
            let (cert, key, ca) = read_own(files, name, &origin.host)?;
            let identity = TlsIdentity { cert_pem: &cert, key_pem: &key, client_ca_pem: client_ca };
            return Ok(served(ServerTls::new(&identity)?, ca));
        }
        let issued = issue(instance, name, &origin.host).await?;
        let identity = TlsIdentity { cert_pem: &issued.chain_pem, key_pem: &issued.key_pem, client_ca_pem: client_ca };
        Ok(served(ServerTls::new(&identity)?, instance.ca.ca_pem().to_owned()))
    }

    /// Exchanges an issued certificate that comes to its end, or takes a user's own as it stands in its files now. Whatever is
    /// wrong with the new one, the old one is served on.
    pub(crate) async fn renew(&self, instance: &Instance) -> anyhow::Result<()> {
        let client_ca_pem = self.client_ca.as_deref();
        if let Some(files) = &self.own {
            let (cert, key, ca) = read_own(files, self.name, &self.host)?;
            if ca != self.ca_pem {
                bail!(
                    "the CA of the {}'s certificate is another than at the start: restart, so that clients are told",
                    self.name
                );
            }
            return Ok(self.tls.replace(&TlsIdentity { cert_pem: &cert, key_pem: &key, client_ca_pem })?);
        }
        let issued = issue(instance, self.name, &self.host).await?;
        let identity = TlsIdentity { cert_pem: &issued.chain_pem, key_pem: &issued.key_pem, client_ca_pem };
        Ok(self.tls.replace(&identity)?)
    }
}

/// What clients of an origin have to trust, whether it is served now or not.
pub(crate) fn ca_of(instance: &Instance, origin: &Origin) -> anyhow::Result<String> {
    match &origin.tls {
        Some(files) => Ok(read_own(files, "cluster", &origin.host)?.2),
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

/// Certificate, key and CA; refused where the certificate does not cover the public host.
fn read_own(files: &TlsFiles, name: &str, host: &Host) -> anyhow::Result<(String, String, String)> {
    let read = |path: &Path| std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()));
    let ca = files.ca.as_deref().context("a certificate of your own needs its CA file too")?;
    let cert = read(&files.cert)?;
    if let Err(refused) = validate_certificate_covers(&cert, host.as_str()) {
        bail!("--{name}-tls-cert {}: {refused}", files.cert.display());
    }
    Ok((cert, read(&files.key)?, read(ca)?))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use reqwest::tls::TlsInfo;
    use tokio::net::TcpListener;
    use tokio_util::sync::CancellationToken;
    use wharfinger_auth::Issued;
    use wharfinger_keys::Certificate;
    use wharfinger_transport::{Bounds, Live, serve};

    use super::*;

    fn leaf(issued: &Issued) -> Vec<u8> {
        Certificate::all_from_pem(&issued.chain_pem).unwrap()[0].der().to_vec()
    }

    /// The certificate that a new connection is shown.
    async fn shown(served: &Served) -> Vec<u8> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(serve(listener, served.tls.clone(), Router::new(), Live::new(), CancellationToken::new()));
        let ca = reqwest::Certificate::from_pem_bundle(served.ca_pem.as_bytes()).unwrap();
        let client = reqwest::Client::builder().no_proxy().tls_certs_only(ca).tls_info(true).build().unwrap();
        let answer = client.get(url).send().await.unwrap();
        answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate).unwrap().to_vec()
    }

    /// What rotates certificates (cert-manager, certbot) writes them over the old ones.
    #[tokio::test]
    async fn a_certificate_of_ones_own_is_taken_as_it_stands_in_its_files_now() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let instance = Instance::open(&at("data"), &at("seal.key"), Bounds::default()).await.unwrap();
        let write = |issued: &Issued| {
            std::fs::write(at("cert.pem"), &issued.chain_pem).unwrap();
            std::fs::write(at("key.pem"), issued.key_pem.as_bytes()).unwrap();
        };
        let issue = |host: &str| instance.ca.issue_server(&[host.to_owned()]).unwrap();
        std::fs::write(at("ca.pem"), instance.ca.ca_pem()).unwrap();
        write(&issue("localhost"));
        let files = TlsFiles { cert: at("cert.pem"), key: at("key.pem"), ca: Some(at("ca.pem")) };
        let origin = Origin { listen: ([127, 0, 0, 1], 0).into(), host: "localhost:1".parse().unwrap(), tls: Some(files) };
        let served = Served::open(&instance, "cluster", &origin, None).await.unwrap();

        let renewed = issue("localhost");
        write(&renewed);
        served.renew(&instance).await.unwrap();
        assert_eq!(shown(&served).await, leaf(&renewed));
        // Half a rotation, another host, another CA: the last good one stays.
        std::fs::write(at("key.pem"), issue("localhost").key_pem.as_bytes()).unwrap();
        assert!(served.renew(&instance).await.is_err());
        write(&issue("other.test"));
        assert!(served.renew(&instance).await.unwrap_err().to_string().contains("other.test"));
        write(&issue("localhost"));
        std::fs::write(at("ca.pem"), "another").unwrap();
        assert!(served.renew(&instance).await.unwrap_err().to_string().contains("restart"));
        assert_eq!(shown(&served).await, leaf(&renewed));
    }
}
