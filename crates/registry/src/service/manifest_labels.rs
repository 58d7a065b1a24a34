//! Labels of a manifest as the management API lists, adds and deletes them.
//!
//! Quay refuses keys with reserved prefixes, and `quay` is one of them: the labels that act on tags (`quay.expires-after`,
//! `quay.immutable`) come from pushed content alone.

use pierhead_auth::accounts::AccountsError;
use pierhead_db::enums::LabelSource;
use pierhead_db::queries::labels::{self, LabelRow};
use pierhead_db::queries::manifests;
use pierhead_db::{Conn, Durability, ManifestId, RepositoryId};
use serde_json::json;

use crate::error::Error;
use crate::service::author::Author;
use crate::service::tag_history::like_escaped;
use crate::state::Registry;
use crate::uninterrupted::uninterrupted;

/// Prefixes of keys that only content has, beside those of the configuration.
const RESERVED_PREFIXES: [&str; 12] = [
    "com.docker.",
    "io.docker.",
    "org.dockerproject.",
    "org.opencontainers.",
    "io.cncf.",
    "io.kubernetes.",
    "io.k8s.",
    "io.quay",
    "com.coreos",
    "com.tectonic",
    "internal",
    "quay",
];
/// Longest key.
const LONGEST_KEY: usize = 255;

