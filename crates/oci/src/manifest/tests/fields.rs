//! Fields and limits that are checked one by one.

use super::*;

#[test]
fn required_fields_are_required() {
    for (value, pointer) in [
        (image(), "/schemaVersion"),
        (image(), "/config"),
        (image(), "/layers"),
        (image(), "/config/digest"),
        (image(), "/layers/1/size"),
        (image(), "/layers/0/mediaType"),
        (index(), "/manifests"),
        (index(), "/manifests/1/platform/os"),
        (index(), "/manifests/1/platform/architecture"),
        (docker_list(), "/manifests/0/platform"),
    ] {
        let place = pointer[1..]
            .replace("/0", "[0]")
            .replace("/1", "[1]")
            .replace('/', ".");
        let expected = format!("{place} is missing");
        assert_eq!(refused(without(value.clone(), pointer)), expected);
        assert_eq!(refused(with(value, pointer, Value::Null)), expected);
    }
}

#[test]
fn wrong_types_are_named_with_their_place() {
    for (pointer, new, expected) in [
        ("/config", json!([]), "config must be an object"),
        ("/layers", json!({}), "layers must be an array"),
        ("/layers/1", json!("x"), "layers[1] must be an object"),
        (
            "/layers/0/digest",
            json!(5),
            "layers[0].digest must be a string",
        ),
        (
            "/layers/0/size",
            json!("5"),
            "layers[0].size must be a number",
        ),
        (
            "/layers/0/urls",
            json!("x"),
            "layers[0].urls must be an array",
        ),
        (
            "/layers/0/urls",
            json!(["x", 1]),
            "layers[0].urls[1] must be a string",
        ),
        (
            "/annotations",
            json!({"a": 1}),
            "annotations must be an object of strings",
        ),
        ("/subject", json!("sha256:x"), "subject must be an object"),
        ("/artifactType", json!({}), "artifactType must be a string"),
        ("/mediaType", json!(7), "mediaType must be a string"),
    ] {
        let text = with(image(), pointer, new).to_string();
        let error = parse_text(Some(OCI_MANIFEST), &text).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn sizes_are_whole_numbers_that_a_database_can_hold() {
    let text = with(image(), "/config/size", json!(424_242)).to_string();
    for size in [
        "-1",
        "-0",
        "1.5",
        "1e3",
        "9223372036854775808",
        "99999999999999999999999",
        "1.0",
    ] {
        let error = parse_text(Some(OCI_MANIFEST), &text.replace("424242", size)).unwrap_err();
        assert!(
            matches!(error, ManifestError::Size { .. }),
            "{size}: {error}"
        );
    }
    let largest = text.replace("424242", "9223372036854775807");
    assert!(parse_text(Some(OCI_MANIFEST), &largest).is_ok());
}

#[test]
fn the_sum_of_the_layers_must_not_overflow() {
    let mut value = with(image(), "/layers/0/size", json!(i64::MAX - 2));
    assert!(matches!(
        parse(value.clone()),
        Err(ManifestError::SizeOverflow)
    ));
    value["layers"][1]["size"] = json!(2);
    assert_eq!(
        parse(value).unwrap().layers_compressed_size(),
        Some(i64::MAX as u64)
    );
}

#[test]
fn one_digest_has_one_size() {
    let mut value = image();
    value["layers"][1] = value["layers"][0].clone();
    let manifest = parse(value.clone()).unwrap();
    assert_eq!(
        (manifest.layers().len(), manifest.local_blobs().len()),
        (2, 2)
    );
    value["layers"][1]["size"] = json!(11);
    assert!(refused(value).starts_with("layers[1] gives another size"));
}

#[test]
fn malformed_digests_and_media_types_are_refused() {
    for bad in ["", "sha256:abc", "sha256", "blake3:00"] {
        let message = refused(with(image(), "/layers/1/digest", json!(bad)));
        assert!(
            message.starts_with("layers[1].digest is not usable: "),
            "{message}"
        );
    }
    for bad in ["", "tar", "a/", "a b/c"] {
        let message = refused(with(image(), "/config/mediaType", json!(bad)));
        assert!(message.starts_with("config.mediaType"), "{message}");
    }
}

#[test]
fn nul_characters_never_reach_the_database() {
    for pointer in ["/annotations", "/config/annotations"] {
        assert!(refused(with(image(), pointer, json!({"a": "\0"}))).contains("NUL"));
    }
    assert!(refused(with(image(), "/artifactType", json!("a/b\0"))).contains("NUL"));
    assert!(refused(with(image(), "/artifactType", json!("a".repeat(256)))).contains("too long"));
}

#[test]
fn an_empty_platform_value_is_fine_and_a_missing_one_is_not() {
    let empty = json!({"architecture": "", "os": ""});
    assert!(parse(with(index(), "/manifests/0/platform", empty)).is_ok());
    assert!(
        refused(with(index(), "/manifests/0/platform", json!({})))
            .contains("architecture is missing")
    );
}

#[test]
fn embedded_data_must_be_the_content() {
    let with_data = |data: &str| with(image(), "/config/data", json!(data));
    assert!(parse(with_data(&STANDARD.encode("config"))).is_ok());
    let empty = json!({"mediaType": OCI_EMPTY, "digest": digest("{}"), "size": 2, "data": "e30="});
    assert!(parse(with(image(), "/config", empty)).is_ok());
    for content in ["confiG", "config ", ""] {
        assert!(
            refused(with_data(&STANDARD.encode(content))).starts_with("config.data does not have")
        );
    }
    assert!(refused(with_data("%%%")).starts_with("config.data is not base64"));
}

#[test]
fn the_limits_hold() {
    let limits = Limits {
        max_bytes: 2_000,
        max_descriptors: 2,
        max_annotations: 2,
        max_depth: 5,
    };
    let parse =
        |value: &Value| Manifest::parse(Some(OCI_MANIFEST), value.to_string().as_bytes(), &limits);
    let mut value = image();
    value["annotations"] = json!({"a": "", "b": ""});
    value["x"] = json!([[[["[[[[\\\"[[[["]]]]);
    parse(&value).unwrap();

    let deep = with(value.clone(), "/x", json!([[[[[]]]]]));
    assert!(matches!(
        parse(&deep),
        Err(ManifestError::TooDeep { max: 5 })
    ));
    let noted = with(value.clone(), "/annotations/c", json!(""));
    assert!(matches!(
        parse(&noted),
        Err(ManifestError::TooMany {
            found: 3,
            max: 2,
            ..
        })
    ));
    let mut layered = value.clone();
    layered["layers"]
        .as_array_mut()
        .unwrap()
        .push(descriptor(OCI_LAYER, "third"));
    assert!(matches!(
        parse(&layered),
        Err(ManifestError::TooMany {
            found: 3,
            max: 2,
            ..
        })
    ));
    let long = with(value, "/x", json!("a".repeat(2_000)));
    let error = parse(&long).unwrap_err();
    assert_eq!(error.kind(), ManifestErrorKind::TooLarge);
}

#[test]
fn nesting_that_fills_the_whole_body_neither_recurses_nor_stalls() {
    let limits = Limits {
        max_depth: usize::MAX,
        ..Limits::default()
    };
    let body = format!("{{\"x\": {}", "[".repeat(4_000_000));
    assert!(matches!(
        Manifest::parse(Some(OCI_MANIFEST), body.as_bytes(), &limits),
        Err(ManifestError::Syntax(_))
    ));
}
