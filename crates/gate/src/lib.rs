//! So: may it run? Every door asks here, and nowhere else is it decided.
//!
//! A [`Workload`] (image references, somebody, their credentials) comes in; [`Admitted`] (each image's signed digest) or a
//! [`Denial`] goes out. The gate knows neither Docker nor Kubernetes nor HTTP. Undecided is refused.
//!
//! Only this crate can make an [`Admitted`]:
//!
//! ```compile_fail
//! let forged = wharfinger_gate::Admitted { pins: Default::default(), basis: todo!(), collections: vec![] };
//! ```

mod decide;
mod denial;
mod explain;
mod follow;
mod foresee;
mod gate;
mod grounds;
mod judge;
mod ports;
mod replay;
mod stale;
mod withhold;
mod workload;

pub use decide::Decide;
pub use denial::{Cause, Denial};
pub use explain::{ExplainedSigner, Explanation};
pub use foresee::Standing;
pub use gate::{Decisions, Gate};
pub use grounds::{Grounds, Policy, Signer, SignerOwner};
pub use judge::read_password_context;
pub use ports::{Directory, DirectoryError, LocalRegistry, Presented, PresentedError};
pub use replay::{Outcome, Replay, ReplayRefused, Replayed};
pub use workload::{Admitted, Pin, Purpose, SignedPin, Workload};
