//! Every key that any version of the engine's API up to 1.51 has in these calls, in one request each.

use super::*;
use crate::json::read;

const CONTAINER: &[u8] = include_bytes!("requests/container.json");
const SERVICE: &[u8] = include_bytes!("requests/service.json");

async fn sent(pinned: Pinned) -> String {
    let bytes = axum::body::to_bytes(pinned.body, usize::MAX).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn every_key_of_the_engines_api_is_known_and_forwarded() {
    let container = ContainerCreate::parse(Some("name=a&platform=b"), CONTAINER).unwrap();
    let pinned = container.pin(&Decided::Unenforced).unwrap();
    assert_eq!(sent(pinned).await, read(CONTAINER).unwrap().to_string());
    let service = Service::create(None, SERVICE).unwrap();
    assert_eq!(sent(service.pin(&Decided::Unenforced).unwrap()).await, read(SERVICE).unwrap().to_string());
    let update = Some("version=1&registryAuthFrom=spec&rollback=previous");
    assert!(Service::update(update, "s", SERVICE).is_ok());
    assert!(Pull::parse(Some("fromImage=a&tag=b&platform=c&message=d&repo=e&changes=f&changes=g")).is_ok());
    assert!(Pull::parse(Some("fromSrc=-&repo=e&tag=b&message=d&changes=f&platform=c")).is_ok());
}

/// No place where an image stands is overlooked: with the switch on, each has to be decided.
#[test]
fn every_image_of_a_request_is_named() {
    let text = String::from_utf8_lossy(CONTAINER).replace("\"bind\"", "\"image\"");
    assert_eq!(ContainerCreate::parse(None, text.as_bytes()).unwrap().images().len(), 2);
    let text = String::from_utf8_lossy(SERVICE).replace("\"bind\"", "\"image\"");
    assert_eq!(Service::create(None, text.as_bytes()).unwrap().images().len(), 2);
}

#[test]
fn an_image_that_nobody_decided_is_not_forwarded() {
    let create = ContainerCreate::parse(None, br#"{"Image":"dtr.test/qa/app:1"}"#).unwrap();
    let refused = create.pin(&Decided::Enforced(Vec::new())).err();
    assert_eq!(refused, Some(ImageCallRefused::Undecided("dtr.test/qa/app:1".to_owned())));
}

/// Engines before 25.0 read it as a part of the host configuration when there is no other.
#[test]
fn a_runtime_stands_in_the_host_configuration() {
    let parse = |body: &str| ContainerCreate::parse(None, body.as_bytes()).map(|_| ());
    for outside in [r#"{"Image":"a","Runtime":"x"}"#, r#"{"Image":"a","Runtime":"x","HostConfig":null}"#] {
        assert!(matches!(parse(outside), Err(ImageCallRefused::Shape(_))), "{outside}");
    }
    for plain in [r#"{"Image":"a","Runtime":null}"#, r#"{"Image":"a","Runtime":"x","HostConfig":{"Runtime":"x"}}"#] {
        assert_eq!(parse(plain), Ok(()), "{plain}");
    }
}
