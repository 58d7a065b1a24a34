//! What the mailer needs to know of the configuration. The binary fills it in.

use std::fmt;

/// Settings of mail; each names its field of `config.yaml`.
#[derive(Clone, Debug)]
pub struct MailConfig {
    /// `MAIL_SERVER` and its neighbours; nothing when no host is set.
    pub server: Option<SmtpServer>,
    /// `MAIL_DEFAULT_SENDER`: an address, or `Name <address>`.
    pub sender: String,
    /// `REGISTRY_TITLE_SHORT`: how the registry names itself to people.
    pub title: String,
    /// `PREFERRED_URL_SCHEME://SERVER_HOSTNAME`, without a slash at the end: where links lead.
    pub base_url: String,
    /// `SERVER_HOSTNAME` without its port: how the registry greets the SMTP server.
    pub hello: String,
    /// `MAIL_FAIL_SILENTLY`: a mail that cannot be delivered is not an error in the log.
    pub fail_silently: bool,
    /// `TESTING`: every mail is taken and none is sent.
    pub suppressed: bool,
}

/// An SMTP server.
#[derive(Clone, Debug)]
pub struct SmtpServer {
    /// `MAIL_SERVER`.
    pub host: String,
    /// `MAIL_PORT`.
    pub port: u16,
    /// `MAIL_USE_TLS`: the connection is encrypted by STARTTLS, or not used.
    pub starttls: bool,
    /// `MAIL_USERNAME` and `MAIL_PASSWORD`, if both are set.
    pub login: Option<SmtpLogin>,
    /// Certificate authorities in DER that are trusted beside those of the system.
    pub extra_authorities: Vec<Vec<u8>>,
}

/// How the registry signs in to its SMTP server.
#[derive(Clone)]
pub struct SmtpLogin {
    /// `MAIL_USERNAME`.
    pub username: String,
    /// `MAIL_PASSWORD`.
    pub password: String,
}

impl fmt::Debug for SmtpLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpLogin")
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
