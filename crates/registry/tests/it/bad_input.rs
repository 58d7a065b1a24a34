//! Whatever comes in, the answer is no failure of the registry, and nothing changes.

use axum::http::{HeaderValue, Method, Uri};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

use crate::site::{Engine, Image, Settings, Site};

/// Pieces that paths of an attack are made of.
const PIECES: &[&str] = &[
    "v2",
    "ann",
    "app",
    "manifests",
    "blobs",
    "uploads",
    "tags",
    "list",
    "referrers",
    "_catalog",
    "auth",
    "latest",
    "..",
    ".",
    "",
    "%2e%2e",
    "%2f",
    "..%2f..%2fetc%2fpasswd",
    "%00",
    "%ff%fe",
    "%",
    "%zz",
    "%e2%28%a1",
    "~",
    "_",
    "A",
    "sha256:abc",
    "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "sha256:..%2f..%2f..%2fetc%2fpasswd%00000000000000000000000000000000000000",
    "7f0c1f4e-0000-4000-8000-00000000cafe",
    "?",
    "?digest=",
    "?digest=sha256:..",
    "?n=99999999999999999999",
    "?last=%00",
    "?mount=sha256:..&from=..%2f..",
    "?tag=..&tag=%00",
    "?scope=repository:..:pull",
    "?artifactType=%00&last=-1",
];

fn path() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9._~%:@!$&'()*+,;=-]{0,40}",
        1 => Just("x".repeat(3000)),
    ];
    prop_oneof![
        4 => prop::collection::vec(piece.clone(), 0..8).prop_map(|pieces| format!("/v2/ann/app/{}", pieces.join("/"))),
        1 => prop::collection::vec(piece, 0..8).prop_map(|pieces| format!("/v2/{}", pieces.join("/"))),
    ]
}

fn header() -> impl Strategy<Value = (&'static str, Vec<u8>)> {
    const NAMES: &[&str] = &[
        "content-range",
        "range",
        "content-type",
        "accept",
        "user-agent",
        "content-length",
    ];
    let values = prop_oneof![
        Just(b"bytes=18446744073709551615-18446744073709551616".to_vec()),
        Just(b"18446744073709551615-18446744073709551615".to_vec()),
        Just(b"9223372036854775807-9223372036854775807".to_vec()),
        Just(b"0-".to_vec()),
        Just(b"bytes 5-2/*".to_vec()),
        Just(b"application/vnd.oci.image.manifest.v1+json".to_vec()),
        prop::collection::vec(any::<u8>(), 0..60),
        "[0-9a-z=,/ -]{0,30}".prop_map(String::into_bytes),
    ];
    (prop::sample::select(NAMES), values)
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(any::<u8>(), 0..200),
        (1..20_000usize).prop_map(|depth| "[".repeat(depth).into_bytes()),
        (1..5_000usize).prop_map(|count| format!(
            "{{{}\"a\":1}}",
            "\"schemaVersion\":2,".repeat(count)
        )
        .into_bytes()),
        Just(Image::of("x").manifest.into_bytes()),
        Just(
            Image::of("x")
                .manifest
                .replace("\"size\":", "\"size\":99999999999999999999")
                .into_bytes()
        ),
        Just(
            Image::of("x")
                .manifest
                .replace("\"layers\":", "\"layers\":null,\"layers\":")
                .into_bytes()
        ),
        Just(
            Image::of("x")
                .manifest
                .replace("sha256:", "sha256:../")
                .into_bytes()
        ),
    ]
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn no_request_makes_the_registry_fail() {
    let runtime = runtime();
    let site = runtime.block_on(Site::start(Engine::Sqlite, Settings::new()));
    let ann = runtime.block_on(site.ann(&["ann/app"]));
    runtime.block_on(ann.push_image("ann/app", "latest", &Image::of("image")));
    let upload = runtime.block_on(ann.start_upload("ann/app"));
    const METHODS: &[&str] = &[
        "GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW",
    ];
    let paths = prop_oneof![
        6 => path(),
        1 => Just(upload.clone()),
        1 => Just(format!("{upload}?digest=sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")),
        1 => Just("/v2/ann/app/manifests/latest".to_owned()),
    ];
    let input = (
        prop::sample::select(METHODS),
        paths,
        prop::collection::vec(header(), 0..4),
        body(),
        any::<bool>(),
    );
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    TestRunner::new(config)
        .run(&input, |(method, path, headers, body, known)| {
            let Ok(uri) = path.parse::<Uri>() else {
                return Ok(());
            };
            let caller = if known { ann.clone() } else { site.anonymous() };
            let mut request = caller.request("GET", "/", &[], body);
            *request.uri_mut() = uri;
            *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
            for (name, value) in headers {
                if let Ok(value) = HeaderValue::from_bytes(&value) {
                    request.headers_mut().insert(name, value);
                }
            }
            let answer = runtime.block_on(caller.send(request));
            prop_assert!(!answer.status.is_server_error(), "{answer:?}");
            Ok(())
        })
        .unwrap();
    runtime.block_on(async {
        for name in site.upload_files() {
            assert!(!name.contains('.'), "{name}");
        }
        assert!(!site.stored("../etc").exists());
        ann.get("/v2/").await.expect(200);
    });
}

