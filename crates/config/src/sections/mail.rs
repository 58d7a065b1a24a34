//! Mail and notifications.

use crate::field::section;
use crate::secret::Secret;

section! {
    /// Mail and notifications.
    Mail {
        /// Send mail. Recovery, invitations and notifications by mail need it.
        FEATURE_MAILING => feature_mailing: bool = true;
        /// SMTP server.
        MAIL_SERVER => mail_server: String = String::new();
        /// Port of the SMTP server.
        MAIL_PORT => mail_port: u16 = 587;
        /// Use STARTTLS.
        MAIL_USE_TLS => mail_use_tls: bool = true;
        /// Sign in to the SMTP server. Quay signs in whenever a user name is set.
        MAIL_USE_AUTH => mail_use_auth: bool = false;
        /// User name at the SMTP server.
        MAIL_USERNAME => mail_username: Option<String> = None;
        /// Password at the SMTP server.
        MAIL_PASSWORD => mail_password: Option<Secret> = None;
        /// Sender.
        MAIL_DEFAULT_SENDER => mail_default_sender: String = "admin@example.com".into();
        /// Ignore failures.
        MAIL_FAIL_SILENTLY => mail_fail_silently: bool = false;
        /// Seconds that a notification may take.
        NOTIFICATION_SEND_TIMEOUT => notification_send_timeout: u32 = 10;
        /// Hosts that notifications may not reach.
        WEBHOOK_HOSTNAME_BLACKLIST => webhook_hostname_blacklist: Vec<String> = Vec::new();
        /// Notify before images expire.
        FEATURE_IMAGE_EXPIRY_TRIGGER => feature_image_expiry_trigger: bool = false;
        /// Minutes between two searches for such images.
        NOTIFICATION_TASK_RUN_MINIMUM_INTERVAL_MINUTES => notification_task_run_minimum_interval_minutes: u32 = 300;
    }
}
