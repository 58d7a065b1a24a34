use super::Bundle;
use crate::{Problem, StorageDriver, SwiftAuthVersion};

fn with_storage(driver: &str) -> Bundle {
    Bundle::minimal_and(&format!(
        "DISTRIBUTED_STORAGE_CONFIG: {{default: {driver}}}\n"
    ))
}

fn driver(text: &str) -> StorageDriver {
    let config = with_storage(text).load().config;
    config
        .storage
        .distributed_storage_config
        .get("default")
        .unwrap()
        .clone()
}

fn problem(text: &str) -> Problem {
    let mut problems = with_storage(text).problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.remove(0)
}

#[test]
fn arguments_have_quays_defaults_and_may_be_quoted() {
    let StorageDriver::RadosGw(args) = driver(
        "[RadosGWStorage, {hostname: s3.example.com, is_secure: 'true', port: '443', storage_path: /, \
         access_key: a, secret_key: b, bucket_name: c}]",
    ) else {
        panic!()
    };
    assert!(args.is_secure);
    assert_eq!(args.port, Some(443));
    assert_eq!(args.maximum_chunk_size_mb, 100);
    assert_eq!(args.secret_key.expose(), "b");
}

#[test]
fn an_unknown_driver_is_refused_with_the_known_ones() {
    let problem = problem("[FakeStorage, {}]");
    assert_eq!(problem.key, "DISTRIBUTED_STORAGE_CONFIG.default[0]");
    assert!(problem.allowed.contains("LocalStorage, S3Storage"));
}

#[test]
fn a_missing_argument_is_named_with_its_path() {
    let problem = problem("[S3Storage, {s3_bucket: b}]");
    assert_eq!(
        problem.to_string(),
        "DISTRIBUTED_STORAGE_CONFIG.default[1].storage_path: missing; allowed: required: text"
    );
}

#[test]
fn cloudfront_needs_a_region_and_its_key_file() {
    let text = "[CloudFrontedS3Storage, {s3_bucket: b, storage_path: /, s3_region: r, cloudfront_distribution_domain: d, \
                cloudfront_key_id: k, cloudfront_privatekey_filename: key.pem}]";
    assert!(
        problem(text)
            .key
            .ends_with("cloudfront_privatekey_filename")
    );
    with_storage(text).file("key.pem").load();
    assert!(
        problem(&text.replace("s3_region: r, ", ""))
            .key
            .ends_with("s3_region")
    );
}

#[test]
fn swift_version_three_needs_its_options() {
    let text = |version: &str, options: &str| {
        format!(
            "[SwiftStorage, {{auth_url: 'https://k', swift_container: c, storage_path: /, swift_user: u, \
             swift_password: p, auth_version: {version}, os_options: {options}}}]"
        )
    };
    let StorageDriver::Swift(args) = driver(&text("3", "{tenant_id: t, user_domain_name: d}"))
    else {
        panic!()
    };
    assert_eq!(args.auth_version, SwiftAuthVersion::V3);
    assert!(
        problem(&text("'3'", "{tenant_id: t}"))
            .key
            .ends_with("os_options.user_domain_name")
    );
    assert!(problem(&text("4", "{}")).key.ends_with("auth_version"));
}

#[test]
fn providers_of_several_cdns_share_arguments() {
    let text = "[MultiCDNStorage, {storage_config: {s3_bucket: b, storage_path: /}, default_provider: one, \
                providers: {one: [AkamaiS3Storage, {akamai_domain: d, akamai_shared_secret: s}]}, \
                rules: [{namespace: n, target: one}]}]";
    let StorageDriver::MultiCdn(multi) = driver(text) else {
        panic!()
    };
    let StorageDriver::Akamai(s3, akamai) = &multi.providers["one"] else {
        panic!()
    };
    assert_eq!(s3.s3_bucket, "b");
    assert_eq!(akamai.akamai_domain, "d");
    assert!(
        problem(&text.replace("target: one", "target: two"))
            .key
            .ends_with("rules[0].target")
    );
    assert!(
        problem(&text.replace("AkamaiS3Storage", "S3Storage"))
            .key
            .ends_with("providers.one")
    );
}

#[test]
fn without_a_preference_locations_are_tried_in_the_order_of_the_file() {
    let config = Bundle::minimal_and(
        "
DISTRIBUTED_STORAGE_CONFIG:
  zeta: [LocalStorage, {storage_path: /z}]
  alpha: [LocalStorage, {storage_path: /a}]
DISTRIBUTED_STORAGE_PREFERENCE: null
",
    )
    .load()
    .config;
    assert_eq!(config.storage.preference(), ["zeta", "alpha"]);
}
