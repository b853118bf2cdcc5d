//! Whose key is this, and did it sign these bytes?
//!
//! Keys and certificates come in as DER, PEM or PKCS#8, in the forms that TLS, Docker and Notary v1 write; typed keys, their ids and
//! signatures go out, and secrets sealed for storage. Two encodings of one key are one [`PublicKey`]: an encoding that is not the canonical
//! one is refused, so that equality, hashing and counting by key are exact.
//!
//! Never here: files, the network, the time, or a private key that can be printed, cloned or serialised.

mod certificate;
mod der;
mod id;
mod private;
mod public;
mod seal;
mod verify;

pub use certificate::{Certificate, CertificateError};
pub use id::{KeyId, KeyIdError};
pub use private::{PrivateKey, PrivateKeyError, SignError};
pub use public::{KeyError, KeyType, PublicKey};
pub use seal::{SealError, SealKey};
pub use verify::VerifyError;
