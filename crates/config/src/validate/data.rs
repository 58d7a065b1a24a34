//! Database, Redis, cache and storage.

use super::Rules;
use crate::cache::CacheEngine;
use crate::database_uri::DatabaseUri;
use crate::problem::{At, Found};
use crate::sections::database::SslMode;
use crate::storage_driver::StorageDriver;

pub(super) fn check(rules: &mut Rules<'_>) {
    database(rules);
    redis(rules);
    cache(rules);
    locations(rules);
    drivers(rules);
}

fn database(rules: &mut Rules<'_>) {
    let database = &rules.config.database;
    if !rules.given("DB_URI") {
        rules.refuse(
            &At::key("DB_URI"),
            Found::Missing,
            "required: the address of the database",
        );
    }
    let verifies = matches!(
        database.db_connection_args.sslmode,
        Some(SslMode::VerifyCa | SslMode::VerifyFull)
    );
    if verifies
        && matches!(database.db_uri, DatabaseUri::Postgresql(_))
        && database.db_connection_args.sslrootcert.is_none()
    {
        rules.expect(
            rules.has_file("database.pem") || rules.has_extra_authorities(),
            &At::key("DB_CONNECTION_ARGS").child("sslrootcert"),
            Found::Missing,
            "with this sslmode: a CA file, here, or as database.pem or extra_ca_certs in the configuration directory",
        );
    }
}

fn redis(rules: &mut Rules<'_>) {
    let redis = &rules.config.redis;
    if rules.directory.is_none() {
        return;
    }
    for (key, connection) in [
        ("BUILDLOGS_REDIS", redis.buildlogs()),
        ("USER_EVENTS_REDIS", redis.user_events()),
    ] {
        if connection.is_none() {
            rules.warn(
                &At::key(key),
                "not set: Quay requires it; without it this instance cannot share state with others",
            );
        }
    }
}

fn cache(rules: &mut Rules<'_>) {
    let cache = &rules.config.redis.data_model_cache_config;
    let at = At::key("DATA_MODEL_CACHE_CONFIG");
    let redis = cache.redis_config.as_ref();
    match cache.engine {
        CacheEngine::Memcached => {
            rules.expect_given(
                cache.endpoint.as_ref(),
                &at.child("endpoint"),
                "with engine memcached: [host, port]",
            );
        }
        CacheEngine::Redis => {
            rules.expect_given(
                redis.and_then(|redis| redis.primary.as_ref()),
                &at.child("redis_config").child("primary"),
                "with engine redis: a map of the Redis server",
            );
        }
        CacheEngine::RedisCluster => {
            rules.expect_given(
                redis.and_then(|redis| redis.startup_nodes.first()),
                &at.child("redis_config").child("startup_nodes"),
                "with engine rediscluster: a list of nodes",
            );
        }
        CacheEngine::Noop | CacheEngine::InMemory => {}
    }
    rules.expect(
        cache.value_size_limit.as_bytes() <= 10 << 20,
        &at.child("value_size_limit"),
        Found::text(cache.value_size_limit.as_str()),
        "at most 10MiB",
    );
}

fn locations(rules: &mut Rules<'_>) {
    let config = rules.config;
    let storage = &config.storage;
    let locations = &storage.distributed_storage_config;
    let at = At::key("DISTRIBUTED_STORAGE_CONFIG");
    if locations.is_empty() {
        let prefix = at.to_string();
        if !rules
            .sink
            .problems
            .iter()
            .any(|problem| problem.key.starts_with(&prefix))
        {
            rules.refuse(
                &at,
                Found::Missing,
                "required: at least one storage location",
            );
        }
        // Without locations every id below would be reported as unknown.
        return;
    }
    let unknown = "an id of DISTRIBUTED_STORAGE_CONFIG";
    for (index, id) in storage
        .distributed_storage_preference
        .iter()
        .flatten()
        .enumerate()
    {
        if !locations.contains(id) {
            let at = At::key("DISTRIBUTED_STORAGE_PREFERENCE").index(index);
            rules.refuse(&at, Found::text(id), unknown);
        }
    }
    for (index, id) in storage
        .distributed_storage_default_locations
        .iter()
        .enumerate()
    {
        let at = At::key("DISTRIBUTED_STORAGE_DEFAULT_LOCATIONS").index(index);
        rules.expect(locations.contains(id), &at, Found::text(id), unknown);
    }
    for (key, id) in [
        ("USERFILES_LOCATION", &storage.userfiles_location),
        ("LOG_ARCHIVE_LOCATION", &storage.log_archive_location),
    ] {
        if rules.given(key) && !locations.contains(id) {
            rules.warn(&At::key(key), format!("{id} is not {unknown}"));
        }
    }
    if config.logs.feature_action_log_rotation {
        rules.expect(
            locations.contains(&config.logs.action_log_archive_location),
            &At::key("ACTION_LOG_ARCHIVE_LOCATION"),
            Found::text(&config.logs.action_log_archive_location),
            unknown,
        );
    }
    if storage.feature_storage_replication && !rules.given("DISTRIBUTED_STORAGE_PREFERENCE") {
        rules.refuse(
            &At::key("DISTRIBUTED_STORAGE_PREFERENCE"),
            Found::Missing,
            "required with FEATURE_STORAGE_REPLICATION: ids in the order in which this node tries them",
        );
    }
}

fn drivers(rules: &mut Rules<'_>) {
    let storage = &rules.config.storage;
    for (id, driver) in storage.distributed_storage_config.iter() {
        let at = At::key("DISTRIBUTED_STORAGE_CONFIG").child(id);
        if storage.feature_storage_replication {
            rules.expect(
                !matches!(driver, StorageDriver::Local(_)),
                &at.index(0),
                Found::text(driver.name()),
                "with FEATURE_STORAGE_REPLICATION: a storage that every node reaches",
            );
        }
        let key_file = match driver {
            StorageDriver::CloudFront(_, args) => Some((
                "cloudfront_privatekey_filename",
                &args.cloudfront_privatekey_filename,
            )),
            StorageDriver::CloudFlare(_, args) => Some((
                "cloudflare_privatekey_filename",
                &args.cloudflare_privatekey_filename,
            )),
            _ => None,
        };
        if let Some((key, file)) = key_file {
            rules.expect(
                rules.has_file(file),
                &at.index(1).child(key),
                Found::text(file),
                "a file in the configuration directory",
            );
        }
    }
}
