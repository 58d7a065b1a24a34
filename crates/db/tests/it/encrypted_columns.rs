//! Columns that Quay encrypted are read as what Quay put into them: every kind of column of a populated installation.

use std::fs;
use std::path::Path;

use pierhead_db::encoding::field::{EncryptedColumn, FieldCipher};
use pierhead_db::encoding::key::DerivedKey;
use serde_json::Value;

/// `DATABASE_SECRET_KEY` of the installation.
const KEY: &str = "5f0c2b7e-93ad-4c1e-8d57-0b6a1e4f9c38";

fn json(name: &str) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testkit/data/quay-3.18");
    serde_json::from_slice(&fs::read(folder.join(name)).unwrap()).unwrap()
}

fn column(table: &str, name: &str) -> EncryptedColumn {
    match (table, name) {
        ("accesstoken", "token_code") => EncryptedColumn::ACCESS_TOKEN_CODE,
        ("appspecificauthtoken", "token_secret") => EncryptedColumn::APP_TOKEN_SECRET,
        ("oauthapplication", "secure_client_secret") => EncryptedColumn::OAUTH_CLIENT_SECRET,
        ("orgmirrorconfig", "external_registry_username") => EncryptedColumn::ORG_MIRROR_USERNAME,
        ("orgmirrorconfig", "external_registry_password") => EncryptedColumn::ORG_MIRROR_PASSWORD,
        ("proxycacheconfig", "upstream_registry_username") => EncryptedColumn::PROXY_USERNAME,
        ("proxycacheconfig", "upstream_registry_password") => EncryptedColumn::PROXY_PASSWORD,
        ("repomirrorconfig", "external_registry_username") => EncryptedColumn::MIRROR_USERNAME,
        ("repomirrorconfig", "external_registry_password") => EncryptedColumn::MIRROR_PASSWORD,
        ("repositorybuildtrigger", "secure_private_key") => EncryptedColumn::TRIGGER_PRIVATE_KEY,
        ("robotaccounttoken", "token") => EncryptedColumn::ROBOT_TOKEN,
        other => panic!("{other:?} is no encrypted column"),
    }
}

#[test]
fn every_secret_that_quay_encrypted_is_read() {
    let cipher = FieldCipher::new(&DerivedKey::from_secret(KEY).unwrap());
    let expected = json("expected.json");
    let secrets = expected["decrypted"].as_array().unwrap();
    assert_eq!(secrets.len(), 18);
    for secret in secrets {
        let table = secret["table"].as_str().unwrap();
        let name = secret["column"].as_str().unwrap();
        let rows = json(&format!("tables/{table}.json"));
        let rows = rows.as_array().unwrap();
        let row = rows.iter().find(|row| row["id"] == secret["id"]).unwrap();
        let stored = row[name].as_str().unwrap();
        let read = cipher.decrypt(column(table, name), stored).unwrap();
        assert!(
            read.matches(secret["plaintext"].as_str().unwrap()),
            "{table} {} {name}",
            secret["id"]
        );
    }
}
