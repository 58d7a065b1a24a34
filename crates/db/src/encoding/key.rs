//! How Quay makes an AES key out of `DATABASE_SECRET_KEY` and `SECRET_KEY` (database.md §4.2).
//!
//! The first reading that fits wins: a whole number as Python's `int()` reads it, a UUID as Python's `uuid.UUID()`
//! reads it, or one byte for each character. The bytes are repeated up to 32. The rules of both Python parsers are
//! followed as far as ASCII goes, because a key read differently opens nothing.

use std::fmt;

use super::EncodingError;

/// An AES-256 key. It cannot be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct DerivedKey([u8; DerivedKey::LENGTH]);

impl DerivedKey {
    /// Length in bytes.
    pub const LENGTH: usize = 32;

    /// The key that Quay derives from a configured secret.
    ///
    /// # Errors
    /// When the secret is empty, or is neither number nor UUID and has a character beyond U+00FF.
    pub fn from_secret(secret: &str) -> Result<Self, EncodingError> {
        let unit = match number_bytes(secret).or_else(|| uuid_bytes(secret)) {
            Some(unit) => unit,
            None => character_bytes(secret)?,
        };
        if unit.is_empty() {
            return Err(EncodingError::EmptyKey);
        }
        let mut key = [0; Self::LENGTH];
        for (byte, source) in key.iter_mut().zip(unit.iter().cycle()) {
            *byte = *source;
        }
        Ok(Self(key))
    }

    pub(super) fn bytes(&self) -> &[u8; Self::LENGTH] {
        &self.0
    }
}

impl fmt::Debug for DerivedKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("DerivedKey(…)")
    }
}

/// More decimal digits than this are not a number to Python.
const MAX_DECIMAL_DIGITS: usize = 4300;

/// A non-negative number whose hexadecimal form (at least two digits) has whole bytes; an odd count of digits is no
/// match, and the secret falls through to the other readings.
fn number_bytes(secret: &str) -> Option<Vec<u8>> {
    let number = python_int(secret, 10)?;
    if number.digits.len() > MAX_DECIMAL_DIGITS
        || (number.negative && number.digits.iter().any(|digit| *digit != 0))
    {
        return None;
    }
    let bytes = to_base_256(&number.digits, 10);
    let has_odd_hex_digits = bytes.len() > 1 && bytes.first().is_some_and(|first| *first < 0x10);
    (!has_odd_hex_digits).then_some(bytes)
}

/// Python removes `urn:` and `uuid:`, strips braces, removes dashes, and reads exactly 32 characters as a number.
fn uuid_bytes(secret: &str) -> Option<Vec<u8>> {
    const LENGTH: usize = 16;
    let bare = secret.replace("urn:", "").replace("uuid:", "");
    let bare = bare.trim_matches(['{', '}']).replace('-', "");
    if bare.chars().count() != 2 * LENGTH {
        return None;
    }
    let number = python_int(&bare, 16).filter(|number| !number.negative)?;
    let bytes = to_base_256(&number.digits, 16);
    // 32 characters are at most 32 digits, so the number fits; shorter ones get leading zeros.
    let mut padded = vec![0; LENGTH.saturating_sub(bytes.len())];
    padded.extend(bytes);
    Some(padded)
}

fn character_bytes(secret: &str) -> Result<Vec<u8>, EncodingError> {
    secret
        .chars()
        .map(|character| u8::try_from(u32::from(character)).map_err(|_| EncodingError::WideKey))
        .collect()
}

struct Number {
    negative: bool,
    digits: Vec<u8>,
}

/// What Python's `int(text, base)` accepts: spaces around it, a sign, `0x` in base 16, single underscores between
/// digits.
fn python_int(text: &str, base: u8) -> Option<Number> {
    let text = text.trim();
    let (negative, text) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let prefixed = if base == 16 {
        text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))
    } else {
        None
    };
    // `0x_1` is a number, `_1` is not.
    let text = prefixed.map_or(text, |rest| rest.strip_prefix('_').unwrap_or(rest));
    let digits = text
        .split('_')
        .map(|group| {
            let digits: Option<Vec<u8>> = group
                .chars()
                .map(|digit| digit.to_digit(u32::from(base)).map(|value| value as u8))
                .collect();
            digits.filter(|digits| !digits.is_empty())
        })
        .collect::<Option<Vec<_>>>()?
        .concat();
    Some(Number { negative, digits })
}

