//! What goes with a tag that ends: announcements of its expiry, its pull counter, cosign's tags of its manifest, and the
//! temporary tags of an index's children.
//!
//! Cosign (its tag schema) names the signature of `sha256:<hex>` with the tag `sha256-<hex>.sig`; attestations and SBOMs
//! likewise. Those end with the last ordinary tag of the manifest that they belong to.

use pierhead_db::queries::{tag_changes, tags};
use pierhead_db::{Conn, ManifestId, RepositoryId, TagId};

use crate::state::Registry;

/// Suffixes of cosign's tags.
const SUFFIXES: [&str; 3] = [".sig", ".att", ".sbom"];

/// A living tag that is to end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EndingTag<'t> {
    pub(crate) id: TagId,
    pub(crate) name: &'t str,
    pub(crate) manifest: ManifestId,
    pub(crate) digest: &'t str,
    pub(crate) lifetime_start_ms: i64,
}

/// How tags of a repository end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ending {
    repository: RepositoryId,
    now_ms: i64,
    pull_statistics: bool,
    children: bool,
}

impl Registry {
    /// Tags of the repository that end now.
    pub(crate) fn ending(&self, repository: RepositoryId, now_ms: i64) -> Ending {
        Ending {
            repository,
            now_ms,
            pull_statistics: self.config.pull_statistics,
            children: self.config.reset_child_manifest_expiration,
        }
    }
}

impl Ending {
    /// Ends a tag for good. Gives the names of the tags that ended with it.
    pub(crate) async fn end(
        self,
        conn: &mut Conn,
        tag: EndingTag<'_>,
    ) -> pierhead_db::Result<Vec<String>> {
        self.end_alone(conn, tag).await?;
        let siblings = end_siblings(conn, self.repository, tag, self.now_ms).await?;
        if self.children {
            tag_changes::end_children(conn, self.repository, tag.manifest, self.now_ms).await?;
        }
        Ok(siblings)
    }

    /// Ends a tag, but not what belongs to its manifest.
    pub(crate) async fn end_alone(
        self,
        conn: &mut Conn,
        tag: EndingTag<'_>,
    ) -> pierhead_db::Result<()> {
        let end_ms = self.now_ms.max(tag.lifetime_start_ms);
        tags::end(conn, tag.id, end_ms).await?;
        tags::forget_expiry_notices(conn, tag.id).await?;
        if self.pull_statistics {
            tags::delete_pull_statistics(conn, self.repository, tag.name).await?;
        }
        Ok(())
    }
}

/// Ends cosign's tags of the manifest that a tag has left, unless another ordinary tag keeps it. One statement if there are
/// none.
pub(crate) async fn end_siblings(
    conn: &mut Conn,
    repository: RepositoryId,
    tag: EndingTag<'_>,
    now_ms: i64,
) -> pierhead_db::Result<Vec<String>> {
    if is_cosign(tag.name) {
        return Ok(Vec::new());
    }
    let stem = tag.digest.replace(':', "-");
    let names = SUFFIXES.map(|suffix| format!("{stem}{suffix}"));
    let siblings =
        tag_changes::siblings(conn, repository, &names, now_ms, tag.manifest, tag.id).await?;
    for sibling in &siblings {
        tags::end(conn, sibling.id, now_ms.max(sibling.lifetime_start_ms)).await?;
        tags::forget_expiry_notices(conn, sibling.id).await?;
    }
    Ok(siblings.into_iter().map(|sibling| sibling.name).collect())
}

/// Whether a tag is one of cosign's.
fn is_cosign(name: &str) -> bool {
    let Some(rest) = name.strip_prefix("sha256-") else {
        return false;
    };
    SUFFIXES.iter().any(|suffix| {
        rest.strip_suffix(suffix).is_some_and(|hex| {
            hex.len() == 64
                && hex
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_known_by_their_names() {
        let hex = "0123456789abcdef".repeat(4);
        for suffix in SUFFIXES {
            assert!(is_cosign(&format!("sha256-{hex}{suffix}")));
        }
        for other in [
            format!("sha256-{hex}"),
            format!("sha256-{hex}.txt"),
            format!("sha256-{}.sig", hex.to_uppercase()),
            format!("sha256-{}.sig", &hex[1..]),
            format!("sha512-{hex}.sig"),
            "latest".to_owned(),
        ] {
            assert!(!is_cosign(&other), "{other}");
        }
    }
}
