//! Who was let in, by what, and what of the engine they may ask for.

use wharfinger_identity::{Account, PublicKeyId, Role};

/// Names a session in logs and hooks; it is not the token.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct SessionId(pub(crate) String);

impl SessionId {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// How somebody proved who they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Via {
    /// A client certificate, by the row of its public key.
    Certificate(PublicKeyId),
    /// A session's token in the `Authorization` header.
    Session(SessionId),
    /// A session's token in a cookie: browsers send it unasked, so doors have to check where the request comes from.
    Cookie(SessionId),
    /// Name and password with the request itself.
    Password,
}

impl Via {
    /// Whether a password stood at the beginning: only then are new bundles and keys handed out.
    pub fn is_password_session(&self) -> bool {
        matches!(self, Self::Session(_) | Self::Cookie(_) | Self::Password)
    }

    /// The key row to cut connections by.
    pub fn key(&self) -> Option<&PublicKeyId> {
        match self {
            Self::Certificate(key) => Some(key),
            Self::Session(_) | Self::Cookie(_) | Self::Password => None,
        }
    }
}

/// Somebody who proved who they are: an active user, never an organization.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    pub account: Account,
    pub via: Via,
}

/// What a call of the engine asks of its caller.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Need {
    /// Lists and the like, which change nothing and read nothing out.
    List,
    /// Anything that changes or reads something out of the engine.
    Operate,
    /// The cluster's own settings.
    Admin,
}

/// Proof that the principal may do what was needed. Only [`authorize`] makes one.
///
/// ```compile_fail
/// let granted = wharfinger_auth::Granted { principal: todo!(), need: wharfinger_auth::Need::List };
/// ```
#[derive(Clone, Debug)]
pub struct Granted {
    principal: Principal,
    need: Need,
}

impl Granted {
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    pub fn need(&self) -> Need {
        self.need
    }
}

/// A denial: who lacks what.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("access denied: `{name}` is {role} and this needs {needed}; an administrator can change the role")]
pub struct Forbidden {
    name: String,
    role: &'static str,
    needed: &'static str,
}

/// Until roles exist in full, only administrators and full control operate the engine; every other user gets the lists,
/// and the role `none` gets nothing.
pub fn authorize(principal: Principal, need: Need) -> Result<Granted, Forbidden> {
    let account = &principal.account;
    let allowed = account.is_active
        && !account.is_org
        && (account.is_admin
            || match need {
                Need::List => account.role != Role::None,
                Need::Operate => account.role == Role::FullControl,
                Need::Admin => false,
            });
    if allowed {
        return Ok(Granted { principal, need });
    }
    Err(Forbidden {
        name: account.name.to_string(),
        role: account.role.as_str(),
        needed: match need {
            Need::List => "viewonly or more",
            Need::Operate => "fullcontrol",
            Need::Admin => "an administrator",
        },
    })
}
