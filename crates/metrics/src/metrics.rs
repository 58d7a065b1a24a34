//! The metrics themselves. A counter's exported name ends in `_total`; here it is named without.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::labels::{
    AttemptLabels, AuditLossLabels, ModelCacheLabels, OperationLabels, PullLabels, PulledLabels,
    PushLabels, QueueGetLabels, QueueLabels, RegionLabels, StatementLabels, StorageLabels,
    SuccessLabels, TableLabels, TagCacheLabels,
};
use crate::process::Process;
use crate::route::{NamespaceBucket, Namespaces, RequestDurations, Route, seconds};

/// What `pierhead_build_info` says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Build {
    /// Version of the binary.
    pub version: &'static str,
    /// Revision of the source; empty when unknown.
    pub revision: &'static str,
}

type Refresher = Box<dyn Fn(&Metrics) + Send + Sync>;

macro_rules! metrics {
    (
        $(#[doc = $group_doc:literal])*
        registry $registry:ident namespaced $namespaced:ident;
        $($place:ident { $($(#[doc = $help:literal])+ $field:ident $name:literal: $type:ty = $make:expr;)+ })+
    ) => {
        $(#[doc = $group_doc])*
        pub struct Metrics {
            pub(crate) registry: Registry,
            durations: RequestDurations,
            namespaces: Arc<Namespaces>,
            refreshers: Mutex<Vec<Refresher>>,
            $($($(#[doc = $help])+ pub $field: $type,)+)+
        }

        impl Metrics {
            fn build(namespace: &str, namespaces: Namespaces) -> Self {
                let mut $registry = Registry::default();
                let durations = RequestDurations::new_with_constructor(seconds);
                {
                    let $namespaced = $registry.sub_registry_with_prefix(namespace);
                    let help = "Seconds from the head of a request to the head of its answer";
                    $namespaced.register("request_duration_seconds", help, durations.clone());
                }
                $($(let $field: $type = $make;)+)+
                $($(metrics!(@register $place $registry namespace $name [$($help)+] $field);)+)+
                Self {
                    registry: $registry,
                    durations,
                    namespaces: Arc::new(namespaces),
                    refreshers: Mutex::default(),
                    $($($field,)+)+
                }
            }
        }
    };
    (@register quay $registry:ident $namespace:ident $name:literal [$($help:literal)+] $field:ident) => {
        $registry.sub_registry_with_prefix($namespace).register($name, concat!($($help),+).trim(), $field.clone());
    };
    (@register bare $registry:ident $namespace:ident $name:literal [$($help:literal)+] $field:ident) => {
        $registry.register($name, concat!($($help),+).trim(), $field.clone());
    };
}

metrics! {
    /// All metrics of the process.
    ///
    /// ```
    /// use pierhead_metrics::{Build, ImageReference, Metrics, Protocol, PullLabels};
    ///
    /// let metrics = Metrics::new("quay", &[], Build { version: "1.0", revision: "" });
    /// let labels = PullLabels { protocol: Protocol::V2, r#ref: ImageReference::Tag, status: 200 };
    /// metrics.image_pulls.get_or_create(&labels).inc();
    /// let line = r#"quay_registry_image_pulls_total{protocol="v2",ref="tag",status="200"} 1"#;
    /// assert!(metrics.encode().unwrap().contains(line));
    /// ```
    registry registry namespaced namespaced;
    quay {
        /// Image pulls by protocol, kind of reference and status
        image_pulls "registry_image_pulls": Family<PullLabels, Counter> = Family::default();
        /// Image pushes by protocol, status and media type
        image_pushes "registry_image_pushes": Family<PushLabels, Counter> = Family::default();
        /// Bytes pulled, estimated from manifests
        pulled_bytes "registry_image_pulled_estimated_bytes": Family<PulledLabels, Counter> = Family::default();
        /// Bytes pushed
        pushed_bytes "registry_image_pushed_bytes": Counter = Counter::default();
        /// Seconds to store one chunk of an upload
        chunk_upload_duration "chunk_upload_duration_seconds": Family<RegionLabels, Histogram> =
            Family::new_with_constructor(seconds as fn() -> Histogram);
        /// Uploads in parts that were begun in object storage
        multipart_started "multipart_uploads_started": Counter = Counter::default();
        /// Uploads in parts that were completed in object storage
        multipart_completed "multipart_uploads_completed": Counter = Counter::default();
        /// Attempts to authenticate by kind of credential and success
        authentication_attempts "authentication_attempts": Family<AttemptLabels, Counter> = Family::default();
        /// Database connections in use
        db_in_use "db_pooled_connections_in_use": Gauge = Gauge::default();
        /// Database connections available in the pool
        db_available "db_pooled_connections_available": Gauge = Gauge::default();
        /// Database connections opened
        db_connects "db_connect_calls": Counter = Counter::default();
        /// Database connections closed
        db_closes "db_close_calls": Counter = Counter::default();
        /// Lookups in the model cache by result
        model_cache "model_cache": Family<ModelCacheLabels, Counter> = Family::default();
        /// Items put into a queue
        queue_puts "queue_item_puts": Family<QueueLabels, Counter> = Family::default();
        /// Attempts to take an item from a queue by result
        queue_gets "queue_item_gets": Family<QueueGetLabels, Counter> = Family::default();
        /// Items deleted from queues
        queue_deletes "queue_item_deletes": Counter = Counter::default();
        /// Queue items that are locked by a worker
        queue_locked "queue_items_locked": Family<QueueLabels, Gauge> = Family::default();
        /// Queue items that have not expired
        queue_available "queue_items_available": Family<QueueLabels, Gauge> = Family::default();
        /// Queue items that have not expired and are not locked
        queue_available_unlocked "queue_items_available_unlocked": Family<QueueLabels, Gauge> = Family::default();
        /// Table rows deleted by garbage collection
        gc_rows_deleted "gc_table_rows_deleted": Family<TableLabels, Counter> = Family::default();
        /// Blobs deleted from storage by garbage collection
        gc_blobs_deleted "gc_storage_blobs_deleted": Counter = Counter::default();
        /// Repositories purged by garbage collection
        gc_repositories_purged "gc_repos_purged": Counter = Counter::default();
        /// Namespaces purged by garbage collection
        gc_namespaces_purged "gc_namespaces_purged": Counter = Counter::default();
        /// Passes of garbage collection
        gc_iterations "gc_iterations": Counter = Counter::default();
        /// Seconds of an operation of a background worker
        worker_duration "worker_operation_duration_seconds": Family<OperationLabels, Histogram> =
            Family::new_with_constructor(seconds as fn() -> Histogram);
        /// Operations of background workers under way
        worker_in_progress "worker_operation_in_progress": Family<OperationLabels, Gauge> = Family::default();
        /// Renewals of this instance's service key by success
        instance_key_renewals "instance_key_renewal_self": Family<SuccessLabels, Counter> = Family::default();
        /// Repositories in the database
        repository_rows "repository_rows": Gauge = Gauge::default();
        /// Users in the database
        user_rows "user_rows": Gauge = Gauge::default();
        /// Organizations in the database
        organization_rows "org_rows": Gauge = Gauge::default();
        /// Robot accounts in the database
        robot_rows "robot_rows": Gauge = Gauge::default();
    }
    bare {
        /// Bearer tokens decoded by success
        bearer_tokens "bearer_token_decoded": Family<SuccessLabels, Counter> = Family::default();
        /// Database statements executed by the work they were for
        db_statements "pierhead_db_statements": Family<StatementLabels, Counter> = Family::default();
        /// Audit log rows that were lost by reason
        audit_rows_lost "pierhead_audit_rows_lost": Family<AuditLossLabels, Counter> = Family::default();
        /// Calls of storage drivers by operation
        storage_calls "pierhead_storage_calls": Family<StorageLabels, Counter> = Family::default();
        /// Lookups in the tag cache by result
        tag_cache "pierhead_tag_cache_lookups": Family<TagCacheLabels, Counter> = Family::default();
        /// User events that were not published because Redis did not take them
        user_events_dropped "pierhead_user_events_dropped": Counter = Counter::default();
        /// Streams of user events that are open
        user_event_streams "pierhead_user_event_streams": Gauge = Gauge::default();
        /// Access log lines dropped because they could not be written fast enough
        access_log_dropped "pierhead_access_log_lines_dropped": Counter = Counter::default();
    }
}

impl Metrics {
    /// `namespace` is `PROMETHEUS_NAMESPACE`, `tracked` is `TRACKED_NAMESPACES`: the registry namespaces whose
    /// requests are counted on their own.
    pub fn new(namespace: &str, tracked: &[String], build: Build) -> Self {
        let mut metrics = Self::build(namespace, Namespaces::new(tracked));
        let info = Info::new([("version", build.version), ("revision", build.revision)]);
        metrics
            .registry
            .register("pierhead_build", "Version and revision of the binary", info);
        metrics.registry.register_collector(Box::new(Process));
        metrics
    }

    /// The request series of a route. Made once per route and kept: it is what makes recording cheap.
    pub fn route(&self, name: &'static str) -> Route {
        Route::new(name, self.durations.clone(), self.namespaces.clone())
    }

    /// The bucket of a namespace for [`Route::observe`].
    pub fn namespace(&self, namespace: &str) -> NamespaceBucket {
        self.namespaces.bucket(namespace)
    }

    /// Runs `refresh` before each exposition, for values that are kept elsewhere (pool sizes, counts of other rooms).
    /// It must be quick and must not block.
    pub fn on_exposition(&self, refresh: impl Fn(&Self) + Send + Sync + 'static) {
        let mut refreshers = self
            .refreshers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        refreshers.push(Box::new(refresh));
    }

    pub(crate) fn refresh(&self) {
        let refreshers = self
            .refreshers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for refresh in &*refreshers {
            refresh(self);
        }
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
