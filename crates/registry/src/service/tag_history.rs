//! Pages of tags for the management API: newest first, with the dead ones that can still be seen.
//!
//! Clients ask for pages by number: what lies behind so many rows *now*. Nobody counts these rows for each page: places in the
//! list are remembered with the number of rows before them, and moved by what came and went since (`places`). So the page
//! after one that was given out is found by an index, and any other from the nearest place before it.
//!
//! Cost: one statement for the rows, and one for what changed (or, the first time, for when the newest began); where no
//! place is near, one for each of at most 16 new ones; if there are indexes among the tags, one for their texts that are not
//! remembered, and one for their children.

mod places;

use std::collections::HashSet;

use pierhead_db::queries::tag_history::{self, Place, TagRow, Wanted};
use pierhead_db::{Conn, RepositoryId};
use pierhead_oci::media_type::ManifestType;
use serde::Deserialize;

use crate::error::Result;
use crate::state::Registry;

pub(crate) use self::places::TagPlaces;
use self::places::{ListKey, View};

/// Rows that are skipped without remembering a place among them.
const STRIDE: i64 = 1000;
/// Places that are looked for on the way to one page.
const MOST_STEPS: i64 = 16;

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
        let now_ms = self.clock.now_ms();
        let like = filter.contains.as_deref().map(like_pattern);
        let key = ListKey {
            repository,
            filter: filter.clone(),
        };
        let mut view = self.view(conn, key, like.as_deref(), now_ms).await?;
        let skipped = size.saturating_mul(page - 1);
        if skipped > 0 && view.is_new() {
            view.begin(tag_history::newest_start(conn, repository).await?);
        }
        let list = Wanted {
            repository,
            alive_at: filter.only_alive.then_some(now_ms),
            like: like.as_deref(),
            after: None,
            offset: 0,
            limit: size.saturating_add(1),
        };
        let (mut before, mut place) = view.nearest(skipped);
        let stride = STRIDE.max((skipped - before) / MOST_STEPS + 1);
        while skipped - before > stride {
            let wanted = Wanted {
                after: place.as_ref().map(Place::after),
                offset: stride - 1,
                ..list
            };
            let Some(next) = tag_history::place(conn, &wanted).await? else {
                // The list ends before.
                return Ok(Vec::new());
            };
            before += stride;
            view.remember(before, next.clone());
            place = Some(next);
        }
        let wanted = Wanted {
            after: place.as_ref().map(Place::after),
            offset: skipped - before,
            ..list
        };
        let rows = tag_history::page(conn, &wanted).await?;
        let last = usize::try_from(size - 1).ok().and_then(|at| rows.get(at));
        if let Some(last) = last.filter(|_| rows.len() as i64 > size) {
            if view.is_new() {
                // Of the first page. What began later is hidden by the filter, and stays so.
                view.begin(rows[0].lifetime_start_ms);
            }
            let place = Place {
                lifetime_start_ms: last.lifetime_start_ms,
                name: last.name.as_str().into(),
                id: last.id,
            };
            view.remember(skipped + size, place);
        }
        Ok(rows)
    }

    /// What is known of a list, brought up to now.
    async fn view(
        &self,
        conn: &mut Conn,
        key: ListKey,
        like: Option<&str>,
        now_ms: i64,
    ) -> Result<View<'_>> {
        let (repository, only_alive) = (key.repository, key.filter.only_alive);
        let mut view = self.tag_places.view(key, now_ms);
        if let Some(known) = view.known() {
            let since = tag_history::Since {
                repository,
                newest_ms: known.newest_ms,
                alive: only_alive.then_some((known.as_of_ms, now_ms)),
                like,
                limit: places::MOST_CHANGES + 1,
            };
            let changes = tag_history::changes(conn, &since).await?;
            view.update(known, &changes);
        }
        Ok(view)
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
