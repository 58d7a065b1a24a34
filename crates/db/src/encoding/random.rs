//! Random strings of tokens and codes: capital letters and digits from the operating system's generator, with the
//! lengths of database.md §4.1. Tokens are split at fixed places, so the lengths are part of the format.

use rand::TryRng;
use rand::rngs::SysRng;

use super::EncodingError;

/// Characters of a robot's token. A token that the caller supplies must have this length too.
pub const ROBOT_TOKEN: usize = 64;
/// First part of an application specific token, stored as it is.
pub const APP_TOKEN_NAME: usize = 60;
/// Second part of an application specific token, stored encrypted.
pub const APP_TOKEN_SECRET: usize = 60;
/// First part of an OAuth access token, stored as it is.
pub const OAUTH_TOKEN_NAME: usize = 20;
/// Second part of an OAuth access token, stored as bcrypt.
pub const OAUTH_TOKEN_CODE: usize = 20;
/// First part of an OAuth authorization code, stored as it is.
pub const OAUTH_CODE_NAME: usize = 20;
/// Second part of an OAuth authorization code, stored as bcrypt.
pub const OAUTH_CODE_CREDENTIAL: usize = 20;
/// Id of an OAuth client.
pub const OAUTH_CLIENT_ID: usize = 20;
/// Secret of an OAuth client, stored encrypted.
pub const OAUTH_CLIENT_SECRET: usize = 40;
/// First part of a repository's access token (`$token`), stored as it is.
pub const ACCESS_TOKEN_NAME: usize = 32;
/// Second part of a repository's access token, stored encrypted.
pub const ACCESS_TOKEN_CODE: usize = 32;
/// First part of an e-mail confirmation, stored as it is.
pub const EMAIL_CODE: usize = 16;
/// Second part of an e-mail confirmation, stored as bcrypt.
pub const EMAIL_VERIFICATION: usize = 20;
/// What a team invitation's token begins with; a UUID follows.
pub const TEAM_INVITE_PREFIX: &str = "urn:teaminvite:";

const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// Bytes from here on would favour the first symbols: 252 is the last multiple of 36 in a byte.
const UNBIASED: u8 = 252;

/// A random string of this many characters.
///
/// # Errors
/// When the operating system has no random numbers.
pub fn token(length: usize) -> Result<String, EncodingError> {
    let mut token = String::with_capacity(length);
    while token.len() < length {
        let symbols = bytes::<64>()?.into_iter().filter(|byte| *byte < UNBIASED);
        token.extend(
            symbols
                .take(length - token.len())
                .map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])),
        );
    }
    Ok(token)
}

/// Random bytes.
///
/// # Errors
/// When the operating system has none.
pub fn bytes<const N: usize>() -> Result<[u8; N], EncodingError> {
    let mut bytes = [0; N];
    SysRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashSet;

    use super::*;

    #[test]
    fn tokens_have_their_length_and_use_every_symbol() {
        for length in [0, 1, ROBOT_TOKEN, 1000] {
            assert_eq!(token(length).unwrap().len(), length);
        }
        // The chance that one of 36 symbols is absent from 10 000 is below 10⁻¹²⁰.
        let symbols: HashSet<char> = token(10_000).unwrap().chars().collect();
        assert_eq!(symbols, ALPHABET.iter().copied().map(char::from).collect());
    }

    #[test]
    fn two_tokens_differ() {
        assert_ne!(token(ROBOT_TOKEN).unwrap(), token(ROBOT_TOKEN).unwrap());
    }
}
