//! A name for each request, the same in the answer, the logs and what handlers see.
//!
//! `X-Request-Id` is taken over from trusted proxies when it is sane; otherwise an id is made: 128 bits, unique
//! in all processes by a random key, without asking for randomness per request. It is a name, not a secret.

use std::cell::RefCell;
use std::fmt;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// Longest id taken over from a proxy, in bytes.
const LONGEST: usize = 128;

thread_local! {
    static CURRENT: RefCell<Option<RequestId>> = const { RefCell::new(None) };
}

/// The id of a request; a request extension, returned as `X-Request-Id`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(HeaderValue);

impl RequestId {
    /// A new id: 32 hexadecimal digits.
    pub fn generate() -> Self {
        static KEY: LazyLock<(u64, u64)> = LazyLock::new(|| (rand::random(), rand::random()));
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let count = NEXT.fetch_add(1, Ordering::Relaxed);
        // A bijection of the counter, so no two are equal, that makes neighbours look unlike.
        let mut mixed = KEY
            .1
            .wrapping_add(count.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let number = u128::from(KEY.0) << 64 | u128::from(mixed ^ (mixed >> 31));
        let mut text = [0; 32];
        for (at, digit) in text.iter_mut().enumerate() {
            *digit = b"0123456789abcdef"[(number >> (124 - 4 * at)) as usize & 15];
        }
        // Hexadecimal digits are always a valid header value.
        Self(HeaderValue::from_bytes(&text).unwrap_or(HeaderValue::from_static("-")))
    }

    /// The id a trusted proxy gave, if it is sane: 1 to 128 characters that need no escaping anywhere.
    pub(crate) fn given(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(HEADER)?;
        let sane = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
        let bytes = value.as_bytes();
        ((1..=LONGEST).contains(&bytes.len()) && bytes.iter().all(sane))
            .then(|| Self(value.clone()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }

    pub(crate) fn header(&self) -> HeaderValue {
        self.0.clone()
    }

    /// Runs `poll` with this id visible to [`current_request_id`].
    pub(crate) fn enter<T>(this: &mut Option<Self>, poll: impl FnOnce() -> T) -> T {
        struct Restore<'a>(&'a mut Option<RequestId>, Option<RequestId>);
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                *self.0 = CURRENT.replace(self.1.take());
            }
        }
        let outer = CURRENT.replace(this.take());
        let _restore = Restore(this, outer);
        poll()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The id of the request whose handler or body is running on this thread, for log formatters.
///
/// Tasks that a handler spawns are not part of it.
pub fn current_request_id() -> Option<RequestId> {
    CURRENT.with_borrow(Clone::clone)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn generated_ids_are_distinct_and_32_digits() {
        let ids: std::collections::HashSet<_> = (0..10_000)
            .map(|_| RequestId::generate().as_str().to_owned())
            .collect();
        assert_eq!(ids.len(), 10_000);
        assert!(
            ids.iter()
                .all(|id| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()))
        );
    }

    #[test]
    fn an_id_that_could_forge_a_log_line_is_not_taken_over() {
        let given = |value: &'static [u8]| {
            let headers = HeaderMap::from_iter([(HEADER, HeaderValue::from_bytes(value).unwrap())]);
            RequestId::given(&headers)
        };
        assert_eq!(
            given(b"urn:request:7f-1").unwrap().as_str(),
            "urn:request:7f-1"
        );
        for bad in [&b""[..], b"a b", b"a\"b", b"a\tb", b"\xffa", &[b'a'; 129]] {
            assert_eq!(given(bad), None);
        }
    }

    #[test]
    fn the_current_id_is_visible_only_while_its_request_runs() {
        let mut outer = Some(RequestId::generate());
        let expected = outer.clone();
        assert_eq!(current_request_id(), None);
        let seen = RequestId::enter(&mut outer, || {
            let nested = RequestId::enter(&mut Some(RequestId::generate()), current_request_id);
            assert_ne!(nested, expected);
            current_request_id()
        });
        assert_eq!(
            (seen, current_request_id(), outer),
            (expected.clone(), None, expected)
        );
    }
}
