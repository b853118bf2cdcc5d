//! The answer 401 of a registry: where to get a token, and for what.

use std::fmt::Write as _;

use crate::tokens::Access;

/// What was wrong with the token that was shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenFault {
    /// None was shown.
    Missing,
    /// Not ours, expired, or its account is gone: `error="invalid_token"`.
    Invalid,
    /// It, or the account now, may not do this: `error="insufficient_scope"`.
    Insufficient,
}

/// The answer 401. There is never a 403: what somebody may not see is not told apart from what is not there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Challenge {
    pub realm: String,
    pub service: String,
    /// What was needed; empty for the bare `/v2/`.
    pub needed: Vec<Access>,
    pub fault: TokenFault,
}

impl Challenge {
    /// The value of `WWW-Authenticate`.
    pub fn www_authenticate(&self) -> String {
        let mut value = format!("Bearer realm=\"{}\",service=\"{}\"", self.realm, self.service);
        let scopes: Vec<String> = self.needed.iter().map(scope).collect();
        if !scopes.is_empty() {
            let _ = write!(value, ",scope=\"{}\"", scopes.join(" "));
        }
        match self.fault {
            TokenFault::Missing => {}
            TokenFault::Invalid => value.push_str(",error=\"invalid_token\""),
            TokenFault::Insufficient => value.push_str(",error=\"insufficient_scope\""),
        }
        value
    }
}

/// The name comes from the request: what could end the quoted string or the header is left out.
fn scope(access: &Access) -> String {
    let safe = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':');
    let name: String = access.name.chars().filter(safe).take(512).collect();
    format!("{}:{name}:{}", access.typ, access.actions.join(","))
}
