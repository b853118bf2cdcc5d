//! Manifests by tag and by digest (distribution-spec § pulling, pushing, deleting manifests).

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use wharfinger_auth::{Action, RemovalError};
use wharfinger_oci::{Digest, Repository, Tag};
use wharfinger_storage::StorageError;
use wharfinger_storage::repositories::{ManifestDeletion, ManifestPut, ManifestSelector, NewManifest};
use wharfinger_transport::{NotWhole, whole_body};

use super::call::{Call, respond};
use super::error::Refusal;
use super::{CONTENT_DIGEST, manifest, push};

const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// `GET` and `HEAD …/manifests/<reference>`: the bytes as they were pushed.
pub(crate) async fn get(call: Call<'_>, name: Repository, reference: ManifestSelector) -> Result<Response, Refusal> {
    call.authorize_existing(&name, Action::Pull).await?;
    let found = call.registry.content.manifest(&name, &reference).await?;
    let record = found.ok_or_else(|| Refusal::ManifestUnknown(said(&reference)))?;
    if !record.digest.matches(&record.content) {
        return Err(StorageError::Damaged(format!("manifest {} of {name}", record.digest)).into());
    }
    let etag = format!("\"{}\"", record.digest);
    if call.header(&header::IF_NONE_MATCH).is_some_and(|known| known.split(',').any(|tag| tag.trim() == etag)) {
        return Ok(respond(StatusCode::NOT_MODIFIED, [(header::ETAG, etag)], Body::empty()));
    }
    let headers = [
        (header::CONTENT_TYPE, record.media_type),
        (header::CONTENT_LENGTH, record.content.len().to_string()),
        (header::ETAG, etag),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CONTENT_DIGEST, record.digest.to_string()),
    ];
    let body = if call.method == Method::HEAD { Body::empty() } else { Body::from(record.content) };
    Ok(respond(StatusCode::OK, headers, body))
}

/// `PUT …/manifests/<reference>`.
pub(crate) async fn put(call: Call<'_>, body: Body, name: Repository, reference: ManifestSelector) -> Result<Response, Refusal> {
    let (granted, account) = push::authorize(&call, &name).await?;
    let content = read(&call, body).await?;
    push::still_allowed(&call, &name, &account.id).await?;
    let content_type = call.headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str);
    let content_type = content_type.transpose().map_err(|_| Refusal::ManifestInvalid("Content-Type is not text".to_owned()))?;
    let parsed = manifest::parse(content_type, &content).map_err(|error| Refusal::ManifestInvalid(error.to_string()))?;
    let (digest, tag) = match reference {
        ManifestSelector::Tag(tag) => (Digest::sha256(&content), Some(tag)),
        ManifestSelector::Digest(digest) if digest.matches(&content) => (digest, None),
        ManifestSelector::Digest(_) => {
            return Err(Refusal::DigestInvalid("provided digest did not match uploaded content".to_owned()));
        }
    };
    push::make_room(&call, &granted).await?;
    let new = NewManifest {
        repository: name.clone(),
        digest: digest.clone(),
        media_type: parsed.media_type,
        content,
        blobs: parsed.blobs,
        manifests: parsed.manifests,
        subject: parsed.subject.clone(),
        tag,
        author: account.name.to_string(),
        now: call.registry.clock.now(),
    };
    match call.registry.content.put_manifest(&new).await? {
        ManifestPut::Stored => {
            let tag = new.tag.as_ref().map(Tag::as_str);
            tracing::info!(repository = %name, image.digest = %digest, tag, principal = %new.author, "pushed");
        }
        ManifestPut::Missing(missing) => return Err(Refusal::ManifestBlobUnknown(missing)),
        ManifestPut::Immutable(stands_on) => {
            return Err(Refusal::Denied(format!(
                "tags of {name} are immutable, and this one stands on {stands_on}; push another tag"
            )));
        }
        ManifestPut::NoRepository => return Err(Refusal::NameUnknown(name)),
    }
    let headers = [(header::LOCATION, format!("/v2/{name}/manifests/{digest}")), (CONTENT_DIGEST, digest.to_string())];
    let mut response = respond(StatusCode::CREATED, headers, Body::empty());
    if let Some(subject) = parsed.subject.and_then(|subject| HeaderValue::try_from(subject.to_string()).ok()) {
        response.headers_mut().insert(OCI_SUBJECT, subject);
    }
    Ok(response)
}

/// A manifest is the one thing that is read whole, up to its limit.
async fn read(call: &Call<'_>, body: Body) -> Result<Vec<u8>, Refusal> {
    let too_large = || Refusal::TooLarge(format!("a manifest has at most {} bytes", manifest::LIMIT));
    let length = call.header(&header::CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if length.is_some_and(|length| length > manifest::LIMIT) {
        return Err(too_large());
    }
    match whole_body(body, manifest::LIMIT).await {
        Ok(bytes) => Ok(bytes.to_vec()),
        Err(NotWhole::TooLong { .. }) => Err(too_large()),
        Err(error @ (NotWhole::TooSlow | NotWhole::BrokeOff)) => Err(Refusal::ManifestInvalid(error.to_string())),
    }
}

/// `DELETE …/manifests/<reference>`: a tag alone, or a manifest with its tags. What is signed stays.
pub(crate) async fn delete(call: Call<'_>, name: Repository, reference: ManifestSelector) -> Result<Response, Refusal> {
    let granted = call.authorize_existing(&name, Action::Delete).await?;
    let unknown = || Refusal::ManifestUnknown(said(&reference));
    let registry = call.registry;
    match &reference {
        ManifestSelector::Tag(tag) => {
            let stands = registry.content.tag(&name, tag).await?.ok_or_else(unknown)?;
            let within = (&*registry.content, &*registry.signed);
            registry.access.remove_tag(granted.account(), &name, &stands, within).await.map_err(|error| match error {
                RemovalError::Signed(_) => Refusal::TagInNotary(tag.to_string()),
                RemovalError::Absent => unknown(),
                RemovalError::Moved => Refusal::Denied(format!("`{tag}` was pushed meanwhile")),
                RemovalError::Storage(error) => error.into(),
            })?;
        }
        ManifestSelector::Digest(digest) => {
            let signed = registry.signed.released(&name).await?;
            if let Some((tag, _)) = signed.iter().find(|(_, signed)| *signed == digest) {
                return Err(Refusal::TagInNotary(tag.clone()));
            }
            for tag in signed.keys().filter_map(|tag| tag.parse().ok()) {
                if registry.content.tag(&name, &tag).await?.is_some_and(|stands| stands.digest == *digest) {
                    return Err(Refusal::TagInNotary(tag.to_string()));
                }
            }
            if registry.content.manifest(&name, &reference).await?.is_none() {
                return Err(unknown());
            }
            let object = format!("{name}@{digest}");
            registry.access.record(granted.account(), "manifest.delete", &object, serde_json::json!({})).await?;
            match registry.content.delete_manifest(&name, digest).await? {
                ManifestDeletion::Removed(_) => {}
                ManifestDeletion::Absent => return Err(unknown()),
                ManifestDeletion::InUse(index) => {
                    return Err(Refusal::Unsupported(format!("index {index} of this repository needs it; delete that first")));
                }
            }
        }
    }
    let no_headers: [(HeaderName, String); 0] = [];
    Ok(respond(StatusCode::ACCEPTED, no_headers, Body::empty()))
}

fn said(reference: &ManifestSelector) -> String {
    match reference {
        ManifestSelector::Tag(tag) => tag.to_string(),
        ManifestSelector::Digest(digest) => digest.to_string(),
    }
}
