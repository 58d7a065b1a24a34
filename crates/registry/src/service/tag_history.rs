//! Pages of tags for the management API: newest first, with the dead ones that can still be seen.
//!
//! Clients ask for pages by number. A page is found by the rows before it only if nobody knows where it begins: who was given
//! page 7 finds page 8 by an index, since the end of page 7 is remembered. That is right only while nothing was added in front
//! since; every interval begins later than those before it, so the newest one tells.
//!
//! Cost: one statement for the rows, one for when the newest began (beyond the first page); if there are indexes among them,
//! one for their texts that are not remembered, and one for their children.

use std::collections::HashSet;

use pierhead_db::queries::tag_history::{self, After, TagRow, Wanted};
use pierhead_db::{Conn, RepositoryId, TagId};
use pierhead_oci::media_type::ManifestType;
use quick_cache::sync::Cache;
use serde::Deserialize;

use crate::error::Result;
use crate::state::Registry;

/// Ends of pages kept in memory. About 200 bytes each.
const PAGE_ENDS: usize = 4096;

/// Which tags to list.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct TagFilter {
    /// Only this name.
    pub name: Option<String>,
    /// Only names that contain this, in whatever case.
    pub contains: Option<String>,
    /// Only living tags.
    pub only_alive: bool,
}

/// A tag of a page.
#[derive(Clone, Debug)]
pub struct ListedTag {
    /// The interval and what it points to.
    pub row: TagRow,
    /// Whether that is an index.
    pub is_index: bool,
    /// For an index, the digest of each child in its order, and whether the repository has it.
    pub children: Vec<(String, bool)>,
}

/// A page of tags.
#[derive(Clone, Debug)]
pub struct TagPage {
    /// The tags.
    pub tags: Vec<ListedTag>,
    /// Whether there are more.
    pub more: bool,
}

