//! `emailconfirmation`: codes that were sent to an address, to confirm it or to recover the account behind it.

use chrono::NaiveDateTime;

use crate::statement::{execute, fetch_optional, statements};
use crate::{Conn, Result, UserId};

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To confirm an address (`email_confirm`).
    Address,
    /// To sign in once and choose a new password (`pw_reset`).
    Recovery,
}

/// A code that was sent and not used.
#[derive(Clone, sqlx::FromRow)]
pub struct Confirmation {
    /// `emailconfirmation.id`.
    pub id: i32,
    /// Whose.
    pub user_id: UserId,
    /// The address that is to replace the old one.
    pub new_email: Option<String>,
    /// bcrypt of the private part; old rows have none.
    pub verification_code: Option<String>,
    /// When it was made, UTC.
    pub created: NaiveDateTime,
}

/// A code to insert.
#[derive(Clone)]
pub struct NewConfirmation {
    /// The public part.
    pub code: String,
    /// bcrypt of the private part.
    pub verification_code: String,
    /// What it is for.
    pub purpose: Purpose,
    /// The address that is to replace the old one.
    pub new_email: Option<String>,
    /// Now, in UTC.
    pub created: NaiveDateTime,
}

statements! {
    INSERT = "INSERT INTO emailconfirmation (code, user_id, pw_reset, new_email, email_confirm, created, verification_code)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";
    FIND_ADDRESS = "SELECT id, user_id, new_email, verification_code, created FROM emailconfirmation
        WHERE code = $1 AND email_confirm = true";
    FIND_RECOVERY = "SELECT id, user_id, new_email, verification_code, created FROM emailconfirmation
        WHERE code = $1 AND pw_reset = true";
    DELETE = "DELETE FROM emailconfirmation WHERE id = $1";
}

/// Inserts a code.
pub async fn insert(conn: &mut Conn, user: UserId, new: &NewConfirmation) -> Result<u64> {
    execute!(
        conn,
        INSERT,
        &new.code,
        user,
        new.purpose == Purpose::Recovery,
        new.new_email.as_deref(),
        new.purpose == Purpose::Address,
        new.created,
        &new.verification_code,
    )
}

/// The code with that public part.
pub async fn find(conn: &mut Conn, purpose: Purpose, code: &str) -> Result<Option<Confirmation>> {
    let sql = match purpose {
        Purpose::Address => FIND_ADDRESS,
        Purpose::Recovery => FIND_RECOVERY,
    };
    fetch_optional!(conn, sql, code)
}

/// Uses a code up; 0 when somebody else did.
pub async fn delete(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, DELETE, id)
}
