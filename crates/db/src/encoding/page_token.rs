//! Page tokens: where a listing goes on, sealed so that clients cannot make their own (database.md §4.4).
//!
//! The form is Fernet (<https://github.com/fernet/spec/blob/master/Spec.md>): version, time, initialisation vector,
//! AES-128-CBC, HMAC-SHA256, as URL-safe base64. The key is `PAGE_TOKEN_KEY`. Inside is JSON. A token that is damaged,
//! of another key or older than two days is as good as none: the listing begins at its first page.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aes::Aes128;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit};
use hmac::{Hmac, KeyInit, Mac};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::Sha256;

use super::{EncodingError, random};

/// The key that Quay uses when `PAGE_TOKEN_KEY` is not set.
pub const DEFAULT_KEY: &str = "0OYrc16oBuksR8T3JGB-xxYSlZ2-7I_zzqrLzggBJ58=";

/// How long a token is good.
pub const MAX_AGE: Duration = Duration::from_hours(48);

/// How far in the future a token may have been made by an instance whose clock goes ahead.
const MAX_CLOCK_SKEW: Duration = Duration::from_mins(1);

const VERSION: u8 = 0x80;
const KEY_HALF_BYTES: usize = 16;
const IV_BYTES: usize = 16;
const MAC_BYTES: usize = 32;

/// Seals and opens page tokens with one key.
#[derive(Clone)]
pub struct PageTokens {
    signing: [u8; KEY_HALF_BYTES],
    encryption: [u8; KEY_HALF_BYTES],
}

impl PageTokens {
    /// With the key as configured in `PAGE_TOKEN_KEY`.
    ///
    /// # Errors
    /// When it is not URL-safe base64 of 32 bytes.
    pub fn new(key: &str) -> Result<Self, EncodingError> {
        let bytes = URL_SAFE
            .decode(key)
            .map_err(|_| EncodingError::PageTokenKey)?;
        match bytes.as_chunks::<KEY_HALF_BYTES>() {
            ([signing, encryption], []) => Ok(Self {
                signing: *signing,
                encryption: *encryption,
            }),
            _ => Err(EncodingError::PageTokenKey),
        }
    }

    /// A token for this position, made at this time.
    ///
    /// # Errors
    /// When the position has no JSON form, or the system has no random numbers.
    pub fn seal<T: Serialize>(
        &self,
        position: &T,
        now: SystemTime,
    ) -> Result<String, EncodingError> {
        let json = serde_json::to_vec(position)?;
        Ok(self.seal_with(random::bytes()?, &json, seconds(now)))
    }

    fn seal_with(&self, iv: [u8; IV_BYTES], message: &[u8], seconds: u64) -> String {
        let cipher = cbc::Encryptor::<Aes128>::new(&self.encryption.into(), &iv.into());
        let sealed = cipher.encrypt_padded_vec::<Pkcs7>(message);
        let mut token = [[VERSION].as_slice(), &seconds.to_be_bytes(), &iv, &sealed].concat();
        let mac = self.mac(&token).finalize().into_bytes();
        token.extend_from_slice(&mac);
        URL_SAFE.encode(token)
    }

    /// The position in a token, or `None` when the token is not valid at this time.
    pub fn open<T: DeserializeOwned>(&self, token: &str, now: SystemTime) -> Option<T> {
        serde_json::from_slice(&self.open_bytes(token, seconds(now))?).ok()
    }

    fn open_bytes(&self, token: &str, now: u64) -> Option<Vec<u8>> {
        let bytes = URL_SAFE.decode(token).ok()?;
        let (signed, mac) = bytes.split_last_chunk::<MAC_BYTES>()?;
        self.mac(signed).verify_slice(mac).ok()?;
        let (version, rest) = signed.split_first()?;
        let (made, rest) = rest.split_first_chunk()?;
        let made = u64::from_be_bytes(*made);
        let expired = made.saturating_add(MAX_AGE.as_secs()) < now;
        let of_the_future = made > now.saturating_add(MAX_CLOCK_SKEW.as_secs());
        if *version != VERSION || expired || of_the_future {
            return None;
        }
        let (iv, sealed) = rest.split_first_chunk::<IV_BYTES>()?;
        let cipher = cbc::Decryptor::<Aes128>::new(&self.encryption.into(), iv.into());
        cipher.decrypt_padded_vec::<Pkcs7>(sealed).ok()
    }