/// Where pages ended that were given out.
#[derive(Debug)]
pub struct PageEnds(Cache<PageKey, PageEnd>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct PageKey {
    repository: RepositoryId,
    filter: TagFilter,
    size: i64,
    page: i64,
}

#[derive(Clone, Debug)]
struct PageEnd {
    /// When the newest interval of the repository began.
    newest_ms: i64,
    lifetime_start_ms: i64,
    name: Box<str>,
    id: TagId,
}

impl Default for PageEnds {
    fn default() -> Self {
        Self(Cache::new(PAGE_ENDS))
    }
}

impl Registry {
    /// The page of that number (from 1 on) of `size` tags.
    pub async fn tag_page(
        &self,
        repository: RepositoryId,
        filter: &TagFilter,
        page: i64,
        size: i64,
    ) -> Result<TagPage> {
        let mut conn = self.db.read().await?;
        let rows = match &filter.name {
            Some(name) => {
                self.page_of_name(&mut conn, repository, filter, name, (page, size))
                    .await?
            }
            None => {
                self.page_of_all(&mut conn, repository, filter, (page, size))
                    .await?
            }
        };
        let more = rows.len() > usize::try_from(size).unwrap_or(usize::MAX);
        let rows = rows
            .into_iter()
            .take(usize::try_from(size).unwrap_or(usize::MAX))
            .collect();
        let tags = self.with_children(&mut conn, repository, rows).await?;
        Ok(TagPage { tags, more })
    }

    async fn page_of_name(
        &self,
        conn: &mut Conn,
        repository: RepositoryId,
        filter: &TagFilter,
        name: &str,
        (page, size): (i64, i64),
    ) -> Result<Vec<TagRow>> {
        let contains = filter.contains.as_ref().is_none_or(|part| {
            name.to_ascii_lowercase()
                .contains(&part.to_ascii_lowercase())
        });
        if !contains {
            return Ok(Vec::new());
        }
        let alive_at = filter.only_alive.then(|| self.clock.now_ms());
        let offset = size.saturating_mul(page - 1);
        let rows =
            tag_history::page_of_name(conn, repository, name, alive_at, size + 1, offset).await?;
        Ok(rows)
    }

    async fn page_of_all(
        &self,
        conn: &mut Conn,
        repository: RepositoryId,
        filter: &TagFilter,
        (page, size): (i64, i64),
    ) -> Result<Vec<TagRow>> {
        let key = |page| PageKey {
            repository,
            filter: filter.clone(),
            size,
            page,
        };
        let mut newest_ms = None;
        let mut before = None;
        if page > 1 {
            let newest = tag_history::newest_start(conn, repository).await?;
            newest_ms = Some(newest);
            before = self
                .page_ends
                .0
                .get(&key(page - 1))
                .filter(|end| end.newest_ms == newest);
        }
        let like = filter.contains.as_deref().map(like_pattern);
        let wanted = Wanted {
            repository,
            alive_at: filter.only_alive.then(|| self.clock.now_ms()),
            like: like.as_deref(),
            after: before.as_ref().map(|end| After {
                lifetime_start_ms: end.lifetime_start_ms,
                name: &end.name,
                id: end.id,
            }),
            offset: if before.is_some() {
                0
            } else {
                size.saturating_mul(page - 1)
            },
            limit: size + 1,
        };
        let rows = tag_history::page(conn, &wanted).await?;
        // The first page knows the newest interval itself, unless its filter hides it.
        if newest_ms.is_none() && like.is_none() && !filter.only_alive {
            newest_ms = rows.first().map(|row| row.lifetime_start_ms);
        }
        let last = usize::try_from(size - 1).ok().and_then(|at| rows.get(at));
        if let Some(last) = last
            && rows.len() as i64 > size
        {
            let newest_ms = match newest_ms {
                Some(newest) => newest,
                None => tag_history::newest_start(conn, repository).await?,
            };
            let end = PageEnd {
                newest_ms,
                lifetime_start_ms: last.lifetime_start_ms,
                name: last.name.as_str().into(),
                id: last.id,
            };
            self.page_ends.0.insert(key(page), end);
        }
        Ok(rows)
    }

    /// Adds what indexes name.
    async fn with_children(
        &self,
        conn: &mut Conn,
        repository: RepositoryId,
        rows: Vec<TagRow>,
    ) -> Result<Vec<ListedTag>> {
        let mut tags = Vec::with_capacity(rows.len());
        let mut unknown = Vec::new();
        for row in rows {
            let name = self.media_type_name(row.media_type_id)?;
            let is_index = ManifestType::parse(name).is_some_and(ManifestType::is_index);
            let mut children = Vec::new();
            if is_index {
                match self.caches.manifest(row.manifest_id) {
                    Some(manifest) => children = child_digests(&manifest.bytes),
                    None => unknown.push(row.manifest_id),
                }
            }
            tags.push(ListedTag {
                row,
                is_index,
                children,
            });
        }
        unknown.sort_unstable();
        unknown.dedup();
        for text in tag_history::texts(conn, &unknown).await? {
            let children = child_digests(text.manifest_bytes.as_bytes());
            for tag in &mut tags {
                if tag.row.manifest_id == text.id {
                    tag.children.clone_from(&children);
                }
            }
        }
        let mut wanted: Vec<String> = tags
            .iter()
            .flat_map(|tag| &tag.children)
            .map(|(digest, _)| digest.clone())
            .collect();
        wanted.sort_unstable();
        wanted.dedup();
        let present: HashSet<String> = tag_history::present(conn, repository, &wanted)
            .await?
            .into_iter()
            .collect();
        for (digest, there) in tags.iter_mut().flat_map(|tag| &mut tag.children) {
            *there = present.contains(digest);
        }
        Ok(tags)
    }
}

/// The digests of an index's children, not yet looked for; none if the text is no index.
fn child_digests(text: &[u8]) -> Vec<(String, bool)> {
    #[derive(Default, Deserialize)]
    struct Index {
        #[serde(default)]
        manifests: Vec<Child>,
    }
    #[derive(Deserialize)]
    struct Child {
        digest: Option<String>,
    }
    let index: Index = serde_json::from_slice(text).unwrap_or_default();
    let digests = index.manifests.into_iter().filter_map(|child| child.digest);
    digests.map(|digest| (digest, false)).collect()
}

/// A pattern that finds a text anywhere in a name in lower case.
pub(crate) fn like_pattern(part: &str) -> String {
    format!("%{}%", like_escaped(part))
}

/// A text in lower case, with what `LIKE … ESCAPE '!'` would read as a pattern escaped.
pub(crate) fn like_escaped(part: &str) -> String {
    let mut escaped = String::with_capacity(part.len() + 4);
    for letter in part.chars().flat_map(char::to_lowercase) {
        if matches!(letter, '%' | '_' | '!') {
            escaped.push('!');
        }
        escaped.push(letter);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_a_text_and_no_pattern() {
        assert_eq!(like_pattern("V1_%!"), "%v1!_!%!!%");
    }

    #[test]
    fn a_text_that_is_no_index_has_no_children() {
        for text in ["", "{}", "[]", r#"{"manifests":3}"#] {
            assert!(child_digests(text.as_bytes()).is_empty(), "{text}");
        }
        let index = br#"{"manifests":[{"digest":"sha256:aa"},{},{"digest":"sha256:aa"}]}"#;
        assert_eq!(child_digests(index).len(), 2);
    }
}
