//! What stands in our certificates. Every field is set: the library's defaults are a life from 1975 to 4096 and no usages.

use std::net::IpAddr;

use aws_lc_rs::rand;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    SanType, SerialNumber, SubjectPublicKeyInfo,
};
use time::{Duration, OffsetDateTime};
use wharfinger_identity::Account;
use wharfinger_keys::PublicKey;
use x509_parser::pem::Pem;

use super::subject::{COMMON_NAME, ORGANIZATION, ORGANIZATIONAL_UNIT, with_subject};
use super::{CaError, CertificateAuthority};

/// Clocks differ.
const BACKDATED: Duration = Duration::minutes(5);
/// RFC 5280, ub-common-name.
const LONGEST_COMMON_NAME: usize = 64;

fn params(names: &[(DnType, &str)], now: OffsetDateTime, end: OffsetDateTime) -> Result<CertificateParams, CaError> {
    let mut params = CertificateParams::default();
    params.not_before = now - BACKDATED;
    params.not_after = end;
    let mut serial = [0_u8; 16];
    rand::fill(&mut serial).map_err(|_| CaError::make("no random bytes"))?;
    // RFC 5280 4.1.2.2: positive.
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    params.distinguished_name = DistinguishedName::new();
    for (kind, name) in names {
        params.distinguished_name.push(kind.clone(), *name);
    }
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

pub(super) fn authority(instance: &str, key: &KeyPair, now: OffsetDateTime, lifetime: Duration) -> Result<String, CaError> {
    let name = format!("Wharfinger CA {instance}");
    let mut params = params(&[(DnType::CommonName, &name), (DnType::OrganizationName, instance)], now, now + lifetime)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params.self_signed(key).map_err(CaError::make)?.pem())
}

impl CertificateAuthority {
    /// A client certificate (PEM) of `lifetime` for somebody's key: `CN=<user> OU=Client` and an `O=` for each group, good for logging
    /// in only. To us none of these names says anything; to an API server of Kubernetes they are the user and the groups.
    pub fn issue_client(
        &self,
        account: &Account,
        groups: &[String],
        key: &PublicKey,
        lifetime: Duration,
    ) -> Result<String, CaError> {
        let now = self.clock.now();
        let mut params = params(&[], now, (now + lifetime).min(self.not_after))?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = SubjectPublicKeyInfo::from_der(key.spki_der()).map_err(CaError::make)?;
        let nameless = params.signed_by(&key, &self.issuer).map_err(CaError::make)?;
        let mut names = vec![(COMMON_NAME, account.name.as_str()), (ORGANIZATIONAL_UNIT, "Client")];
        names.extend(groups.iter().map(|group| (ORGANIZATION, group.as_str())));
        let certificate = with_subject(nameless.der(), &names, self.issuer.key())?;
        let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
        Ok(pem::encode_config(&pem::Pem::new("CERTIFICATE", certificate), config))
    }

    /// The leaf of a server, PEM.
    pub(super) fn issue_leaf(
        &self,
        hosts: &[String],
        key: &KeyPair,
        lifetime: Duration,
    ) -> Result<(String, OffsetDateTime), CaError> {
        let now = self.clock.now();
        let end = (now + lifetime).min(self.not_after);
        let bare: Vec<&str> = hosts.iter().map(|host| without_port(host)).collect();
        let first = bare.first().copied().filter(|name| name.len() <= LONGEST_COMMON_NAME).unwrap_or("Wharfinger");
        let names = [(DnType::CommonName, first), (DnType::OrganizationName, self.instance.as_str())];
        let mut params = params(&names, now, end)?;
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        for host in bare {
            let name = alternative_name(host)?;
            if !params.subject_alt_names.contains(&name) {
                params.subject_alt_names.push(name);
            }
        }
        if params.subject_alt_names.is_empty() {
            return Err(CaError::Host(String::new()));
        }
        Ok((params.signed_by(key, &self.issuer).map_err(CaError::make)?.pem(), end))
    }
}

/// `host`, `host:port`, `[v6]:port` or a bare IPv6 address: the host.
fn without_port(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or(rest);
    }
    match host.rsplit_once(':') {
        Some((name, _)) if !name.contains(':') => name,
        _ => host,
    }
}

fn alternative_name(host: &str) -> Result<SanType, CaError> {
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SanType::IpAddress(address));
    }
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    // All digits and dots, and no address: something like `1.2.3` or `300.1.1.1`.
    let number = name.split('.').next_back().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
    if name.len() > 253 || number || !name.split('.').all(label) {
        return Err(CaError::Host(host.chars().take(100).collect()));
    }
    Ok(SanType::DnsName(name.try_into().map_err(CaError::make)?))
}

/// When a certificate (PEM) ends.
pub(super) fn end_of(pem: &str) -> Result<OffsetDateTime, CaError> {
    let block = Pem::iter_from_buffer(pem.as_bytes()).next().ok_or_else(|| CaError::make("no PEM block"))?;
    let block = block.map_err(CaError::make)?;
    let certificate = block.parse_x509().map_err(CaError::make)?;
    Ok(certificate.validity().not_after.to_datetime())
}
