//! Tags, logs, mail, builds, scanning, mirroring, tracing.

use super::Rules;
use crate::hostname::ServerHostname;
use crate::log_store::LogProducer;
use crate::problem::{At, Found};
use crate::sections::logs::LogsModel;

pub(super) fn check(rules: &mut Rules<'_>) {
    tags(rules);
    logs(rules);
    splunk(rules);
    mail(rules);
    builds(rules);
    scanner(rules);
    let config = rules.config;
    if let Some(hostname) = &config.mirroring.repo_mirror_server_hostname {
        rules.expect(
            ServerHostname::parse(hostname).is_some(),
            &At::key("REPO_MIRROR_SERVER_HOSTNAME"),
            Found::text(hostname),
            "a host name with an optional port, without scheme",
        );
    }
    if config.health.feature_otel_tracing {
        rules.expect_given(
            config.health.otel_config.as_ref(),
            &At::key("OTEL_CONFIG"),
            "required with FEATURE_OTEL_TRACING",
        );
    }
    if let Some(otel) = &config.health.otel_config {
        rules.expect(
            (0.0..=1.0).contains(&otel.sample_rate),
            &At::key("OTEL_CONFIG").child("sample_rate"),
            Found::text(&otel.sample_rate.to_string()),
            "a number from 0 to 1",
        );
    }
    if config.keys.instance_service_key_refresh >= config.keys.instance_service_key_expiration {
        rules.warn(
            &At::key("INSTANCE_SERVICE_KEY_REFRESH"),
            "not before INSTANCE_SERVICE_KEY_EXPIRATION: the key expires before it is renewed",
        );
    }
}

fn tags(rules: &mut Rules<'_>) {
    let tags = &rules.config.tags;
    if !tags
        .tag_expiration_options
        .contains(&tags.default_tag_expiration)
    {
        rules.warn(
            &At::key("DEFAULT_TAG_EXPIRATION"),
            format!(
                "{} is not among TAG_EXPIRATION_OPTIONS",
                tags.default_tag_expiration
            ),
        );
    }
    rules.expect_given(
        tags.tag_expiration_options.first(),
        &At::key("TAG_EXPIRATION_OPTIONS"),
        "at least one duration",
    );
    rules.expect(
        tags.labeled_expiration_minimum.as_secs() <= tags.labeled_expiration_maximum.as_secs(),
        &At::key("LABELED_EXPIRATION_MINIMUM"),
        Found::text(tags.labeled_expiration_minimum.as_str()),
        "at most LABELED_EXPIRATION_MAXIMUM",
    );
    for (index, prefix) in tags.label_key_reserved_prefixes.iter().enumerate() {
        rules.expect(
            prefix.ends_with('.'),
            &At::key("LABEL_KEY_RESERVED_PREFIXES").index(index),
            Found::text(prefix),
            "a prefix that ends with a dot",
        );
    }
}

fn logs(rules: &mut Rules<'_>) {
    let logs = &rules.config.logs;
    let at = At::key("LOGS_MODEL_CONFIG");
    match logs.logs_model {
        LogsModel::Database => {}
        LogsModel::Elasticsearch | LogsModel::Transition => {
            let required = "required with this LOGS_MODEL";
            let place = at.child("elasticsearch_config");
            let Some(elasticsearch) = &logs.logs_model_config.elasticsearch_config else {
                rules.expect(false, &place, Found::Missing, required);
                return;
            };
            for (key, secret) in [
                ("access_key", &elasticsearch.access_key),
                ("secret_key", &elasticsearch.secret_key),
            ] {
                rules.expect_given(secret.as_ref(), &place.child(key), required);
            }
        }
        LogsModel::Splunk => {
            let stores = &logs.logs_model_config;
            let (key, given) = match stores.producer {
                Some(LogProducer::Splunk) => ("splunk_config", stores.splunk_config.is_some()),
                Some(LogProducer::SplunkHec) => {
                    ("splunk_hec_config", stores.splunk_hec_config.is_some())
                }
                _ => {
                    rules.refuse(
                        &at.child("producer"),
                        stores
                            .producer
                            .map_or(Found::Missing, |producer| Found::text(producer.as_str())),
                        "with LOGS_MODEL splunk: splunk or splunk_hec",
                    );
                    return;
                }
            };
            if !given {
                rules.refuse(
                    &at.child(key),
                    Found::Missing,
                    "required with this producer",
                );
            }
        }
    }
}

