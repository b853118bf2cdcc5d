//! Who is calling, and may they?
//!
//! In come what TLS proved (a client certificate's key), tokens, passwords and names; out go a [`Principal`], a [`Granted`] for a
//! call of the engine, a [`RepositoryGranted`] for a repository, or a refusal. Certificates, sessions and registry tokens are
//! made here too. This room never speaks HTTP, never decides whose *signature* counts (that is `policy`), and never tells why a
//! password was wrong.

mod accounts;
mod bundle;
mod ca;
mod clock;
mod directory;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod groups;
mod hooks;
mod password;
mod principal;
mod registry_access;
mod scope;
mod secret;
mod throttle;
mod token_service;
mod tokens;

pub use accounts::{Accounts, AuthError, Circle, LoginError, PasswordError, Session, SessionSettings};
pub use bundle::{Bundle, BundleError, BundleSettings, Bundles};
pub use ca::{CaError, CertificateAuthority, Issued};
pub use clock::Clock;
pub use directory::{
    AccountChanges, AccountRow, Directory, DirectoryError, KeyChanges, Listed, Lost, MemberChange, MemberRow, NewAccount, NewKey,
    NewTeam, Nonce, TeamChanges, TeamRow,
};
pub use hooks::{ApiServer, Cut, Kubernetes, NoPolicy, PolicyNames, PolicyTeams, SignedTags};
pub use principal::{Forbidden, Granted, Need, Principal, Reach, SessionId, Via, authorize};
pub use registry_access::{
    AccessError, Action, CatalogGranted, Challenge, FeedGranted, MakingError, NamedTeam, RegistryAccess, RemovalError,
    RepositoryGranted, RepositoryTrust, TokenFault,
};
pub use secret::Secret;
pub use token_service::{Grant, TokenAnswer, TokenError, TokenRequest, TokenService};
pub use tokens::{Access, Claims, TokenInvalid, Tokens};
