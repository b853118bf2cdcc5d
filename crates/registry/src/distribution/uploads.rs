//! Uploads: begun, mounted instead, grown in chunks, finished, cancelled (distribution-spec § pushing blobs).

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use wharfinger_auth::Action;
use wharfinger_identity::Account;
use wharfinger_oci::{Digest, Repository};
use wharfinger_storage::blobs::{AppendError, ByteStream, Finished, UploadId};
use wharfinger_storage::repositories::{BlobLink, Upload};

use super::call::{Call, respond};
use super::error::Refusal;
use super::{CONTENT_DIGEST, UPLOAD_UUID, incoming, push, range};
use crate::registry::Registry;

#[derive(Deserialize)]
struct Begin {
    digest: Option<String>,
    mount: Option<String>,
    from: Option<String>,
}

#[derive(Deserialize)]
struct Finish {
    digest: Option<String>,
}

/// `POST …/blobs/uploads/`: mounts `?mount=` from `?from=` if that may be, takes the whole blob with `?digest=`, else begins an upload.
pub(crate) async fn begin(call: Call<'_>, body: Body, name: Repository) -> Result<Response, Refusal> {
    let (granted, account) = push::authorize(&call, &name).await?;
    let Begin { digest, mount, from } = call.query()?;
    let digest = digest.as_deref().map(parse_digest).transpose()?;
    let mount = mount.as_deref().map(parse_digest).transpose()?;
    push::make_room(&call, &granted).await?;
    if let (Some(mount), Some(from)) = (&mount, from)
        && let Some(mounted) = mounted(&call, &name, mount, &from).await?
    {
        return Ok(created(&name, &mounted.digest));
    }
    let upload =
        Upload { id: UploadId::generate(), repository: name, account: account.id, started_at: call.registry.clock.now() };
    if !call.registry.content.begin_upload(&upload).await? {
        return Err(Refusal::NameUnknown(upload.repository));
    }
    call.registry.blobs.begin(&upload.id).await?;
    let Some(digest) = digest else { return Ok(accepted(StatusCode::ACCEPTED, &upload, 0)) };
    let stored = match add(call.registry, &upload, None, incoming::stream_of(body)).await {
        Ok(_) => settle(&call, &upload, &digest).await,
        Err(refusal) => Err(refusal),
    };
    if stored.is_err() {
        forget(call.registry, &upload.id).await?;
    }
    stored
}

/// Mounting needs the right to pull from the source; without it, or without the blob there, the client uploads as usual.
async fn mounted(call: &Call<'_>, name: &Repository, digest: &Digest, from: &str) -> Result<Option<BlobLink>, Refusal> {
    let Ok(from) = from.parse::<Repository>() else { return Ok(None) };
    match call.authorize_existing(&from, Action::Pull).await {
        Ok(_) => {}
        Err(Refusal::Challenge(_) | Refusal::NameUnknown(_)) => return Ok(None),
        Err(other) => return Err(other),
    }
    Ok(call.registry.content.mount_blob(&from, name, digest, call.registry.clock.now()).await?)
}

/// `GET …/uploads/<id>`: how far it is.
pub(crate) async fn status(call: Call<'_>, name: Repository, id: UploadId) -> Result<Response, Refusal> {
    let upload = own(&call, &name, id).await?;
    let size = call.registry.blobs.received(&id).await?.ok_or(Refusal::UploadUnknown)?;
    Ok(accepted(StatusCode::NO_CONTENT, &upload, size))
}

/// `PATCH …/uploads/<id>`: the next chunk, or all of it.
pub(crate) async fn append(call: Call<'_>, body: Body, name: Repository, id: UploadId) -> Result<Response, Refusal> {
    let upload = own(&call, &name, id).await?;
    let at = place(&call.headers)?;
    let size = add(call.registry, &upload, at, incoming::stream_of(body)).await?;
    Ok(accepted(StatusCode::ACCEPTED, &upload, size))
}

/// `PUT …/uploads/<id>?digest=`: the last chunk, if any, and what it all amounts to.
pub(crate) async fn finish(call: Call<'_>, body: Body, name: Repository, id: UploadId) -> Result<Response, Refusal> {
    let upload = own(&call, &name, id).await?;
    let Finish { digest } = call.query()?;
    let digest = digest.ok_or_else(|| Refusal::DigestInvalid("the query holds no `digest`".to_owned()))?;
    let digest = parse_digest(&digest)?;
    let at = place(&call.headers)?;
    add(call.registry, &upload, at, incoming::stream_of(body)).await?;
    settle(&call, &upload, &digest).await
}

/// `DELETE …/uploads/<id>`.
pub(crate) async fn cancel(call: Call<'_>, name: Repository, id: UploadId) -> Result<Response, Refusal> {
    own(&call, &name, id).await?;
    forget(call.registry, &id).await?;
    Ok(respond(StatusCode::NO_CONTENT, [(UPLOAD_UUID, id.to_string())], Body::empty()))
}

