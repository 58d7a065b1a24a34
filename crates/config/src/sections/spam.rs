//! Spam detection.

use std::path::PathBuf;

use crate::field::{Mark, section};

section! {
    /// Spam detection.
    Spam {
        /// Look for spam in descriptions.
        FEATURE_SPAM_DETECTION => feature_spam_detection: bool = false, Mark::Since("3.18");
        /// Only log what would be refused.
        SPAM_DETECTION_DRY_RUN => spam_detection_dry_run: bool = true, Mark::Since("3.18");
        /// Accept when the detection fails.
        SPAM_DETECTION_FAIL_OPEN => spam_detection_fail_open: bool = true, Mark::Since("3.18");
        /// File of the classifier.
        SPAM_DETECTION_CLASSIFIER_PATH => spam_detection_classifier_path: PathBuf = PathBuf::from("/conf/spam-detection/classifier.json"), Mark::Since("3.18");
        /// Expected version of the classifier.
        SPAM_DETECTION_CLASSIFIER_VERSION => spam_detection_classifier_version: Option<String> = None, Mark::Since("3.18");
        /// Expected SHA-256 of the classifier.
        SPAM_DETECTION_CLASSIFIER_SHA256 => spam_detection_classifier_sha256: Option<String> = None, Mark::Since("3.18");
    }
}
