use std::path::Path;

use proptest::prelude::*;

use crate::{
    ByteSize, DatabaseUri, DatabaseUriError, Duration, PostgresqlUri, ServerHostname, service_id,
};

fn postgresql(text: &str) -> PostgresqlUri {
    match DatabaseUri::parse(text).unwrap() {
        DatabaseUri::Postgresql(uri) => uri,
        DatabaseUri::Sqlite(path) => panic!("{path:?}"),
    }
}

#[test]
fn user_password_and_parameters_are_decoded() {
    let uri =
        postgresql("postgresql://qu%40y:p%40ss%2Fw%25@db.example.com:6432/quay?sslmode=require");
    assert_eq!(uri.user, "qu@y");
    assert_eq!(uri.password.unwrap().expose(), "p@ss/w%");
    assert_eq!((uri.host.as_str(), uri.port), ("db.example.com", 6432));
    assert_eq!(uri.database, "quay");
    assert_eq!(uri.parameters[0].0, "sslmode");
    assert_eq!(uri.parameters[0].1.expose(), "require");
}

#[test]
fn a_password_may_hold_raw_slashes_hashes_and_colons() {
    let uri = postgresql("postgresql://quay:a/b#c:d?e@db/quay");
    assert_eq!(uri.password.unwrap().expose(), "a/b#c:d?e");
    assert_eq!(uri.host, "db");
    assert_eq!(uri.port, 5432);
}

#[test]
fn addresses_and_missing_parts_are_understood() {
    assert_eq!(postgresql("postgresql://u:p@[::1]:5433/q").host, "::1");
    assert_eq!(postgresql("postgresql://u:p@[::1]:5433/q").port, 5433);
    assert_eq!(postgresql("postgresql+psycopg2://u@h/q").password, None);
    assert_eq!(postgresql("postgresql:///quay").host, "localhost");
    assert_eq!(
        postgresql("postgresql://u@/quay?host=/run/postgresql").host,
        "/run/postgresql"
    );
}

#[test]
fn sqlite_paths_are_relative_with_three_slashes_and_absolute_with_four() {
    assert_eq!(
        DatabaseUri::parse("sqlite:///a/b.db"),
        Ok(DatabaseUri::Sqlite("a/b.db".into()))
    );
    let DatabaseUri::Sqlite(path) = DatabaseUri::parse("sqlite:////a/b.db").unwrap() else {
        panic!()
    };
    assert_eq!(path, Path::new("/a/b.db"));
}

#[test]
fn other_databases_are_refused_with_the_way_out() {
    assert_eq!(
        DatabaseUri::parse("mysql+pymysql://u:p@h/q"),
        Err(DatabaseUriError::Mysql)
    );
    assert!(DatabaseUriError::Mysql.to_string().contains("PostgreSQL"));
    for text in [
        "",
        "quay",
        "oracle://h/q",
        "postgresql://h",
        "postgresql://u:p@h/",
        "sqlite://",
        "postgresql://u:p@h:x/q",
    ] {
        assert_eq!(
            DatabaseUri::parse(text),
            Err(DatabaseUriError::Malformed),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn no_database_address_panics_or_is_shown_with_its_password(text in ".{0,60}", password in "[a-z]{12}") {
        let _ = DatabaseUri::parse(&text);
        if let Ok(uri) = DatabaseUri::parse(&format!("postgresql://u:{password}@{text}")) {
            prop_assert!(!uri.to_string().contains(&password));
        }
    }

    #[test]
    fn small_texts_never_panic(text in "\\PC{0,12}") {
        let _ = Duration::parse(&text);
        let _ = ByteSize::parse(&text);
        if let Some(hostname) = ServerHostname::parse(&text) {
            prop_assert!(!hostname.host().is_empty());
        }
    }
}

#[test]
fn durations_keep_their_text() {
    for (text, seconds) in [
        ("0s", 0),
        ("10m", 600),
        ("1h", 3600),
        ("2w", 1_209_600),
        ("1y", 31_536_000),
    ] {
        let duration = Duration::parse(text).unwrap();
        assert_eq!(duration.as_secs(), seconds);
        assert_eq!(duration.as_str(), text);
    }
    for text in [
        "",
        "s",
        "2",
        "2M",
        "-1s",
        "1.5h",
        "99999999999999999999s",
        "9999999999999999w",
    ] {
        assert!(Duration::parse(text).is_none(), "{text}");
    }
}

#[test]
fn sizes_are_powers_of_1024() {
    for (text, bytes) in [
        ("20G", 20 << 30),
        ("512M", 512 << 20),
        ("1MiB", 1 << 20),
        ("10 GB", 10 << 30),
        ("7", 7),
    ] {
        assert_eq!(ByteSize::parse(text).unwrap().as_bytes(), bytes, "{text}");
    }
    for text in ["", "G", "-1G", "1.5G", "1X", "99999999999P"] {
        assert!(ByteSize::parse(text).is_none(), "{text}");
    }
}

#[test]
fn host_names_have_an_optional_port_and_no_scheme() {
    let hostname = ServerHostname::parse("registry.example.com:8443").unwrap();
    assert_eq!(
        (hostname.host(), hostname.port()),
        ("registry.example.com", Some(8443))
    );
    let hostname = ServerHostname::parse("[::1]:8080").unwrap();
    assert_eq!((hostname.host(), hostname.port()), ("::1", Some(8080)));
    assert_eq!(ServerHostname::parse("[::1]").unwrap().port(), None);
    for text in [
        "",
        ":80",
        "https://a",
        "a/b",
        "a:x",
        "a:99999",
        "a_b",
        "[::1",
        "[x]",
        "::1",
    ] {
        assert!(ServerHostname::parse(text).is_none(), "{text}");
    }
}

#[test]
fn a_login_provider_is_called_by_the_first_part_of_its_key() {
    assert_eq!(service_id("EXAMPLE_LOGIN_CONFIG"), "example");
    assert_eq!(service_id("MY_OIDC_LOGIN_CONFIG"), "my");
}