/// The upload, if it was begun in this repository by this account; to all others it does not exist.
async fn own(call: &Call<'_>, name: &Repository, id: UploadId) -> Result<Upload, Refusal> {
    let (_, account): (_, Account) = push::authorize(call, name).await?;
    let upload = call.registry.content.upload(&id).await?.ok_or(Refusal::UploadUnknown)?;
    if upload.repository == *name && upload.account == account.id { Ok(upload) } else { Err(Refusal::UploadUnknown) }
}

fn parse_digest(text: &str) -> Result<Digest, Refusal> {
    text.parse().map_err(|_| Refusal::DigestInvalid("`digest` is no digest of an algorithm known here".to_owned()))
}

/// Where the content is meant to begin, by its `Content-Range`.
fn place(headers: &HeaderMap) -> Result<Option<u64>, Refusal> {
    let Some(value) = headers.get(header::CONTENT_RANGE) else { return Ok(None) };
    let malformed = || Refusal::UploadInvalid("Content-Range is written `<first>-<last>`".to_owned());
    let range = value.to_str().ok().and_then(range::content).ok_or_else(malformed)?;
    if let Some(length) = headers.get(header::CONTENT_LENGTH) {
        let length: Option<u64> = length.to_str().ok().and_then(|length| length.parse().ok());
        let said = (range.end() - range.start()).checked_add(1);
        if length.is_none() || length != said {
            return Err(Refusal::SizeInvalid("Content-Length and Content-Range do not agree".to_owned()));
        }
    }
    Ok(Some(*range.start()))
}

async fn add(registry: &Registry, upload: &Upload, at: Option<u64>, content: ByteStream) -> Result<u64, Refusal> {
    registry.blobs.append(&upload.id, at, content).await.map_err(|error| match error {
        AppendError::Absent => Refusal::UploadUnknown,
        AppendError::OutOfOrder(size) => Refusal::UploadOutOfOrder(upload.clone(), size),
        AppendError::Busy => busy(),
        AppendError::Interrupted(_) => Refusal::UploadInvalid("the content broke off".to_owned()),
        AppendError::Storage(error) => Refusal::Storage(error),
    })
}

fn busy() -> Refusal {
    Refusal::UploadInvalid("another request is adding to this upload".to_owned())
}

/// Makes the upload a blob of its repository, if it is what `digest` names.
async fn settle(call: &Call<'_>, upload: &Upload, digest: &Digest) -> Result<Response, Refusal> {
    push::still_allowed(call, &upload.repository, &upload.account).await?;
    let registry = call.registry;
    match registry.blobs.finish(&upload.id, digest).await? {
        Finished::Stored(size) => {
            let blob = BlobLink { digest: digest.clone(), size };
            let linked = registry.content.link_blob(&upload.repository, &blob, registry.clock.now()).await?;
            registry.content.end_upload(&upload.id).await?;
            if linked { Ok(created(&upload.repository, digest)) } else { Err(Refusal::NameUnknown(upload.repository.clone())) }
        }
        Finished::Mismatch => {
            registry.content.end_upload(&upload.id).await?;
            Err(Refusal::DigestInvalid("provided digest did not match uploaded content".to_owned()))
        }
        Finished::Absent => Err(Refusal::UploadUnknown),
        Finished::Busy => Err(busy()),
    }
}

async fn forget(registry: &Registry, id: &UploadId) -> Result<(), Refusal> {
    registry.blobs.discard(id).await?;
    Ok(registry.content.end_upload(id).await?)
}

fn created(name: &Repository, digest: &Digest) -> Response {
    let headers = [(header::LOCATION, format!("/v2/{name}/blobs/{digest}")), (CONTENT_DIGEST, digest.to_string())];
    respond(StatusCode::CREATED, headers, Body::empty())
}

fn accepted(status: StatusCode, upload: &Upload, size: u64) -> Response {
    let no_headers: [(HeaderName, String); 0] = [];
    let mut response = respond(status, no_headers, Body::empty());
    progress(response.headers_mut(), upload, size);
    response
}

/// How far an upload is, and where it goes on. Docker reads `0-0` as nothing yet.
pub(crate) fn progress(headers: &mut HeaderMap, upload: &Upload, size: u64) {
    let said = [
        (header::LOCATION, format!("/v2/{}/blobs/uploads/{}", upload.repository, upload.id)),
        (header::RANGE, format!("0-{}", size.saturating_sub(1))),
        (UPLOAD_UUID, upload.id.to_string()),
    ];
    for (name, value) in said {
        if let Ok(value) = HeaderValue::try_from(value) {
            headers.insert(name, value);
        }
    }
}
