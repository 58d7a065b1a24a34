//! Counts that wait to be written.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;

use pierhead_db::queries::pull_statistics::{self, Pulls};
use pierhead_db::{Conn, RepositoryId};
use pierhead_oci::Digest;

/// Counts by tag and by manifest, since they were last taken.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By repository, so that a name is looked up without copying it.
    tags: HashMap<RepositoryId, HashMap<Box<str>, TagPulls>>,
    manifests: HashMap<(RepositoryId, Digest), Pulls>,
    tag_names: usize,
}

#[derive(Clone, Copy, Debug)]
struct TagPulls {
    pulls: Pulls,
    /// What the tag pointed to when it was last pulled.
    digest: Digest,
}

/// One row to write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Tag {
        repository: RepositoryId,
        tag: Box<str>,
        pulls: Pulls,
        digest: Digest,
    },
    Manifest {
        repository: RepositoryId,
        digest: Digest,
        pulls: Pulls,
    },
}

impl Counts {
    /// How many tags and manifests have a count.
    pub(super) fn names(&self) -> usize {
        self.tag_names + self.manifests.len()
    }

    /// Adds pulls of a manifest, unless it would be one name more than `most`.
    pub(super) fn add_manifest(
        &mut self,
        repository: RepositoryId,
        digest: Digest,
        pulls: Pulls,
        most: usize,
    ) {
        let room = self.names() < most;
        add(self.manifests.entry((repository, digest)), pulls, room);
    }

    /// Adds pulls of a tag, unless it would be one name more than `most`.
    pub(super) fn add_tag(
        &mut self,
        repository: RepositoryId,
        tag: &str,
        pulls: Pulls,
        digest: Digest,
        most: usize,
    ) {
        let room = self.names() < most;
        if let Some(known) = self
            .tags
            .get_mut(&repository)
            .and_then(|tags| tags.get_mut(tag))
        {
            if pulls.last >= known.pulls.last {
                known.digest = digest;
            }
            known.pulls = sum(known.pulls, pulls);
        } else if room {
            let tags = self.tags.entry(repository).or_default();
            tags.insert(tag.into(), TagPulls { pulls, digest });
            self.tag_names += 1;
        }
    }

    /// Forgets the count of a tag.
    pub(super) fn forget_tag(&mut self, repository: RepositoryId, tag: &str) {
        if let Some(tags) = self.tags.get_mut(&repository)
            && tags.remove(tag).is_some()
        {
            self.tag_names -= 1;
        }
    }

    /// Counts again what could not be written.
    pub(super) fn put_back(&mut self, row: &Row, most: usize) {
        match row {
            Row::Tag {
                repository,
                tag,
                pulls,
                digest,
            } => self.add_tag(*repository, tag, *pulls, *digest, most),
            Row::Manifest {
                repository,
                digest,
                pulls,
            } => self.add_manifest(*repository, *digest, *pulls, most),
        }
    }

    /// The rows to write, in one order everywhere, so that two instances do not wait for each other's locks in a circle.
    pub(super) fn into_rows(self) -> Vec<Row> {
        let mut rows = Vec::with_capacity(self.names());
        for (repository, tags) in self.tags {
            rows.extend(tags.into_iter().map(|(tag, counted)| Row::Tag {
                repository,
                tag,
                pulls: counted.pulls,
                digest: counted.digest,
            }));
        }
        let manifests = self.manifests.into_iter();
        rows.extend(
            manifests.map(|((repository, digest), pulls)| Row::Manifest {
                repository,
                digest,
                pulls,
            }),
        );
        rows.sort_by_cached_key(|row| match row {
            Row::Tag {
                repository, tag, ..
            } => (0, *repository, tag.to_string()),
            Row::Manifest {
                repository, digest, ..
            } => (1, *repository, digest.to_string()),
        });
        rows
    }
}

impl Row {
    /// Adds it to the database.
    pub(super) async fn add(&self, conn: &mut Conn) -> pierhead_db::Result<u64> {
        match self {
            Self::Tag {
                repository,
                tag,
                pulls,
                digest,
            } => {
                let digest = digest.to_string();
                pull_statistics::add_tag(conn, *repository, tag, *pulls, &digest).await
            }
            Self::Manifest {
                repository,
                digest,
                pulls,
            } => {
                let digest = digest.to_string();
                pull_statistics::add_manifest(conn, *repository, &digest, *pulls).await
            }
        }
    }
}

fn add<K: Eq + Hash>(entry: Entry<'_, K, Pulls>, pulls: Pulls, room: bool) {
    match entry {
        Entry::Occupied(mut known) => {
            let total = sum(*known.get(), pulls);
            known.insert(total);
        }
        Entry::Vacant(place) if room => {
            place.insert(pulls);
        }
        Entry::Vacant(_) => {}
    }
}

fn sum(one: Pulls, other: Pulls) -> Pulls {
    Pulls {
        count: one.count.saturating_add(other.count),
        last: one.last.max(other.last),
    }
}
