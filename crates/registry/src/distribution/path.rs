//! What a path under `/v2` means. Names hold slashes, so it is read from its right end.

use percent_encoding::percent_decode_str;
use wharfinger_oci::{Digest, Repository, Tag};
use wharfinger_storage::blobs::UploadId;
use wharfinger_storage::repositories::ManifestSelector;

use super::error::Refusal;

#[derive(Debug)]
pub(crate) enum Endpoint {
    Ping,
    Catalog,
    Tags(Repository),
    Referrers(Repository, Digest),
    Blob(Repository, Digest),
    Uploads(Repository),
    Upload(Repository, UploadId),
    Manifest(Repository, ManifestSelector),
    /// The notary's.
    Trust,
    /// An endpoint of ours with something in it that cannot be.
    Malformed(Refusal),
    Unknown,
}

pub(crate) fn parse(path: &str) -> Endpoint {
    let rest = path.strip_prefix("/v2").unwrap_or_default();
    let rest = rest.strip_prefix('/').unwrap_or(rest);
    // Some clients write the colon of a digest as `%3A`. A slash that appears by decoding makes no new segment.
    let decoded: Option<Vec<String>> =
        rest.split('/').map(|segment| percent_decode_str(segment).decode_utf8().ok().map(String::from)).collect();
    let Some(decoded) = decoded else { return Endpoint::Unknown };
    let segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
    // No component of a name begins with `_`.
    if segments.contains(&"_trust") {
        return Endpoint::Trust;
    }
    let parsed = match segments.as_slice() {
        [""] => Ok(Endpoint::Ping),
        ["_catalog"] => Ok(Endpoint::Catalog),
        [name @ .., "tags", "list"] => repository(name).map(Endpoint::Tags),
        [name @ .., "blobs", "uploads"] | [name @ .., "blobs", "uploads", ""] => repository(name).map(Endpoint::Uploads),
        [name @ .., "blobs", "uploads", id] => {
            repository(name).and_then(|name| Ok(Endpoint::Upload(name, id.parse().map_err(|_| Refusal::UploadUnknown)?)))
        }
        [name @ .., "blobs", text] => repository(name).and_then(|name| Ok(Endpoint::Blob(name, digest(text)?))),
        [name @ .., "referrers", text] => repository(name).and_then(|name| Ok(Endpoint::Referrers(name, digest(text)?))),
        [name @ .., "manifests", text] => repository(name).and_then(|name| Ok(Endpoint::Manifest(name, selector(text)?))),
        _ => Ok(Endpoint::Unknown),
    };
    parsed.unwrap_or_else(Endpoint::Malformed)
}

fn repository(segments: &[&str]) -> Result<Repository, Refusal> {
    let name = segments.join("/");
    // What came decoded from one segment is not several components.
    let whole = segments.iter().all(|segment| !segment.contains('/'));
    // A name without a namespace would be nobody's.
    name.parse().ok().filter(|_| whole && segments.len() > 1).ok_or(Refusal::NameInvalid)
}

fn digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|_| Refusal::DigestInvalid("the path holds no digest of an algorithm known here".to_owned()))
}

fn selector(text: &str) -> Result<ManifestSelector, Refusal> {
    if text.contains(':') {
        return digest(text).map(ManifestSelector::Digest);
    }
    text.parse::<Tag>().map(ManifestSelector::Tag).map_err(|_| Refusal::TagInvalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(path: &str) -> String {
        match parse(path) {
            Endpoint::Malformed(refusal) => format!("malformed {}", refusal.code()),
            Endpoint::Manifest(name, ManifestSelector::Tag(tag)) => format!("{name} tag {tag}"),
            Endpoint::Manifest(name, ManifestSelector::Digest(_)) => format!("{name} digest"),
            Endpoint::Blob(name, _) => format!("{name} blob"),
            Endpoint::Uploads(name) => format!("{name} uploads"),
            Endpoint::Upload(name, _) => format!("{name} upload"),
            Endpoint::Tags(name) => format!("{name} tags"),
            Endpoint::Referrers(name, _) => format!("{name} referrers"),
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn a_path_is_read_from_its_right_end() {
        let digest = Digest::sha256(b"");
        let id = UploadId::generate();
        for (path, meaning) in [
            ("/v2", "Ping".to_owned()),
            ("/v2/", "Ping".to_owned()),
            ("/v2/_catalog", "Catalog".to_owned()),
            ("/v2/a/b/tags/list", "a/b tags".to_owned()),
            ("/v2/a/b/c/tags/list", "a/b/c tags".to_owned()),
            ("/v2/a/tags/manifests/list", "a/tags tag list".to_owned()),
            ("/v2/a/b/manifests/v1", "a/b tag v1".to_owned()),
            (&format!("/v2/a/b/manifests/{digest}"), "a/b digest".to_owned()),
            (&format!("/v2/a/b/manifests/{}", digest.as_str().replace(':', "%3A")), "a/b digest".to_owned()),
            (&format!("/v2/a/b/blobs/{digest}"), "a/b blob".to_owned()),
            (&format!("/v2/a/b/referrers/{digest}"), "a/b referrers".to_owned()),
            ("/v2/a/b/blobs/uploads/", "a/b uploads".to_owned()),
            ("/v2/a/b/blobs/uploads", "a/b uploads".to_owned()),
            ("/v2/blobs/uploads/blobs/uploads/", "blobs/uploads uploads".to_owned()),
            (&format!("/v2/a/b/blobs/uploads/{id}"), "a/b upload".to_owned()),
            ("/v2/_trust/changefeed", "Trust".to_owned()),
            ("/v2/localhost:5443/qa/app/_trust/tuf/root.json", "Trust".to_owned()),
            ("/v2/qa/app/_trust/manifests/v1", "Trust".to_owned()),
        ] {
            assert_eq!(said(path), meaning, "{path}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (path, meaning) in [
            ("/v2/a/B/manifests/v1", "malformed NAME_INVALID"),
            ("/v2/a/manifests/v1", "malformed NAME_INVALID"),
            ("/v2/manifests/v1", "malformed NAME_INVALID"),
            ("/v2/a%2Fb/manifests/v1", "malformed NAME_INVALID"),
            ("/v2/../manifests/v1", "malformed NAME_INVALID"),
            ("/v2/localhost:5443/qa/app/manifests/v1", "malformed NAME_INVALID"),
            ("/v2/a/b/manifests/sha256:12", "malformed DIGEST_INVALID"),
            ("/v2/a/b/manifests/.x", "malformed TAG_INVALID"),
            ("/v2/a/b/manifests/", "malformed TAG_INVALID"),
            ("/v2/a/b/blobs/md5:d41d8cd98f00b204e9800998ecf8427e", "malformed DIGEST_INVALID"),
            ("/v2/a/b/blobs/uploads/..%2F..%2Fx", "malformed BLOB_UPLOAD_UNKNOWN"),
            ("/v2/a/%FF/tags/list", "Unknown"),
            ("/v2/a/what/ever", "Unknown"),
        ] {
            assert_eq!(said(path), meaning, "{path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_path_makes_the_parser_stumble(path in "(/v2)?(/[a-z%_:./]{0,12}|/blobs|/uploads|/manifests|/tags|/list|/referrers){0,8}") {
            drop(parse(&path));
        }
    }
}
