//! Names of images, people and roles, and the file that is written with them. What is taken reads the same once written.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use wharfinger_identity as identity;
use wharfinger_oci as oci;
use wharfinger_policy::{Configuration, RepositoryPattern};
use wharfinger_tuf::{Gun, RoleName, parse_time};

fn stays<T: FromStr + Display + PartialEq + Debug>(text: &str) {
    let Ok(read) = text.parse::<T>() else { return };
    let written = read.to_string();
    assert_eq!(written.parse::<T>().ok().as_ref(), Some(&read), "{text:?} is written {written:?}");
}

pub fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    stays::<oci::Host>(text);
    stays::<oci::Repository>(text);
    stays::<oci::Tag>(text);
    stays::<oci::Digest>(text);
    stays::<identity::AccountName>(text);
    stays::<identity::TeamName>(text);
    stays::<RepositoryPattern>(text);
    stays::<Gun>(text);
    stays::<RoleName>(text);
    stays::<wharfinger_keys::KeyId>(text);
    let _ = (text.parse::<identity::Role>(), parse_time(text));
    let reference = text.parse::<oci::Reference>();
    if let Ok(reference) = &reference {
        assert_eq!(reference.name().parse::<oci::Reference>().map(|named| named.repository), Ok(reference.repository.clone()));
        let digest = oci::Digest::sha256(b"");
        let pinned = reference.pinned(&digest).parse::<oci::Reference>().expect("a pinned reference is a reference");
        assert_eq!((&pinned.host, &pinned.repository, &pinned.digest), (&reference.host, &reference.repository, &Some(digest)));
    }
    if let (Ok(pattern), Ok(reference)) = (text.parse::<RepositoryPattern>(), reference) {
        assert!(pattern.matches(&reference), "a name matches itself");
    }
}

pub fn configuration(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let _ = Configuration::read(text);
}
