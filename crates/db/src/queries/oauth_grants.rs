//! What comes before a token: codes that an application exchanges (`oauthauthorizationcode`), and tokens that an
//! administrator assigned to somebody who has yet to agree (`oauthassignedtoken`).

use super::oauth_applications::{Application, application_columns};
use crate::statement::{execute, fetch_all, fetch_one, fetch_optional, statements};
use crate::{Conn, Result, UserId};

/// A code to insert.
#[derive(Clone, Debug)]
pub struct NewCode<'a> {
    /// `oauthapplication.id`.
    pub application: i32,
    /// The scopes, as they were asked for.
    pub scope: &'a str,
    /// Who agreed, as JSON.
    pub data: &'a str,
    /// The first 20 characters.
    pub name: &'a str,
    /// bcrypt of the rest.
    pub credential: &'a str,
}

/// A stored code.
#[derive(Clone, sqlx::FromRow)]
pub struct Code {
    /// `oauthauthorizationcode.id`.
    pub id: i32,
    /// Who agreed, as JSON.
    pub data: String,
    /// bcrypt of the secret part.
    pub code_credential: String,
}

/// An assignment to insert.
#[derive(Clone, Debug)]
pub struct NewAssignment<'a> {
    /// A new uuid4.
    pub uuid: &'a str,
    /// `oauthapplication.id`.
    pub application: i32,
    /// Who may take it.
    pub user: UserId,
    /// Where the browser goes with the token.
    pub redirect_uri: &'a str,
    /// The scopes.
    pub scope: &'a str,
    /// `token`.
    pub response_type: &'a str,
}

/// An assignment with its application.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Assignment {
    /// How it is named.
    pub assignment_uuid: String,
    /// Where the browser goes with the token.
    pub assigned_redirect_uri: Option<String>,
    /// The scopes.
    pub scope: String,
    /// `token`.
    pub response_type: Option<String>,
    /// The application.
    #[sqlx(flatten)]
    pub application: Application,
}

statements! {
    INSERT_CODE = "INSERT INTO oauthauthorizationcode (application_id, scope, data, code_name, code_credential)
        VALUES ($1, $2, $3, $4, $5)";
    FIND_CODE = "SELECT id, data, code_credential FROM oauthauthorizationcode
        WHERE code_name = $2 AND application_id = $1 AND scope = $3";
    DELETE_CODE = "DELETE FROM oauthauthorizationcode WHERE id = $1";
    INSERT_ASSIGNMENT = "INSERT INTO oauthassignedtoken (uuid, assigned_user_id, application_id, redirect_uri, scope,
            response_type)
        VALUES ($1, $2, $3, $4, $5, $6)";
    LIST_ASSIGNMENTS = concat!("SELECT assignment.uuid AS assignment_uuid, assignment.redirect_uri AS assigned_redirect_uri,
            assignment.scope, assignment.response_type, ", application_columns!(),
        r#" FROM oauthassignedtoken assignment JOIN oauthapplication application ON application.id = assignment.application_id
            JOIN "user" owner ON owner.id = application.organization_id
        WHERE assignment.assigned_user_id = $1 ORDER BY assignment.id"#);
    IS_ASSIGNED = "SELECT EXISTS (SELECT 1 FROM oauthassignedtoken assignment
        JOIN oauthapplication application ON application.id = assignment.application_id
        WHERE assignment.uuid = $1 AND assignment.assigned_user_id = $2 AND application.organization_id = $3)";
    DELETE_ASSIGNMENT = "DELETE FROM oauthassignedtoken WHERE uuid = $2 AND assigned_user_id = $1";
    DELETE_USED_ASSIGNMENT = "DELETE FROM oauthassignedtoken
        WHERE uuid = $2 AND assigned_user_id = $1 AND application_id = $3";
}

/// Inserts a code.
pub async fn insert_code(conn: &mut Conn, new: &NewCode<'_>) -> Result<u64> {
    let NewCode {
        application,
        scope,
        data,
        name,
        credential,
    } = new;
    execute!(
        conn,
        INSERT_CODE,
        *application,
        *scope,
        *data,
        *name,
        *credential
    )
}

/// A code by its public part, if it is one of the application for exactly these scopes.
pub async fn find_code(
    conn: &mut Conn,
    application: i32,
    name: &str,
    scope: &str,
) -> Result<Option<Code>> {
    fetch_optional!(conn, FIND_CODE, application, name, scope)
}

/// Deletes a code; 0 when somebody else did.
pub async fn delete_code(conn: &mut Conn, id: i32) -> Result<u64> {
    execute!(conn, DELETE_CODE, id)
}

/// Inserts an assignment.
pub async fn insert_assignment(conn: &mut Conn, new: &NewAssignment<'_>) -> Result<u64> {
    execute!(
        conn,
        INSERT_ASSIGNMENT,
        new.uuid,
        new.user,
        new.application,
        new.redirect_uri,
        new.scope,
        new.response_type,
    )
}

/// What is assigned to a person, oldest first.
pub async fn list_assignments(conn: &mut Conn, user: UserId) -> Result<Vec<Assignment>> {
    fetch_all!(conn, LIST_ASSIGNMENTS, user)
}

/// Whether a person holds this assignment of an application of that organization.
pub async fn is_assigned(
    conn: &mut Conn,
    uuid: &str,
    user: UserId,
    organization: UserId,
) -> Result<bool> {
    let (assigned,): (bool,) = fetch_one!(conn, IS_ASSIGNED, uuid, user, organization)?;
    Ok(assigned)
}

/// Deletes an assignment of a person; 0 when there is none.
pub async fn delete_assignment(conn: &mut Conn, user: UserId, uuid: &str) -> Result<u64> {
    execute!(conn, DELETE_ASSIGNMENT, user, uuid)
}

/// Deletes an assignment that a token was made of; 0 when it is of another application.
pub async fn delete_used_assignment(
    conn: &mut Conn,
    user: UserId,
    uuid: &str,
    application: i32,
) -> Result<u64> {
    execute!(conn, DELETE_USED_ASSIGNMENT, user, uuid, application)
}
