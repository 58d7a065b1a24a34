//! What tags point to, remembered so that a pull by tag asks nothing.
//!
//! Every entry is current: whoever changes a tag removes its entry after the commit and before the answer, and nothing that
//! was read before that change is put in after it. The second is what the stripes are for. Whoever fills takes the
//! [`Generation`] of the tag's stripe *before* asking the database, and the entry goes in only while the stripe still has it;
//! a change advances it. Both happen under the stripe's lock, which a look-up does not take. A change of one tag costs the
//! others of its stripe at most an entry that was just being read.

use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pierhead_db::{ManifestId, RepositoryId};
use quick_cache::Equivalent;
use quick_cache::sync::Cache;

/// Tags that are remembered: at most about 32 MB, a hundred bytes and a name for each.
const TAGS: usize = 256 << 10;
/// Locks; a power of two.
const STRIPES: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct TagKey(RepositoryId, Box<str>);

/// [`TagKey`] borrowed, so that a look-up allocates nothing.
#[derive(Hash)]
struct TagRef<'t>(RepositoryId, &'t str);

impl Equivalent<TagKey> for TagRef<'_> {
    fn equivalent(&self, key: &TagKey) -> bool {
        self.0 == key.0 && *self.1 == *key.1
    }
}

/// What a tag points to. The manifest itself is in a cache that is bounded by bytes, so that many tags keep few of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// The manifest.
    pub(crate) manifest: ManifestId,
    /// When the tag ends, in milliseconds since 1970; `None` for one without an end.
    pub(crate) end_ms: Option<i64>,
}

/// The changes that a tag's stripe has seen at some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generation(u64);

/// Tags and what they point to.
#[derive(Debug)]
pub(super) struct Tags {
    targets: Cache<TagKey, Target>,
    hasher: RandomState,
    stripes: Box<[Mutex<u64>]>,
}

impl Default for Tags {
    fn default() -> Self {
        Self {
            targets: Cache::new(TAGS),
            hasher: RandomState::new(),
            stripes: (0..STRIPES).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Tags {
    /// What the tag points to, if that is remembered and the tag has not ended.
    pub(super) fn get(
        &self,
        repository: RepositoryId,
        tag: &str,
        now_ms: i64,
    ) -> Option<ManifestId> {
        let target = self.targets.get(&TagRef(repository, tag))?;
        target
            .end_ms
            .is_none_or(|end| end > now_ms)
            .then_some(target.manifest)
    }

    /// To be taken before the database is asked, or changed.
    pub(super) fn generation(&self, repository: RepositoryId, tag: &str) -> Generation {
        Generation(*self.stripe(repository, tag))
    }

    /// Remembers what was read after `before` was taken, unless a change was made meanwhile.
    pub(super) fn keep(
        &self,
        repository: RepositoryId,
        tag: &str,
        before: Generation,
        target: Target,
    ) {
        let stripe = self.stripe(repository, tag);
        if *stripe == before.0 {
            self.targets.insert(TagKey(repository, tag.into()), target);
        }
    }

    /// A transaction that began after `before` was taken moved the tag. Its target is remembered if nobody else changed the
    /// tag meanwhile: then whoever commits a later change has still to say so here, and so to end what is remembered.
    pub(super) fn moved(
        &self,
        repository: RepositoryId,
        tag: &str,
        before: Generation,
        target: Target,
    ) {
        let mut stripe = self.stripe(repository, tag);
        let alone = *stripe == before.0;
        *stripe = stripe.wrapping_add(1);
        if alone {
            self.targets.insert(TagKey(repository, tag.into()), target);
        } else {
            self.targets.remove(&TagRef(repository, tag));
        }
    }

    /// The tag was changed.
    pub(super) fn changed(&self, repository: RepositoryId, tag: &str) {
        let mut stripe = self.stripe(repository, tag);
        *stripe = stripe.wrapping_add(1);
        self.targets.remove(&TagRef(repository, tag));
    }

    fn stripe(&self, repository: RepositoryId, tag: &str) -> MutexGuard<'_, u64> {
        let hash = self.hasher.hash_one((repository, tag)) as usize;
        // A panic cannot leave a number half-changed.
        self.stripes[hash & (STRIPES - 1)]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPOSITORY: RepositoryId = RepositoryId(1);
    const LATEST: &str = "latest";

    fn target(manifest: i32) -> Target {
        Target {
            manifest: ManifestId(manifest),
            end_ms: None,
        }
    }

    fn found(tags: &Tags, tag: &str) -> Option<ManifestId> {
        tags.get(REPOSITORY, tag, 0)
    }

    #[test]
    fn what_was_read_before_a_change_is_not_remembered_after_it() {
        let tags = Tags::default();
        let before = tags.generation(REPOSITORY, LATEST);
        tags.changed(REPOSITORY, LATEST);
        tags.keep(REPOSITORY, LATEST, before, target(1));
        assert_eq!(found(&tags, LATEST), None);
    }

    #[test]
    fn a_change_ends_what_is_remembered() {
        let tags = Tags::default();
        tags.keep(
            REPOSITORY,
            LATEST,
            tags.generation(REPOSITORY, LATEST),
            target(1),
        );
        assert_eq!(found(&tags, LATEST), Some(target(1).manifest));
        tags.changed(REPOSITORY, LATEST);
        assert_eq!(found(&tags, LATEST), None);
    }

    #[test]
    fn a_tag_that_was_moved_is_remembered_unless_it_was_changed_meanwhile() {
        let tags = Tags::default();
        let [first, second] = [(); 2].map(|()| tags.generation(REPOSITORY, LATEST));
        tags.moved(REPOSITORY, LATEST, first, target(1));
        assert_eq!(found(&tags, LATEST), Some(target(1).manifest));
        tags.moved(REPOSITORY, LATEST, second, target(2));
        assert_eq!(found(&tags, LATEST), None, "nobody knows which was later");
    }

    #[test]
    fn changes_of_other_tags_cost_no_entry() {
        let tags = Tags::default();
        let names: Vec<String> = (0..3 * STRIPES)
            .map(|number| format!("t{number}"))
            .collect();
        for name in &names {
            tags.moved(
                REPOSITORY,
                name,
                tags.generation(REPOSITORY, name),
                target(1),
            );
        }
        assert!(names.iter().all(|name| found(&tags, name).is_some()));
    }

    #[test]
    fn a_tag_that_has_ended_is_not_there() {
        let tags = Tags::default();
        let ending = Target {
            end_ms: Some(100),
            ..target(1)
        };
        tags.keep(
            REPOSITORY,
            LATEST,
            tags.generation(REPOSITORY, LATEST),
            ending,
        );
        assert!(tags.get(REPOSITORY, LATEST, 99).is_some());
        assert!(tags.get(REPOSITORY, LATEST, 100).is_none());
    }
}
