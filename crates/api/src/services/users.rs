//! What people do with their own account (api-v1.md §5.1): signing in and out, registering, recovering, and what they see and
//! change of themselves. The rows are changed by `auth`; here is what the site's configuration asks, and the mail.

use pierhead_auth::SignInError;
use pierhead_auth::accounts::AccountsError;
use pierhead_mail::{Letter, MailError, Slot};

use crate::error::{Error, Result};
use crate::state::Api;

pub(crate) mod captcha;
pub(crate) mod notifications;
pub(crate) mod profile;
pub(crate) mod recovery;
pub(crate) mod registration;
pub(crate) mod sign_in;

/// A place for a mail without which a request makes no sense.
pub(crate) fn reserve_mail(api: &Api) -> Result<Slot> {
    api.mailer().reserve().map_err(no_mail)
}

/// Quay's words to who asks; what to do goes to the log, for who can do it.
fn no_mail(error: MailError) -> Error {
    tracing::error!(%error, "a request was refused, because its mail cannot be sent");
    Error::bad_request(
        "Could not send email. Please contact an administrator and report this problem.",
    )
}

/// Tells somebody what has happened already, if mail is sent and they have an address.
pub(crate) fn notify(api: &Api, email: &str, letter: Letter) {
    if !api.config().mail.feature_mailing || !email.contains('@') {
        return;
    }
    match api.mailer().reserve() {
        Ok(slot) => slot.send(email, letter),
        Err(error) => tracing::warn!(%error, kind = letter.kind(), "a mail was not sent"),
    }
}

/// Shape a for what is wrong with a request.
pub(crate) fn invalid(error: AccountsError) -> Error {
    if error.is_internal() {
        Error::from(error)
    } else {
        Error::invalid_request(error.to_string())
    }
}

/// A failure of ours, or too many attempts; the others are answered by each route in its own way.
fn sign_in_failure(error: SignInError) -> Result<SignInError> {
    match error {
        SignInError::Database(error) => Err(error.into()),
        SignInError::Encoding(error) => Err(error.into()),
        SignInError::TooManyAttempts { retry_after } => Err(Error::TooManyAttempts {
            retry_after_s: retry_after.as_secs(),
        }),
        error if error.is_internal() => Err(Error::Internal(error.to_string())),
        refused => Ok(refused),
    }
}
