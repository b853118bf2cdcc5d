//! What the gate says when it is only asked: `POST /api/trust/explain` and `POST /api/dct/resolveimage`.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use wharfinger_gate::{Decide as _, Explanation, Pin, Purpose, Workload};

use super::{ClusterApi, Operator};
use crate::error::{ApiError, json_body};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question {
    image: String,
    /// Of Kubernetes: rules can be for some namespaces only.
    #[serde(default)]
    namespace: Option<String>,
}

pub(super) async fn explain(
    State(api): State<ClusterApi>,
    operator: Operator,
    body: Bytes,
) -> Result<Json<Explanation>, ApiError> {
    let question: Question = json_body(&body)?;
    let namespace = question.namespace.filter(|namespace| !namespace.is_empty());
    let workload = Workload { namespace, ..operator.question(&question.image) };
    Ok(Json(api.gate.explain(&workload, &question.image).await))
}

/// UCP's answer to its Kubernetes admission plugin.
#[derive(Serialize)]
pub(super) struct Resolved {
    #[serde(rename = "resolvedImages")]
    images: BTreeMap<String, String>,
    #[serde(rename = "errorMessages")]
    errors: Vec<String>,
}

pub(super) async fn resolve(
    State(api): State<ClusterApi>,
    operator: Operator,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Json<Resolved>, ApiError> {
    let mut resolved = Resolved { images: BTreeMap::new(), errors: Vec::new() };
    for (name, image) in fields {
        match name.as_str() {
            "containerImage" => {}
            // Secrets of a Kubernetes cluster are nothing this cluster could read.
            "imagePullSecret" => {
                return Err(ApiError::new(
                    StatusCode::BAD_REQUEST,
                    "INVALID_REQUEST",
                    "imagePullSecret is not built yet: leave it out",
                ));
            }
            other => return Err(ApiError::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", format!("unknown field `{other}`"))),
        }
        let workload = Workload { purpose: Purpose::Create, ..operator.question(&image) };
        match api.gate.admit(&workload).await {
            Ok(admitted) => match admitted.pin(&image) {
                Some(Pin::Signed(pin)) => drop(resolved.images.insert(image, pin.pinned.clone())),
                Some(Pin::Unenforced | Pin::Exempt(_)) => drop(resolved.images.insert(image.clone(), image)),
                None => resolved.errors.push(format!("trust could not be decided for {image}")),
            },
            Err(denial) => resolved.errors.push(denial.message()),
        }
    }
    Ok(Json(resolved))
}
