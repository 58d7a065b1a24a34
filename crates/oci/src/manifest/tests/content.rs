//! What is read out of manifests that are fine.

use super::*;

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
fn unknown_fields_are_none_of_our_business() {
    let mut value = image();
    value["org.example"] = json!({"deep": [[[{"layers": [1, 2.5, null]}]]]});
    value["config"]["x"] = json!("y");
    let text = value.to_string().replacen('{', "{\"org.example\": 1, ", 1);
    assert!(parse_text(Some(OCI_MANIFEST), &text).is_ok());
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
