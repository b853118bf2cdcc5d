//! What has this cluster been told: its policy, its trusted registries, and who changed them when.
//!
//! Documents and registrations come in from the API, the console and the command line; each change is checked, written as a whole
//! or not at all, and recorded. Deciding by what stands here is the gate's, not this room's.

mod administration;
mod engine_ca;
mod existing;
mod kubernetes;
mod pods;
mod probe;
mod registrations;
mod repin;
mod teams;
mod what_runs;

pub use administration::{Change, Cluster, ClusterError, Current};
pub use engine_ca::{EngineCa, InstallError, Installed};
pub use existing::{Runner, RunnerSilent, Running};
pub use pods::{PodList, PodRunner, PodsUnknown, RunningPods};
pub use probe::{fetch_ca, probe, probe_trust};
pub use registrations::NewRegistration;
pub use teams::TeamError;
pub use what_runs::{Present, WhatRuns, WorkloadRow};
