//! The session cookie: Flask's signed cookie, so that who is signed in at Quay is signed in here, and the other way round
//! (database.md §4.4).
//!
//! The form is itsdangerous' `URLSafeTimedSerializer` with the salt `cookie-session`: base64 of JSON (behind a dot: of
//! JSON in zlib), a time, and HMAC-SHA1 of both under a key derived from `SECRET_KEY`. The JSON has Flask's tags: a time is
//! `{" d": "<HTTP date>"}`. A cookie is signed, not secret: whoever holds it can read it.

use std::fmt;
use std::io::Read as _;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use flate2::read::ZlibDecoder;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Map, Value};
use sha1::Sha1;

const SALT: &[u8] = b"cookie-session";
/// HMAC-SHA1 fills keys up to this length.
const BLOCK_BYTES: usize = 64;
const KEY_BYTES: usize = 20;
/// Longest session, in bytes of JSON. Browsers keep cookies of 4 KiB.
const MAX_JSON_BYTES: u64 = 64 * 1024;

/// Signs sessions and checks them.
#[derive(Clone)]
pub struct SessionCookies {
    key: [u8; KEY_BYTES],
}

impl SessionCookies {
    /// With `SECRET_KEY` as configured.
    pub fn new(secret_key: &str) -> Self {
        let derived = keyed(secret_key.as_bytes())
            .chain_update(SALT)
            .finalize()
            .into_bytes();
        Self {
            key: derived.into(),
        }
    }

    /// The cookie's value for a session at this time, in seconds since 1970.
    pub fn seal(&self, session: &Map<String, Value>, now: u64) -> String {
        let json = Value::Object(session.clone()).to_string();
        let time = now.to_be_bytes();
        let leading = time.iter().take_while(|byte| **byte == 0).count();
        let signed = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(json),
            URL_SAFE_NO_PAD.encode(&time[leading..])
        );
        let signature = keyed(&self.key)
            .chain_update(&signed)
            .finalize()
            .into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The session in a cookie and when it was signed, in seconds since 1970; `None` if it was not signed with this key, or
    /// longer than `max_age` seconds ago.
    pub fn open(&self, cookie: &str, now: u64, max_age: u64) -> Option<(Map<String, Value>, u64)> {
        let (signed, signature) = cookie.rsplit_once('.')?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        keyed(&self.key)
            .chain_update(signed)
            .verify_slice(&signature)
            .ok()?;
        let (payload, time) = signed.rsplit_once('.')?;
        let signed_at = seconds(&URL_SAFE_NO_PAD.decode(time).ok()?)?;
        if signed_at.saturating_add(max_age) < now {
            return None;
        }
        let json = match payload.strip_prefix('.') {
            Some(compressed) => inflate(&URL_SAFE_NO_PAD.decode(compressed).ok()?)?,
            None => URL_SAFE_NO_PAD.decode(payload).ok()?,
        };
        Some((serde_json::from_slice(&json).ok()?, signed_at))
    }
}

impl fmt::Debug for SessionCookies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SessionCookies(…)")
    }
}

/// HMAC-SHA1 under a key of any length; what is longer than a block is hashed first, as the definition says.
fn keyed(key: &[u8]) -> Hmac<Sha1> {
    let mut block = [0; BLOCK_BYTES];
    if key.len() > BLOCK_BYTES {
        let hashed = <Sha1 as sha1::Digest>::digest(key);
        block[..KEY_BYTES].copy_from_slice(&hashed);
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    Hmac::<Sha1>::new(&block.into())
}

fn seconds(big_endian: &[u8]) -> Option<u64> {
    (big_endian.len() <= size_of::<u64>()).then(|| {
        big_endian
            .iter()
            .fold(0, |seconds, byte| seconds << 8 | u64::from(*byte))
    })
}

fn inflate(compressed: &[u8]) -> Option<Vec<u8>> {
    let mut json = Vec::new();
    ZlibDecoder::new(compressed)
        .take(MAX_JSON_BYTES + 1)
        .read_to_end(&mut json)
        .ok()?;
    (json.len() as u64 <= MAX_JSON_BYTES).then_some(json)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    const MADE: u64 = 1_790_000_000;
    const DAY: u64 = 86_400;

    fn session() -> Map<String, Value> {
        let Value::Object(session) = json!({
            "_csrf_token": "abc",
            "_user_id": "3f2a",
            "login_time": { " d": "Mon, 21 Sep 2026 13:33:20 GMT" },
        }) else {
            unreachable!()
        };
        session
    }

    #[test]
    fn a_sealed_session_is_opened_until_it_is_too_old() {
        let cookies = SessionCookies::new("testkey");
        let cookie = cookies.seal(&session(), MADE);
        assert_eq!(
            cookies.open(&cookie, MADE + DAY, DAY),
            Some((session(), MADE))
        );
        assert_eq!(cookies.open(&cookie, MADE + DAY + 1, DAY), None);
    }

    #[test]
    fn a_cookie_made_by_flask_is_read_and_written() {
        let cookies = SessionCookies::new("testkey");
        let made_by_flask = "eyJfY3NyZl90b2tlbiI6ImFiYyIsIl91c2VyX2lkIjoiM2YyYSIsImxvZ2luX3RpbWUiOnsiIGQiOiJNb24sIDIxIFNlcCAyMDI2IDEzOjMzOjIwIEdNVCJ9fQ.arE7gA.a5rhCeeVa9Z528CEOp-RB7F2aOg";
        assert_eq!(cookies.seal(&session(), MADE), made_by_flask);
        assert_eq!(
            cookies.open(made_by_flask, MADE, DAY),
            Some((session(), MADE))
        );
    }

    #[test]
    fn a_cookie_that_flask_compressed_is_read() {
        let compressed =
            ".eJyrVopPLi5Kiy_Jz07NU7JSShwFRAOlWgCc13f0.arE7gA.Qhq0Hz6ZQ4fW2Kb3s1a6ITwD3gc";
        let (session, _) = SessionCookies::new("testkey")
            .open(compressed, MADE, DAY)
            .unwrap();
        assert_eq!(session["_csrf_token"], "a".repeat(300));
    }

    #[test]
    fn a_long_secret_key_is_hashed_first() {
        let cookie = "eyJfY3NyZl90b2tlbiI6ImFiYyJ9.arE7gA.G4tEPEfpS8PspTBnyQ-HEdvDuRQ";
        let cookies = SessionCookies::new(&"k".repeat(100));
        assert!(cookies.open(cookie, MADE, DAY).is_some());
    }

    #[test]
    fn a_changed_cookie_and_one_of_another_key_are_none() {
        let cookies = SessionCookies::new("testkey");
        let cookie = cookies.seal(&session(), MADE);
        assert_eq!(SessionCookies::new("other").open(&cookie, MADE, DAY), None);
        for at in 0..cookie.len() - 1 {
            let mut changed = cookie.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).unwrap();
            assert_eq!(cookies.open(&changed, MADE, DAY), None, "{at}");
        }
        for text in ["", ".", "..", "...", "e30.AA", "é.é.é"] {
            assert_eq!(cookies.open(text, MADE, DAY), None, "{text:?}");
        }
    }
}
