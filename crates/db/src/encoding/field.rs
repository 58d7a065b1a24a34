//! Encrypted columns (database.md §4.2): `v0$$` and the base64 of nonce, AES-256-CCM ciphertext and tag.
//!
//! The key comes from `DATABASE_SECRET_KEY`. There is no associated data: a value can be moved between columns by
//! who can write to the database, as in Quay.

use std::fmt;

use aes::Aes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ccm::Ccm;
use ccm::aead::{Aead, KeyInit};
use ccm::consts::{U13, U16};

use super::key::DerivedKey;
use super::{EncodingError, Plaintext, random};

const VERSION: &str = "v0";
const SEPARATOR: &str = "$$";
const NONCE_BYTES: usize = 13;
const TAG_BYTES: usize = 16;

/// An encrypted column: its name for messages, and how many characters it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncryptedColumn {
    name: &'static str,
    limit: usize,
}

impl EncryptedColumn {
    /// Token of a robot.
    pub const ROBOT_TOKEN: Self = Self {
        name: "robotaccounttoken.token",
        limit: 255,
    };
    /// Second half of a repository's access token.
    pub const ACCESS_TOKEN_CODE: Self = Self {
        name: "accesstoken.token_code",
        limit: 255,
    };
    /// Second half of an application specific token.
    pub const APP_TOKEN_SECRET: Self = Self {
        name: "appspecificauthtoken.token_secret",
        limit: 255,
    };
    /// Secret of an OAuth client.
    pub const OAUTH_CLIENT_SECRET: Self = Self {
        name: "oauthapplication.secure_client_secret",
        limit: 255,
    };
    /// Token of a build trigger at its Git service.
    pub const TRIGGER_AUTH_TOKEN: Self = Self {
        name: "repositorybuildtrigger.secure_auth_token",
        limit: 255,
    };
    /// SSH key of a build trigger.
    pub const TRIGGER_PRIVATE_KEY: Self = Self {
        name: "repositorybuildtrigger.secure_private_key",
        limit: usize::MAX,
    };
    /// Name at the registry that a repository mirrors.
    pub const MIRROR_USERNAME: Self = Self {
        name: "repomirrorconfig.external_registry_username",
        limit: 4096,
    };
    /// Password at the registry that a repository mirrors.
    pub const MIRROR_PASSWORD: Self = Self {
        name: "repomirrorconfig.external_registry_password",
        limit: 9000,
    };
    /// Name at the registry that an organization mirrors.
    pub const ORG_MIRROR_USERNAME: Self = Self {
        name: "orgmirrorconfig.external_registry_username",
        limit: 4096,
    };
    /// Password at the registry that an organization mirrors.
    pub const ORG_MIRROR_PASSWORD: Self = Self {
        name: "orgmirrorconfig.external_registry_password",
        limit: 9000,
    };
    /// Name at the registry that an organization is a pull-through cache of.
    pub const PROXY_USERNAME: Self = Self {
        name: "proxycacheconfig.upstream_registry_username",
        limit: 4096,
    };
    /// Password at the registry that an organization is a pull-through cache of.
    pub const PROXY_PASSWORD: Self = Self {
        name: "proxycacheconfig.upstream_registry_password",
        limit: 4096,
    };

    fn damaged(self, what: &'static str) -> EncodingError {
        EncodingError::Damaged {
            column: self.name,
            what,
        }
    }
}

/// Encrypts and decrypts columns with one key.
#[derive(Clone)]
pub struct FieldCipher(Ccm<Aes256, U16, U13>);

impl FieldCipher {
    /// A cipher with the key derived from `DATABASE_SECRET_KEY`.
    pub fn new(key: &DerivedKey) -> Self {
        Self(Ccm::new(key.bytes().into()))
    }

    /// What to store for this text. Each call gives another value.
    ///
    /// # Errors
    /// When the result does not fit into the column, or the system has no random numbers.
    pub fn encrypt(
        &self,
        column: EncryptedColumn,
        plaintext: &str,
    ) -> Result<String, EncodingError> {
        self.encrypt_with(random::bytes()?, column, plaintext)
    }

