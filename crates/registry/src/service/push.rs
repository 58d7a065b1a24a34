//! Pushing a manifest: everything it changes is one transaction.
//!
//! Cost of a new image manifest that is pushed by tag: the link check and the content of its config before the transaction;
//! in it, nine statements: is it known under its other digest, all blobs, the manifest, its links, its scan status, the
//! living row of the tag, immutability policies, the new row, the audit row. A tag that moves costs three more, each label
//! two, a repository with hooks for pushes one, and on PostgreSQL the lock of the repository one. The same manifest again
//! costs ten. By digest, seven in all.

mod content;
mod transaction;

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;
use pierhead_auth::Repository;
use pierhead_db::Durability;
use pierhead_db::enums::LabelSource;
use pierhead_db::queries::manifests::NewManifest;
use pierhead_oci::digest::Algorithm;
use pierhead_oci::{Descriptor, Digest, Hasher, Manifest, ManifestErrorKind, Reference, Tag};

use self::transaction::{ManifestWrite, Rules};
use crate::audit::Event;
use crate::error::{Code, Error, Result};
use crate::notification::PushNotifier;
use crate::state::Registry;
use crate::uninterrupted::uninterrupted;

/// Tags that one push may set, each of which costs several statements of its transaction. OCI asks for at least 10.
const MOST_TAGS: usize = 100;

/// What a push asks for.
#[derive(Debug)]
pub struct PushRequest<'r> {
    /// Where to.
    pub repository: &'r Arc<Repository>,
    /// Tag or digest in the path.
    pub reference: Reference,
    /// Tags of the `tag` parameters, which go with a digest.
    pub tags: Vec<Tag>,
    /// `Content-Type`.
    pub content_type: Option<&'r str>,
    /// The body.
    pub bytes: Bytes,
}

/// What a push came to.
#[derive(Debug)]
pub struct Pushed {
    /// The manifest's digest.
    pub digest: Digest,
    /// The digest of its subject.
    pub subject: Option<Digest>,
    /// Its media type.
    pub media_type: &'static str,
    /// How many tags point to it now.
    pub tags: usize,
}

