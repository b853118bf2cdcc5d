use ::time::Duration;
use wharfinger_auth::{CaError, CertificateAuthority, Clock};
use wharfinger_keys::{PrivateKey, SealKey};
use wharfinger_storage::secrets::Secrets as _;
use x509_parser::prelude::*;

use crate::house::{House, START, house};

fn der(pem: &str) -> Vec<u8> {
    parse_x509_pem(pem.as_bytes()).unwrap().1.contents
}

fn dates(certificate: &X509Certificate<'_>) -> (Duration, Duration) {
    let validity = certificate.validity();
    (validity.not_before.to_datetime() - START, validity.not_after.to_datetime() - START)
}

fn issued_by(certificate: &X509Certificate<'_>, ca_pem: &str) {
    let ca = der(ca_pem);
    let ca = X509Certificate::from_der(&ca).unwrap().1;
    assert_eq!(certificate.issuer(), ca.subject());
    certificate.verify_signature(Some(ca.public_key())).unwrap();
    let key_id = certificate.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::AuthorityKeyIdentifier(id) => id.key_identifier.as_ref().map(|id| id.0.to_vec()),
        _ => None,
    });
    let ca_key_id = ca.iter_extensions().find_map(|extension| match extension.parsed_extension() {
        ParsedExtension::SubjectKeyIdentifier(id) => Some(id.0.to_vec()),
        _ => None,
    });
    assert!(key_id.is_some() && key_id == ca_key_id);
}

fn hosts(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[tokio::test]
async fn the_ca_is_a_ca_for_ten_years_and_for_leaves_only() {
    let house = house().await;
    let der = der(house.ca.ca_pem());
    let ca = X509Certificate::from_der(&der).unwrap().1;
    let constraints = ca.basic_constraints().unwrap().unwrap();
    assert!(constraints.critical && constraints.value.ca && constraints.value.path_len_constraint == Some(0));
    let usage = ca.key_usage().unwrap().unwrap();
    assert!(usage.critical && usage.value.key_cert_sign() && usage.value.crl_sign() && !usage.value.digital_signature());
    assert_eq!(dates(&ca), (-Duration::minutes(5), Duration::days(3650)));
    issued_by(&ca, house.ca.ca_pem());
}

#[tokio::test]
async fn the_ca_is_the_same_after_opening_again_and_sealed_where_it_is_kept() {
    let house = house().await;
    let again = CertificateAuthority::open(&house.sql, &house.seal, Clock::new(|| START)).await.unwrap();
    assert_eq!((again.ca_pem(), again.instance_id()), (house.ca.ca_pem(), house.ca.instance_id()));
    let kept = house.sql.secret("ca").await.unwrap().unwrap();
    assert!(!kept.windows(11).any(|bytes| bytes == b"certificate"), "nothing to read");
    let other = CertificateAuthority::open(&house.sql, &SealKey::generate(), Clock::new(|| START)).await;
    assert!(matches!(other, Err(CaError::Sealed("ca"))));
}

#[tokio::test]
async fn a_client_certificate_says_who_for_a_year_and_lets_in_as_client_only() {
    let house = house().await;
    let ada = house.user("ada").await;
    let key = PrivateKey::generate_p256();
    let groups = ["wharfinger:admin".to_owned(), format!("{}/{}", "o".repeat(64), "t".repeat(64))];
    let pem = house.ca.issue_client(&ada, &groups, key.public_key(), Duration::days(365)).unwrap();
    let der = der(&pem);
    let certificate = X509Certificate::from_der(&der).unwrap().1;
    assert_eq!(certificate.subject().to_string(), format!("CN=ada, OU=Client, O={}, O={}", groups[0], groups[1]));
    assert_eq!(dates(&certificate), (-Duration::minutes(5), Duration::days(365)));
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.client_auth && !usage.server_auth && !usage.any && usage.other.is_empty());
    let usage = certificate.key_usage().unwrap().unwrap().value;
    assert!(usage.digital_signature() && !usage.key_cert_sign());
    assert!(!certificate.is_ca());
    assert_eq!(certificate.public_key().raw, key.public_key().spki_der());
    assert_eq!(certificate.signature_algorithm.algorithm, x509_parser::oid_registry::OID_SIG_ECDSA_WITH_SHA256);
    issued_by(&certificate, house.ca.ca_pem());
}

#[tokio::test]
async fn a_server_certificate_covers_its_hosts_for_ninety_days() {
    let house = house().await;
    let issued = house.ca.issue_server(&hosts(&["dtr.test:5443", "DTR.test", "127.0.0.1:8443", "[::1]:8443", "::1"])).unwrap();
    let (leaf, ca) = issued.chain_pem.split_at(issued.chain_pem.rfind("-----BEGIN").unwrap());
    assert_eq!(ca, house.ca.ca_pem());
    let der = der(leaf);
    let certificate = X509Certificate::from_der(&der).unwrap().1;
    let names = &certificate.subject_alternative_name().unwrap().unwrap().value.general_names;
    let v6 = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    assert_eq!(*names, [GeneralName::DNSName("dtr.test"), GeneralName::IPAddress(&[127, 0, 0, 1]), GeneralName::IPAddress(&v6)]);
    let usage = certificate.extended_key_usage().unwrap().unwrap().value;
    assert!(usage.server_auth && !usage.client_auth);
    assert_eq!(dates(&certificate), (-Duration::minutes(5), Duration::days(90)));
    assert!(!certificate.is_ca());
    issued_by(&certificate, house.ca.ca_pem());
    let key = PrivateKey::from_pkcs8_der(&parse_x509_pem(issued.key_pem.as_bytes()).unwrap().1.contents).unwrap();
    assert_eq!(certificate.public_key().raw, key.public_key().spki_der());
}

#[tokio::test]
async fn what_is_no_host_stands_in_no_certificate() {
    let house = house().await;
    for bad in ["", "a b", "-a.test", "a..b", "300.1.1.1", "*.test", "a/b", "x\n", &"a".repeat(300)] {
        let refused = house.ca.issue_server(&hosts(&["dtr.test", bad]));
        assert!(matches!(refused, Err(CaError::Host(_))), "{bad:?}");
    }
    assert!(matches!(house.ca.issue_server(&[]), Err(CaError::Host(_))));
}

async fn served(house: &House, names: &[&str]) -> String {
    house.ca.server_certificate(&house.sql, &house.seal, "cluster", &hosts(names)).await.unwrap().chain_pem
}

#[tokio::test]
async fn a_server_certificate_is_made_anew_for_other_hosts_and_a_month_before_its_end() {
    let house = house().await;
    let first = served(&house, &["a.test"]).await;
    assert_eq!(served(&house, &["a.test"]).await, first, "kept");
    let other = served(&house, &["b.test"]).await;
    assert_ne!(other, first);
    house.later(Duration::days(59));
    assert_eq!(served(&house, &["b.test"]).await, other);
    house.later(Duration::days(1));
    let renewed = served(&house, &["b.test"]).await;
    assert_ne!(renewed, other);
    house.sql.replace("tls/cluster", b"damaged").await.unwrap();
    assert_ne!(served(&house, &["b.test"]).await, renewed, "what cannot be read is made anew");
}

#[tokio::test]
async fn no_leaf_outlives_the_ca() {
    let house = house().await;
    house.later(Duration::days(3600));
    let issued = house.ca.issue_server(&hosts(&["a.test"])).unwrap();
    assert_eq!(issued.not_after, START + Duration::days(3650));
}
