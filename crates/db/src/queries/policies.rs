//! Policies of namespaces and repositories.

use crate::conn::Conn;
use crate::error::Result;
use crate::ids::RepositoryId;
use crate::statement::{fetch_all, statements};

statements! {
    IMMUTABILITY = "SELECT policy FROM repositoryimmutabilitypolicy WHERE repository_id = $1 \
        UNION ALL SELECT policy FROM namespaceimmutabilitypolicy WHERE namespace_id = $2";
}

/// Immutability policies that apply to a repository, as JSON.
pub async fn immutability(
    conn: &mut Conn,
    repository: RepositoryId,
    namespace: i32,
) -> Result<Vec<String>> {
    let rows: Vec<(String,)> = fetch_all!(conn, IMMUTABILITY, repository, namespace)?;
    Ok(rows.into_iter().map(|(policy,)| policy).collect())
}
