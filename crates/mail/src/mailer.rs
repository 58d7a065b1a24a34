//! The bounded queue of mails and the one worker that delivers them.
//!
//! Mail is not durable: what waits when the process is killed is lost, and people ask again. A graceful stop delivers what
//! waits, as far as the SMTP server takes it within [`LAST_CHANCE`].

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::config::MailConfig;
use crate::letter::Letter;
use crate::smtp::{SetupError, Smtp};

/// Mails that may wait. About a kilobyte each.
const QUEUE: usize = 256;
/// Pauses before the second and third attempt.
const RETRY: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(15)];
/// How long a stopping process tries to deliver what waits.
const LAST_CHANCE: Duration = Duration::from_secs(10);

/// Why no mail can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// `FEATURE_MAILING` is off.
    #[error("no mail is sent: FEATURE_MAILING is off")]
    Off,
    /// There is no SMTP server.
    #[error(
        "no mail can be sent: FEATURE_MAILING is on, and MAIL_SERVER is empty. Set MAIL_SERVER to your SMTP server, or \
         FEATURE_MAILING to false"
    )]
    NoServer,
    /// The queue is full.
    #[error(
        "no mail can be taken: the SMTP server has not taken any for a while, and {QUEUE} mails wait"
    )]
    Full,
    /// The process is going down.
    #[error("no mail can be taken: the process is shutting down")]
    Stopping,
}

/// Takes mails. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailer(State);

#[derive(Clone, Debug)]
enum State {
    Unavailable(MailError),
    Queue(mpsc::Sender<Mail>),
}

#[derive(Debug)]
struct Mail {
    to: String,
    letter: Letter,
}

/// A place in the queue.
#[derive(Debug)]
pub struct Slot(mpsc::OwnedPermit<Mail>);

impl Slot {
    /// Puts a mail into its place.
    pub fn send(self, to: impl Into<String>, letter: Letter) {
        let to = to.into();
        self.0.send(Mail { to, letter });
    }
}

impl Mailer {
    /// A mailer that takes nothing, because `FEATURE_MAILING` is off.
    pub fn off() -> Self {
        Self(State::Unavailable(MailError::Off))
    }

    /// Starts the worker. It ends after `stop` is cancelled. Without a server there is no worker, and nothing is taken.
    ///
    /// # Errors
    /// When the sender is no address, or TLS cannot be set up.
    pub fn start(
        config: MailConfig,
        stop: CancellationToken,
    ) -> Result<(Self, Option<JoinHandle<()>>), SetupError> {
        let Some(server) = &config.server else {
            return Ok((Self(State::Unavailable(MailError::NoServer)), None));
        };
        let smtp = Smtp::new(&config, server)?;
        let (queue, mails) = mpsc::channel(QUEUE);
        let worker = Worker {
            smtp,
            config: Arc::new(config),
        };
        let worker = tokio::spawn(worker.work(mails, stop));
        Ok((Self(State::Queue(queue)), Some(worker)))
    }

    /// Takes a place for one mail. A place that is dropped is free again.
    ///
    /// # Errors
    /// When no mail can be sent at all, or too many wait.
    pub fn reserve(&self) -> Result<Slot, MailError> {
        match &self.0 {
            State::Unavailable(reason) => Err(*reason),
            State::Queue(queue) => match queue.clone().try_reserve_owned() {
                Ok(permit) => Ok(Slot(permit)),
                Err(mpsc::error::TrySendError::Full(_)) => Err(MailError::Full),
                Err(mpsc::error::TrySendError::Closed(_)) => Err(MailError::Stopping),
            },
        }
    }
}

struct Worker {
    smtp: Smtp,
    config: Arc<MailConfig>,
}

impl Worker {
    async fn work(self, mut mails: mpsc::Receiver<Mail>, stop: CancellationToken) {
        loop {
            let mail = tokio::select! {
                mail = mails.recv() => mail,
                () = stop.cancelled() => break,
            };
            match mail {
                Some(mail) => self.deliver(&mail, &stop).await,
                None => return,
            }
        }
        mails.close();
        let rest = async {
            while let Some(mail) = mails.recv().await {
                self.deliver(&mail, &stop).await;
            }
        };
        if tokio::time::timeout(LAST_CHANCE, rest).await.is_err() {
            tracing::warn!(
                mails = mails.len(),
                "mails were not delivered before the process ended"
            );
        }
    }

    /// Delivers one mail, or says why not.
    async fn deliver(&self, mail: &Mail, stop: &CancellationToken) {
        let kind = mail.letter.kind();
        if self.config.suppressed {
            tracing::debug!(kind, "TESTING is set: a mail was not sent");
            return;
        }
        let mut pauses = RETRY.into_iter();
        loop {
            let rendered = mail.letter.render(&self.config);
            let error = match self.smtp.deliver(&mail.to, rendered).await {
                Ok(()) => {
                    tracing::debug!(kind, "sent a mail");
                    return;
                }
                Err(error) => error,
            };
            let pause = pauses
                .next()
                .filter(|_| error.is_transient() && !stop.is_cancelled());
            let Some(pause) = pause else {
                let error = &error as &dyn std::error::Error;
                if self.config.fail_silently {
                    tracing::debug!(kind, error, "a mail was not delivered");
                } else {
                    tracing::error!(
                        kind,
                        error,
                        "a mail was not delivered; check MAIL_SERVER, MAIL_PORT, MAIL_USE_TLS and the login"
                    );
                }
                return;
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = stop.cancelled() => {}
            }
        }
    }
}
