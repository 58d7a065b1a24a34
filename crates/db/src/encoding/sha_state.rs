//! `blobupload.sha_state`: the state of the SHA-256 of an unfinished upload, as Quay saves it (database.md §4.11).
//!
//! The column holds base64 of a Python pickle that is always the same 160 bytes but for the 112 bytes of state inside.
//! Exactly this form is read, compared byte for byte; nothing here interprets pickles. An upload that Quay began can
//! be finished here and the other way round.
//!
//! SHA-512 has no place in this column: an upload that ends with a SHA-512 digest is hashed again from storage.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::EncodingError;

const HEADER: &[u8; 45] = b"\x80\x04\x95\x95\x00\x00\x00\x00\x00\x00\x00\x8c\x0fresumablesha256\x94\x8c\x06sha256\x94\x93\x94)\x81\x94Cp";
const TRAILER: &[u8; 3] = b"\x94b.";
const BLOCK_BYTES: usize = 64;
const STATE_BYTES: usize = 112;
const BLOCK_BITS: u64 = 8 * BLOCK_BYTES as u64;

/// The state of an unfinished SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ResumableSha256 {
    h: [u32; 8],
    buffer: [u8; BLOCK_BYTES],
    buffered: u32,
    blocks_bits: u64,
}

impl ResumableSha256 {
    /// The state before the first byte.
    pub const FRESH: Self = Self {
        h: [
            0x6a09_e667,
            0xbb67_ae85,
            0x3c6e_f372,
            0xa54f_f53a,
            0x510e_527f,
            0x9b05_688c,
            0x1f83_d9ab,
            0x5be0_cd19,
        ],
        buffer: [0; BLOCK_BYTES],
        buffered: 0,
        blocks_bits: 0,
    };

    /// The state after the chaining value `h` of all complete blocks, with the bytes that do not fill a block yet and
    /// the number of bytes hashed in all.
    ///
    /// # Errors
    /// When `buffered` is not exactly what `total_bytes` leaves over after whole blocks of 64 bytes, or the total is
    /// beyond what SHA-256 can count (2⁶¹ bytes).
    pub fn from_parts(
        h: [u32; 8],
        buffered: &[u8],
        total_bytes: u64,
    ) -> Result<Self, EncodingError> {
        if buffered.len() as u64 != total_bytes % BLOCK_BYTES as u64 {
            return Err(damaged("the buffered bytes do not fit the total"));
        }
        let mut buffer = [0; BLOCK_BYTES];
        // Fits: a remainder of BLOCK_BYTES is below it.
        buffer[..buffered.len()].copy_from_slice(buffered);
        let blocks_bits = (total_bytes - buffered.len() as u64)
            .checked_mul(8)
            .ok_or(damaged("more bytes than SHA-256 can count"))?;
        Ok(Self {
            h,
            buffer,
            buffered: buffered.len() as u32,
            blocks_bits,
        })
    }

    /// Chaining value after all complete blocks, H0 to H7.
    pub fn h(&self) -> [u32; 8] {
        self.h
    }

    /// The bytes that do not fill a block yet: at most 63.
    pub fn buffered(&self) -> &[u8] {
        // Below BLOCK_BYTES: both constructors see to it.
        &self.buffer[..self.buffered as usize]
    }

    /// How many bytes were hashed.
    pub fn total_bytes(&self) -> u64 {
        self.blocks_bits / 8 + u64::from(self.buffered)
    }

    /// The text for the column.
    pub fn encode(&self) -> String {
        let mut bytes = Vec::with_capacity(HEADER.len() + STATE_BYTES + TRAILER.len());
        bytes.extend_from_slice(HEADER);
        bytes.extend_from_slice(&self.buffer);
        bytes.extend_from_slice(&self.buffered.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.blocks_bits.to_le_bytes());
        for word in self.h {
            bytes.extend_from_slice(&word.to_le_bytes());
        }
        bytes.extend_from_slice(TRAILER);
        STANDARD.encode(bytes)
    }

    /// Reads the text of the column.
    ///
    /// # Errors
    /// When it is not exactly the form that Quay writes, or the counts inside contradict each other.
    pub fn decode(text: &str) -> Result<Self, EncodingError> {
        let bytes = STANDARD
            .decode(text)
            .map_err(|_| damaged("it is not base64"))?;
        let state = bytes
            .strip_prefix(HEADER)
            .and_then(|rest| rest.strip_suffix(TRAILER))
            .ok_or(damaged("it is not a pickled SHA-256 state"))?;
        let state: &[u8; STATE_BYTES] = state
            .try_into()
            .map_err(|_| damaged("it has another length"))?;
        let (buffer, rest) = take(state);
        let (buffered, rest) = take(rest);
        let (_padding, rest) = take::<4>(rest);
        let (blocks_bits, mut rest) = take(rest);
        let mut h = [0; 8];
        for word in &mut h {
            let (bytes, more) = take(rest);
            *word = u32::from_le_bytes(bytes);
            rest = more;
        }
        let state = Self {
            h,
            buffer,
            buffered: u32::from_le_bytes(buffered),
            blocks_bits: u64::from_le_bytes(blocks_bits),
        };
        if state.buffered as usize >= BLOCK_BYTES {
            return Err(damaged("it buffers more than a block"));
        }
        if !state.blocks_bits.is_multiple_of(BLOCK_BITS) {
            return Err(damaged("it counts half a block"));
        }
        Ok(state)
    }
}

