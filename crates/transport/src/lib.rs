//! The room that answers: *what did the wire prove, and how does a byte get in and out?*
//!
//! In come TCP connections; out go requests that carry a [`Peer`] (what TLS proved: the client's key and address) and,
//! for the other direction, clients that trust exactly what they were told to ([`outbound`]). [`Live`] knows every open
//! connection and tunnel by account and key, so that a revoked one ends within two seconds, and how much each caller has under
//! way, so that none keeps the others waiting.
//!
//! This room never decides who somebody is or what they may do, and never looks into a body.

mod certificate;
mod live;
mod outbound;
mod peer;
mod serve;
mod site;
mod tls;
mod under_way;
mod unread;
mod whole;

pub use certificate::{CertificateRefused, validate_certificate_covers};
pub use live::Live;
pub use outbound::{CallError, Caller, CallerSettings, OutboundError, outbound, outbound_trusting_nobody};
pub use peer::Peer;
pub use serve::{TUNNEL_GRACE, serve};
pub use site::is_cross_site;
pub use tls::{ServerTls, TlsError, TlsIdentity};
pub use under_way::{Bounds, Busy};
pub use whole::{NotWhole, Prompt, whole_body};