impl Registry {
    /// Stores a manifest and points the tags at it. `events` makes the audit row of each tag.
    pub async fn push_manifest(&self, request: PushRequest<'_>, event: &Event) -> Result<Pushed> {
        let bytes = request.bytes;
        let manifest = Manifest::parse(request.content_type, &bytes, &self.config.manifest_limits)
            .map_err(|error| manifest_error(&error))?;
        let (digest, other) = digests(&request.reference, &bytes)?;
        let repository = request.repository.id;
        let labels = self.labels_of(repository, &manifest).await?;
        let tags: Vec<String> = match &request.reference {
            Reference::Tag(tag) => vec![tag.as_str().to_owned()],
            Reference::Digest(_) => {
                let tags = request.tags.iter().map(|tag| tag.as_str().to_owned());
                tags.collect::<BTreeSet<_>>().into_iter().collect()
            }
        };
        if tags.len() > MOST_TAGS {
            return Err(Error::saying(
                Code::TOO_MANY_TAGS,
                format!("a push sets at most {MOST_TAGS} tags, not {}", tags.len()),
            ));
        }
        let media_type = manifest.manifest_type().as_str();
        let media_type_id = self
            .enums
            .media_type(media_type)
            .ok_or_else(|| Error::Corrupt(format!("no mediatype row called {media_type}")))?;
        // Invariant of `Manifest::parse`: the bytes are UTF-8.
        let text = String::from_utf8(bytes.to_vec())
            .map_err(|_| Error::detailed(Code::MANIFEST_INVALID, "the manifest is not UTF-8"))?;
        let subject = manifest.subject().map(|subject| subject.digest);
        let audit = tags
            .iter()
            .filter_map(|tag| event.push(self, tag, media_type))
            .collect();
        let write = ManifestWrite {
            new: NewManifest {
                repository,
                digest: digest.to_string(),
                media_type_id,
                bytes: text,
                config_media_type: manifest.config_media_type().map(str::to_owned),
                layers_compressed_size: manifest.layers_compressed_size().map(|size| size as i64),
                subject: subject.map(|subject| subject.to_string()),
                artifact_type: manifest.artifact_type().map(str::to_owned),
            },
            other_digest: other.map(|digest| digest.to_string()),
            namespace: request.repository.namespace_id.0,
            blobs: manifest.local_blobs().into_iter().map(needed).collect(),
            config_digest: manifest.config().map(|config| config.digest.to_string()),
            foreign: manifest
                .foreign_blobs()
                .into_iter()
                .map(|blob| blob.digest.to_string())
                .collect(),
            children: manifest
                .children()
                .map(|child| needed(&child.descriptor))
                .collect(),
            labels,
            tags: tags.clone(),
            audit,
            notifier: PushNotifier::new(self, event),
            now_ms: self.clock.next_ms(),
            now: self.clock.utc(),
            rules: Rules {
                sparse_index: self.config.sparse_index,
                reset_quota_totals: self.config.reset_quota_totals,
                temporary_tag_ms: self.config.temporary_tag_seconds * 1000,
                tags: self.tag_rules(),
                label_source: self.enums.id(LabelSource::Manifest),
                json_type: self
                    .enums
                    .media_type("application/json")
                    .unwrap_or_default(),
                text_type: self.enums.media_type("text/plain").unwrap_or_default(),
            },
        };
        let registry = self.clone();
        let tagged = tags.len();
        let digest = uninterrupted(async move {
            let before: Vec<_> = tags
                .iter()
                .map(|tag| registry.caches.tag_generation(repository, tag))
                .collect();
            let stored = registry
                .db
                .write(Durability::Full, move |conn| {
                    Box::pin(async move { write.run(conn).await })
                })
                .await;
            match &stored {
                Ok(stored) => {
                    for ((tag, end_ms), before) in tags.iter().zip(&stored.ends_ms).zip(before) {
                        let caches = &registry.caches;
                        caches.tag_moved(repository, tag, before, *end_ms, stored.manifest);
                    }
                }
                // What was not acknowledged may be committed all the same.
                Err(_) => {
                    for tag in &tags {
                        registry.caches.tag_changed(repository, tag);
                    }
                }
            }
            for tag in stored.iter().flat_map(|stored| &stored.ended) {
                registry.caches.tag_changed(repository, tag);
            }
            registry.caches.alive_changed(repository);
            let stored = stored?;
            registry
                .measures
                .queued(&registry.config.notification_queue, stored.notified);
            Ok::<_, Error>(stored.digest)
        })
        .await?;
        Ok(Pushed {
            digest,
            subject,
            media_type,
            tags: tagged,
        })
    }
}

/// The digest that the manifest is stored under, and the one that it may be stored under already.
fn digests(reference: &Reference, bytes: &[u8]) -> Result<(Digest, Option<Digest>)> {
    match reference {
        Reference::Digest(digest) => {
            let computed = Hasher::digest(digest.algorithm(), bytes);
            if computed == *digest {
                Ok((computed, None))
            } else {
                Err(Error::detailed(
                    Code::DIGEST_INVALID,
                    format!("manifest digest mismatch: the content is {computed}"),
                ))
            }
        }
        Reference::Tag(_) => Ok((
            Hasher::digest(Algorithm::Sha256, bytes),
            Some(Hasher::digest(Algorithm::Sha512, bytes)),
        )),
    }
}

fn manifest_error(error: &pierhead_oci::ManifestError) -> Error {
    let code = match error.kind() {
        ManifestErrorKind::TooLarge => Code::MANIFEST_TOO_LARGE,
        ManifestErrorKind::Unsupported => Code::MANIFEST_UNSUPPORTED,
        ManifestErrorKind::Invalid => Code::MANIFEST_INVALID,
    };
    Error::detailed(code, error.to_string())
}

fn needed(descriptor: &Descriptor) -> (String, u64) {
    (descriptor.digest.to_string(), descriptor.size)
}
