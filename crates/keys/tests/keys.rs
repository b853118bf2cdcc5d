//! Every kind of key: read, named, verified; and what is refused.

use std::process::Command;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P521_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA512, RsaKeyPair,
};
use wharfinger_keys::{Certificate, KeyError, KeyId, KeyType, PrivateKey, PublicKey, VerifyError};

const MESSAGE: &[u8] = b"{\"_type\":\"Targets\"}";

fn rsa() -> RsaKeyPair {
    RsaKeyPair::generate(KeySize::Rsa2048).unwrap()
}

fn private_rsa(pair: &RsaKeyPair) -> PrivateKey {
    let pkcs8: aws_lc_rs::encoding::Pkcs8V1Der<'_> = pair.as_der().unwrap();
    PrivateKey::from_pkcs8_der(pkcs8.as_ref()).unwrap()
}

/// One key of each kind that we can sign with.
fn signers() -> Vec<(PrivateKey, KeyType, &'static str)> {
    let ed25519 = Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap();
    vec![
        (PrivateKey::generate_p256(), KeyType::Ecdsa, "ecdsa"),
        (PrivateKey::from_pkcs8_der(ed25519.as_ref()).unwrap(), KeyType::Ed25519, "eddsa"),
        (private_rsa(&rsa()), KeyType::Rsa, "rsapss"),
    ]
}

#[test]
fn what_a_key_signs_it_verifies_and_nobody_else_does() {
    for (key, key_type, method) in signers() {
        assert_eq!((key.public_key().key_type(), key.method()), (key_type, method));
        let signature = key.sign(MESSAGE).unwrap();
        let public = key.public_key();
        assert_eq!(public.verify(method, MESSAGE, &signature), Ok(()));
        assert_eq!(public.verify(&method.to_uppercase(), MESSAGE, &signature), Ok(()));
        assert_eq!(public.verify(method, b"other", &signature), Err(VerifyError::Invalid));
        for length in [0, 1, signature.len() - 1] {
            assert_eq!(public.verify(method, MESSAGE, &signature[..length]), Err(VerifyError::Invalid));
        }
        assert_eq!(public.verify(method, MESSAGE, &[signature.as_slice(), &[0]].concat()), Err(VerifyError::Invalid));
        for other in ["ecdsa", "eddsa", "rsapss", "rsapkcs1v15"] {
            let verified = public.verify(other, MESSAGE, &signature);
            match other {
                _ if other == method => {}
                "rsapkcs1v15" if key_type == KeyType::Rsa => assert_eq!(verified, Err(VerifyError::Invalid)),
                _ => assert!(matches!(verified, Err(VerifyError::WrongKeyType { .. })), "{other}"),
            }
        }
        for unknown in ["", "none", "ecdsa-sha2-nistp256", "pycrypto-pkcs#1 pss"] {
            assert!(matches!(public.verify(unknown, MESSAGE, &signature), Err(VerifyError::UnknownMethod(_))));
        }
    }
}

#[test]
fn ecdsa_signatures_are_r_and_s_and_never_der() {
    let key = PrivateKey::generate_p256();
    assert_eq!(key.sign(MESSAGE).unwrap().len(), 64);
    let algorithm = &aws_lc_rs::signature::ECDSA_P256_SHA256_ASN1_SIGNING;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, &key.to_pkcs8_der()).unwrap();
    let der = pair.sign(&SystemRandom::new(), MESSAGE).unwrap();
    assert_eq!(key.public_key().verify("ecdsa", MESSAGE, der.as_ref()), Err(VerifyError::Invalid));
    assert_eq!(key.public_key().verify("ecdsa", MESSAGE, &[0; 64]), Err(VerifyError::Invalid));
}

#[test]
fn p521_with_sha256_verifies() {
    let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA256_FIXED_SIGNING).unwrap();
    let spki: aws_lc_rs::encoding::PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
    let public = PublicKey::from_spki_der(spki.as_ref()).unwrap();
    // Often enough that r or s begins with zeros, or with a set bit.
    for round in 0..40_u8 {
        let signature = pair.sign(&SystemRandom::new(), &[round]).unwrap();
        assert_eq!(signature.as_ref().len(), 132);
        assert_eq!(public.verify("ecdsa", &[round], signature.as_ref()), Ok(()));
        assert_eq!(public.verify("ecdsa", &[round + 1], signature.as_ref()), Err(VerifyError::Invalid));
    }
}

#[test]
fn rsa_is_verified_as_pss_with_a_salt_of_32_and_as_pkcs1() {
    let pair = rsa();
    let key = private_rsa(&pair);
    let sign = |padding| {
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(padding, &SystemRandom::new(), MESSAGE, &mut signature).unwrap();
        signature
    };
    assert_eq!(key.public_key().verify("rsapkcs1v15", MESSAGE, &sign(&RSA_PKCS1_SHA256)), Ok(()));
    assert_eq!(key.public_key().verify("rsapss", MESSAGE, &sign(&RSA_PSS_SHA512)), Err(VerifyError::Invalid));
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(file("key"), key.to_pkcs8_pem().as_str()).unwrap();
    std::fs::write(file("message"), MESSAGE).unwrap();
    for (salt, verdict) in [("32", Ok(())), ("20", Err(VerifyError::Invalid)), ("0", Err(VerifyError::Invalid))] {
        let salt = format!("rsa_pss_saltlen:{salt}");
        openssl(&[
            "dgst",
            "-sha256",
            "-sigopt",
            "rsa_padding_mode:pss",
            "-sigopt",
            &salt,
            "-sign",
            &file("key"),
            "-out",
            &file("signature"),
            &file("message"),
        ]);
        let signature = std::fs::read(file("signature")).unwrap();
        assert_eq!(key.public_key().verify("rsapss", MESSAGE, &signature), verdict, "{salt}");
    }
}