fn damaged(what: &'static str) -> EncodingError {
    EncodingError::HashState {
        algorithm: "SHA-256",
        what,
    }
}

/// The next bytes of the state. Its parts together are [`STATE_BYTES`] long, so none is ever short.
fn take<const N: usize>(bytes: &[u8]) -> ([u8; N], &[u8]) {
    match bytes.split_first_chunk::<N>() {
        Some((first, rest)) => (*first, rest),
        None => ([0; N], &[]),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const FRESH: &str = "gASVlQAAAAAAAACMD3Jlc3VtYWJsZXNoYTI1NpSMBnNoYTI1NpSTlCmBlENwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABn5glqha5nu3Lzbjw69U+lf1IOUYxoBZur2YMfGc3gW5RiLg==";
    const HUNDRED: &str = "gASVlQAAAAAAAACMD3Jlc3VtYWJsZXNoYTI1NpSMBnNoYTI1NpSTlCmBlENwYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYSQAAAAAAAAAAAIAAAAAAAAcuFvfJgYe6JSoRfsxD9RPFmhessGZ1NYpSZCrZl5jAJRiLg==";
    const QUAYS: &str = "gASVlQAAAAAAAACMD3Jlc3VtYWJsZXNoYTI1NpSMBnNoYTI1NpSTlCmBlENwaGFsZiBhIGJhcnJlbCBvZiBieXRlcwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAABYAAAAAAAAAAAAAAAAAAABn5glqha5nu3Lzbjw69U+lf1IOUYxoBZur2YMfGc3gW5RiLg==";

    #[test]
    fn the_fresh_state_is_written_and_read() {
        assert_eq!(ResumableSha256::FRESH.encode(), FRESH);
        assert_eq!(
            ResumableSha256::decode(FRESH).unwrap(),
            ResumableSha256::FRESH
        );
    }

    #[test]
    fn a_state_in_the_middle_is_written_and_read() {
        let mut h = ResumableSha256::FRESH.h;
        sha2::block_api::compress256(&mut h, &[[b'a'; 64]]);
        let state = ResumableSha256::decode(HUNDRED).unwrap();
        assert_eq!(state.h(), h);
        assert_eq!(state.buffered(), [b'a'; 36]);
        assert_eq!(state.total_bytes(), 100);
        // Quay leaves the previous block's bytes behind the buffered ones; they mean nothing.
        let clean = ResumableSha256::from_parts(h, &[b'a'; 36], 100).unwrap();
        assert_eq!(ResumableSha256::decode(&clean.encode()).unwrap(), clean);
        assert_eq!(state.encode(), HUNDRED);
    }

    #[test]
    fn an_upload_that_quay_began_is_read() {
        let state = ResumableSha256::decode(QUAYS).unwrap();
        assert_eq!(state.buffered(), b"half a barrel of bytes");
        assert_eq!(state.total_bytes(), 22);
    }

    #[test]
    fn any_other_pickle_is_refused() {
        let good = STANDARD.decode(FRESH).unwrap();
        let refused = |bytes: &[u8]| ResumableSha256::decode(&STANDARD.encode(bytes)).is_err();
        assert!(!refused(&good));
        for (at, byte) in good
            .iter()
            .enumerate()
            .filter(|(at, _)| *at < 45 || *at >= 157)
        {
            let mut changed = good.clone();
            changed[at] = byte ^ 1;
            assert!(refused(&changed), "byte {at}");
        }
        assert!(refused(&good[..159]));
        assert!(refused(&[good.as_slice(), b"."].concat()));
        assert!(refused(b""));
        assert!(ResumableSha256::decode("*").is_err());
    }

    #[test]
    fn counts_that_contradict_each_other_are_refused() {
        let mut bytes = STANDARD.decode(FRESH).unwrap();
        bytes[45 + 64] = 64;
        assert!(ResumableSha256::decode(&STANDARD.encode(&bytes)).is_err());
        bytes[45 + 64] = 0;
        bytes[45 + 72] = 8;
        assert!(ResumableSha256::decode(&STANDARD.encode(&bytes)).is_err());
        assert!(ResumableSha256::from_parts([0; 8], b"abc", 64).is_err());
        assert!(ResumableSha256::from_parts([0; 8], &[0; 64], 64).is_err());
        assert!(ResumableSha256::from_parts([0; 8], b"", 1 << 61).is_err());
    }
}
