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
    /// Looking: lists and plain descriptions, which change nothing and read nothing out.
    View,
    /// Working with workloads: one's own from restricted control on, everybody's with full control.
    Work,
    /// What is the whole engine's, or everybody's on it.
    Operate,
    /// The cluster's own settings, its machines and its secrets.
    Admin,
}

/// How far goes what was granted.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reach {
    Everything,
    /// What the caller owns, or somebody with whom they share a team; `nodes`: and the machines it runs on.
    Own {
        nodes: bool,
    },
}

impl Reach {
    fn of(account: &Account) -> Self {
        match account.role {
            Role::RestrictedControl if !account.is_admin => Self::Own { nodes: false },
            Role::Scheduler if !account.is_admin => Self::Own { nodes: true },
            _ => Self::Everything,
        }
    }
}

/// Proof that the principal may do what was needed. Only [`authorize`] makes one.
///
/// ```compile_fail
/// let granted = wharfinger_auth::Granted { principal: todo!(), need: wharfinger_auth::Need::View };
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

    pub fn reach(&self) -> Reach {
        Reach::of(&self.principal.account)
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

/// Administrators may everything, whatever their role; the role `none` may nothing.
pub fn authorize(principal: Principal, need: Need) -> Result<Granted, Forbidden> {
    let account = &principal.account;
    let allowed = account.is_active
        && !account.is_org
        && (account.is_admin
            || match need {
                Need::View => account.role != Role::None,
                Need::Work => matches!(account.role, Role::RestrictedControl | Role::Scheduler | Role::FullControl),
                Need::Operate => account.role == Role::FullControl,
                Need::Admin => false,
            });
    if allowed {
        return Ok(Granted { principal, need });
    }
    let needed = match need {
        Need::View => "viewonly or more",
        Need::Work => "restrictedcontrol or more",
        Need::Operate => "fullcontrol",
        Need::Admin => "an administrator",
    };
    Err(Forbidden { name: account.name.to_string(), role: account.role.as_str(), needed })
}
