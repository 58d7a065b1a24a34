//! The state of an unfinished hash, so that an upload can go on in a later request, another
//! process or after a crash.
//!
//! SHA-256 comes apart into exactly what Quay keeps in `blobupload.sha_state` (chaining values,
//! buffered partial block, length); the encoding of that column belongs to the database room.
//! SHA-512, which Quay does not know, is an opaque byte string of our own layout:
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | layout version, 1 |
//! | 64 | H0…H7, big-endian |
//! | 8 | total length in bytes, big-endian |
//! | total mod 128 | the buffered partial block |
//!
//! Neither form depends on how the hashing library serialises itself; that layout (words little
//! endian, count of whole blocks, fill of the buffer in one byte, buffer padded by zeros) is only
//! used in memory, and the tests pin it down.

const SHA256_BLOCK: usize = 64;
const SHA512_BLOCK: usize = 128;
/// Words, block counter, fill byte, buffer.
const SHA256_SERIALIZED: usize = 32 + 8 + 1 + (SHA256_BLOCK - 1);
const SHA512_SERIALIZED: usize = 64 + 16 + 1 + (SHA512_BLOCK - 1);
/// Both hashes are used for messages whose length in *bits* fits 64 bits, as in Quay's counter.
const MAX_TOTAL_LEN: u64 = u64::MAX / 8;
const SHA512_LAYOUT: u8 = 1;
const SHA512_HEADER: usize = 1 + 64 + 8;

/// Why a stored hash state cannot be continued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashStateError {
    /// The number of buffered bytes is not the total length modulo the block length, or the
    /// total length is impossible.
    #[error(
        "the stored hash state contradicts itself: buffered bytes and total length do not fit together"
    )]
    Inconsistent,
    /// An opaque state is cut off or of an unknown layout version.
    #[error("the stored hash state is damaged or was written by another version")]
    Unreadable,
}

/// The parts of an unfinished SHA-256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sha256State {
    h: [u32; 8],
    /// Bytes beyond the fill are zero.
    buffer: [u8; SHA256_BLOCK - 1],
    total_len: u64,
}

impl Sha256State {
    /// Puts a state together from its parts: chaining values H0…H7, the bytes of the unfinished
    /// block (at most 63) and the total number of bytes hashed, *including* the buffered ones.
    ///
    /// Fails unless `buffered.len() == total_len % 64`.
    pub fn new(h: [u32; 8], buffered: &[u8], total_len: u64) -> Result<Self, HashStateError> {
        let fill = fill(total_len, SHA256_BLOCK);
        if buffered.len() != fill || total_len > MAX_TOTAL_LEN {
            return Err(HashStateError::Inconsistent);
        }
        let mut buffer = [0; SHA256_BLOCK - 1];
        buffer[..fill].copy_from_slice(buffered);
        Ok(Self {
            h,
            buffer,
            total_len,
        })
    }

    /// Chaining values H0…H7.
    pub fn h(&self) -> [u32; 8] {
        self.h
    }

    /// The bytes of the unfinished block, at most 63.
    pub fn buffered(&self) -> &[u8] {
        &self.buffer[..fill(self.total_len, SHA256_BLOCK)]
    }

    /// Bytes hashed so far, including the buffered ones.
    pub fn total_len(&self) -> u64 {
        self.total_len
    }

    pub(crate) fn from_sha2(serialized: &[u8], total_len: u64) -> Self {
        let (words, rest) = serialized.split_at(32);
        let mut h = [0; 8];
        for (word, bytes) in h.iter_mut().zip(words.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let mut buffer = [0; SHA256_BLOCK - 1];
        buffer.copy_from_slice(&rest[9..]);
        Self {
            h,
            buffer,
            total_len,
        }
    }

    pub(crate) fn to_sha2(&self) -> [u8; SHA256_SERIALIZED] {
        let mut out = [0; SHA256_SERIALIZED];
        for (bytes, word) in out.chunks_exact_mut(4).zip(self.h) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        out[32..40].copy_from_slice(&(self.total_len / SHA256_BLOCK as u64).to_le_bytes());
        out[40] = self.buffered().len() as u8;
        out[41..].copy_from_slice(&self.buffer);
        out
    }
}

/// An unfinished SHA-512.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sha512State {
    h: [u64; 8],
    /// Bytes beyond the fill are zero.
    buffer: [u8; SHA512_BLOCK - 1],
    total_len: u64,
}

impl Sha512State {
    /// The opaque form described in the [module](self) documentation, 73 to 200 bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let buffered = &self.buffer[..fill(self.total_len, SHA512_BLOCK)];
        let mut out = Vec::with_capacity(SHA512_HEADER + buffered.len());
        out.push(SHA512_LAYOUT);
        for word in self.h {
            out.extend_from_slice(&word.to_be_bytes());
        }
        out.extend_from_slice(&self.total_len.to_be_bytes());
        out.extend_from_slice(buffered);
        out
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, HashStateError> {
        let (header, buffered) = bytes
            .split_at_checked(SHA512_HEADER)
            .filter(|(header, _)| header[0] == SHA512_LAYOUT)
            .ok_or(HashStateError::Unreadable)?;
        let mut words = [0; 9];
        for (word, bytes) in words.iter_mut().zip(header[1..].as_chunks().0) {
            *word = u64::from_be_bytes(*bytes);
        }
        let [h @ .., total_len] = words;
        if buffered.len() != fill(total_len, SHA512_BLOCK) || total_len > MAX_TOTAL_LEN {
            return Err(HashStateError::Inconsistent);
        }
        let mut buffer = [0; SHA512_BLOCK - 1];
        buffer[..buffered.len()].copy_from_slice(buffered);
        Ok(Self {
            h,
            buffer,
            total_len,
        })
    }

