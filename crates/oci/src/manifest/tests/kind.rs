//! Which kind of manifest the bytes are, and that every reader agrees on it.

use super::*;

#[test]
fn content_type_parameters_and_a_missing_body_type_are_tolerated() {
    let text = without(image(), "/mediaType").to_string();
    for content_type in [
        OCI_MANIFEST,
        "application/vnd.oci.image.manifest.v1+json; charset=utf-8",
    ] {
        let manifest = parse_text(Some(content_type), &text).unwrap();
        assert_eq!(manifest.manifest_type(), ManifestType::OciManifest);
    }
}

#[test]
fn the_body_decides_when_the_header_says_nothing() {
    for content_type in [
        None,
        Some(""),
        Some(JSON),
        Some("application/json; charset=utf-8"),
    ] {
        for (value, expected) in [
            (image(), ManifestType::OciManifest),
            (index(), ManifestType::OciIndex),
            (docker_image(), ManifestType::DockerManifest),
            (docker_list(), ManifestType::DockerList),
        ] {
            let manifest = parse_text(content_type, &value.to_string()).unwrap();
            assert_eq!(manifest.manifest_type(), expected);
        }
        let error = parse_text(content_type, &without(image(), "/mediaType").to_string());
        assert_eq!(error.unwrap_err().kind(), ManifestErrorKind::Unsupported);
    }
}

#[test]
fn other_content_types_are_unsupported_whatever_the_body() {
    for content_type in ["text/plain", OCI_CONFIG, "application/octet-stream"] {
        let error = parse_text(Some(content_type), &image().to_string()).unwrap_err();
        assert!(matches!(error, ManifestError::UnsupportedMediaType { .. }));
        assert!(error.to_string().contains(content_type));
    }
}

#[test]
fn schema_1_is_refused_as_such() {
    let old = json!({"schemaVersion": 1, "name": "a/b", "tag": "t", "fsLayers": [], "history": []});
    for content_type in [
        Some(DOCKER_SCHEMA1),
        Some(DOCKER_SCHEMA1_SIGNED),
        Some(JSON),
        None,
    ] {
        let error = parse_text(content_type, &old.to_string()).unwrap_err();
        assert!(
            matches!(error, ManifestError::Schema1NotSupported),
            "{error}"
        );
        assert_eq!(error.kind(), ManifestErrorKind::Unsupported);
    }
}

#[test]
fn a_body_type_that_contradicts_the_header_is_refused() {
    let error = parse_text(Some(DOCKER_MANIFEST), &image().to_string()).unwrap_err();
    assert!(matches!(
        error,
        ManifestError::MediaTypeMismatch {
            content_type: ManifestType::DockerManifest,
            ..
        }
    ));
}

#[test]
fn docker_types_must_name_themselves() {
    for (content_type, value) in [
        (DOCKER_MANIFEST, docker_image()),
        (DOCKER_LIST, docker_list()),
    ] {
        let text = without(value, "/mediaType").to_string();
        let error = parse_text(Some(content_type), &text).unwrap_err();
        assert_eq!(error.to_string(), "mediaType is missing");
    }
}

#[test]
fn a_manifest_that_is_image_and_index_at_once_is_refused() {
    for (value, field) in [
        (image(), "manifests"),
        (docker_image(), "manifests"),
        (index(), "layers"),
        (index(), "config"),
        (docker_list(), "layers"),
        (image(), "fsLayers"),
    ] {
        for content in [json!([]), Value::Null] {
            let error = parse(with(value.clone(), &format!("/{field}"), content)).unwrap_err();
            assert!(
                matches!(error, ManifestError::Ambiguous { field: f, .. } if f == field),
                "{error}"
            );
        }
    }
}

#[test]
fn keys_that_clients_could_read_differently_are_refused() {
    let text = image().to_string();
    let twice = text.replacen('{', "{\"layers\": [], ", 1);
    assert_eq!(
        parse_text(Some(OCI_MANIFEST), &twice)
            .unwrap_err()
            .to_string(),
        "layers occurs more than once"
    );
    let escaped = text.replacen('{', "{\"layer\\u0073\": [], ", 1);
    assert!(matches!(
        parse_text(Some(OCI_MANIFEST), &escaped),
        Err(ManifestError::DuplicateField { .. })
    ));
    for key in ["Manifests", "MANIFESTS", "manifeſts"] {
        let error = parse(with(image(), &format!("/{key}"), json!([]))).unwrap_err();
        assert!(
            matches!(error, ManifestError::MisspelledField { .. }),
            "{error}"
        );
    }
    let nested = text.replace(
        "\"digest\":",
        &format!("\"digest\": \"{}\", \"digest\":", digest("x")),
    );
    assert_eq!(
        parse_text(Some(OCI_MANIFEST), &nested)
            .unwrap_err()
            .to_string(),
        "config.digest occurs more than once"
    );
}

#[test]
fn schema_version_must_be_the_number_two() {
    for version in [json!(1), json!(3), json!(2.0), json!("2"), json!([2])] {
        assert!(
            refused(with(image(), "/schemaVersion", version))
                .starts_with("schemaVersion must be 2")
        );
    }
}

#[test]
fn what_is_not_a_json_object_is_refused_by_what_it_is() {
    let parse =
        |bytes: &[u8]| Manifest::parse(Some(OCI_MANIFEST), bytes, &Limits::default()).unwrap_err();
    assert!(matches!(
        parse(b"{\"a\": \"\xff\"}"),
        ManifestError::NotUtf8 { at: 7 }
    ));
    for text in ["[]", "\"x\"", "null", "1"] {
        assert!(
            matches!(parse(text.as_bytes()), ManifestError::NotAnObject),
            "{text}"
        );
    }
    for text in [
        "",
        "{",
        "{}x",
        "{\"a\":}",
        "\u{feff}{}",
        "{\"layers\": [}",
        "{'a': 1}",
        "{\"a\": \"\n\"}",
    ] {
        assert!(
            matches!(parse(text.as_bytes()), ManifestError::Syntax(_)),
            "{text}"
        );
    }
}