    fn encrypt_with(
        &self,
        nonce: [u8; NONCE_BYTES],
        column: EncryptedColumn,
        plaintext: &str,
    ) -> Result<String, EncodingError> {
        // CCM with this nonce length can seal 64 KiB at once.
        let sealed = self
            .0
            .encrypt(&nonce.into(), plaintext.as_bytes())
            .map_err(|_| column.damaged("more than 65535 bytes cannot be encrypted"))?;
        let stored = format!(
            "{VERSION}{SEPARATOR}{}",
            STANDARD.encode([nonce.as_slice(), &sealed].concat())
        );
        if stored.len() > column.limit {
            return Err(EncodingError::TooLong {
                column: column.name,
                length: stored.len(),
                limit: column.limit,
            });
        }
        Ok(stored)
    }

    /// The text that was stored as this.
    ///
    /// # Errors
    /// When the value is not encrypted, has an unknown version, is damaged, or was encrypted with another key.
    pub fn decrypt(
        &self,
        column: EncryptedColumn,
        stored: &str,
    ) -> Result<Plaintext, EncodingError> {
        let (version, encoded) =
            stored
                .split_once(SEPARATOR)
                .ok_or(EncodingError::NotEncrypted {
                    column: column.name,
                })?;
        if version != VERSION {
            return Err(EncodingError::UnknownVersion {
                column: column.name,
            });
        }
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| column.damaged("it is not base64"))?;
        let (nonce, sealed) = bytes
            .split_first_chunk::<NONCE_BYTES>()
            .filter(|(_, sealed)| sealed.len() >= TAG_BYTES)
            .ok_or(column.damaged("it is too short"))?;
        let plain = self
            .0
            .decrypt(nonce.into(), sealed)
            .map_err(|_| EncodingError::WrongKey {
                column: column.name,
            })?;
        String::from_utf8(plain)
            .map(Plaintext)
            .map_err(|_| column.damaged("what it holds is not UTF-8"))
    }
}

