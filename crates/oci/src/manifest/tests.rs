#![allow(clippy::unwrap_used, clippy::needless_pass_by_value)]

use std::error::Error as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::digest::{Algorithm, Digest};
use crate::hasher::Hasher;
use crate::media_type::{
    DOCKER_CONFIG, DOCKER_LIST, DOCKER_MANIFEST, DOCKER_SCHEMA1, DOCKER_SCHEMA1_SIGNED, JSON,
    OCI_CONFIG, OCI_EMPTY, OCI_INDEX, OCI_MANIFEST,
};

const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
const OCI_FOREIGN: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
const DOCKER_LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar.gzip";
const DOCKER_FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

fn digest(content: &str) -> Digest {
    Hasher::digest(Algorithm::Sha256, content.as_bytes())
}

fn descriptor(media_type: &str, content: &str) -> Value {
    json!({"mediaType": media_type, "digest": digest(content), "size": content.len()})
}

fn image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(OCI_CONFIG, "config"),
        "layers": [descriptor(OCI_LAYER, "base layer"), descriptor(OCI_LAYER, "top")],
    })
}

fn docker_image() -> Value {
    json!({
        "schemaVersion": 2,
        "mediaType": DOCKER_MANIFEST,
        "config": descriptor(DOCKER_CONFIG, "config"),
        "layers": [descriptor(DOCKER_LAYER, "base layer")],
    })
}

fn index() -> Value {
    let mut arm = descriptor(OCI_MANIFEST, "arm");
    arm["platform"] = json!({"architecture": "arm64", "os": "linux", "variant": "v8"});
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [descriptor(OCI_MANIFEST, "amd"), arm],
    })
}

fn docker_list() -> Value {
    let mut child = descriptor(DOCKER_MANIFEST, "amd");
    child["platform"] = json!({"architecture": "amd64", "os": "linux"});
    json!({"schemaVersion": 2, "mediaType": DOCKER_LIST, "manifests": [child]})
}

fn parse_text(content_type: Option<&str>, text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(content_type, text.as_bytes(), &Limits::default())
}

/// Parses under the type that the value itself names.
fn parse(value: Value) -> Result<Manifest, ManifestError> {
    let content_type = value["mediaType"].as_str().map(str::to_owned);
    parse_text(content_type.as_deref(), &value.to_string())
}

fn refused(value: Value) -> String {
    let error = parse(value).unwrap_err();
    assert_eq!(error.kind(), ManifestErrorKind::Invalid);
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// `value` with the member at a JSON pointer replaced or added.
fn with(mut value: Value, pointer: &str, new: Value) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match value.pointer_mut(parent).unwrap() {
        Value::Array(array) => array[key.parse::<usize>().unwrap()] = new,
        object => object[key] = new,
    }
    value
}

fn without(mut value: Value, pointer: &str) -> Value {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let object = value.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    object.shift_remove(key).unwrap();
    value
}

#[test]
fn an_image_names_its_blobs_and_their_size() {
    let manifest = parse(image()).unwrap();
    assert_eq!(manifest.manifest_type(), ManifestType::OciManifest);
    assert_eq!(manifest.config_media_type(), Some(OCI_CONFIG));
    assert_eq!(manifest.layers_compressed_size(), Some(13));
    let blobs: Vec<Digest> = manifest.local_blobs().iter().map(|b| b.digest).collect();
    assert_eq!(
        blobs,
        [digest("config"), digest("base layer"), digest("top")]
    );
    assert_eq!(manifest.children().count(), 0);
    assert_eq!(manifest.subject(), None);
}

#[test]
fn an_index_names_its_children_and_their_platforms() {
    let manifest = parse(index()).unwrap();
    assert_eq!(manifest.layers_compressed_size(), None);
    assert_eq!(manifest.config_media_type(), None);
    assert!(manifest.local_blobs().is_empty());
    let children: Vec<&Child> = manifest.children().collect();
    assert_eq!(children[0].descriptor.digest, digest("amd"));
    assert_eq!(children[0].platform, None);
    let platform = children[1].platform.as_ref().unwrap();
    assert!(platform.is("linux", "arm64"));
    assert_eq!(platform.variant.as_deref(), Some("v8"));
}

#[test]
fn subject_artifact_type_and_annotations_are_read() {
    let mut value = image();
    value["artifactType"] = json!("application/vnd.example+type");
    value["subject"] = descriptor(OCI_MANIFEST, "subject");
    value["annotations"] = json!({"b": "2", "a": "line\nbreak"});
    let manifest = parse(value).unwrap();
    assert_eq!(
        manifest.artifact_type(),
        Some("application/vnd.example+type")
    );
    assert_eq!(manifest.referrer_artifact_type(), manifest.artifact_type());
    assert_eq!(manifest.subject().unwrap().digest, digest("subject"));
    assert_eq!(manifest.annotations()["a"], "line\nbreak");
}