/// Why labels were not listed or changed. Nothing was.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// The key begins as only those of content do.
    #[error("Label has a reserved prefix")]
    Reserved,
    /// The key is malformed.
    #[error(
        "Label is of an invalid format or missing please use {} format for labels",
        r"^[a-z0-9](([a-z0-9]|[-.](?![.-]))*[a-z0-9])?$"
    )]
    InvalidKey,
    /// The media type is not one of those that labels have.
    #[error("Media type is invalid please use a valid media type: text/plain, application/json")]
    InvalidMediaType,
    /// The repository has no such manifest, or no visible tag keeps it.
    #[error("no such manifest")]
    NoSuchManifest,
    /// The manifest has no such label.
    #[error("no such label")]
    NoSuchLabel,
    /// The label belongs to the content.
    #[error("Cannot delete immutable label")]
    OfContent,
    /// An audit row could not be written.
    #[error(transparent)]
    Accounts(#[from] AccountsError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
    /// The registry failed.
    #[error(transparent)]
    Registry(#[from] Error),
}

type Result<T, E = LabelError> = std::result::Result<T, E>;

/// A label to add.
#[derive(Clone, Debug)]
pub struct NewLabel {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
    /// `text/plain` or `application/json`; guessed from the value if it is not given.
    pub media_type: Option<String>,
}

impl Registry {
    /// Labels of a manifest that a visible tag keeps, those whose key begins with `prefix` in whatever case.
    ///
    /// # Errors
    /// When there is no such manifest.
    pub async fn list_labels(
        &self,
        repository: RepositoryId,
        digest: &str,
        prefix: Option<&str>,
    ) -> Result<Vec<LabelRow>> {
        let mut conn = self.db.read().await?;
        let manifest = self.visible(&mut conn, repository, digest).await?;
        let like = prefix.map(|prefix| format!("{}%", like_escaped(prefix)));
        Ok(labels::list(&mut conn, manifest, like.as_deref()).await?)
    }

    /// A label of a manifest.
    ///
    /// # Errors
    /// When there is no such manifest or label.
    pub async fn label(
        &self,
        repository: RepositoryId,
        digest: &str,
        uuid: &str,
    ) -> Result<LabelRow> {
        let mut conn = self.db.read().await?;
        let manifest = self.visible(&mut conn, repository, digest).await?;
        labels::find(&mut conn, manifest, uuid)
            .await?
            .ok_or(LabelError::NoSuchLabel)
    }

    /// Adds a label. `reserved` are prefixes of the configuration.
    ///
    /// # Errors
    /// When the key is malformed or reserved, or there is no such manifest.
    pub async fn add_label(
        &self,
        author: &Author,
        digest: String,
        new: NewLabel,
        reserved: &[String],
    ) -> Result<LabelRow> {
        let prefixes = RESERVED_PREFIXES.into_iter();
        let mut prefixes = prefixes.chain(reserved.iter().map(String::as_str));
        if prefixes.any(|prefix| new.key.starts_with(prefix)) {
            return Err(LabelError::Reserved);
        }
        let media_type = new.media_type.clone().unwrap_or_else(|| {
            let text = if is_json(&new.value) {
                "application/json"
            } else {
                "text/plain"
            };
            text.to_owned()
        });
        let source = self.enums.id(LabelSource::Api);
        let (registry, author) = (self.clone(), author.clone());
        let repository = author.repository.id;
        uninterrupted(async move {
            let uuid = uuid::Uuid::new_v4().to_string();
            let db = registry.db.clone();
            db.write(Durability::Full, move |conn| {
                Box::pin(async move {
                    let manifest = registry.visible(conn, repository, &digest).await?;
                    if !is_key(&new.key) {
                        return Err(LabelError::InvalidKey);
                    }
                    let media_type_id = registry
                        .enums
                        .media_type(&media_type)
                        .ok_or(LabelError::InvalidMediaType)?;
                    let row = (uuid.clone(), new.key, new.value, media_type_id);
                    let rows = [row];
                    manifests::insert_labels(conn, repository, manifest, source, &rows).await?;
                    let label = labels::find(conn, manifest, &uuid)
                        .await?
                        .ok_or(LabelError::NoSuchLabel)?;
                    let keys = [
                        ("id", json!(label.uuid)),
                        ("key", json!(label.key)),
                        ("value", json!(label.value)),
                        ("manifest_digest", json!(digest)),
                        ("media_type", json!(label.media_type)),
                    ];
                    author.record(conn, "manifest_label_add", &keys).await?;
                    Ok(label)
                })
            })
            .await
        })
        .await
    }

    /// Deletes a label that was added.
    ///
    /// # Errors
    /// When there is no such manifest or label, or it belongs to the content.
    pub async fn delete_label(&self, author: &Author, digest: String, uuid: String) -> Result<()> {
        let (registry, author) = (self.clone(), author.clone());
        let repository = author.repository.id;
        uninterrupted(async move {
            let db = registry.db.clone();
            db.write(Durability::Full, move |conn| {
                Box::pin(async move {
                    let manifest = registry.visible(conn, repository, &digest).await?;
                    let label = labels::find(conn, manifest, &uuid)
                        .await?
                        .ok_or(LabelError::NoSuchLabel)?;
                    if !label.mutable {
                        return Err(LabelError::OfContent);
                    }
                    labels::unbind(conn, label.id).await?;
                    labels::delete(conn, label.id).await?;
                    let keys = [
                        ("id", json!(uuid)),
                        ("key", json!(label.key)),
                        ("value", json!(label.value)),
                        ("manifest_digest", json!(digest)),
                    ];
                    author.record(conn, "manifest_label_delete", &keys).await?;
                    Ok(())
                })
            })
            .await
        })
        .await
    }

    async fn visible(
        &self,
        conn: &mut Conn,
        repository: RepositoryId,
        digest: &str,
    ) -> Result<ManifestId> {
        let now_ms = self.clock.now_ms();
        manifests::find_visible(conn, repository, digest, now_ms)
            .await?
            .filter(|found| found.visible)
            .map(|found| found.id)
            .ok_or(LabelError::NoSuchManifest)
    }
}

/// Whether a text is a JSON object or list, as Quay guesses it.
fn is_json(text: &str) -> bool {
    let braced = text.starts_with('{') && text.ends_with('}');
    let bracketed = text.starts_with('[') && text.ends_with(']');
    (braced || bracketed) && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Letters and digits, with single dots and dashes between them.
fn is_key(key: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = key.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else {
        return false;
    };
    bytes.len() <= LONGEST_KEY
        && inner(*first)
        && inner(*last)
        && bytes
            .iter()
            .all(|byte| inner(*byte) || matches!(byte, b'-' | b'.'))
        && !bytes
            .windows(2)
            .any(|pair| !inner(pair[0]) && !inner(pair[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_words_with_single_separators() {
        for good in ["a", "a1", "a.b-c", "9", "com.example.key"] {
            assert!(is_key(good), "{good}");
        }
        let long = "a".repeat(256);
        for bad in ["", "-a", "a-", "a..b", "a-.b", "A", "a_b", "a b", &long] {
            assert!(!is_key(bad), "{bad}");
        }
        assert!(is_key(&long[1..]));
    }

    #[test]
    fn only_objects_and_lists_are_taken_for_json() {
        assert!(is_json(r#"{"a":1}"#) && is_json("[]"));
        for text in ["1", "true", "\"a\"", "{a}", "[1", "", "null"] {
            assert!(!is_json(text), "{text}");
        }
    }
}
