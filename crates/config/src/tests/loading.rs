use super::{Bundle, QUAY, embedded, variables};
use crate::{Config, ConfigError, DatabaseUri, Sources, StorageDriver};

#[test]
fn a_configuration_of_quay_loads_as_it_is() {
    let loaded = Bundle::new(QUAY).load();
    let config = loaded.config;
    assert_eq!(config.server.server_hostname.as_str(), "127.0.0.1:28080");
    assert_eq!(config.tags.default_tag_expiration.as_str(), "2w");
    assert!(config.users.feature_superusers_full_access);
    let DatabaseUri::Postgresql(uri) = &config.database.db_uri else {
        panic!()
    };
    assert_eq!(uri.password.as_ref().unwrap().expose(), "quay");
    assert!(matches!(
        config.storage.distributed_storage_config.get("default"),
        Some(StorageDriver::Local(_))
    ));
}

#[test]
fn the_embedded_default_keeps_everything_in_one_folder() {
    let config = Config::embedded(&embedded());
    assert_eq!(config.server.server_hostname.as_str(), "localhost:8080");
    assert_eq!(
        config.database.db_uri,
        DatabaseUri::sqlite("/var/lib/pierhead/pierhead.db")
    );
    assert_eq!(config.storage.preference(), ["default"]);
    assert!(config.tokens.feature_user_initialize);
    assert_eq!(
        config.server.database_secret_key.unwrap().expose(),
        "columns"
    );
}

#[test]
fn without_any_configuration_the_error_names_the_places() {
    let mut sources = Sources::new(None, variables(&[("QUAYCONF", "/nowhere")]));
    sources.fallback = "/also-nowhere".into();
    let Err(ConfigError::NotFound { looked }) = Config::load(&sources) else {
        panic!()
    };
    assert_eq!(looked, "/nowhere/stack, /nowhere, /also-nowhere");
}