#[test]
fn no_scope_makes_the_token_service_fail() {
    let runtime = runtime();
    let site = runtime.block_on(Site::start(Engine::Sqlite, Settings::new()));
    let scopes = prop::collection::vec(
        prop_oneof![
            "[ -~]{0,60}",
            "repository:[a-z./]{0,20}:[a-z*,]{0,20}",
            Just("repository:ann/app:pull,push,*".to_owned()),
            Just(format!("repository:{}:pull", "a/".repeat(2000))),
            "\\PC{0,30}",
        ],
        0..4,
    );
    let config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let nobody = site.anonymous();
    TestRunner::new(config)
        .run(&scopes, |scopes| {
            let answer = runtime.block_on(nobody.token(None, &scopes));
            prop_assert!(!answer.status.is_server_error(), "{answer:?}");
            Ok(())
        })
        .unwrap();
}

// §6: alg none, HS/RS confusion, foreign kid, jwk header.
#[tokio::test]
async fn forged_tokens_are_refused() {
    let site = Site::start(Engine::Sqlite, Settings::new()).await;
    let ann = site.ann(&["ann/app"]).await;
    ann.push_image("ann/app", "latest", &Image::of("image"))
        .await;
    let token = ann.token.clone().unwrap();
    let parts: Vec<&str> = token.split('.').collect();
    let header: serde_json::Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let with = |change: serde_json::Value| {
        let mut header = header.clone();
        header
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        URL_SAFE_NO_PAD.encode(header.to_string())
    };
    let other_claims = URL_SAFE_NO_PAD.encode(
        String::from_utf8(URL_SAFE_NO_PAD.decode(parts[1]).unwrap())
            .unwrap()
            .replace("ann/app", "bob/app"),
    );
    for forged in [
        format!("{}.{}.", with(serde_json::json!({"alg": "none"})), parts[1]),
        format!(
            "{}.{}.{}",
            with(serde_json::json!({"alg": "none"})),
            parts[1],
            parts[2]
        ),
        format!(
            "{}.{}.{}",
            with(serde_json::json!({"alg": "HS256"})),
            parts[1],
            parts[2]
        ),
        format!(
            "{}.{}.{}",
            with(serde_json::json!({"kid": "another"})),
            parts[1],
            parts[2]
        ),
        format!(
            "{}.{}.{}",
            with(serde_json::json!({"jwk": {"kty": "RSA", "n": "AQAB", "e": "AQAB"}})),
            parts[1],
            parts[2]
        ),
        format!("{}.{other_claims}.{}", parts[0], parts[2]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{token}x"),
        "x".repeat(100_000),
        String::new(),
        "a.b.c".to_owned(),
    ] {
        let header = format!("Bearer {forged}");
        for path in ["/v2/", "/v2/_catalog", "/v2/ann/app/manifests/latest"] {
            let answer = site
                .anonymous()
                .call("GET", path, &[("authorization", &header)], "")
                .await;
            answer.refuses(401, "UNAUTHORIZED");
        }
    }
    ann.get("/v2/ann/app/manifests/latest").await.expect(200);
}
