//! What the console tells people (`notification`): made and taken back in the transaction of what it is about.

use pierhead_db::enums::EnumTable;
use pierhead_db::queries::user_notifications::{self, NewNotification};
use pierhead_db::{Conn, UserId};
use serde_json::Value;

use super::{Accounts, AccountsError, Result, uuid4};

impl Accounts {
    /// Tells an account something. `path` is by what it is taken back from whoever was told.
    pub(super) async fn notify(
        &self,
        conn: &mut Conn,
        kind: &'static str,
        target: UserId,
        metadata: &Value,
        path: Option<&str>,
    ) -> Result<()> {
        let notification = NewNotification {
            uuid: &uuid4(),
            kind: self.notification_kind(kind)?,
            target,
            metadata_json: &metadata.to_string(),
            created: self.now(),
            lookup_path: path,
        };
        user_notifications::insert(conn, &notification).await?;
        Ok(())
    }

    /// Takes back everything of a kind that an account was told.
    pub(super) async fn take_back(
        &self,
        conn: &mut Conn,
        kind: &'static str,
        target: UserId,
    ) -> Result<()> {
        let kind = self.notification_kind(kind)?;
        user_notifications::delete_of_kind(conn, target, kind).await?;
        Ok(())
    }

    /// Takes back what an account was told in which that key has that value.
    pub(super) async fn take_back_about(
        &self,
        conn: &mut Conn,
        kind: &'static str,
        target: UserId,
        (key, value): (&str, &str),
    ) -> Result<()> {
        let kind = self.notification_kind(kind)?;
        for (id, metadata) in user_notifications::list_of_kind(conn, target, kind).await? {
            let metadata: Value = serde_json::from_str(&metadata).unwrap_or_default();
            if metadata[key] == value {
                user_notifications::delete(conn, id).await?;
            }
        }
        Ok(())
    }

    /// Takes back what everybody was told under a path.
    pub(super) async fn take_back_under(
        &self,
        conn: &mut Conn,
        kind: &'static str,
        path: &str,
    ) -> Result<()> {
        let kind = self.notification_kind(kind)?;
        user_notifications::delete_under_path(conn, kind, path).await?;
        Ok(())
    }

    fn notification_kind(&self, name: &'static str) -> Result<i32> {
        let kind = self.0.enums.find(EnumTable::NotificationKind, name);
        kind.ok_or(AccountsError::NoNotificationKind(name))
    }
}
