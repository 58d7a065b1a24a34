//! Mail to people: what is written to them, and how it reaches the SMTP server that `MAIL_*` names (config.md §17).
//!
//! Why a room of its own: registration, recovery, invitations and exports all write to people, and none of them may wait for
//! an SMTP server, or lose what it did because that server is slow.
//!
//! Invariants: a change that a mail is about first takes a place in the bounded queue ([`Mailer::reserve`]), is then
//! committed, and only then is the mail put into its place. So no mail tells of a change that was rolled back, and no
//! change is made whose mail could not be taken. Everything that comes from people is escaped in HTML and cannot start a
//! header. Secrets (codes in links) are never logged.

mod config;
mod letter;
mod mailer;
mod render;
mod smtp;

pub use config::{MailConfig, SmtpLogin, SmtpServer};
pub use letter::{Letter, OrganizationAdmins};
pub use mailer::{MailError, Mailer, Slot};
pub use smtp::SetupError;
