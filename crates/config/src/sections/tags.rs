//! Tags, time machine, garbage collection, pruning, immutability, OCI artifacts.

use std::collections::BTreeMap;

use crate::autoprune::AutoprunePolicy;
use crate::duration::Duration;
use crate::field::{Mark, section};
use crate::sections::texts;

/// The artifact types that Quay accepts by default: layer types by config type.
fn artifact_types() -> BTreeMap<String, Vec<String>> {
    [
        (
            "application/vnd.oci.image.config.v1+json",
            texts(&[
                "application/vnd.dev.cosign.simplesigning.v1+json",
                "application/vnd.dsse.envelope.v1+json",
                "text/spdx",
                "text/spdx+xml",
                "text/spdx+json",
                "application/vnd.syft+json",
                "application/vnd.cyclonedx",
                "application/vnd.cyclonedx+xml",
                "application/vnd.cyclonedx+json",
                "application/vnd.in-toto+json",
            ]),
        ),
        (
            "application/vnd.cncf.helm.config.v1+json",
            texts(&[
                "application/tar+gzip",
                "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            ]),
        ),
        (
            "application/vnd.oci.source.image.config.v1+json",
            texts(&["application/vnd.oci.image.layer.v1.tar+gzip"]),
        ),
        (
            "application/vnd.unknown.config.v1+json",
            texts(&[
                "application/vnd.cncf.openpolicyagent.policy.layer.v1+rego",
                "application/vnd.cncf.openpolicyagent.data.layer.v1+json",
            ]),
        ),
    ]
    .into_iter()
    .map(|(config, layers)| (config.to_owned(), layers))
    .collect()
}

section! {
    /// Tags, time machine, garbage collection, pruning, immutability and OCI artifacts.
    Tags {
        /// How long deleted tags of new namespaces can be restored; one of `TAG_EXPIRATION_OPTIONS`.
        DEFAULT_TAG_EXPIRATION => default_tag_expiration: Duration = Duration::weeks(2);
        /// The values that a namespace may choose.
        TAG_EXPIRATION_OPTIONS => tag_expiration_options: Vec<Duration> = vec![
            Duration::seconds(0), Duration::days(1), Duration::weeks(1), Duration::weeks(2), Duration::weeks(4),
        ];
        /// Users may change it.
        FEATURE_CHANGE_TAG_EXPIRATION => feature_change_tag_expiration: bool = true;
        /// Shortest life that an expiration set on a tag can give; shorter ones are raised to it. A label `quay.expires-after` is obeyed as it is.
        LABELED_EXPIRATION_MINIMUM => labeled_expiration_minimum: Duration = Duration::hours(1), Mark::Undocumented;
        /// Longest life that it can give; longer ones are lowered to it.
        LABELED_EXPIRATION_MAXIMUM => labeled_expiration_maximum: Duration = Duration::weeks(104), Mark::Undocumented;
        /// A tag can be removed from the time machine.
        PERMANENTLY_DELETE_TAGS => permanently_delete_tags: bool = false;
        /// Deleting the tag of an image index ends the temporary tags of its children too.
        RESET_CHILD_MANIFEST_EXPIRATION => reset_child_manifest_expiration: bool = false;
        /// Reserved prefixes of label keys beside the built-in ones; each ends with a dot.
        LABEL_KEY_RESERVED_PREFIXES => label_key_reserved_prefixes: Vec<String> = Vec::new();
        /// Collect garbage.
        FEATURE_GARBAGE_COLLECTION => feature_garbage_collection: bool = true;
        /// Collect deleted repositories.
        FEATURE_REPOSITORY_GARBAGE_COLLECTION => feature_repository_garbage_collection: bool = true;
        /// Collect deleted namespaces.
        FEATURE_NAMESPACE_GARBAGE_COLLECTION => feature_namespace_garbage_collection: bool = true;
        /// Seconds between two rounds of garbage collection.
        GARBAGE_COLLECTION_FREQUENCY => garbage_collection_frequency: u32 = 30;
        /// Seconds before a deleted namespace is collected.
        NAMESPACE_GC_GRACE_PERIOD_SECONDS => namespace_gc_grace_period_seconds: u64 = 0, Mark::Since("3.18");
        /// Namespaces for which the grace period holds.
        NAMESPACE_GC_GRACE_PERIOD_ALLOWLIST => namespace_gc_grace_period_allowlist: Vec<String> = Vec::new(), Mark::Since("3.18");
        /// Policies that prune tags.
        FEATURE_AUTO_PRUNE => feature_auto_prune: bool = false;
        /// Policy of the whole registry: `{method: number_of_tags, value: 10}` or `{method: creation_date, value: 2w}`.
        DEFAULT_NAMESPACE_AUTOPRUNE_POLICY => default_namespace_autoprune_policy: Option<AutoprunePolicy> = None;
        /// Seconds between two rounds of the pruning worker.
        AUTO_PRUNING_POLL_PERIOD => auto_pruning_poll_period: u32 = 30, Mark::Undocumented;
        /// Namespaces of one round.
        AUTO_PRUNING_BATCH_SIZE => auto_pruning_batch_size: u32 = 10, Mark::Undocumented;
        /// Seconds between two rounds of the registry-wide policy.
        AUTO_PRUNING_DEFAULT_POLICY_POLL_PERIOD => auto_pruning_default_policy_poll_period: u32 = 86_400;
        /// Namespaces of one round of the registry-wide policy.
        AUTO_PRUNING_DEFAULT_POLICY_BATCH_SIZE => auto_pruning_default_policy_batch_size: u32 = 10, Mark::Undocumented;
        /// Namespaces fetched at once for the registry-wide policy.
        AUTO_PRUNING_DEFAULT_POLICY_FETCH_NAMESPACES_LIMIT => auto_pruning_default_policy_fetch_namespaces_limit: u32 = 50, Mark::Undocumented;
        /// Minutes between two prunings of a namespace.
        AUTOPRUNE_TASK_RUN_MINIMUM_INTERVAL_MINUTES => autoprune_task_run_minimum_interval_minutes: u32 = 60, Mark::Undocumented;
        /// Tags fetched at once.
        AUTOPRUNE_FETCH_TAGS_PAGE_LIMIT => autoprune_fetch_tags_page_limit: u32 = 100, Mark::Undocumented;
        /// Repositories fetched at once.
        AUTOPRUNE_FETCH_REPOSITORIES_PAGE_LIMIT => autoprune_fetch_repositories_page_limit: u32 = 50, Mark::Undocumented;
        /// Seconds that one run of the registry-wide policy may take.
        AUTOPRUNE_DEFAULT_POLICY_TIMEOUT => autoprune_default_policy_timeout: u32 = 3600, Mark::Undocumented;
        /// Tags can be made immutable.
        FEATURE_IMMUTABLE_TAGS => feature_immutable_tags: bool = false, Mark::Since("3.17");
        /// Immutable tags may expire.
        FEATURE_IMMUTABLE_TAGS_CAN_EXPIRE => feature_immutable_tags_can_expire: bool = false, Mark::Since("3.17");
        /// Accept OCI artifacts.
        FEATURE_GENERAL_OCI_SUPPORT => feature_general_oci_support: bool = true;
        /// Accept Helm charts.
        FEATURE_HELM_OCI_SUPPORT => feature_helm_oci_support: bool = true;
        /// Serve the referrers API.
        FEATURE_REFERRERS_API => feature_referrers_api: bool = true;
        /// Layer types by config type that are accepted as artifacts.
        ALLOWED_OCI_ARTIFACT_TYPES => allowed_oci_artifact_types: BTreeMap<String, Vec<String>> = artifact_types();
        /// Accept unknown media types.
        IGNORE_UNKNOWN_MEDIATYPES => ignore_unknown_mediatypes: Option<bool> = None, Mark::Deprecated("no longer read");
        /// Fill in missing manifest sizes.
        FEATURE_MANIFEST_SIZE_BACKFILL => feature_manifest_size_backfill: bool = true;
        /// Fill in missing manifest subjects.
        FEATURE_MANIFEST_SUBJECT_BACKFILL => feature_manifest_subject_backfill: bool = true;
        /// Seconds between two rounds of the size backfill.
        MANIFEST_BACKFILL_WORKER_FREQUENCY => manifest_backfill_worker_frequency: u32 = 3600, Mark::Undocumented;
        /// Seconds between two rounds of the subject backfill.
        MANIFEST_SUBJECT_BACKFILL_WORKER_FREQUENCY => manifest_subject_backfill_worker_frequency: u32 = 60, Mark::Undocumented;
        /// Namespaces that may use OCI media types while they are off.
        OCI_NAMESPACE_WHITELIST => oci_namespace_whitelist: Vec<String> = Vec::new(), Mark::Undocumented;
        /// Namespaces that get no Docker v2 schema 2.
        V22_NAMESPACE_BLACKLIST => v22_namespace_blacklist: Vec<String> = Vec::new(), Mark::Undocumented;
        /// Refuse new pushes and uploads; deletes and everything else go on.
        DISABLE_PUSHES => disable_pushes: bool = false;
    }
}
