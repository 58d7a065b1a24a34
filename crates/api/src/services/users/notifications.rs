//! What the console tells people: to themselves, and to those who administer an organization about it.

use pierhead_db::UserId;
use pierhead_db::queries::user_notifications::{self, UserNotification};

use crate::error::{Error, Result};
use crate::state::Api;

/// Most notifications of one answer.
const MAX_LIMIT: i64 = 100;
/// Most notifications that can be skipped.
const MAX_OFFSET: i64 = 100_000;

/// A part of the list.
pub(crate) struct Listed {
    /// The newest first.
    pub(crate) notifications: Vec<UserNotification>,
    /// Whether there are more.
    pub(crate) more: bool,
}

/// What somebody has not put away. As in Quay, pages are counted from 1, page 0 is the first too, and each further page begins
/// one later than the one before ended, because the row that tells of more is counted.
pub(crate) async fn list(api: &Api, user: UserId, page: i64, limit: i64) -> Result<Listed> {
    let limit = limit.clamp(0, MAX_LIMIT);
    let offset = page
        .saturating_sub(1)
        .max(0)
        .saturating_mul(limit + 1)
        .min(MAX_OFFSET);
    let mut conn = api.db().read().await?;
    let mut notifications = user_notifications::list(&mut conn, user, limit + 1, offset).await?;
    let wanted = usize::try_from(limit).unwrap_or_default();
    let more = notifications.len() > wanted;
    notifications.truncate(wanted);
    Ok(Listed {
        notifications,
        more,
    })
}

/// One of them, put away or not.
pub(crate) async fn find(api: &Api, user: UserId, uuid: &str) -> Result<UserNotification> {
    user_notifications::find(&mut api.db().read().await?, user, uuid)
        .await?
        .ok_or_else(Error::not_found)
}

/// Puts one away, or brings it back.
pub(crate) async fn set_dismissed(
    api: &Api,
    user: UserId,
    uuid: String,
    dismissed: bool,
) -> Result<UserNotification> {
    api.accounts()
        .write(move |conn| {
            Box::pin(async move {
                let mut found = user_notifications::find(conn, user, &uuid)
                    .await?
                    .ok_or_else(Error::not_found)?;
                user_notifications::set_dismissed(conn, found.id, dismissed).await?;
                found.dismissed = dismissed;
                Ok(found)
            })
        })
        .await
}