#[test]
fn a_referrer_without_artifact_type_is_listed_under_its_config_type() {
    let manifest = parse(with(image(), "/artifactType", json!(""))).unwrap();
    assert_eq!(manifest.artifact_type(), None);
    assert_eq!(manifest.referrer_artifact_type(), Some(OCI_CONFIG));
    assert_eq!(parse(index()).unwrap().referrer_artifact_type(), None);
}

#[test]
fn oci_fields_mean_nothing_in_docker_types() {
    let mut value = docker_image();
    value["subject"] = json!("anything");
    value["annotations"] = json!({"a": "b"});
    let manifest = parse(value).unwrap();
    assert_eq!(manifest.subject(), None);
    assert!(manifest.annotations().is_empty());
}

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
fn unknown_fields_are_none_of_our_business() {
    let mut value = image();
    value["org.example"] = json!({"deep": [[[{"layers": [1, 2.5, null]}]]]});
    value["config"]["x"] = json!("y");
    let text = value.to_string().replacen('{', "{\"org.example\": 1, ", 1);
    assert!(parse_text(Some(OCI_MANIFEST), &text).is_ok());
}

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
fn schema_version_must_be_the_number_two() {
    for version in [json!(1), json!(3), json!(2.0), json!("2"), json!([2])] {
        assert!(
            refused(with(image(), "/schemaVersion", version))
                .starts_with("schemaVersion must be 2")
        );
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
fn foreign_layers_need_not_be_here() {
    for (foreign, mut value) in [(OCI_FOREIGN, image()), (DOCKER_FOREIGN, docker_image())] {
        value["layers"][0] = descriptor(foreign, "elsewhere");
        let manifest = parse(value.clone()).unwrap();
        assert!(
            manifest
                .local_blobs()
                .iter()
                .any(|b| b.digest == digest("elsewhere"))
        );
        value["layers"][0]["urls"] = json!(["https://store.example.com/blob"]);
        let manifest = parse(value).unwrap();
        assert!(
            manifest
                .local_blobs()
                .iter()
                .all(|b| b.digest != digest("elsewhere"))
        );
        assert_eq!(manifest.foreign_blobs()[0].digest, digest("elsewhere"));
    }
}

#[test]
fn urls_do_not_make_an_ordinary_layer_foreign() {
    let value = with(
        image(),
        "/layers/0/urls",
        json!(["https://mirror.example.com/blob"]),
    );
    assert_eq!(parse(value).unwrap().local_blobs().len(), 3);
}

#[test]
fn empty_layers_empty_indexes_and_empty_blobs_are_fine() {
    assert_eq!(
        parse(with(image(), "/layers", json!([])))
            .unwrap()
            .layers_compressed_size(),
        Some(0)
    );
    assert!(
        parse(with(index(), "/manifests", json!([])))
            .unwrap()
            .entries()
            .is_empty()
    );
    let manifest = parse(with(image(), "/layers/0", descriptor(OCI_LAYER, ""))).unwrap();
    assert_eq!(manifest.layers()[0].digest, Digest::SHA256_OF_NOTHING);
}

#[test]
fn what_real_clients_push_as_docker_manifests_is_accepted() {
    for layer in [
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.dev.cosign.simplesigning.v1+json",
    ] {
        assert!(parse(with(docker_image(), "/layers/0/mediaType", json!(layer))).is_ok());
    }
    for config in [
        "application/vnd.docker.plugin.v1+json",
        "application/octet-stream",
    ] {
        assert!(parse(with(docker_image(), "/config/mediaType", json!(config))).is_ok());
    }
    assert!(
        parse(with(
            docker_list(),
            "/manifests/0/mediaType",
            json!(OCI_MANIFEST)
        ))
        .is_ok()
    );
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
fn index_entries_that_are_no_manifests_are_blobs() {
    let layer = descriptor(
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "cached layer",
    );
    let manifest = parse(with(index(), "/manifests/0", layer)).unwrap();
    assert_eq!(manifest.children().count(), 1);
    assert_eq!(manifest.entries().len(), 2);
    assert_eq!(manifest.local_blobs()[0].digest, digest("cached layer"));
}

#[test]
fn indexes_nest() {
    let manifest = parse(with(
        index(),
        "/manifests/0",
        descriptor(OCI_INDEX, "inner"),
    ))
    .unwrap();
    assert_eq!(
        manifest.entries()[0].manifest_type,
        Some(ManifestType::OciIndex)
    );
}

#[test]
fn sha512_descriptors_are_as_good() {
    let long = Hasher::digest(Algorithm::Sha512, b"config");
    let value = with(image(), "/config/digest", json!(long));
    assert_eq!(parse(value).unwrap().config().unwrap().digest, long);
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
fn four_mebibytes_of_annotations_fit_the_default_limits() {
    let mut value = image();
    for i in 0..420 {
        value["annotations"][format!("large-annotation-{i}")] = json!("A".repeat(10_000));
    }
    assert!(value.to_string().len() > 4 * 1024 * 1024);
    assert_eq!(parse(value).unwrap().annotations().len(), 420);
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
