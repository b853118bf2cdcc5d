//! What the gate is asked about an image of a Kubernetes object: when it is to be stored, and when it runs already.

use std::sync::Arc;

use wharfinger_gate::{Presented, Purpose, Workload};

/// How much of a user's name the audit log keeps.
const LONGEST_NAME: usize = 200;

/// `namespace`: where the object lies; empty for what lies in none. `username`: as the API server calls whoever makes it.
pub(crate) fn question(image: &str, namespace: &str, username: &str, credentials: Arc<dyn Presented>) -> Workload {
    Workload {
        images: vec![image.to_owned()],
        account: None,
        account_name: actor(username),
        is_admin: false,
        credentials,
        purpose: Purpose::Admission,
        namespace: Some(namespace.to_owned()).filter(|namespace| !namespace.is_empty()),
        dry_run: false,
    }
}

/// What the audit log calls a Kubernetes user; no account has a `:` in its name.
fn actor(username: &str) -> String {
    let name: String = username.chars().filter(|c| !c.is_control()).take(LONGEST_NAME).collect();
    format!("kubernetes:{name}")
}
