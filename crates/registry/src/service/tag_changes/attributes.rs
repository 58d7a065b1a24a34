//! What a tag has beside its target: its end, and whether it is immutable.

use pierhead_db::Conn;
use pierhead_db::queries::{tag_changes, tags};
use serde_json::json;

use super::{Result, TagError, Work};

impl Work {
    /// Sets the end, no nearer to the tag's beginning and no farther from it than the configuration allows.
    pub(super) async fn set_expiration(&self, conn: &mut Conn, end_s: Option<f64>) -> Result<()> {
        let config = &self.registry.config;
        let alive = self.alive(conn).await?;
        let end_s = match end_s {
            Some(end_s) => Some(future_second(end_s, self.now_ms).ok_or(TagError::NotInFuture)?),
            None => None,
        };
        let protected = config.immutable_tags && alive.immutable;
        if protected && end_s.is_some() && !config.immutable_tags_can_expire {
            return Err(TagError::ImmutableCannotExpire(self.tag.clone()));
        }
        let end_ms = end_s.map(|end_s| {
            let life_s = end_s.saturating_sub(alive.lifetime_start_ms.div_euclid(1000));
            let life_s = life_s
                .max(config.shortest_labeled_life_s)
                .min(config.longest_labeled_life_s);
            alive
                .lifetime_start_ms
                .saturating_add(life_s.saturating_mul(1000))
        });
        let mut old = None;
        if end_ms != alive.lifetime_end_ms {
            tags::forget_expiry_notices(conn, alive.id).await?;
            tag_changes::set_end(conn, alive.id, end_ms, alive.lifetime_end_ms).await?;
            old = alive.lifetime_end_ms;
        }
        if old.is_none() && end_s.is_none() {
            return Ok(());
        }
        let keys = [
            ("expiration_date", json!(end_s)),
            ("old_expiration_date", json!(old)),
        ];
        self.record(conn, "change_tag_expiration", &keys).await
    }

    pub(super) async fn set_immutable(
        &self,
        conn: &mut Conn,
        immutable: bool,
        may_unset: bool,
    ) -> Result<()> {
        let alive = self.alive(conn).await?;
        if !immutable && alive.immutable && !may_unset {
            return Err(TagError::NeedsAdministrator);
        }
        let can_expire = self.registry.config.immutable_tags_can_expire;
        if immutable && alive.lifetime_end_ms.is_some() && !can_expire {
            return Err(TagError::ExpiringCannotBeImmutable(self.tag.clone()));
        }
        if immutable != alive.immutable {
            tag_changes::set_immutable(conn, alive.id, immutable).await?;
        }
        let keys = [
            ("immutable", json!(immutable)),
            ("previous_immutable", json!(alive.immutable)),
        ];
        self.record(conn, "change_tag_immutability", &keys).await
    }
}

/// The whole second of a time after now that is a date anybody has.
fn future_second(end_s: f64, now_ms: i64) -> Option<i64> {
    /// The beginning of the year 10000.
    const END_OF_DATES_S: f64 = 253_402_300_800.0;
    let is_future = end_s * 1000.0 > now_ms as f64 && end_s < END_OF_DATES_S;
    is_future.then_some(end_s as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_date_to_come_is_one_to_expire_at() {
        assert_eq!(future_second(2.9, 2_000), Some(2));
        for other in [
            2.0,
            1.0,
            -1.0,
            253_402_300_800.0,
            1e300,
            f64::NAN,
            f64::INFINITY,
        ] {
            assert_eq!(future_second(other, 2_000), None, "{other}");
        }
    }
}
