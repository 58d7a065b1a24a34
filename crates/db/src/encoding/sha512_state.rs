//! The state of the SHA-512 of an unfinished upload: a form of our own, because Quay knows only SHA-256.
//!
//! An upload's algorithm is known only when it ends, so a session that may end with either keeps both states. The
//! SHA-256 state stays in `blobupload.sha_state`, where Quay looks for it; this one is the member
//! [`STORAGE_METADATA_KEY`] of the JSON object in `blobupload.storage_metadata`, whose other members belong to the
//! storage driver. Quay's drivers read their own members and ignore the rest, so such a session can still be finished
//! by Quay (with SHA-256; it has no other).
//!
//! The text is base64 of: H0 to H7 as 64-bit big-endian, the number of bytes hashed as 64-bit big-endian, and the bytes
//! that do not fill a block of 128 yet.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::EncodingError;

/// The member of `storage_metadata` that holds the state.
pub const STORAGE_METADATA_KEY: &str = "pierhead_sha512_state";

const BLOCK_BYTES: usize = 128;
const WORD_BYTES: usize = 8;
const WORDS: usize = 8;

/// The state of an unfinished SHA-512.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResumableSha512 {
    h: [u64; WORDS],
    buffered: Vec<u8>,
    total_bytes: u64,
}

impl ResumableSha512 {
    /// The state after the chaining value `h` of all complete blocks, with the bytes that do not fill a block yet and
    /// the number of bytes hashed in all.
    ///
    /// # Errors
    /// When `buffered` is not exactly what `total_bytes` leaves over after whole blocks of 128 bytes.
    pub fn from_parts(
        h: [u64; WORDS],
        buffered: &[u8],
        total_bytes: u64,
    ) -> Result<Self, EncodingError> {
        if buffered.len() as u64 != total_bytes % BLOCK_BYTES as u64 {
            return Err(damaged("the buffered bytes do not fit the total"));
        }
        Ok(Self {
            h,
            buffered: buffered.to_vec(),
            total_bytes,
        })
    }

    /// Chaining value after all complete blocks, H0 to H7.
    pub fn h(&self) -> [u64; WORDS] {
        self.h
    }

    /// The bytes that do not fill a block yet: at most 127.
    pub fn buffered(&self) -> &[u8] {
        &self.buffered
    }

    /// How many bytes were hashed.
    pub fn total_bytes(&self) -> u64 {
        self.total_bytes
    }

    /// The text to save.
    pub fn encode(&self) -> String {
        let mut bytes: Vec<u8> = self.h.iter().flat_map(|word| word.to_be_bytes()).collect();
        bytes.extend_from_slice(&self.total_bytes.to_be_bytes());
        bytes.extend_from_slice(&self.buffered);
        STANDARD.encode(bytes)
    }

    /// Reads the saved text.
    ///
    /// # Errors
    /// When it is not of this form, or the counts inside contradict each other.
    pub fn decode(text: &str) -> Result<Self, EncodingError> {
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| damaged("it is not base64"))?;
        let (words, buffered) = bytes
            .split_first_chunk::<{ (WORDS + 1) * WORD_BYTES }>()
            .ok_or(damaged("it is too short"))?;
        let mut numbers = [0; WORDS + 1];
        for (number, bytes) in numbers.iter_mut().zip(words.as_chunks::<WORD_BYTES>().0) {
            *number = u64::from_be_bytes(*bytes);
        }
        let [h @ .., total_bytes] = numbers;
        Self::from_parts(h, buffered, total_bytes)
    }
}

fn damaged(what: &'static str) -> EncodingError {
    EncodingError::HashState {
        algorithm: "SHA-512",
        what,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_state_survives_being_saved() {
        let state =
            ResumableSha512::from_parts([1, 2, 3, 4, 5, 6, 7, u64::MAX], &[b'a'; 44], 300).unwrap();
        let read = ResumableSha512::decode(&state.encode()).unwrap();
        assert_eq!(read, state);
        assert_eq!(
            (read.h()[7], read.buffered(), read.total_bytes()),
            (u64::MAX, [b'a'; 44].as_slice(), 300)
        );
    }

    #[test]
    fn damaged_states_are_refused() {
        let state = ResumableSha512::from_parts([0; 8], b"abc", 3)
            .unwrap()
            .encode();
        assert!(ResumableSha512::decode("*").is_err());
        assert!(ResumableSha512::decode("").is_err());
        assert!(ResumableSha512::decode(&state[..state.len() - 4]).is_err());
        assert!(ResumableSha512::from_parts([0; 8], &[0; 128], 128).is_err());
        assert!(ResumableSha512::from_parts([0; 8], b"abc", 4).is_err());
    }
}
