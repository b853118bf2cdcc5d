//! A subject with several organizations. The library that makes our certificates knows one value for each kind of name, so it makes
//! them with none, and the subject is put in here.

use der::asn1::{Any, BitString, ObjectIdentifier, SetOfVec, Utf8StringRef};
use der::{Decode as _, Encode as _, Sequence, ValueOrd};
use rcgen::SigningKey;

use super::CaError;

/// X.520.
pub(super) const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
pub(super) const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");
pub(super) const ORGANIZATIONAL_UNIT: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.11");

/// RFC 5280 § 4.1: where the subject stands in a `TBSCertificate` of version 3.
const SUBJECT: usize = 5;

/// `AttributeTypeAndValue`.
#[derive(Sequence, ValueOrd)]
struct Attribute<'a> {
    kind: ObjectIdentifier,
    value: Utf8StringRef<'a>,
}

/// A certificate (DER) with `names` as its subject, signed anew with `key`, which has signed it as it is.
pub(super) fn with_subject(
    certificate: &[u8],
    names: &[(ObjectIdentifier, &str)],
    key: &impl SigningKey,
) -> Result<Vec<u8>, CaError> {
    let [tbs, algorithm, _] = <[Any; 3]>::try_from(Vec::<Any>::from_der(certificate).map_err(CaError::make)?)
        .map_err(|_| CaError::make("a certificate has three parts"))?;
    let mut tbs: Vec<Any> = Vec::from_der(&tbs.to_der().map_err(CaError::make)?).map_err(CaError::make)?;
    *tbs.get_mut(SUBJECT).ok_or_else(|| CaError::make("a certificate has a subject"))? = subject(names).map_err(CaError::make)?;
    let tbs = tbs.to_der().map_err(CaError::make)?;
    let signature = BitString::from_bytes(&key.sign(&tbs).map_err(CaError::make)?).map_err(CaError::make)?;
    let parts = (Any::from_der(&tbs), Any::encode_from(&signature));
    vec![parts.0.map_err(CaError::make)?, algorithm, parts.1.map_err(CaError::make)?].to_der().map_err(CaError::make)
}

/// `RDNSequence`: each name in a set of its own.
fn subject(names: &[(ObjectIdentifier, &str)]) -> der::Result<Any> {
    let mut sequence = Vec::new();
    for (kind, value) in names {
        sequence.push(SetOfVec::try_from(vec![Attribute { kind: *kind, value: Utf8StringRef::new(value)? }])?);
    }
    Any::from_der(&sequence.to_der()?)
}
