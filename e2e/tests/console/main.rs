//! The console in a real browser, by clicking: as people do it, with JavaScript and without.

mod album;
mod bad_input;
mod browser;
mod clusters;
mod deploying;
mod keyboard;
mod live;
mod lively;
mod pages;
mod pods;
mod registry;
mod rules;
mod services;
mod sessions;
mod settings;
mod stacks;

use wharfinger_e2e::Scene;

/// A registry with its cluster in front of no engine: for whatever runs nothing.
fn up() -> Scene {
    Scene::try_up("unix:///run/no-engine-here.sock", |serve| serve.switch("--no-install-ca")).unwrap()
}

/// And in it `quinn` of acme/qa, and `sam` of acme/security.
fn with_signers() -> Scene {
    let scene = up();
    scene.account("quinn");
    scene.account("sam");
    scene.team("acme", "qa", &["quinn"]);
    scene.team("acme", "security", &["sam"]);
    scene
}
