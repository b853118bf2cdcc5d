//! Keys, certificates, tokens and passwords, as they are shown to us.

use std::sync::LazyLock;

use wharfinger_keys::{Certificate, PrivateKey, PublicKey, SealKey};
use wharfinger_transport::validate_certificate_covers;

pub fn keys(bytes: &[u8]) {
    for key in [PublicKey::from_spki_der(bytes), PublicKey::from_certificate_der(bytes)].into_iter().flatten() {
        let again = PublicKey::from_pem(&key.to_pem()).expect("what is written can be read");
        assert_eq!(again, key);
        let _ = key.verify("ecdsa", b"message", bytes);
    }
    let _ = (PublicKey::from_ed25519(bytes), Certificate::from_der(bytes));
    if let Ok(seal) = SealKey::from_bytes(&[7; 32]) {
        assert!(seal.open("fuzz", bytes).is_err(), "what nobody sealed is opened");
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = (PublicKey::from_pem(text), Certificate::from_pem(text));
    let _ = validate_certificate_covers(text, "dtr.test:5443");
    if let Ok(chain) = Certificate::all_from_pem(text)
        && let [leaf, .., root] = chain.as_slice()
    {
        let _ = leaf.is_issued_by(root, leaf.not_before());
    }
}

/// A private key with some of its bytes changed: two bytes of input each, where and by what. No key stands in the corpus.
pub fn private_key(bytes: &[u8]) {
    static KEY: LazyLock<PrivateKey> = LazyLock::new(PrivateKey::generate_p256);
    let mut der = KEY.to_pkcs8_der().to_vec();
    for change in bytes.chunks_exact(2) {
        if let Some(byte) = der.get_mut(usize::from(change[0])) {
            *byte ^= change[1];
        }
    }
    if let Ok(key) = PrivateKey::from_pkcs8_der(&der) {
        let signature = key.sign(b"message").expect("a key that was taken signs");
        assert_eq!(key.public_key().verify(key.method(), b"message", &signature), Ok(()));
    }
    let _ = PrivateKey::from_pkcs8_der(bytes);
}

pub fn token(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        wharfinger_auth::fuzzing::token(text);
    }
}

/// `Authorization`, `X-Registry-Auth`, `WWW-Authenticate`, scopes and addresses.
pub fn credentials(bytes: &[u8]) {
    wharfinger_api::fuzzing::authorization(bytes);
    wharfinger_trust::fuzzing::challenge(bytes);
    wharfinger_engine::fuzzing::registry_auth(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        wharfinger_auth::fuzzing::scopes(text);
        wharfinger_trust::fuzzing::places(text);
    }
}