fn openssl(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new("openssl").args(arguments).output().expect("openssl is installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_key_survives_every_form_it_is_kept_in() {
    for (key, ..) in signers() {
        let public = key.public_key();
        assert_eq!(&PublicKey::from_spki_der(public.spki_der()).unwrap(), public);
        assert_eq!(&PublicKey::from_pem(&public.to_pem()).unwrap(), public);
        let with_text = format!("subject=x\n\n{}trailing", public.to_pem());
        assert_eq!(&PublicKey::from_pem(&with_text).unwrap(), public);
        assert_eq!(PrivateKey::from_pkcs8_der(&key.to_pkcs8_der()).unwrap().public_key(), public);
        assert!(key.to_pkcs8_pem().starts_with("-----BEGIN PRIVATE KEY-----\n"));
        assert_eq!(public.canonical_id(), KeyId::of(public.key_type().as_str(), public.notary_public()));
    }
}

/// What we hand out is read by the tools people use.
#[test]
fn openssl_reads_the_keys_we_write() {
    let folder = tempfile::tempdir().unwrap();
    for (at, (key, ..)) in signers().into_iter().enumerate() {
        let path = folder.path().join(format!("{at}.pem")).display().to_string();
        std::fs::write(&path, key.to_pkcs8_pem().as_str()).unwrap();
        assert_eq!(String::from_utf8(openssl(&["pkey", "-pubout", "-in", &path])).unwrap(), key.public_key().to_pem());
    }
}

/// A key made by openssl, as DER.
fn made(arguments: &[&str], conversion: &[&str]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key").display().to_string();
    std::fs::write(&path, openssl(&[&["genpkey"], arguments].concat())).unwrap();
    openssl(&[&["pkey", "-pubout", "-outform", "DER", "-in", &path], conversion].concat())
}

#[test]
fn keys_of_openssl_are_read() {
    for curve in ["P-256", "P-384", "P-521"] {
        let key = PublicKey::from_spki_der(&made(&["-algorithm", "EC", "-pkeyopt", &format!("ec_paramgen_curve:{curve}")], &[]));
        assert_eq!(key.unwrap().key_type(), KeyType::Ecdsa);
    }
    assert_eq!(PublicKey::from_spki_der(&made(&["-algorithm", "ED25519"], &[])).unwrap().key_type(), KeyType::Ed25519);
    let rsa = made(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"], &[]);
    assert_eq!(PublicKey::from_spki_der(&rsa).unwrap().key_type(), KeyType::Rsa);
}

#[test]
fn weak_strange_and_ambiguous_keys_are_refused() {
    let refused = |arguments: &[&str], conversion: &[&str]| PublicKey::from_spki_der(&made(arguments, conversion)).unwrap_err();
    assert_eq!(refused(&["-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"], &[]), KeyError::RsaLength(1024));
    assert_eq!(refused(&["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"], &[]), KeyError::Unsupported);
    assert_eq!(refused(&["-algorithm", "X25519"], &[]), KeyError::Unsupported);
    // One key in two encodings would be two keys.
    let p256 = ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"];
    assert_eq!(refused(&p256, &["-ec_conv_form", "compressed"]), KeyError::NotCanonical);
    assert_eq!(refused(&p256, &["-ec_param_enc", "explicit"]), KeyError::Unsupported);
    let key = PrivateKey::generate_p256();
    let spki = key.public_key().spki_der();
    assert_eq!(PublicKey::from_spki_der(&[spki, &[0]].concat()), Err(KeyError::Malformed));
    for garbage in [b"".as_slice(), b"x", &spki[..spki.len() - 1], &key.to_pkcs8_der()] {
        assert!(PublicKey::from_spki_der(garbage).is_err());
    }
    for garbage in ["", "-----BEGIN", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", key.to_pkcs8_pem().as_str()]
    {
        assert_eq!(PublicKey::from_pem(garbage), Err(KeyError::Malformed));
    }
}

#[test]
fn a_certificate_carries_its_key_and_name() {
    let key = PrivateKey::generate_p256();
    let pair = rcgen::KeyPair::try_from(key.to_pkcs8_der().as_slice()).unwrap();
    let mut parameters = rcgen::CertificateParams::default();
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.distinguished_name.push(rcgen::DnType::CommonName, "dtr.test:5400/qa/app");
    let pem = parameters.self_signed(&pair).unwrap().pem();
    let certificate = Certificate::from_pem(&pem).unwrap();
    assert_eq!(certificate.common_name(), "dtr.test:5400/qa/app");
    assert_eq!(certificate.public_key(), key.public_key());
    assert_eq!(&PublicKey::from_pem(&pem).unwrap(), key.public_key());
    assert!(!certificate.is_ca() && !certificate.has_weak_signature());
    assert!(Certificate::from_pem(&key.public_key().to_pem()).is_err());
    assert!(Certificate::from_der(&[certificate.der(), &[0]].concat()).is_err());
}

#[test]
fn a_certificate_signed_with_sha1_is_known_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").display().to_string();
    let pem = openssl(&["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-sha1", "-subj", "/CN=x", "-keyout", &key]);
    assert!(Certificate::from_pem(std::str::from_utf8(&pem).unwrap()).unwrap().has_weak_signature());
}

#[test]
fn what_is_not_an_unencrypted_pkcs8_key_is_refused() {
    let key = PrivateKey::generate_p256();
    let pkcs8 = key.to_pkcs8_der();
    for garbage in [b"".as_slice(), b"x", &pkcs8[..pkcs8.len() - 1], key.public_key().spki_der()] {
        assert!(PrivateKey::from_pkcs8_der(garbage).is_err());
    }
}
