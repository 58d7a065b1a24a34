//! `docs/configuration.md`, written from the fields themselves.

use std::fmt::Write as _;

use serde_json::Value;

use crate::cache::{CacheConfig, RedisCacheConfig};
use crate::config::Config;
use crate::environment::Environment;
use crate::field::{Field, Mark, Object, Section};
use crate::ignored::IGNORED;
use crate::log_store::{
    ElasticsearchConfig, KafkaConfig, KinesisConfig, LogsModelConfig, SplunkConfig, SplunkHecConfig,
};
use crate::login::{GithubLogin, GoogleLogin, OidcLogin};
use crate::redis::{RedisConnection, RedisNode};
use crate::sections::builds::{BitbucketTrigger, GithubTrigger, GitlabTrigger};
use crate::sections::database::{ConnectionArgs, ReadReplica};
use crate::sections::health::{HealthCheckerArgs, OtelConfig};
use crate::sections::ui::Branding;
use crate::storage_driver::{MultiCdnRule, StorageDriver};

const HEAD: &str = "\
# Configuration

<!-- Generated from crates/config. Change the fields there, then run:
     UPDATE_DOCS=1 cargo test -p pierhead-config -->

Pierhead reads the `config.yaml` of a Red Hat Quay installation as it is. Without one it runs with
SQLite and a folder.

## Where it comes from

The directory is, in this order: the one given by `--config`; `$QUAYCONF/stack` or `$QUAYCONF`, whichever
holds `config.yaml`; `/conf/stack`. Certificates and keys are files in the same directory, and so are a `favicon.ico` and a
`robots.txt` that are to be served in the place of ours.

Later sources win, and each replaces whole top-level keys:

1. the defaults below;
2. `config.yaml`;
3. the environment variable `QUAY_OVERRIDE_CONFIG`, a JSON object;
4. the environment variable `QUAY_DISTRIBUTED_STORAGE_PREFERENCE`, ids separated by spaces.

A map in `config.yaml` replaces the default map completely. `null` means the default, except where null
is said to mean something; an empty text in place of an optional value is null. Keys that nobody knows are reported once and ignored.

`pierhead config validate` lists every problem at once; `pierhead config print` shows every field with its
value, secrets redacted.

## Values

The file is read as YAML 1.1, the way Quay reads it: `yes`, `no`, `on` and `off` are booleans, `0777` is octal.
Numbers and booleans may be quoted.

- **boolean**: `true` or `false`. A `FEATURE_` key written as text is on only if it says `true`.
- **duration**: digits and one of `s`, `m`, `h`, `d`, `w`, such as `2w`.
- **size**: digits and optionally a unit of powers of 1024, such as `20G` or `1MiB`.
- **secret text**: never shown in logs, errors or `pierhead config print`.

Marks: **3.17** is new in that release of Quay; **undocumented** is read by Quay but not in its
manual; **deprecated** is still read; **no effect** is accepted for the sake of existing files.
";

/// The text of `docs/configuration.md`.
pub fn reference() -> String {
    let mut out = HEAD.to_owned();
    for section in Config::reference() {
        heading(&mut out, 2, section.title);
        table(&mut out, &section.fields);
        for (title, fields) in nested(section.name) {
            heading(&mut out, 3, &title);
            table(&mut out, &fields);
        }
    }
    heading(&mut out, 2, "Environment variables");
    table(&mut out, &<Environment as Section>::fields());
    heading(&mut out, 2, "Accepted without effect");
    out.push_str("| Key | Why |\n| --- | --- |\n");
    for (key, reason) in IGNORED {
        line(&mut out, &[&format!("`{key}`"), reason]);
    }
    out
}

/// The nested maps of a section.
fn nested(section: &str) -> Vec<(String, Vec<Field>)> {
    let named = |title: &str, fields: Vec<Field>| (title.to_owned(), fields);
    match section {
        "database" => vec![
            named("`DB_CONNECTION_ARGS`", ConnectionArgs::fields()),
            named("Elements of `DB_READ_REPLICAS`", ReadReplica::fields()),
        ],
        "redis" => vec![
            named(
                "`BUILDLOGS_REDIS`, `USER_EVENTS_REDIS`, `PULL_METRICS_REDIS`",
                RedisConnection::fields(),
            ),
            named("`DATA_MODEL_CACHE_CONFIG`", CacheConfig::fields()),
            named(
                "`DATA_MODEL_CACHE_CONFIG.redis_config`",
                RedisCacheConfig::fields(),
            ),
            named("Elements of `startup_nodes`", RedisNode::fields()),
        ],
        "storage" => StorageDriver::reference()
            .into_iter()
            .map(|(name, fields)| (format!("Storage driver {name}"), fields))
            .chain([named(
                "Elements of `MultiCDNStorage.rules`",
                MultiCdnRule::fields(),
            )])
            .collect(),
        "auth" => vec![
            named("`GITHUB_LOGIN_CONFIG`", GithubLogin::fields()),
            named("`GOOGLE_LOGIN_CONFIG`", GoogleLogin::fields()),
            named(
                "`<PREFIX>_LOGIN_CONFIG`: OpenID Connect providers",
                OidcLogin::fields(),
            ),
        ],
        "logs" => vec![
            named("`LOGS_MODEL_CONFIG`", LogsModelConfig::fields()),
            named("`elasticsearch_config`", ElasticsearchConfig::fields()),
            named("`kafka_config`", KafkaConfig::fields()),
            named("`kinesis_stream_config`", KinesisConfig::fields()),
            named("`splunk_config`", SplunkConfig::fields()),
            named("`splunk_hec_config`", SplunkHecConfig::fields()),
        ],
        "builds" => vec![
            named("`GITHUB_TRIGGER_CONFIG`", GithubTrigger::fields()),
            named("`GITLAB_TRIGGER_CONFIG`", GitlabTrigger::fields()),
            named("`BITBUCKET_TRIGGER_CONFIG`", BitbucketTrigger::fields()),
        ],
        "ui" => vec![named("`BRANDING`", Branding::fields())],
        "health" => vec![
            named("Arguments of `HEALTH_CHECKER`", HealthCheckerArgs::fields()),
            named("`OTEL_CONFIG`", OtelConfig::fields()),
        ],
        _ => Vec::new(),
    }
}

fn heading(out: &mut String, level: usize, title: &str) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\n{} {title}\n\n", "#".repeat(level));
}

fn line(out: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}

fn table(out: &mut String, fields: &[Field]) {
    out.push_str("| Key | Kind | Default | What it does |\n| --- | --- | --- | --- |\n");
    for field in fields {
        let default = match &field.default {
            None => "required".to_owned(),
            Some(Value::Null) => String::new(),
            Some(Value::Object(_)) if field.kind == "map" => "see below".to_owned(),
            Some(Value::String(text)) if text.is_empty() => "empty".to_owned(),
            Some(Value::String(text)) => format!("`{text}`"),
            Some(value) => format!("`{value}`"),
        };
        let mark = match field.mark {
            Mark::Plain => String::new(),
            Mark::Since(release) => format!(" **{release}**"),
            Mark::Undocumented => " **undocumented**".to_owned(),
            Mark::Deprecated(instead) => format!(" **deprecated**: {instead}"),
            Mark::Ignored(reason) => format!(" **no effect**: {reason}"),
        };
        line(
            out,
            &[
                &format!("`{}`", field.key),
                &field.kind,
                &default,
                &format!("{}{mark}", field.doc.trim()),
            ],
        );
    }
}
