//! Pointing a tag at a manifest: its living interval ends and a new one begins.

use pierhead_db::queries::{policies, tags};
use pierhead_db::{Conn, ManifestId, RepositoryId};
use pierhead_oci::TagPattern;

use crate::service::ending::{EndingTag, end_siblings};
use crate::service::labels::TagActions;

/// What the configuration says about moving tags.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// `FEATURE_IMMUTABLE_TAGS`.
    pub(crate) immutable_tags: bool,
    /// `FEATURE_IMMUTABLE_TAGS_CAN_EXPIRE`.
    pub(crate) immutable_tags_can_expire: bool,
    /// `tagkind.id`.
    pub(crate) tag_kind: i32,
    /// `externalnotificationevent.id` of a push.
    pub(crate) push_event: i32,
}

/// A tag to be made or moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retarget<'r> {
    pub(crate) repository: RepositoryId,
    /// `user.id` of the namespace.
    pub(crate) namespace: i32,
    pub(crate) name: &'r str,
    pub(crate) manifest: ManifestId,
    /// Whether it goes back to what it pointed to before.
    pub(crate) reversion: bool,
    /// What the manifest's labels ask for.
    pub(crate) actions: TagActions,
    pub(crate) now_ms: i64,
    pub(crate) rules: Rules,
}

/// A tag that was made or moved.
#[derive(Clone, Debug)]
pub(crate) struct Retargeted {
    /// What it pointed to before.
    pub(crate) previous: Option<String>,
    /// When it ends, in epoch milliseconds.
    pub(crate) lifetime_end_ms: Option<i64>,
    /// Names of other tags that ended with that.
    pub(crate) ended: Vec<String>,
    /// Whether a policy made it immutable.
    pub(crate) immutable_by_policy: bool,
    /// `uuid` of each hook of the repository that waits for pushes.
    pub(crate) hooks: Vec<String>,
}

/// Why a tag stays where it is.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It is immutable.
    Immutable,
    /// The database failed.
    Database(pierhead_db::Error),
}

impl From<pierhead_db::Error> for Refused {
    fn from(error: pierhead_db::Error) -> Self {
        Self::Database(error)
    }
}

impl Retarget<'_> {
    /// Ends the living interval and adds one. The caller holds the lock of the repository.
    pub(crate) async fn run(self, conn: &mut Conn) -> Result<Retargeted, Refused> {
        let Self {
            repository, name, ..
        } = self;
        let alive = tags::find_alive(conn, repository, name, self.now_ms).await?;
        let mut start = self.now_ms;
        let mut ended = Vec::new();
        if let Some(alive) = &alive {
            if self.rules.immutable_tags && alive.immutable {
                return Err(Refused::Immutable);
            }
            start = start.max(alive.lifetime_start_ms + 1);
            tags::end(conn, alive.id, start).await?;
            tags::forget_expiry_notices(conn, alive.id).await?;
            if alive.manifest_id != self.manifest {
                let left = EndingTag {
                    id: alive.id,
                    name,
                    manifest: alive.manifest_id,
                    digest: &alive.digest,
                    lifetime_start_ms: alive.lifetime_start_ms,
                };
                ended = end_siblings(conn, repository, left, start).await?;
            }
        }
        let immutable_by_policy = self.rules.immutable_tags && self.covered(conn).await?;
        let immutable =
            immutable_by_policy || (self.rules.immutable_tags && self.actions.immutable);
        let expires = self
            .actions
            .expires_after_ms
            .filter(|_| !immutable || self.rules.immutable_tags_can_expire);
        let lifetime_end_ms = expires.and_then(|after| start.checked_add(after));
        let new = tags::NewTag {
            repository,
            name: name.to_owned(),
            manifest: self.manifest,
            lifetime_start_ms: start,
            lifetime_end_ms,
            hidden: false,
            reversion: self.reversion,
            immutable,
            kind: self.rules.tag_kind,
        };
        let (_, hooks) = tags::insert(conn, &new, self.rules.push_event).await?;
        Ok(Retargeted {
            previous: alive.map(|alive| alive.digest),
            lifetime_end_ms,
            ended,
            immutable_by_policy,
            hooks,
        })
    }

    async fn covered(&self, conn: &mut Conn) -> pierhead_db::Result<bool> {
        let policies = policies::immutability(conn, self.repository, self.namespace).await?;
        Ok(policies
            .iter()
            .any(|policy| policy_matches(policy, self.name)))
    }
}

/// Whether an immutability policy (`{"tag_pattern": …, "tag_pattern_matches": …}`) covers a tag. A pattern that cannot be
/// read covers none.
fn policy_matches(policy: &str, tag: &str) -> bool {
    #[derive(serde::Deserialize)]
    struct Policy {
        tag_pattern: String,
        #[serde(default = "yes")]
        tag_pattern_matches: bool,
    }
    fn yes() -> bool {
        true
    }
    let Ok(policy) = serde_json::from_str::<Policy>(policy) else {
        return false;
    };
    match TagPattern::parse(&policy.tag_pattern) {
        Ok(pattern) => pattern.matches_whole(tag) == policy.tag_pattern_matches,
        Err(error) => {
            tracing::warn!(
                %error,
                pattern = policy.tag_pattern,
                "an immutability policy protects no tag: its pattern cannot be read (look-around and back-references \
                 are not supported)"
            );
            false
        }
    }
}
