//! Certificates and session tokens: whose are they, now?

use time::OffsetDateTime;
use wharfinger_identity::Account;
use wharfinger_storage::StorageError;
use wharfinger_storage::accounts::PublicKeyRecord;
use x509_parser::pem::Pem;

use super::{Accounts, AuthError};
use crate::principal::{Principal, SessionId, Via};
use crate::secret::token_hash;

const NO_SESSION: &str = "this session has ended; log in again";
const NO_CERTIFICATE: &str = "this certificate's key lets nobody in (any more); download a new client bundle";
const EXPIRED: &str = "this certificate has expired; download a new client bundle";

impl Accounts {
    /// Recognises a caller: a bearer token first, then the certificate's key (SPKI DER; TLS has verified the chain), then the session
    /// cookie (the value of the `Cookie` header). `Ok(None)`: nothing was shown.
    ///
    /// What is shown and lets nobody in is refused, not passed over: a revoked certificate beside no token is 401, not anonymous.
    pub async fn authenticate(
        &self,
        certificate_spki: Option<&[u8]>,
        bearer: Option<&str>,
        cookie: Option<&str>,
    ) -> Result<Option<Principal>, AuthError> {
        if let Some(token) = bearer {
            let (account, id) = self.session(token).await?.ok_or(AuthError::Refused(NO_SESSION))?;
            return Ok(Some(Principal { account, via: Via::Session(id) }));
        }
        if let Some(spki) = certificate_spki {
            return self.by_certificate(spki).await.map(Some);
        }
        // A browser goes on sending the cookie of a session that has ended: that is nobody, not an attack.
        if let Some(token) = cookie.and_then(|header| self.cookie_in(header))
            && let Some((account, id)) = self.session(token).await?
        {
            return Ok(Some(Principal { account, via: Via::Cookie(id) }));
        }
        Ok(None)
    }

    async fn by_certificate(&self, spki: &[u8]) -> Result<Principal, AuthError> {
        // By the row of the key, never by the names in the certificate: those say who it was made for once.
        let owner = self.owners.of(&*self.directory, spki).await?.ok_or(AuthError::Refused(NO_CERTIFICATE))?;
        if !owner.key.login || !may_log_in(&owner.account) {
            return Err(AuthError::Refused(NO_CERTIFICATE));
        }
        // TLS looked at the dates when the connection began, which may be long ago.
        if !has_valid_certificate(&owner.key, self.now()) {
            return Err(AuthError::Refused(EXPIRED));
        }
        Ok(Principal { account: owner.account.clone(), via: Via::Certificate(owner.key.id.clone()) })
    }

    async fn session(&self, token: &str) -> Result<Option<(Account, SessionId)>, StorageError> {
        let now = self.now();
        let Some(session) = self.sessions.session(&token_hash(token)).await? else { return Ok(None) };
        if session.expires <= now {
            return Ok(None);
        }
        let Some(account) = self.directory.account(&session.account).await?.filter(may_log_in) else { return Ok(None) };
        if session.expires - now < self.settings.renewal_threshold {
            self.sessions.renew(&session.id, now + self.settings.lifetime).await?;
        }
        Ok(Some((account, SessionId(session.id))))
    }

    fn cookie_in<'header>(&self, header: &'header str) -> Option<&'header str> {
        let name = self.cookie.as_deref()?;
        header.split(';').find_map(|pair| pair.trim().strip_prefix(name)?.strip_prefix('='))
    }
}

fn may_log_in(account: &Account) -> bool {
    account.is_active && !account.is_org
}

/// Whether one of the certificates made for this key is valid at `now`. A key nobody made a certificate for signs, but lets nobody in.
fn has_valid_certificate(key: &PublicKeyRecord, now: OffsetDateTime) -> bool {
    key.certificates.iter().any(|pem| {
        Pem::iter_from_buffer(pem.as_bytes()).flatten().any(|block| {
            block.parse_x509().is_ok_and(|certificate| {
                let validity = certificate.validity();
                validity.not_before.to_datetime() <= now && now <= validity.not_after.to_datetime()
            })
        })
    })
}
