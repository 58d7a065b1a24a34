//! Labels of a manifest, and those that act on its tags.
//!
//! Quay collects the `Labels` of an image's config and the manifest's annotations (which win), stores each as a label of the
//! manifest, and obeys two of them: `quay.expires-after` ends a tag after a time, `quay.immutable` makes it immutable.

use std::collections::BTreeMap;

use pierhead_db::queries::manifests;
use pierhead_db::{Conn, ManifestId, RepositoryId};
use pierhead_oci::{Manifest, media_type};
use serde::Deserialize;

use crate::error::Result;
use crate::state::Registry;

/// Configs above this size are not searched for labels.
pub(crate) const LARGEST_CONFIG: u64 = 4 << 20;
/// Labels kept of one manifest; more are left out.
const MOST_LABELS: usize = 1024;
/// Longest key that fits its column.
const LONGEST_KEY: usize = 255;

/// Labels by key.
pub(crate) type Labels = BTreeMap<String, String>;

/// What labels ask of the tags that are made with them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TagActions {
    /// `quay.expires-after`, in milliseconds.
    pub expires_after_ms: Option<i64>,
    /// `quay.immutable`.
    pub immutable: bool,
}

/// The label that ends a tag.
pub(crate) const EXPIRES_AFTER: &str = "quay.expires-after";
/// The label that makes a tag immutable.
pub(crate) const IMMUTABLE: &str = "quay.immutable";

impl TagActions {
    /// Reads the labels that act.
    pub(crate) fn of<'l>(labels: impl IntoIterator<Item = (&'l str, &'l str)>) -> Self {
        let mut actions = Self::default();
        for (key, value) in labels {
            match key {
                EXPIRES_AFTER => actions.expires_after_ms = duration_ms(value),
                IMMUTABLE => actions.immutable = value.eq_ignore_ascii_case("true"),
                _ => {}
            }
        }
        actions
    }

    /// These, and what they do not ask from others.
    pub(crate) fn or(self, others: Self) -> Self {
        Self {
            expires_after_ms: self.expires_after_ms.or(others.expires_after_ms),
            immutable: self.immutable || others.immutable,
        }
    }

    /// Whether nothing is left to ask for.
    pub(crate) fn is_complete(self) -> bool {
        self.expires_after_ms.is_some() && self.immutable
    }
}

impl Registry {
    /// The labels of a manifest that is being pushed. A config that is absent or is no image config has none.
    pub async fn labels_of(&self, repository: RepositoryId, manifest: &Manifest) -> Result<Labels> {
        if manifest.manifest_type().is_index() {
            return Ok(Labels::new());
        }
        let mut labels = self.config_labels(repository, manifest).await?;
        for (key, value) in manifest.annotations() {
            labels.insert(key.clone(), value.clone());
        }
        labels.retain(|key, value| {
            !key.is_empty() && key.len() <= LONGEST_KEY && !value.contains('\0')
        });
        while labels.len() > MOST_LABELS {
            labels.pop_last();
        }
        Ok(labels)
    }

    async fn config_labels(&self, repository: RepositoryId, manifest: &Manifest) -> Result<Labels> {
        let Some(config) = manifest.config() else {
            return Ok(Labels::new());
        };
        let is_image = [media_type::OCI_CONFIG, media_type::DOCKER_CONFIG]
            .contains(&config.media_type.as_str());
        if !is_image || config.size > LARGEST_CONFIG {
            return Ok(Labels::new());
        }
        // A missing blob is refused later, with all others that are missing.
        let Some(blob) = self.find_blob(repository, config.digest).await? else {
            return Ok(Labels::new());
        };
        let bytes = self.read_blob(&blob, config.digest, LARGEST_CONFIG).await?;
        Ok(bytes.map_or_else(Labels::new, |bytes| labels_of_config(&bytes)))
    }
}

/// What the labels of a stored manifest ask of a tag that is moved to it; for an index, what its children have in common
/// stands in for labels that it does not have itself.
pub(crate) async fn stored_actions(
    conn: &mut Conn,
    manifest: ManifestId,
    is_index: bool,
) -> pierhead_db::Result<TagActions> {
    let own = manifests::labels(conn, manifest).await?;
    let mut labels = Vec::new();
    if is_index {
        let children = manifests::children(conn, manifest).await?;
        labels = manifests::common_labels(conn, &children.into_iter().collect()).await?;
    }
    // A later one replaces an earlier one.
    labels.extend(own);
    let labels = labels
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    Ok(TagActions::of(labels))
}

/// The labels of an image config; none if it is not the JSON that it should be.
fn labels_of_config(bytes: &[u8]) -> Labels {
    #[derive(Default, Deserialize)]
    struct Config {
        #[serde(default)]
        config: Option<Settings>,
    }
    #[derive(Default, Deserialize)]
    struct Settings {
        #[serde(default, rename = "Labels")]
        labels: Option<Labels>,
    }
    let config: Config = serde_json::from_slice(bytes).unwrap_or_default();
    config
        .config
        .and_then(|settings| settings.labels)
        .unwrap_or_default()
}

/// `<int><unit>` with the units of Quay: seconds to years. Nothing for no time at all, as in Quay.
fn duration_ms(text: &str) -> Option<i64> {
    let unit = text.trim().chars().last()?;
    let amount: i64 = text
        .trim()
        .strip_suffix(unit)?
        .parse()
        .ok()
        .filter(|amount| *amount > 0)?;
    let seconds: i64 = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        'y' => 365 * 86_400,
        _ => return None,
    };
    amount.checked_mul(seconds)?.checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_may_end_a_tag_or_make_it_immutable() {
        let actions = TagActions::of([("quay.expires-after", "2w"), ("quay.immutable", "True")]);
        assert_eq!(actions.expires_after_ms, Some(1_209_600_000));
        assert!(actions.immutable);
        for nonsense in [
            "",
            "w",
            "-1d",
            "0s",
            "2 weeks",
            "9223372036854775807y",
            "1ü",
        ] {
            let actions = TagActions::of([("quay.expires-after", nonsense)]);
            assert_eq!(actions.expires_after_ms, None, "{nonsense:?}");
        }
    }

    #[test]
    fn labels_of_a_config_that_is_no_config_are_none() {
        let config = br#"{"config":{"Labels":{"a":"b"}},"other":1}"#;
        assert_eq!(
            labels_of_config(config).get("a").map(String::as_str),
            Some("b")
        );
        for nonsense in [
            &b"{}"[..],
            b"[]",
            b"",
            b"{\"config\":null}",
            b"{\"config\":{\"Labels\":3}}",
        ] {
            assert!(labels_of_config(nonsense).is_empty());
        }
    }
}
