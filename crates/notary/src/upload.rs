//! The body of a publish: `multipart/form-data`, one part per role. The role is the part's *filename*, slashes included; the
//! field's name and the order mean nothing. Zero parts are an upload too: stock clients send one when nothing changed.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use multer::Multipart;
use wharfinger_transport::{NotWhole, whole_body};
use wharfinger_tuf::RoleName;
use wharfinger_tuf::publish::Invalid;

use crate::error::Refusal;

/// What one publish may be made of.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Against endless bodies. 20,000 targets are 4 MB.
    pub body: usize,
    /// Against uploads of very many small roles, each of which costs signatures to check.
    pub parts: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 16 << 20, parts: 1000 }
    }
}

/// The files by role. Of one role sent twice the last one counts, as in the stock server.
pub(crate) async fn read(headers: &HeaderMap, body: Body, limits: Limits) -> Result<BTreeMap<RoleName, Bytes>, Refusal> {
    let boundary = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| multer::parse_boundary(value).ok())
        .ok_or(Refusal::MalformedUpload)?;
    let body = whole_body(body, limits.body).await.map_err(|error| match error {
        NotWhole::TooLong { .. } => {
            let message = format!("the update is larger than {} MiB", limits.body >> 20);
            Refusal::Invalid(Invalid::Validation(message))
        }
        NotWhole::TooSlow => Refusal::Invalid(Invalid::Validation(error.to_string())),
        NotWhole::BrokeOff => Refusal::MalformedUpload,
    })?;
    let whole = stream::iter([Ok::<_, Infallible>(body)]);
    let mut parts = Multipart::new(whole, boundary);
    let mut files = BTreeMap::new();
    let mut count = 0;
    while let Some(part) = parts.next_field().await.map_err(|_| Refusal::MalformedUpload)? {
        count += 1;
        if count > limits.parts {
            let message = format!("the update has more than {} parts", limits.parts);
            return Err(Refusal::Invalid(Invalid::Validation(message)));
        }
        let name = part.file_name().unwrap_or_default();
        let name = name.strip_suffix(".json").unwrap_or(name);
        if name.is_empty() {
            return Err(Refusal::NoFilename);
        }
        let role: RoleName = name.parse().map_err(|_| Refusal::InvalidRole(name.to_owned()))?;
        let bytes = part.bytes().await.map_err(|_| Refusal::MalformedUpload)?;
        if !wharfinger_tuf::publish::is_signed_json(&bytes) {
            return Err(Refusal::MalformedJson);
        }
        files.insert(role, bytes);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use http::HeaderValue;

    use super::*;

    const FILE: &str = r#"{"signed":{"_type":"Targets","version":1,"expires":"2030-01-01T00:00:00Z"},"signatures":[]}"#;

    async fn upload(content_type: &'static str, body: String) -> Result<BTreeMap<RoleName, Bytes>, Refusal> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        read(&headers, Body::from(body), Limits { body: 4096, parts: 3 }).await
    }

    async fn form(parts: &[(&str, &str)]) -> Result<BTreeMap<RoleName, Bytes>, Refusal> {
        let mut body = String::new();
        for (disposition, content) in parts {
            let type_ = "Content-Type: application/octet-stream";
            write!(body, "--b\r\nContent-Disposition: form-data; {disposition}\r\n{type_}\r\n\r\n{content}\r\n").unwrap();
        }
        upload("multipart/form-data; boundary=b", body + "--b--\r\n").await
    }

    #[tokio::test]
    async fn the_role_is_the_filename_with_its_slash() {
        let files = form(&[
            (r#"name="files"; filename="targets/releases""#, FILE),
            (r#"name="x"; filename="root.json""#, FILE),
            (r#"name="files"; filename="root""#, &FILE.replace(":1", ":2")),
        ])
        .await
        .unwrap();
        let roles: Vec<_> = files.keys().map(ToString::to_string).collect();
        assert_eq!(roles, ["root", "targets/releases"]);
        assert_eq!(files[&"targets/releases".parse().unwrap()], FILE);
        assert!(files[&"root".parse().unwrap()].windows(11).any(|text| text == b"\"version\":2"));
    }

    #[tokio::test]
    async fn an_upload_of_nothing_is_an_upload() {
        let boundary = "1234567890abcdef1234567890abcdef1234567890abcdef1234567890ab";
        let body = format!("\r\n--{boundary}--\r\n");
        assert_eq!(body.len(), 68);
        let mut headers = HeaderMap::new();
        let value = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")).unwrap();
        headers.insert(CONTENT_TYPE, value);
        assert!(read(&headers, Body::from(body), Limits::default()).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_not_an_upload_is_refused_by_name() {
        let good = r#"filename="root""#;
        let malformed = |result| matches!(result, Err(Refusal::MalformedUpload));
        assert!(malformed(upload("application/json", FILE.into()).await));
        assert!(malformed(upload("multipart/form-data", FILE.into()).await));
        assert!(malformed(upload("multipart/form-data; boundary=b", String::new()).await));
        assert!(malformed(upload("multipart/form-data; boundary=b", "--b\r\nContent-Disp".into()).await));
        assert!(matches!(form(&[(r#"name="files""#, FILE)]).await, Err(Refusal::NoFilename)));
        assert!(matches!(form(&[(r#"filename=".json""#, FILE)]).await, Err(Refusal::NoFilename)));
        assert!(matches!(form(&[(r#"filename="mirrors""#, FILE)]).await, Err(Refusal::InvalidRole(role)) if role == "mirrors"));
        assert!(matches!(form(&[(r#"filename="targets/../root""#, FILE)]).await, Err(Refusal::InvalidRole(_))));
        assert!(matches!(form(&[(good, "{")]).await, Err(Refusal::MalformedJson)));
        assert!(matches!(form(&[(good, &FILE.replace("00Z", "99Z"))]).await, Err(Refusal::MalformedJson)));
        assert!(form(&[(good, FILE)]).await.is_ok());
    }

    #[tokio::test]
    async fn too_much_is_refused_with_the_limit_named() {
        let message = |result| match result {
            Err(Refusal::Invalid(Invalid::Validation(message))) => message,
            other => panic!("{other:?}"),
        };
        let part = (r#"filename="root""#, FILE);
        assert_eq!(message(form(&[part; 4]).await), "the update has more than 3 parts");
        let long = " ".repeat(5000);
        assert_eq!(message(form(&[(r#"filename="root""#, &long)]).await), "the update is larger than 0 MiB");
    }
}