fn splunk(rules: &mut Rules<'_>) {
    let stores = &rules.config.logs.logs_model_config;
    let mut numbers = Vec::new();
    if let Some(splunk) = &stores.splunk_config {
        numbers.extend([
            (
                "splunk_config",
                "search_timeout",
                splunk.search_timeout,
                5..=300,
            ),
            (
                "splunk_config",
                "max_results",
                splunk.max_results,
                100..=50_000,
            ),
            (
                "splunk_config",
                "export_batch_size",
                splunk.export_batch_size,
                100..=10_000,
            ),
        ]);
    }
    if let Some(hec) = &stores.splunk_hec_config {
        numbers.extend([
            ("splunk_hec_config", "timeout", hec.timeout, 1..=15),
            (
                "splunk_hec_config",
                "search_timeout",
                hec.search_timeout,
                5..=300,
            ),
            (
                "splunk_hec_config",
                "max_results",
                hec.max_results,
                100..=50_000,
            ),
            (
                "splunk_hec_config",
                "export_batch_size",
                hec.export_batch_size,
                100..=10_000,
            ),
        ]);
    }
    for (store, key, value, range) in numbers {
        rules.expect(
            range.contains(&value),
            &At::key("LOGS_MODEL_CONFIG").child(store).child(key),
            Found::text(&value.to_string()),
            &format!("a whole number from {} to {}", range.start(), range.end()),
        );
    }
}

fn mail(rules: &mut Rules<'_>) {
    let config = rules.config;
    let mail = &config.mail;
    if !mail.feature_mailing {
        return;
    }
    if mail.mail_server.is_empty() {
        let at = At::key("MAIL_SERVER");
        if rules.given("FEATURE_MAILING") {
            rules.expect(false, &at, Found::Missing, "required with FEATURE_MAILING");
        } else {
            rules.warn(
                &at,
                "not set, but FEATURE_MAILING is on by default: mail cannot be sent",
            );
        }
    }
    if config.keys.feature_fips {
        rules.expect(
            mail.mail_use_tls,
            &At::key("MAIL_USE_TLS"),
            Found::text("false"),
            "true with FEATURE_FIPS",
        );
    }
}

fn builds(rules: &mut Rules<'_>) {
    let builds = &rules.config.builds;
    if builds.feature_github_build {
        let at = At::key("GITHUB_TRIGGER_CONFIG");
        let required = "required with FEATURE_GITHUB_BUILD";
        let github = builds.github_trigger_config.as_ref();
        rules.expect_given(
            github.and_then(|github| github.github_endpoint.as_ref()),
            &at.child("GITHUB_ENDPOINT"),
            required,
        );
        rules.expect_given(
            github.and_then(|github| github.client_id.as_ref()),
            &at.child("CLIENT_ID"),
            required,
        );
        rules.expect_given(
            github.and_then(|github| github.client_secret.as_ref()),
            &at.child("CLIENT_SECRET"),
            required,
        );
    }
    if builds.feature_gitlab_build {
        let at = At::key("GITLAB_TRIGGER_CONFIG");
        let required = "required with FEATURE_GITLAB_BUILD";
        let gitlab = builds.gitlab_trigger_config.as_ref();
        rules.expect_given(
            gitlab.and_then(|gitlab| gitlab.client_id.as_ref()),
            &at.child("CLIENT_ID"),
            required,
        );
        rules.expect_given(
            gitlab.and_then(|gitlab| gitlab.client_secret.as_ref()),
            &at.child("CLIENT_SECRET"),
            required,
        );
    }
    if builds.feature_bitbucket_build {
        let at = At::key("BITBUCKET_TRIGGER_CONFIG");
        let required = "required with FEATURE_BITBUCKET_BUILD";
        let bitbucket = builds.bitbucket_trigger_config.as_ref();
        rules.expect_given(
            bitbucket.and_then(|bitbucket| bitbucket.consumer_key.as_ref()),
            &at.child("CONSUMER_KEY"),
            required,
        );
        rules.expect_given(
            bitbucket.and_then(|bitbucket| bitbucket.consumer_secret.as_ref()),
            &at.child("CONSUMER_SECRET"),
            required,
        );
    }
}

fn scanner(rules: &mut Rules<'_>) {
    let scanner = &rules.config.scanner;
    if scanner.feature_security_scanner && scanner.security_scanner_v4_endpoint.is_none() {
        rules.warn(
            &At::key("SECURITY_SCANNER_V4_ENDPOINT"),
            "not set, but FEATURE_SECURITY_SCANNER is on",
        );
    }
    if let Some(key) = &scanner.security_scanner_v4_psk {
        let text = key.expose().trim_end_matches('=');
        let base64 = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_'));
        rules.expect(
            base64 && text.len() % 4 != 1,
            &At::key("SECURITY_SCANNER_V4_PSK"),
            Found::Redacted,
            "a key in base64",
        );
    }
}
