use proptest::prelude::*;

use super::{ENTRY_POINTS, content_range, manifest, media_type, name, range, reference, scope};

/// Text that is nearly a manifest: pieces of valid ones, put together at random.
fn manifest_like() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("2".to_owned()),
        Just("null".to_owned()),
        Just("[]".to_owned()),
        Just("{}".to_owned()),
        Just("\"application/vnd.oci.image.manifest.v1+json\"".to_owned()),
        Just("\"application/vnd.docker.distribution.manifest.list.v2+json\"".to_owned()),
        Just(
            "\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""
                .to_owned()
        ),
        any::<i64>().prop_map(|n| n.to_string()),
        any::<f64>().prop_map(|n| n.to_string()),
        "\"[ -~]{0,8}\"",
    ];
    let key = prop::sample::select(vec![
        "schemaVersion",
        "mediaType",
        "config",
        "layers",
        "manifests",
        "subject",
        "annotations",
        "artifactType",
        "digest",
        "size",
        "urls",
        "data",
        "platform",
        "architecture",
        "os",
        "Layers",
        "x",
    ]);
    let document = value.prop_recursive(5, 60, 9, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4)
                .prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((key.clone(), inner), 0..9).prop_map(|fields| {
                let fields: Vec<String> = fields
                    .into_iter()
                    .map(|(k, v)| format!("\"{k}\":{v}"))
                    .collect();
                format!("{{{}}}", fields.join(","))
            }),
        ]
    });
    document.prop_map(|members| {
        // Half of the time the document has a valid head, so that the inside is reached.
        match members.strip_prefix('{') {
            Some(rest) if rest.len() > 1 && rest.len() % 2 == 0 => {
                format!("{{\"schemaVersion\":2,{rest}")
            }
            _ => members,
        }
    })
}

/// A valid manifest of each kind with a few bytes overwritten.
fn damaged_manifest() -> impl Strategy<Value = Vec<u8>> {
    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let blob = format!(
        "{{\"mediaType\":\"a/b\",\"size\":0,\"digest\":\"{DIGEST}\",\"data\":\"\",\"urls\":[\"u\"]}}"
    );
    let image = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"config\":{blob},\
         \"layers\":[{blob},{blob}],\"subject\":{blob},\"annotations\":{{\"a\":\"b\"}}}}"
    );
    let index = format!(
        "{{\"schemaVersion\":2,\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":[{blob},\
         {{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"size\":7,\"digest\":\"{}\",\
         \"platform\":{{\"architecture\":\"arm64\",\"os\":\"linux\"}}}}]}}",
        DIGEST.replace("e3b0", "f3b0")
    );
    for valid in [&image, &index] {
        let parsed = crate::Manifest::parse(None, valid.as_bytes(), &crate::Limits::default());
        assert!(parsed.is_ok(), "{parsed:?}");
    }
    let damage = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    (prop::sample::select(vec![image, index]), damage).prop_map(|(text, damage)| {
        let mut bytes = text.into_bytes();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

proptest! {
    #[test]
    fn arbitrary_bytes_break_no_parser(input in prop::collection::vec(any::<u8>(), 0..300)) {
        for (parser, check) in ENTRY_POINTS {
            prop_assert_eq!(check(&input), Ok(()), "{}", parser);
        }
    }

    #[test]
    fn texts_like_manifests_keep_the_properties(text in manifest_like()) {
        prop_assert_eq!(manifest(text.as_bytes()), Ok(()));
    }

    #[test]
    fn damaged_manifests_keep_the_properties(bytes in damaged_manifest()) {
        prop_assert_eq!(manifest(&bytes), Ok(()));
    }

    #[test]
    fn texts_like_references_keep_the_properties(
        text in "([a-zA-Z0-9_.-]{0,130}|sha(256|512):[0-9a-f]{64}([0-9a-f]{64})?|[a-z0-9+]{1,9}:[0-9a-fA-F=]{0,70})"
    ) {
        prop_assert_eq!(reference(text.as_bytes()), Ok(()));
    }

    #[test]
    fn texts_like_names_keep_the_properties(text in "[a-z0-9._/+-]{0,40}") {
        prop_assert_eq!(name(text.as_bytes()), Ok(()));
    }

    #[test]
    fn texts_like_ranges_keep_the_properties(
        text in "(bytes)?[= ]?[0-9]{0,21}-[0-9]{0,21}(/([0-9]{1,3}|\\*))?(, ?[0-9]-[0-9])?"
    ) {
        prop_assert_eq!(range(text.as_bytes()), Ok(()));
        prop_assert_eq!(content_range(text.as_bytes()), Ok(()));
    }

    #[test]
    fn texts_like_scopes_keep_the_properties(
        text in "((repository:|registry:)(localhost:8080/)?([a-c]/?){0,3}(catalog)?:(pull|push|\\*|delete|,){0,4} ?){0,4}"
    ) {
        prop_assert_eq!(scope(text.as_bytes()), Ok(()));
    }

    #[test]
    fn texts_like_media_types_keep_the_properties(
        text in " ?[aA]pplication/vnd\\.(oci|docker)\\.image\\.(index|manifest)\\.v1\\+json ?(;[a-z=,]{0,9})?"
    ) {
        prop_assert_eq!(media_type(text.as_bytes()), Ok(()));
    }
}
