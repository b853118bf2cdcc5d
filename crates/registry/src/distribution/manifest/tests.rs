use serde_json::json;

use super::*;

fn descriptor_of(content: &str, media_type: &str) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::sha256(content.as_bytes()), "size": content.len() })
}

fn image_of(media_type: &str) -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": descriptor_of("config", "application/vnd.oci.image.config.v1+json"),
        "layers": [descriptor_of("layer", "application/vnd.oci.image.layer.v1.tar+gzip")],
    })
}

fn index_of(media_type: &str) -> Value {
    json!({ "schemaVersion": 2, "mediaType": media_type, "manifests": [descriptor_of("child", OCI_IMAGE)] })
}

fn read(content_type: Option<&str>, manifest: &Value) -> Result<Manifest, ManifestError> {
    parse(content_type, manifest.to_string().as_bytes())
}

#[test]
fn the_four_kinds_are_read_with_what_they_refer_to() {
    for kind in [DOCKER_IMAGE, OCI_IMAGE] {
        let manifest = read(Some(kind), &image_of(kind)).unwrap();
        assert_eq!(manifest.media_type, kind);
        assert_eq!(manifest.blobs, [Digest::sha256(b"config"), Digest::sha256(b"layer")]);
        assert_eq!(manifest.size, 11);
        assert_eq!(manifest.artifact_type.as_deref(), Some("application/vnd.oci.image.config.v1+json"));
    }
    for kind in [DOCKER_LIST, OCI_INDEX] {
        let manifest = read(Some(kind), &index_of(kind)).unwrap();
        assert_eq!(manifest.manifests, [Digest::sha256(b"child")]);
        assert!(manifest.blobs.is_empty() && manifest.artifact_type.is_none());
    }
    assert!(read(None, &image_of(OCI_IMAGE)).is_ok());
    assert!(read(Some(&format!("{OCI_IMAGE}; charset=utf-8")), &image_of(OCI_IMAGE)).is_ok());
}

#[test]
fn only_oci_types_may_leave_the_media_type_to_the_request() {
    let mut untyped = image_of(OCI_IMAGE);
    untyped.as_object_mut().unwrap().remove("mediaType");
    assert_eq!(read(Some(OCI_IMAGE), &untyped).unwrap().media_type, OCI_IMAGE);
    assert_eq!(read(Some(OCI_INDEX), &untyped), Err(ManifestError::Ambiguous("config")));
    assert_eq!(read(Some(DOCKER_IMAGE), &untyped), Err(ManifestError::Field("mediaType")));
    assert_eq!(read(None, &untyped), Err(ManifestError::Untyped));
}

#[test]
fn the_body_and_the_request_have_to_name_one_type() {
    assert!(matches!(read(Some(OCI_INDEX), &image_of(OCI_IMAGE)), Err(ManifestError::TypeMismatch { .. })));
    assert!(matches!(read(Some(OCI_INDEX), &image_of(OCI_INDEX)), Err(ManifestError::Ambiguous("config"))));
    assert!(matches!(read(None, &image_of("text/html")), Err(ManifestError::Type(_))));
}

#[test]
fn a_manifest_that_is_both_image_and_index_is_refused() {
    let mut both = image_of(OCI_IMAGE);
    both["manifests"] = json!([descriptor_of("child", OCI_IMAGE)]);
    assert_eq!(read(None, &both), Err(ManifestError::Ambiguous("manifests")));
    let mut both = index_of(OCI_INDEX);
    both["layers"] = json!([]);
    assert_eq!(read(None, &both), Err(ManifestError::Ambiguous("layers")));
    let mut both = image_of(OCI_IMAGE);
    both["fsLayers"] = json!([]);
    assert_eq!(read(None, &both), Err(ManifestError::Ambiguous("fsLayers")));
}

#[test]
fn schema_1_is_refused() {
    assert_eq!(read(None, &json!({ "schemaVersion": 1, "name": "x" })), Err(ManifestError::Schema1));
    let v1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    assert_eq!(read(Some(v1), &json!({ "schemaVersion": 2 })), Err(ManifestError::Schema1));
    assert_eq!(read(None, &json!({})), Err(ManifestError::SchemaVersion));
}

#[test]
fn keys_that_go_would_read_differently_are_refused() {
    let good = image_of(OCI_IMAGE).to_string();
    assert!(parse(None, good.as_bytes()).is_ok());
    for bad in [
        good.replacen('{', r#"{"Layers":[],"#, 1),
        good.replacen('{', "{\"layer\u{17f}\":[],", 1),
        good.replacen('{', r#"{"schemaVersion":1,"#, 1),
        good.replacen(r#""digest""#, r#""Digest":"","digest""#, 1),
        format!("{good} {{}}"),
        "[]".to_owned(),
        "{".to_owned(),
        String::new(),
    ] {
        assert!(matches!(parse(None, bad.as_bytes()), Err(ManifestError::Json(_))), "{bad}");
    }
    let mut annotated = image_of(OCI_IMAGE);
    annotated["annotations"] = json!({ "Size": "big", "size": "small" });
    assert!(read(None, &annotated).is_ok(), "annotations are data");
}

#[test]
fn foreign_layers_need_not_be_here() {
    let mut image = image_of(DOCKER_IMAGE);
    let foreign = descriptor_of("elsewhere", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip");
    image["layers"].as_array_mut().unwrap().push(foreign);
    assert_eq!(read(None, &image).unwrap().blobs, [Digest::sha256(b"config"), Digest::sha256(b"layer")]);
}

#[test]
fn malformed_references_are_refused() {
    for (field, value) in [
        ("config", json!({})),
        ("config", json!(null)),
        ("layers", json!({})),
        ("layers", json!(null)),
        ("layers", json!([{ "mediaType": "x", "digest": "sha256:00", "size": 1 }])),
        ("layers", json!([{ "mediaType": "x", "digest": Digest::sha256(b""), "size": -1 }])),
        ("subject", json!("x")),
        ("artifactType", json!(1)),
        ("annotations", json!({ "a": 1 })),
    ] {
        let mut image = image_of(OCI_IMAGE);
        image[field] = value;
        assert_eq!(read(None, &image), Err(ManifestError::Field(field)));
    }
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_the_parser_stumble(bytes: Vec<u8>, cut in 0_usize..400) {
        drop(parse(None, &bytes));
        let good = image_of(OCI_IMAGE).to_string();
        let at = cut.min(good.len());
        drop(parse(None, &[&good.as_bytes()[..at], &bytes, &good.as_bytes()[at..]].concat()));
    }
}
