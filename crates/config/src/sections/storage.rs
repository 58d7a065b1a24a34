//! Blob storage locations and their order.

use crate::field::{Mark, section};
use crate::ordered::Ordered;
use crate::storage_driver::StorageDriver;

section! {
    /// Storage locations and replication.
    Storage {
        /// All storage locations: an id of free choice and `[driver, {arguments}]`. Ids are stored in the database: never rename them.
        DISTRIBUTED_STORAGE_CONFIG => distributed_storage_config: Ordered<StorageDriver> = Ordered::default();
        /// Order in which this node tries the locations; by default all of them.
        DISTRIBUTED_STORAGE_PREFERENCE => distributed_storage_preference: Option<Vec<String>> = None;
        /// Locations that every blob must reach.
        DISTRIBUTED_STORAGE_DEFAULT_LOCATIONS => distributed_storage_default_locations: Vec<String> = Vec::new();
        /// Replicate blobs to the default locations.
        FEATURE_STORAGE_REPLICATION => feature_storage_replication: bool = false;
        /// Seconds that one replication may take before another worker takes it over.
        STORAGE_REPLICATION_PROCESSING_SECONDS => storage_replication_processing_seconds: u32 = 1200, Mark::Undocumented;
        /// The end-to-end health check also writes to storage.
        DISTRIBUTED_STORAGE_VALIDATE_ENDTOEND => distributed_storage_validate_endtoend: bool = false, Mark::Undocumented;
        /// The storage health check fails unless every location works.
        DISTRIBUTED_STORAGE_REQUIRES_ALL_AVAILABLE => distributed_storage_requires_all_available: bool = false, Mark::Undocumented;
        /// Blobs are sent by the registry itself instead of a redirect to the storage.
        FEATURE_PROXY_STORAGE => feature_proxy_storage: bool = false;
        /// Location of uploaded build contexts.
        USERFILES_LOCATION => userfiles_location: String = "local_us".into();
        /// Folder of uploaded build contexts.
        USERFILES_PATH => userfiles_path: String = "userfiles/".into();
        /// Location of archived build logs.
        LOG_ARCHIVE_LOCATION => log_archive_location: String = "local_us".into();
        /// Folder of archived build logs.
        LOG_ARCHIVE_PATH => log_archive_path: String = "logarchive/".into();
        /// Remove stale uploads.
        CLEAN_BLOB_UPLOAD_FOLDER => clean_blob_upload_folder: bool = true;
        /// Seconds between two rounds of the upload cleanup.
        BLOBUPLOAD_CLEANUP_FREQUENCY => blobupload_cleanup_frequency: u32 = 3600, Mark::Undocumented;
        /// Age in minutes at which an upload is stale.
        BLOBUPLOAD_DELETION_DATE_THRESHOLD => blobupload_deletion_date_threshold: u32 = 2880, Mark::Undocumented;
        /// Abort old multipart uploads.
        FEATURE_ENABLE_STALE_MPU_CLEANUP => feature_enable_stale_mpu_cleanup: bool = true, Mark::Undocumented;
        /// If not empty, only these namespaces are redirected to the CDN.
        CDN_SPECIFIC_NAMESPACES => cdn_specific_namespaces: Vec<String> = Vec::new(), Mark::Undocumented;
        /// Seconds that a freshly pushed blob or manifest is kept without a tag.
        PUSH_TEMP_TAG_EXPIRATION_SEC => push_temp_tag_expiration_sec: u32 = 3600;
        /// Seconds that an internal signed grant lives.
        SIGNED_GRANT_EXPIRATION_SEC => signed_grant_expiration_sec: u32 = 86_400;
    }
}

impl Storage {
    /// The locations in the order in which this node tries them.
    pub fn preference(&self) -> Vec<&str> {
        match &self.distributed_storage_preference {
            Some(preference) if !preference.is_empty() => {
                preference.iter().map(String::as_str).collect()
            }
            _ => self.distributed_storage_config.names().collect(),
        }
    }
}