/// The number as big-endian bytes without leading zeros; zero is one byte.
fn to_base_256(digits: &[u8], base: u8) -> Vec<u8> {
    let mut little_endian = vec![0_u8];
    for digit in digits {
        let mut carry = u32::from(*digit);
        for byte in &mut little_endian {
            carry += u32::from(*byte) * u32::from(base);
            *byte = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry > 0 {
            // Below 256: digit and base are.
            little_endian.push(carry as u8);
        }
    }
    little_endian.reverse();
    little_endian
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The key must be these bytes, repeated.
    fn assert_unit(secret: &str, unit: &[u8]) {
        let expected: Vec<u8> = unit.iter().copied().cycle().take(32).collect();
        assert_eq!(
            DerivedKey::from_secret(secret).unwrap().0.as_slice(),
            expected,
            "{secret}"
        );
    }

    #[test]
    fn words_are_one_byte_for_each_character() {
        assert_unit("testkey", b"testkey");
        assert_unit("schlüssel", b"schl\xfcssel");
        assert_unit(
            "a secret that is longer than thirty-two bytes",
            b"a secret that is longer than thi",
        );
    }

    #[test]
    fn numbers_with_whole_bytes_are_those_bytes() {
        assert_unit("12345", &[0x30, 0x39]);
        assert_unit("  +12_345 ", &[0x30, 0x39]);
        assert_unit("0012345", &[0x30, 0x39]);
        assert_unit("7", &[0x07]);
        assert_unit("0", &[0x00]);
        assert_unit("-0", &[0x00]);
        assert_unit("340282366920938463463374607431768211455", &[0xff; 16]);
    }

    #[test]
    fn numbers_with_half_a_byte_are_read_as_words() {
        assert_unit("83142379", b"83142379");
        assert_unit("256", b"256");
    }

    #[test]
    fn what_python_does_not_read_as_a_number_is_a_word() {
        assert_unit("-12345", b"-12345");
        assert_unit("1__2", b"1__2");
        assert_unit("12_", b"12_");
        assert_unit("0x3039", b"0x3039");
    }

    #[test]
    fn uuids_are_their_sixteen_bytes_in_any_of_their_spellings() {
        let bytes = [
            0x8d, 0x3a, 0x0a, 0x5e, 0x5b, 0x2f, 0x4a, 0x3f, 0x9b, 0x0e, 0x2f, 0x3a, 0x3f, 0x1b,
            0x6c, 0x7d,
        ];
        assert_unit("8d3a0a5e-5b2f-4a3f-9b0e-2f3a3f1b6c7d", &bytes);
        assert_unit("{8D3A0A5E-5B2F-4A3F-9B0E-2F3A3F1B6C7D}", &bytes);
        assert_unit("urn:uuid:8d3a0a5e5b2f4a3f9b0e2f3a3f1b6c7d", &bytes);
        let counted = [0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef];
        assert_unit("0123456789abcdef0123456789abcdef", &counted);
    }

    #[test]
    fn a_uuid_that_begins_with_zeros_keeps_them() {
        let mut bytes = [0; 16];
        bytes[15] = 0xa1;
        assert_unit("00000000-0000-0000-0000-0000000000a1", &bytes);
    }

    #[test]
    fn an_empty_secret_and_one_beyond_latin_1_are_refused() {
        assert!(matches!(
            DerivedKey::from_secret(""),
            Err(EncodingError::EmptyKey)
        ));
        assert!(matches!(
            DerivedKey::from_secret("ключ"),
            Err(EncodingError::WideKey)
        ));
    }

    #[test]
    fn a_key_cannot_be_printed() {
        assert_eq!(
            format!("{:?}", DerivedKey::from_secret("testkey").unwrap()),
            "DerivedKey(…)"
        );
    }
}
