//! `GET …/referrers/<digest>` (distribution-spec § listing referrers).

use axum::body::Body;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use wharfinger_auth::Action;
use wharfinger_oci::{Digest, Repository};
use wharfinger_storage::repositories::ManifestRecord;

use super::call::{Call, respond};
use super::error::Refusal;
use super::manifest;

const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Filter {
    artifact_type: Option<String>,
}

/// An index of the manifests whose `subject` this is; the subject itself need not be here.
pub(crate) async fn list(call: Call<'_>, name: Repository, digest: Digest) -> Result<Response, Refusal> {
    call.authorize_existing(&name, Action::Pull).await?;
    let Filter { artifact_type } = call.query()?;
    let found = call.registry.content.referrers(&name, &digest).await?;
    let manifests: Vec<Value> = found.iter().filter_map(|record| descriptor(record, artifact_type.as_deref())).collect();
    let body = Body::from(json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }).to_string());
    let kind = (header::CONTENT_TYPE, INDEX.to_owned());
    Ok(match artifact_type {
        Some(_) => respond(StatusCode::OK, [kind, (FILTERS_APPLIED, "artifactType".to_owned())], body),
        None => respond(StatusCode::OK, [kind], body),
    })
}

fn descriptor(record: &ManifestRecord, wanted: Option<&str>) -> Option<Value> {
    let parsed = manifest::parse(Some(&record.media_type), &record.content).ok()?;
    if wanted.is_some() && parsed.artifact_type.as_deref() != wanted {
        return None;
    }
    let mut descriptor = json!({ "mediaType": record.media_type, "digest": record.digest, "size": record.content.len() });
    if let Some(kind) = parsed.artifact_type {
        descriptor["artifactType"] = kind.into();
    }
    if !parsed.annotations.is_empty() {
        descriptor["annotations"] = parsed.annotations.into();
    }
    Some(descriptor)
}
