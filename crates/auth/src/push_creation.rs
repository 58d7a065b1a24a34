//! What the first push to a missing repository makes. The rule who may do so is in [`crate::rights`]; the rows are the
//! business of whoever creates accounts and repositories.

use pierhead_db::{BoxFuture, NamespaceId, UserId};
use pierhead_oci::RepositoryName;

/// Why a push could not create something.
#[derive(Debug, thiserror::Error)]
pub enum PushCreationError {
    /// The rules for names or accounts forbid it.
    #[error("{0}")]
    Refused(String),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
}

/// Makes repositories and organizations for pushes.
pub trait PushCreation: Send + Sync + 'static {
    /// Makes an image repository, with the creator as its administrator and the namespace's default permissions, unless
    /// it exists by now: then does nothing.
    fn create_repository<'a>(
        &'a self,
        namespace: NamespaceId,
        name: &'a RepositoryName,
        creator: UserId,
        public: bool,
    ) -> BoxFuture<'a, Result<(), PushCreationError>>;

    /// Makes an organization that `owner` owns.
    fn create_organization<'a>(
        &'a self,
        name: &'a str,
        owner: UserId,
    ) -> BoxFuture<'a, Result<NamespaceId, PushCreationError>>;
}
