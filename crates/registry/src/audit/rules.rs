//! Which audit rows the configuration wants.

use pierhead_auth::Repository;

use crate::route::Operation;

/// Settings of the audit log; each names its field of `config.yaml`.
#[derive(Clone, Debug, Default)]
pub struct AuditConfig {
    /// `ACTION_LOG_AUDIT_LOGINS`.
    pub logins: bool,
    /// `ACTION_LOG_AUDIT_PULL_FAILURES`.
    pub pull_failures: bool,
    /// `ACTION_LOG_AUDIT_PUSH_FAILURES`.
    pub push_failures: bool,
    /// `ACTION_LOG_AUDIT_DELETE_FAILURES`.
    pub delete_failures: bool,
    /// `DISABLED_FOR_AUDIT_LOGS`: namespaces of which nothing is recorded.
    pub disabled_namespaces: Vec<String>,
    /// `DISABLED_FOR_PULL_LOGS`: namespaces of which pulls are not recorded.
    pub disabled_pull_namespaces: Vec<String>,
    /// `FEATURE_DISABLE_PULL_LOGS_FOR_FREE_NAMESPACES`: pulls from a namespace without a billing account are not recorded.
    pub no_pulls_of_free_namespaces: bool,
    /// `SERVICE_LOG_ACCOUNT_ID`: the account whose log has what belongs to no namespace.
    pub service_account: Option<i32>,
}

impl AuditConfig {
    /// Whether anything is recorded of a namespace.
    pub(super) fn records(&self, namespace: &str) -> bool {
        !self
            .disabled_namespaces
            .iter()
            .any(|name| name == namespace)
    }

    /// Whether pulls from a repository are recorded.
    pub(super) fn records_pulls(&self, repository: &Repository) -> bool {
        let namespace = repository.name.namespace();
        self.records(namespace)
            && !(self.no_pulls_of_free_namespaces && repository.namespace_free)
            && !self
                .disabled_pull_namespaces
                .iter()
                .any(|name| name == namespace)
    }

    /// The kind of row of an operation that was refused for want of a permission; `None` if it is not recorded.
    ///
    /// As in Quay: manifests, and the start of an upload.
    pub(super) fn failure(&self, operation: Operation) -> Option<&'static str> {
        let (wanted, kind) = match operation {
            Operation::PullManifest => (self.pull_failures, "pull_repo_failed"),
            Operation::PushManifest | Operation::StartUpload => {
                (self.push_failures, "push_repo_failed")
            }
            Operation::DeleteManifest => (self.delete_failures, "delete_tag_failed"),
            Operation::PullBlob
            | Operation::DeleteBlob
            | Operation::UploadStatus
            | Operation::AppendUpload
            | Operation::FinishUpload
            | Operation::CancelUpload
            | Operation::ListTags
            | Operation::ListReferrers => return None,
        };
        wanted.then_some(kind)
    }
}