impl fmt::Debug for FieldCipher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("FieldCipher(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const COLUMN: EncryptedColumn = EncryptedColumn::ROBOT_TOKEN;
    const NONCE: [u8; NONCE_BYTES] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

    fn cipher(secret: &str) -> FieldCipher {
        FieldCipher::new(&DerivedKey::from_secret(secret).unwrap())
    }

    #[test]
    fn known_values_are_written_and_read() {
        let vectors = [
            (
                "testkey",
                "v0$$AAECAwQFBgcICQoLDJu+EykBc2sAh0is6OZ85SQw9TuHpg==",
            ),
            (
                "12345",
                "v0$$AAECAwQFBgcICQoLDM3FFhSrm5fKkctZ9cpoM6mN2n+0CQ==",
            ),
            (
                "83142379",
                "v0$$AAECAwQFBgcICQoLDC/+i5xJaAx64QO0fhNlaz+iGNWkGA==",
            ),
            (
                "8d3a0a5e-5b2f-4a3f-9b0e-2f3a3f1b6c7d",
                "v0$$AAECAwQFBgcICQoLDAYK/7jMd/uWDG7JIj08wATjKZhO9Q==",
            ),
            (
                "0123456789abcdef0123456789abcdef",
                "v0$$AAECAwQFBgcICQoLDLbGuwdIatMMxtbLGYlQywM8+LF9Xg==",
            ),
        ];
        for (secret, stored) in vectors {
            let cipher = cipher(secret);
            assert_eq!(
                cipher.encrypt_with(NONCE, COLUMN, "hello").unwrap(),
                stored,
                "{secret}"
            );
            assert_eq!(
                cipher.decrypt(COLUMN, stored).unwrap().expose(),
                "hello",
                "{secret}"
            );
        }
    }

    #[test]
    fn values_that_quay_wrote_are_read() {
        let cipher = cipher("5f0c2b7e-93ad-4c1e-8d57-0b6a1e4f9c38");
        let values = [
            (
                EncryptedColumn::ACCESS_TOKEN_CODE,
                "v0$$jj3MPWRzlMSKtXVGmf4Dbz0kAvVJKuJ1Io/9Fefr/GJxEXufDeDH4RP/RuZPAjPTQslQzCkyjCGvfzCjmQ==",
                "7H2BRV79YCIH7OEQ50OIS9KBRX6XUNR8",
            ),
            (
                EncryptedColumn::APP_TOKEN_SECRET,
                "v0$$P4pxD+B/0V1KFRD+iAttMki/o6xQshtojIO/UW4Qo65RASsP2WSsljxyBXiuxclIsr0537vEdD1kyqqQ7zw4wWcB1ptIfPVcQ+gh1VwPVJQa2MhdfPd/KCg=",
                "ID7F6VMN8ON4GGCBC164EH3WJGCQXDG530DOT3ICVS853HGN7WI4CYVN3S1J",
            ),
            (
                EncryptedColumn::OAUTH_CLIENT_SECRET,
                "v0$$vIA26205Db79+LfccQ5sWCgrskPtRNoSrfr1QMURb9rbXnZdpiRRcDV9q2QvHWIWm4JvYf46p86NUB2BMutwoOKocY0Y",
                "NN8K67L02O4K0JDWJ3TG2CG7DJ42TZ0GWT7QPE87",
            ),
            (
                EncryptedColumn::MIRROR_PASSWORD,
                "v0$$/zOh05Z6hKzj6ts2tuoLcUwDKa05/6bvyyyxHcCpEb1jaN24Rmtq7DmHEvil",
                "mirror-pässword",
            ),
            (
                EncryptedColumn::ROBOT_TOKEN,
                "v0$$VtRs8DWvc+nZs1dgufinXli7kM8lbpsndC2ptg1mBIZWDCmhx4QCTDxX3RIbaCBKKqX1Coz87GcS2IO1tVpYF9lS2V6/tcZVG3zMMans/LI+Fsnwr/rsXvCUH3k1",
                "SBSB7AHW9RXF9H37MAJ0T67R4KRMGEQGOE7IDFGBVGHNH8VR4ZE6K8DU5OEJRDXF",
            ),
        ];
        for (column, stored, plaintext) in values {
            assert_eq!(
                cipher.decrypt(column, stored).unwrap().expose(),
                plaintext,
                "{}",
                column.name
            );
        }
    }

    #[test]
    fn what_is_encrypted_decrypts_and_never_looks_the_same() {
        let cipher = cipher("testkey");
        let (first, second) = (
            cipher.encrypt(COLUMN, "pässword").unwrap(),
            cipher.encrypt(COLUMN, "pässword").unwrap(),
        );
        assert_ne!(first, second);
        assert_eq!(cipher.decrypt(COLUMN, &first).unwrap().expose(), "pässword");
        assert_eq!(
            cipher.decrypt(COLUMN, &second).unwrap().expose(),
            "pässword"
        );
    }

    #[test]
    fn an_empty_text_survives() {
        let cipher = cipher("testkey");
        assert_eq!(
            cipher
                .decrypt(COLUMN, &cipher.encrypt(COLUMN, "").unwrap())
                .unwrap()
                .expose(),
            ""
        );
    }

    #[test]
    fn values_of_another_form_are_refused() {
        let cipher = cipher("testkey");
        let error = |stored| cipher.decrypt(COLUMN, stored).unwrap_err();
        assert!(matches!(
            error("PLAINTOKEN"),
            EncodingError::NotEncrypted { .. }
        ));
        assert!(matches!(error(""), EncodingError::NotEncrypted { .. }));
        assert!(matches!(
            error("v1$$AAECAwQFBgcICQoLDJu+"),
            EncodingError::UnknownVersion { .. }
        ));
        assert!(matches!(
            error("v0$$not base64"),
            EncodingError::Damaged { .. }
        ));
        assert!(matches!(error("v0$$"), EncodingError::Damaged { .. }));
        assert!(matches!(
            error("v0$$AAECAwQFBgcICQoLDJu+EykBc2sAh0is6OZ8"),
            EncodingError::Damaged { .. }
        ));
    }

    #[test]
    fn another_key_or_a_changed_byte_is_noticed_and_not_shown() {
        let stored = cipher("testkey").encrypt(COLUMN, "hunter2").unwrap();
        let error = cipher("other").decrypt(COLUMN, &stored).unwrap_err();
        assert_eq!(
            error.to_string(),
            "robotaccounttoken.token does not open with DATABASE_SECRET_KEY: the key is another one, or the value was changed"
        );
        let changed = "v0$$AAECAwQFBgcICQoLDJu+EykBc2sAh0is6OZ85SQw9TuHpw==";
        assert!(matches!(
            cipher("testkey").decrypt(COLUMN, changed),
            Err(EncodingError::WrongKey { .. })
        ));
    }

    #[test]
    fn a_value_that_does_not_fit_its_column_is_refused() {
        let cipher = cipher("testkey");
        assert_eq!(cipher.encrypt(COLUMN, &"x".repeat(157)).unwrap().len(), 252);
        let error = cipher.encrypt(COLUMN, &"x".repeat(160)).unwrap_err();
        assert!(
            matches!(
                error,
                EncodingError::TooLong {
                    length: 256,
                    limit: 255,
                    ..
                }
            ),
            "{error}"
        );
    }
}
