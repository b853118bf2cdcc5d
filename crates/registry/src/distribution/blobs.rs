//! Blobs, whole and in part (distribution-spec § pulling blobs, § deleting blobs).

use axum::body::Body;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::Response;
use wharfinger_auth::Action;
use wharfinger_oci::{Digest, Repository};
use wharfinger_storage::StorageError;
use wharfinger_storage::repositories::Unlinking;

use super::CONTENT_DIGEST;
use super::call::{Call, respond};
use super::error::Refusal;
use super::range::{self, Wanted};

/// `GET` and `HEAD …/blobs/<digest>`. A whole blob is checked while it is sent: a damaged one breaks off before its end.
pub(crate) async fn get(call: Call<'_>, name: Repository, digest: Digest) -> Result<Response, Refusal> {
    call.authorize_existing(&name, Action::Pull).await?;
    let link = call.registry.content.blob(&name, &digest).await?.ok_or_else(|| Refusal::BlobUnknown(digest.clone()))?;
    let head = call.method == Method::HEAD;
    // RFC 9110 § 14.2: Range is defined for GET only.
    let wanted = if head { Wanted::Whole } else { range::wanted(call.header(&header::RANGE), link.size) };
    let (status, part) = match wanted {
        Wanted::Outside => return Err(Refusal::RangeOutside(link.size)),
        Wanted::Whole => (StatusCode::OK, None),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, Some(part)),
    };
    let length = part.as_ref().map_or(link.size, |part| part.end() - part.start() + 1);
    let body = if head {
        let stored = call.registry.blobs.size(&digest).await?;
        whole(&digest, stored, link.size)?;
        Body::empty()
    } else {
        let opened = call.registry.blobs.open(&digest, part.clone()).await?;
        whole(&digest, opened.as_ref().map(|opened| opened.size), link.size)?;
        opened.map_or_else(Body::empty, |opened| Body::from_stream(opened.content))
    };
    let headers = [
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::ACCEPT_RANGES, "bytes".to_owned()),
        (header::ETAG, format!("\"{digest}\"")),
        // The console lives on this origin: what people push is never run as a page of it.
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (CONTENT_DIGEST, digest.to_string()),
    ];
    let mut response = respond(status, headers, body);
    if let Some(part) = part
        && let Ok(value) = format!("bytes {}-{}/{}", part.start(), part.end(), link.size).try_into()
    {
        response.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    Ok(response)
}

/// A blob that is linked has to be there, at its length.
fn whole(digest: &Digest, stored: Option<u64>, size: u64) -> Result<(), Refusal> {
    if stored == Some(size) {
        return Ok(());
    }
    Err(StorageError::Damaged(format!("blob {digest}: {stored:?} bytes are stored where there were {size}")).into())
}

/// `DELETE …/blobs/<digest>`: out of this repository, unless an image of it needs the blob.
pub(crate) async fn delete(call: Call<'_>, name: Repository, digest: Digest) -> Result<Response, Refusal> {
    call.authorize_existing(&name, Action::Delete).await?;
    match call.registry.content.unlink_blob(&name, &digest).await? {
        Unlinking::Removed => {
            let no_headers: [(HeaderName, String); 0] = [];
            Ok(respond(StatusCode::ACCEPTED, no_headers, Body::empty()))
        }
        Unlinking::Absent => Err(Refusal::BlobUnknown(digest)),
        Unlinking::InUse(manifest) => {
            Err(Refusal::Unsupported(format!("manifest {manifest} of this repository needs the blob; delete that first")))
        }
    }
}
