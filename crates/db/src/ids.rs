//! Row ids as types, so that a tag's id cannot be passed where a manifest's is meant.

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident($inner:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, sqlx::Type)]
        #[sqlx(transparent)]
        pub struct $name(pub $inner);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// `user.id` of a person, an organization or a robot.
    UserId(i32);
    /// `user.id` of the person or organization that owns repositories.
    NamespaceId(i32);
    /// `team.id`.
    TeamId(i32);
    /// `robotaccounttoken.id`.
    RobotTokenId(i32);
    /// `repository.id`.
    RepositoryId(i32);
    /// `manifest.id`.
    ManifestId(i32);
    /// `tag.id`.
    TagId(i32);
    /// `imagestorage.id`.
    BlobId(i32);
    /// `blobupload.id`.
    UploadId(i32);
    /// `userorganizationquota.id`.
    QuotaId(i32);
    /// `quotalimits.id`.
    QuotaLimitId(i32);
    /// `repomirrorconfig.id`.
    RepoMirrorId(i32);
    /// `repomirrorrule.id`.
    RepoMirrorRuleId(i32);
    /// `orgmirrorconfig.id`.
    OrgMirrorId(i32);
}
