//! The "encrypted password" that Quay's console hands out for the command line (database.md §4.3): base64 of an
//! initialisation vector and AES-256-CBC of `{"password": "…"}`.
//!
//! The key comes from `SECRET_KEY`. The form is not authenticated: what decrypts is only a candidate that is then
//! checked like any password.

use std::fmt;

use aes::Aes256;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use serde::Deserialize;

use super::key::DerivedKey;
use super::{EncodingError, Plaintext, random};

const IV_BYTES: usize = 16;

/// Encrypts and decrypts passwords with one key.
#[derive(Clone)]
pub struct PasswordCipher(DerivedKey);

#[derive(Deserialize)]
struct Payload {
    password: String,
}

impl PasswordCipher {
    /// A cipher with the key derived from `SECRET_KEY`.
    pub fn new(key: DerivedKey) -> Self {
        Self(key)
    }

    /// The encrypted form of a password. Each call gives another value.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn encrypt(&self, password: &str) -> Result<String, EncodingError> {
        self.encrypt_with(random::bytes()?, password)
    }

    fn encrypt_with(&self, iv: [u8; IV_BYTES], password: &str) -> Result<String, EncodingError> {
        let json = format!(r#"{{"password": {}}}"#, serde_json::to_string(password)?);
        let cipher = cbc::Encryptor::<Aes256>::new(self.0.bytes().into(), &iv.into());
        let sealed = cipher.encrypt_padded_vec::<Pkcs7>(json.as_bytes());
        Ok(STANDARD.encode([iv.as_slice(), &sealed].concat()))
    }

    /// The password inside, or `None` when the text is not an encrypted password of this key: then it is to be taken
    /// as the password itself.
    pub fn decrypt(&self, text: &str) -> Option<Plaintext> {
        let bytes = STANDARD.decode(text).ok()?;
        let (iv, sealed) = bytes.split_first_chunk::<IV_BYTES>()?;
        let cipher = cbc::Decryptor::<Aes256>::new(self.0.bytes().into(), iv.into());
        let json = cipher.decrypt_padded_vec::<Pkcs7>(sealed).ok()?;
        let payload: Payload = serde_json::from_slice(&json).ok()?;
        Some(Plaintext(payload.password))
    }
}

impl fmt::Debug for PasswordCipher {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordCipher(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const VECTOR: &str = "AAECAwQFBgcICQoLDA0ODxQ4jPhgbhkRMI31u/7WWtrbXEyDRu2yWQLes3D4fIgk";

    fn cipher(secret: &str) -> PasswordCipher {
        PasswordCipher::new(DerivedKey::from_secret(secret).unwrap())
    }

    #[test]
    fn the_known_value_is_written_and_read() {
        let iv = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        assert_eq!(
            cipher("testkey").encrypt_with(iv, "password1").unwrap(),
            VECTOR
        );
        assert_eq!(
            cipher("testkey").decrypt(VECTOR).unwrap().expose(),
            "password1"
        );
    }

    #[test]
    fn values_that_quay_wrote_are_read() {
        let cipher = cipher("tidewater session key 2026 with spaces");
        let values = [
            (
                "7tmqN0eljoMIgYmtJr/AVzdU34HYXMZPsXfOCBVUd92WN+F8yVf5/rtPpzzI7ijR",
                "Pier-seven-77",
            ),
            (
                "L5J5BztfVDC8+7qlSHGHYr3suw8PBmf/0FlNUNtueNR2XyNsxyh0S95mCpaq71Qc",
                "river-Runs-deep",
            ),
        ];
        for (encrypted, password) in values {
            assert_eq!(cipher.decrypt(encrypted).unwrap().expose(), password);
        }
    }

    #[test]
    fn a_password_with_quotes_survives() {
        let cipher = cipher("testkey");
        let encrypted = cipher.encrypt(r#"pä"ss\word"#).unwrap();
        assert_eq!(
            cipher.decrypt(&encrypted).unwrap().expose(),
            r#"pä"ss\word"#
        );
    }

    #[test]
    fn anything_else_is_taken_as_a_plain_password() {
        let cipher = cipher("testkey");
        assert_eq!(cipher.decrypt("password1"), None);
        assert_eq!(cipher.decrypt(""), None);
        assert_eq!(cipher.decrypt("AAECAwQFBgcICQoLDA0ODw=="), None);
        assert_eq!(cipher.decrypt(&VECTOR[..44]), None);
        assert_eq!(
            super::PasswordCipher::new(DerivedKey::from_secret("other").unwrap()).decrypt(VECTOR),
            None
        );
    }
}
