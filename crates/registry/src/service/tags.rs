//! Listing tags.

use pierhead_db::RepositoryId;
use pierhead_db::queries::tags;

use crate::error::Result;
use crate::state::Registry;

impl Registry {
    /// At most `limit` visible tags after `last` in the order of their bytes, and whether there are more. One statement.
    pub async fn list_tags(
        &self,
        repository: RepositoryId,
        last: &str,
        limit: usize,
    ) -> Result<(Vec<String>, bool)> {
        if limit == 0 {
            return Ok((Vec::new(), false));
        }
        let mut conn = self.db.read().await?;
        let now_ms = self.clock.now_ms();
        let mut tags = tags::list(&mut conn, repository, now_ms, last, limit as i64 + 1).await?;
        let more = tags.len() > limit;
        tags.truncate(limit);
        Ok((tags, more))
    }
}
