//! Whether a user's own certificate can serve the public host.

use rustls::{
    client::verify_server_name,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
    server::ParsedCertificate,
};
use thiserror::Error;
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer as _, X509Certificate},
};

#[derive(Debug, PartialEq, Eq, Error)]
pub enum CertificateRefused {
    #[error("the certificate file holds no readable certificate")]
    Unreadable,
    #[error("`{0}` is not a host name or address")]
    NotAHost(String),
    #[error(
        "the certificate does not cover the public host `{host}`; it is valid for {}. Use a certificate with that subject \
         alternative name, or change the public host",
        if valid_for.is_empty() { "no name".to_owned() } else { valid_for.join(", ") }
    )]
    NotCovered { host: String, valid_for: Vec<String> },
}

/// Refuses a certificate (the first of a PEM text) that clients would not accept for `host`, a name or address with or
/// without a port.
pub fn validate_certificate_covers(cert_pem: &str, host: &str) -> Result<(), CertificateRefused> {
    let der = CertificateDer::from_pem_slice(cert_pem.as_bytes()).map_err(|_| CertificateRefused::Unreadable)?;
    let parsed = ParsedCertificate::try_from(&der).map_err(|_| CertificateRefused::Unreadable)?;
    let name = without_port(host);
    let server = ServerName::try_from(name.to_owned()).map_err(|_| CertificateRefused::NotAHost(host.to_owned()))?;
    verify_server_name(&parsed, &server)
        .map_err(|_| CertificateRefused::NotCovered { host: name.to_owned(), valid_for: names(&der) })
}

fn without_port(host: &str) -> &str {
    if let Some(bracketed) = host.strip_prefix('[') {
        return bracketed.split(']').next().unwrap_or(bracketed);
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    }
}

fn names(der: &CertificateDer<'_>) -> Vec<String> {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return Vec::new() };
    let Ok(Some(alternative)) = certificate.subject_alternative_name() else { return Vec::new() };
    let covered = alternative.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(octets) => address(octets),
        _ => None,
    });
    covered.collect()
}

fn address(octets: &[u8]) -> Option<String> {
    if let Ok(four) = <[u8; 4]>::try_from(octets) {
        return Some(std::net::Ipv4Addr::from(four).to_string());
    }
    let sixteen = <[u8; 16]>::try_from(octets).ok()?;
    Some(std::net::Ipv6Addr::from(sixteen).to_string())
}
