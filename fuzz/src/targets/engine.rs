//! What is sent to the engine's door. What is forwarded reads as what came: read again, it is forwarded as it is.

use wharfinger_engine::fuzzing::{self, Forwarded};

fn stays(forwarded: Option<Forwarded>, again: impl Fn(&Forwarded) -> Option<Forwarded>) {
    let Some(first) = forwarded else { return };
    let second = again(&first).expect("what is forwarded can be read");
    assert_eq!((&first.images, &first.query, &first.body), (&second.images, &second.query, &second.body));
}

pub fn container_create(body: &[u8]) {
    stays(fuzzing::container_create(None, body), |first| fuzzing::container_create(None, &first.body));
}

pub fn service(body: &[u8]) {
    stays(fuzzing::service_create(None, body), |first| fuzzing::service_create(None, &first.body));
}

/// Whoever asks owns what is made, whatever they wrote; and what is forwarded reads as what came.
pub fn document(body: &[u8]) {
    if let Some((owner, _)) = fuzzing::owner(body, "caller") {
        // A body that is null makes nothing.
        assert!(owner.is_none_or(|owner| owner == "caller"));
    }
    for (kind, forwarded) in fuzzing::documents(body) {
        let again = fuzzing::documents(forwarded.as_bytes());
        assert!(again.contains(&(kind, forwarded.clone())), "{kind:?} {forwarded}");
    }
}

/// A path, then perhaps `?` and a query.
pub fn request(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let (path, query) = text.split_once('?').map_or((text, None), |(path, query)| (path, Some(query)));
    fuzzing::api_version(path);
    if let Some((_, segments, encoded)) = fuzzing::path(path) {
        let (_, again, twice) = fuzzing::path(&encoded).expect("what is forwarded can be read");
        assert_eq!((segments, &encoded), (again, &twice), "{path}");
    }
    stays(fuzzing::pull(query), |first| fuzzing::pull(Some(&first.query)));
    stays(fuzzing::distribution(query, path), |first| fuzzing::distribution(Some(&first.query), path));
}
