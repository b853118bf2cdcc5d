//! What is pasted into the console as a stack file.

use wharfinger_engine::fuzzing;
use wharfinger_stack::Stack;

/// Whatever a file asks for, the engine's door can read, and finds no image in it but those that are shown before it is deployed.
pub fn file(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(stack) = Stack::read("shop", text) else { return };
    for service in &stack.services {
        let body = service.body(|_, name| Some(format!("id-of-{name}"))).expect("everything is there").to_string();
        let read = fuzzing::service_create(None, body.as_bytes()).unwrap_or_else(|| panic!("the door cannot read {body}"));
        let shown = service.images();
        assert!(read.images.iter().all(|image| shown.contains(image)), "{:?} of {body}", read.images);
    }
    for network in &stack.networks {
        let body = network.body.to_string();
        assert!(!fuzzing::documents(body.as_bytes()).is_empty(), "the door cannot read {body}");
    }
}
