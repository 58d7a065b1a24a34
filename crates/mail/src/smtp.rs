//! The connection to the SMTP server (RFC 5321, STARTTLS of RFC 3207).
//!
//! Quay does not look at the certificate of the SMTP server. Here it must be trusted, because the registry's password for
//! that server and links that sign people in travel over the connection: an internal authority goes where those of other
//! services go (`extra_ca_certs`).

use std::time::Duration;

use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};

use crate::config::{MailConfig, SmtpServer};
use crate::render::Rendered;

/// Longest time for one step of the conversation with the server.
const STEP: Duration = Duration::from_secs(15);

/// Why the mailer cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The sender is no address.
    #[error(
        "MAIL_DEFAULT_SENDER {sender:?} is not an e-mail address; write name@domain or Name <name@domain>"
    )]
    Sender {
        /// As configured.
        sender: String,
        /// What is wrong with it.
        source: lettre::address::AddressError,
    },
    /// TLS cannot be set up.
    #[error("TLS to MAIL_SERVER {host} cannot be set up")]
    Tls {
        /// The server.
        host: String,
        /// Why.
        source: lettre::transport::smtp::Error,
    },
}

/// Why one mail was not delivered.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeliveryError {
    #[error("the recipient's address is malformed")]
    Recipient(#[from] lettre::address::AddressError),
    #[error("the message could not be built")]
    Message(#[from] lettre::error::Error),
    #[error(transparent)]
    Smtp(#[from] lettre::transport::smtp::Error),
}

impl DeliveryError {
    /// Whether another attempt may succeed.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Recipient(_) | Self::Message(_) => false,
            Self::Smtp(error) => !error.is_permanent() && !error.is_tls() && !error.is_client(),
        }
    }
}

pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    sender: Mailbox,
}

impl Smtp {
    pub(crate) fn new(config: &MailConfig, server: &SmtpServer) -> Result<Self, SetupError> {
        let sender = config.sender.parse().map_err(|source| SetupError::Sender {
            sender: config.sender.clone(),
            source,
        })?;
        let tls = if server.starttls {
            Tls::Required(tls_parameters(server).map_err(|source| SetupError::Tls {
                host: server.host.clone(),
                source,
            })?)
        } else {
            Tls::None
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.host.as_str())
                .port(server.port)
                .tls(tls)
                .timeout(Some(STEP))
                .hello_name(ClientId::Domain(config.hello.clone()));
        if let Some(login) = &server.login {
            let credentials = Credentials::new(login.username.clone(), login.password.clone());
            builder = builder.credentials(credentials);
        }
        Ok(Self {
            transport: builder.build(),
            sender,
        })
    }

    pub(crate) async fn deliver(&self, to: &str, letter: Rendered) -> Result<(), DeliveryError> {
        let message = Message::builder()
            .from(self.sender.clone())
            .to(Mailbox::new(None, to.parse()?))
            .subject(letter.subject)
            .multipart(MultiPart::alternative_plain_html(letter.text, letter.html))?;
        self.transport.send(message).await?;
        Ok(())
    }
}

fn tls_parameters(server: &SmtpServer) -> Result<TlsParameters, lettre::transport::smtp::Error> {
    let mut builder = TlsParameters::builder(server.host.clone());
    for authority in &server.extra_authorities {
        builder = builder.add_root_certificate(Certificate::from_der(authority.clone())?);
    }
    builder.build_rustls()
}
