//! The list. A parser that is not in it is not looked for by anything: add it here, with a few files of corpus.

mod console;
mod engine;
mod kubernetes;
mod metadata;
mod names;
mod registry;
mod secrets;
mod stack;

use crate::Target;

pub const TARGETS: &[Target] = &[
    Target { name: "tuf_file", run: metadata::file },
    Target { name: "tuf_walk", run: metadata::walk },
    Target { name: "tuf_key", run: metadata::key },
    Target { name: "canonical", run: metadata::canonical },
    Target { name: "keys", run: secrets::keys },
    Target { name: "private_key", run: secrets::private_key },
    Target { name: "token", run: secrets::token },
    Target { name: "credentials", run: secrets::credentials },
    Target { name: "pull_secret", run: kubernetes::pull_secret },
    Target { name: "pods", run: kubernetes::pods },
    Target { name: "kubeconfig", run: kubernetes::kubeconfig },
    Target { name: "names", run: names::names },
    Target { name: "configuration", run: names::configuration },
    Target { name: "registry_request", run: registry::request },
    Target { name: "manifest", run: registry::manifest },
    Target { name: "changefeed", run: registry::changefeed },
    Target { name: "notary_request", run: registry::notary_request },
    Target { name: "notary_upload", run: registry::notary_upload },
    Target { name: "engine_request", run: engine::request },
    Target { name: "container_create", run: engine::container_create },
    Target { name: "service", run: engine::service },
    Target { name: "document", run: engine::document },
    Target { name: "form", run: console::form },
    Target { name: "next_page", run: console::next_page },
    Target { name: "stack", run: stack::file },
];