    /// Bytes hashed so far, including the buffered ones.
    pub fn total_len(&self) -> u64 {
        self.total_len
    }

    pub(crate) fn from_sha2(serialized: &[u8], total_len: u64) -> Self {
        let (words, rest) = serialized.split_at(64);
        let mut h = [0; 8];
        for (word, bytes) in h.iter_mut().zip(words.as_chunks().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        let mut buffer = [0; SHA512_BLOCK - 1];
        buffer.copy_from_slice(&rest[17..]);
        Self {
            h,
            buffer,
            total_len,
        }
    }

    pub(crate) fn to_sha2(&self) -> [u8; SHA512_SERIALIZED] {
        let mut out = [0; SHA512_SERIALIZED];
        for (bytes, word) in out.chunks_exact_mut(8).zip(self.h) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        out[64..80]
            .copy_from_slice(&u128::from(self.total_len / SHA512_BLOCK as u64).to_le_bytes());
        out[80] = fill(self.total_len, SHA512_BLOCK) as u8;
        out[81..].copy_from_slice(&self.buffer);
        out
    }
}

/// How many bytes of the last block are buffered after `total_len` bytes.
const fn fill(total_len: u64, block: usize) -> usize {
    (total_len % block as u64) as usize
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::digest::Algorithm;
    use crate::hasher::Hasher;

    fn message() -> Vec<u8> {
        (0..200_u32).map(|i| (i * 7 + 3) as u8).collect()
    }

    #[test]
    fn sha256_goes_on_from_its_parts_at_every_split() {
        let message = message();
        let whole = Hasher::digest(Algorithm::Sha256, &message);
        for split in 0..=message.len() {
            let mut first = Hasher::new(Algorithm::Sha256);
            first.update(&message[..split]);
            let state = first.sha256_state().unwrap();
            assert_eq!(state.total_len(), split as u64);
            assert_eq!(state.buffered(), &message[split / 64 * 64..split]);
            let parts = Sha256State::new(state.h(), state.buffered(), state.total_len()).unwrap();
            assert_eq!(parts, state);
            let mut second = Hasher::from_sha256_state(&parts).unwrap();
            assert_eq!(second.len(), split as u64);
            second.update(&message[split..]);
            assert_eq!(second.finish(), whole, "split at {split}");
        }
    }

    #[test]
    fn sha512_goes_on_from_its_bytes_at_every_split() {
        let message = message();
        let whole = Hasher::digest(Algorithm::Sha512, &message);
        for split in 0..=message.len() {
            let mut first = Hasher::new(Algorithm::Sha512);
            first.update(&message[..split]);
            let bytes = first.sha512_state().unwrap().to_bytes();
            assert_eq!(bytes.len(), 73 + split % 128);
            let state = Sha512State::from_bytes(&bytes).unwrap();
            let mut second = Hasher::from_sha512_state(&state).unwrap();
            assert_eq!(second.len(), split as u64);
            second.update(&message[split..]);
            assert_eq!(second.finish(), whole, "split at {split}");
        }
    }

    #[test]
    fn a_fresh_sha256_has_the_initial_values_of_fips_180() {
        let state = Hasher::new(Algorithm::Sha256).sha256_state().unwrap();
        assert_eq!(state.h()[0], 0x6a09_e667);
        assert_eq!(state.h()[7], 0x5be0_cd19);
        assert!(state.buffered().is_empty());
    }

    #[test]
    fn a_state_that_quay_stored_after_100_bytes_goes_on() {
        // H0…H7 of Quay's state after one hundred times "a".
        let h: [u32; 8] = [
            0xdf5b_b81c,
            0xe81e_0626,
            0xfb45_a894,
            0x4fd4_0f31,
            0xb25e_6816,
            0xd6d4_99c1,
            0xab90_4929,
            0x0063_5e66,
        ];
        let state = Sha256State::new(h, &[b'a'; 36], 100).unwrap();
        assert_eq!(
            Hasher::from_sha256_state(&state).unwrap().finish(),
            Hasher::digest(Algorithm::Sha256, &[b'a'; 100])
        );
    }

    #[test]
    fn parts_that_contradict_each_other_are_refused() {
        for (buffered, total) in [(1, 0), (0, 1), (36, 101), (64, 64), (63, u64::MAX)] {
            assert_eq!(
                Sha256State::new([0; 8], &vec![0; buffered], total),
                Err(HashStateError::Inconsistent)
            );
        }
    }

    #[test]
    fn damaged_opaque_states_are_refused() {
        let mut hasher = Hasher::new(Algorithm::Sha512);
        hasher.update(&[1; 130]);
        let good = hasher.sha512_state().unwrap().to_bytes();
        assert_eq!(
            Sha512State::from_bytes(&[]),
            Err(HashStateError::Unreadable)
        );
        assert_eq!(
            Sha512State::from_bytes(&good[..good.len() - 1]),
            Err(HashStateError::Inconsistent)
        );
        let mut other = good.clone();
        other[0] = 2;
        assert_eq!(
            Sha512State::from_bytes(&other),
            Err(HashStateError::Unreadable)
        );
    }

    #[test]
    fn each_algorithm_exports_only_its_own_state() {
        assert!(Hasher::new(Algorithm::Sha256).sha512_state().is_none());
        assert!(Hasher::new(Algorithm::Sha512).sha256_state().is_none());
    }
}
