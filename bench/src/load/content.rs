//! What is pushed: blobs and manifests that no registry has seen before, made at next to no cost.
//!
//! A blob is a shared pseudo-random base and a unique ending of 16 bytes. The hash of the base is
//! computed once; a new blob costs one more SHA-256 block.

use std::fmt::Write as _;
use std::process;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use sha2::{Digest as _, Sha256};

/// Media type of the manifests that are pushed.
pub(crate) const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const ENDING: usize = 16;
const LAYER_BYTES: u64 = 1024;

/// A number that this process has not given out before.
pub(crate) fn unique() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// `sha256:<hex>` of these bytes.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    digest_text(Sha256::new_with_prefix(bytes))
}

fn digest_text(hasher: Sha256) -> String {
    let mut text = String::with_capacity(71);
    text.push_str("sha256:");
    for byte in hasher.finalize() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A blob to push.
#[derive(Clone, Debug)]
pub(crate) struct Blob {
    base: Arc<[u8]>,
    ending: [u8; ENDING],
    /// Its digest.
    pub(crate) digest: String,
}

impl Blob {
    /// The content, in two parts.
    pub(crate) fn parts(&self) -> [&[u8]; 2] {
        [&self.base, &self.ending]
    }

    /// Its length in bytes.
    pub(crate) fn length(&self) -> u64 {
        (self.base.len() + ENDING) as u64
    }
}

/// Makes different blobs of one size.
#[derive(Clone, Debug)]
pub(crate) struct BlobSource {
    base: Arc<[u8]>,
    hashed: Sha256,
}

impl BlobSource {
    /// Blobs of `size` bytes, at least 16.
    pub(crate) fn new(size: u64) -> Self {
        let length = (size as usize).saturating_sub(ENDING);
        // Xorshift (Marsaglia 2003): content that compresses no better than a real layer.
        let mut state = 0x9e37_79b9_7f4a_7c15_u64 ^ size;
        let mut base = Vec::with_capacity(length + 8);
        while base.len() < length {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            base.extend_from_slice(&state.to_le_bytes());
        }
        base.truncate(length);
        let hashed = Sha256::new_with_prefix(&base);
        Self {
            base: base.into(),
            hashed,
        }
    }

    /// A blob that nobody has seen before.
    pub(crate) fn next(&self) -> Blob {
        let mut ending = [0; ENDING];
        ending[..8].copy_from_slice(&run_number().to_le_bytes());
        ending[8..].copy_from_slice(&unique().to_le_bytes());
        let mut hasher = self.hashed.clone();
        hasher.update(ending);
        Blob {
            base: Arc::clone(&self.base),
            ending,
            digest: digest_text(hasher),
        }
    }
}

/// Differs between runs, so that a data folder that is used again holds none of the new blobs.
fn run_number() -> u64 {
    static NUMBER: std::sync::OnceLock<u64> = std::sync::OnceLock::new();
    *NUMBER.get_or_init(|| {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        now.as_nanos() as u64 ^ u64::from(process::id())
    })
}

/// A manifest to push.
#[derive(Clone, Debug)]
pub(crate) struct Manifest {
    /// The exact bytes.
    pub(crate) bytes: Vec<u8>,
    /// Their digest.
    pub(crate) digest: String,
}

/// A small image: one configuration, one layer, one manifest.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    /// The configuration blob. Its content is not JSON; no registry looks into it.
    pub(crate) config: Blob,
    /// The layer.
    pub(crate) layer: Blob,
    /// The manifest that names both.
    pub(crate) manifest: Manifest,
}

/// Makes different small images.
#[derive(Clone, Debug)]
pub(crate) struct ImageSource {
    blobs: BlobSource,
}

impl ImageSource {
    /// Images whose configuration and layer are 1 KiB each.
    pub(crate) fn new() -> Self {
        Self {
            blobs: BlobSource::new(LAYER_BYTES),
        }
    }

    /// An image that nobody has seen before.
    pub(crate) fn next(&self) -> Image {
        let config = self.blobs.next();
        let layer = self.blobs.next();
        let manifest = manifest_of(&config, &layer);
        Image {
            config,
            layer,
            manifest,
        }
    }
}

/// A new manifest over these blobs; each one differs by an annotation.
pub(crate) fn manifest_of(config: &Blob, layer: &Blob) -> Manifest {
    let bytes = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": config.digest,
            "size": config.length(),
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": layer.digest,
            "size": layer.length(),
        }],
        "annotations": { "org.pierhead.bench": format!("{:x}-{}", run_number(), unique()) },
    })
    .to_string()
    .into_bytes();
    let digest = digest_of(&bytes);
    Manifest { bytes, digest }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_has_the_asked_size_and_the_digest_of_its_bytes() {
        let blob = BlobSource::new(1000).next();
        let whole = blob.parts().concat();
        assert_eq!(whole.len(), 1000);
        assert_eq!(blob.length(), 1000);
        assert_eq!(blob.digest, digest_of(&whole));
    }

    #[test]
    fn no_blob_and_no_manifest_comes_twice() {
        let images = ImageSource::new();
        let (first, second) = (images.next(), images.next());
        assert_ne!(first.config.digest, first.layer.digest);
        assert_ne!(first.layer.digest, second.layer.digest);
        let again = manifest_of(&first.config, &first.layer);
        assert_ne!(again.digest, first.manifest.digest);
    }
}
