//! TLS to PostgreSQL: which authorities are believed.

use pierhead_testkit::{Pierhead, Postgres};
use serde_json::json;

use crate::tls::certificate;

/// config.md §25: `extra_ca_certs` are trusted, unless the database's own authorities are named.
#[tokio::test]
async fn an_authority_of_extra_ca_certs_is_trusted_for_postgresql() {
    let (authority, key) = certificate();
    let (other, _) = certificate();
    let postgres = Postgres::start_with_tls(&authority, &key).await.unwrap();
    let database = postgres.empty_database().unwrap();
    let verified = || {
        Pierhead::builder()
            .database(&database)
            .config(json!({ "DB_CONNECTION_ARGS": { "sslmode": "verify-full" } }))
    };
    let refused = verified().start().await.expect_err("no authority");
    assert!(refused.to_string().contains("sslrootcert"), "{refused}");
    for untrusting in [
        verified().file("extra_ca_cert_database", other.clone()),
        verified()
            .file("extra_ca_cert_database", authority.clone())
            .file("database.pem", other.clone()),
    ] {
        let refused = untrusting.start().await.expect_err("an unknown authority");
        let message = refused.to_string();
        assert!(message.contains("certificate"), "{message}");
    }
    let encrypted = "SELECT COUNT(*) > 0 AND bool_and(s.ssl) FROM pg_stat_ssl s \
        JOIN pg_stat_activity a USING (pid) WHERE a.application_name = 'pierhead'";
    let uri = format!("{}?sslmode=verify-full", database.uri());
    for trusting in [
        verified(),
        Pierhead::builder()
            .database(&database)
            .config(json!({ "DB_URI": uri })),
    ] {
        let file = trusting.file("extra_ca_cert_database", authority.clone());
        let mut server = file.start().await.unwrap();
        assert_eq!(database.sql(encrypted).unwrap(), "t");
        server.stop().await.unwrap();
    }
}