    fn mac(&self, signed: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(&block_of(&self.signing).into());
        mac.update(signed);
        mac
    }
}

impl fmt::Debug for PageTokens {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PageTokens(…)")
    }
}

/// HMAC fills a short key with zeros up to the block of its hash; done here, the key's length cannot be wrong.
fn block_of(key: &[u8; KEY_HALF_BYTES]) -> [u8; 64] {
    let mut block = [0; 64];
    block[..KEY_HALF_BYTES].copy_from_slice(key);
    block
}

/// Seconds since 1970; a clock before that reads as zero.
fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::{Value, json};

    use super::*;

    const MADE: u64 = 1_790_000_000;
    const TOKEN: &str = "gAAAAABqsTuAAAECAwQFBgcICQoLDA0OD5Tqn1wVWZ7oaBmmoqovmZfx7N4TFllGM0HGriqMX62CQRK5BPZ7wvMepTBJ5F2-ng==";

    fn tokens() -> PageTokens {
        PageTokens::new(DEFAULT_KEY).unwrap()
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn iv() -> [u8; IV_BYTES] {
        std::array::from_fn(|index| index as u8)
    }

    #[test]
    fn the_specifications_vector_is_written() {
        let tokens = PageTokens::new("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=").unwrap();
        let expected = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
        assert_eq!(tokens.seal_with(iv(), b"hello", 499_162_800), expected);
        assert_eq!(tokens.open_bytes(expected, 499_162_801).unwrap(), b"hello");
    }

    #[test]
    fn a_token_made_with_python_is_read_and_written() {
        assert_eq!(
            tokens().open::<Value>(TOKEN, at(MADE)),
            Some(json!({"start_id": 7}))
        );
        assert_eq!(tokens().seal_with(iv(), br#"{"start_id": 7}"#, MADE), TOKEN);
    }

    #[test]
    fn a_token_is_good_for_two_days() {
        let open = |seconds| tokens().open::<Value>(TOKEN, at(seconds));
        assert!(open(MADE + 172_800).is_some());
        assert!(open(MADE + 172_801).is_none());
        assert!(open(MADE - 60).is_some());
        assert!(open(MADE - 61).is_none());
    }

    #[test]
    fn a_changed_cut_or_foreign_token_is_no_token() {
        let now = at(MADE);
        let bytes = URL_SAFE.decode(TOKEN).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert!(
                tokens()
                    .open::<Value>(&URL_SAFE.encode(changed), now)
                    .is_none(),
                "byte {at}"
            );
            assert!(
                tokens()
                    .open::<Value>(&URL_SAFE.encode(&bytes[..at]), now)
                    .is_none(),
                "length {at}"
            );
        }
        let other = PageTokens::new("cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=").unwrap();
        assert!(other.open::<Value>(TOKEN, now).is_none());
        assert!(tokens().open::<Value>("page 2", now).is_none());
    }

    #[test]
    fn sealed_positions_are_opened() {
        let token = tokens().seal(&json!({"start_id": 42}), at(MADE)).unwrap();
        assert_eq!(
            tokens().open::<Value>(&token, at(MADE + 1)),
            Some(json!({"start_id": 42}))
        );
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(matches!(
            PageTokens::new("c2hvcnQ="),
            Err(EncodingError::PageTokenKey)
        ));
        assert!(matches!(
            PageTokens::new("not base64!"),
            Err(EncodingError::PageTokenKey)
        ));
    }
}
