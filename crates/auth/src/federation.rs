//! Robots without a stored secret (registry.md §3.6): a program shows a token of an identity provider that its robot trusts
//! (`OpenID` Connect; the service accounts of a Kubernetes cluster, the jobs of a CI), and gets a password of the robot for an
//! hour.
//!
//! Rules: the token's issuer and subject are those of an entry of the robot's federation; it is signed (RS256 or RS384) with a
//! key that the issuer publishes; it has `iat` and `exp`, with 30 seconds of leeway; if the robot's federation names audiences
//! for the issuer, it is for one of them. `nbf` is not looked at, as in Quay.
//!
//! Who may edit a robot decides which URL is asked for keys, so it is asked through the address guard.

use chrono::TimeDelta;
use pierhead_client::Client;
use pierhead_config::Secret;
use pierhead_db::queries::principals::{self, CredentialTable};
use pierhead_db::queries::robot_federation;
use serde::Deserialize;

use crate::auth::Auth;
use crate::claims::{NewClaims, NewContext, OwnClaim};
use crate::clock::Clock;
use crate::credential::{Account, Credential, robot_owner};
use crate::issue::TokenError;
use crate::jws::{Algorithm, Jws};
use crate::sign_in::SignInError;
use crate::standing::Standing;

mod issuers;
mod presented;

use issuers::Issuers;
use presented::Presented;

/// How far clocks may be apart.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// Why a robot gets no password. Messages are for the client, except where noted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FederationError {
    /// It is no robot's name, or `ROBOTS_DISALLOW` is set.
    #[error("Invalid robot")]
    InvalidRobot,
    /// There is no such robot.
    #[error("Could not find robot with username: {0}")]
    NoSuchRobot(String),
    /// The robot trusts nobody.
    #[error("Robot does not have federated login configured")]
    NotFederated,
    /// The token names no issuer, or is none.
    #[error("Token does not contain issuer")]
    NoIssuer,
    /// The robot does not trust the issuer.
    #[error("issuer {0} not configured for this robot")]
    ForeignIssuer(String),
    /// The token is malformed, not signed by the issuer, for somebody else or out of its time.
    #[error("Invalid token: {0}")]
    InvalidToken(&'static str),
    /// The issuer's keys cannot be had.
    #[error("Invalid token: the keys of issuer {0} could not be loaded")]
    NoKeys(String),
    /// The token is of a subject that the robot does not trust.
    #[error("Token does not match robot")]
    ForeignSubject,
    /// The robot, or its owner, may not sign in.
    #[error(transparent)]
    SignIn(#[from] SignInError),
    /// The password could not be signed; our fault.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The database failed; our fault.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
}

impl FederationError {
    /// Whether the fault is ours and not the client's.
    pub fn is_internal(&self) -> bool {
        match self {
            Self::SignIn(error) => error.is_internal(),
            Self::Token(_) | Self::Database(_) => true,
            _ => false,
        }
    }
}

/// The identity providers that robots trust, with their keys.
#[derive(Debug)]
pub struct Federation {
    issuers: Issuers,
    clock: Clock,
}

/// An identity provider's subject that a robot trusts.
#[derive(Clone, Debug, Deserialize)]
struct Trusted {
    issuer: String,
    subject: String,
    #[serde(default)]
    audiences: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    federation_config: Vec<Trusted>,
}

/// A password that a robot was given.
#[derive(Clone, Debug)]
pub struct RobotPassword {
    /// What it signs in with, for an hour.
    pub token: Secret,
    /// The robot.
    pub robot: Account,
    /// The identity provider.
    pub issuer: String,
    /// As whom the program showed itself.
    pub subject: String,
}

impl Federation {
    /// Identity providers that are asked through this client.
    pub fn new(client: Client, clock: Clock) -> Self {
        Self {
            issuers: Issuers::new(client, clock.clone()),
            clock,
        }
    }

    /// Checks a token against what a robot trusts; returns issuer and subject.
    async fn verify(
        &self,
        token: &str,
        trusted: &[Trusted],
    ) -> Result<(String, String), FederationError> {
        let invalid = FederationError::InvalidToken;
        let jws = Jws::parse(token, &[Algorithm::Rs256, Algorithm::Rs384])
            .map_err(|_| invalid("it is not signed with RS256 or RS384"))?;
        let claims = Presented::read(&jws.payload)?;
        let issuer = claims.iss.clone().ok_or(FederationError::NoIssuer)?;
        let of_issuer: Vec<&Trusted> = trusted
            .iter()
            .filter(|entry| entry.issuer == issuer)
            .collect();
        if of_issuer.is_empty() {
            return Err(FederationError::ForeignIssuer(issuer));
        }
        let kid = jws.kid.as_deref().ok_or(invalid("it names no key"))?;
        if !self.issuers.verifies(&issuer, kid, &jws).await? {
            return Err(invalid("it is not signed by its issuer"));
        }
        let audiences = of_issuer
            .iter()
            .filter_map(|entry| entry.audiences.as_ref())
            .rfind(|audiences| !audiences.is_empty());
        claims.check(self.clock.unix(), LEEWAY.num_seconds(), audiences)?;
        let subject = claims.sub.ok_or(FederationError::ForeignSubject)?;
        if of_issuer.iter().any(|entry| entry.subject == subject) {
            Ok((issuer, subject))
        } else {
            Err(FederationError::ForeignSubject)
        }
    }
}

impl Auth {
    /// Gives a program the password of a robot, for an hour, if it shows a token of an identity provider that the robot trusts.
    ///
    /// # Errors
    /// [`FederationError`] as its variants say.
    pub async fn federated_robot(
        &self,
        federation: &Federation,
        username: &str,
        token: &str,
    ) -> Result<RobotPassword, FederationError> {
        let config = &self.inner.config;
        let allowed = !config.robots_disallow || config.robots_whitelist.contains(username);
        if !username.contains('+') || !username.is_ascii() || !allowed {
            return Err(FederationError::InvalidRobot);
        }
        let missing = || FederationError::NoSuchRobot(username.to_owned());
        let (credential, metadata) = {
            let mut conn = self.inner.db.read().await?;
            let row = principals::find_robot(&mut conn, username, robot_owner(username)).await?;
            let standing = row.and_then(|row| Standing::from_row(CredentialTable::Robot, &row));
            let credential = self.counting(standing.ok_or_else(missing)?)?.credential;
            let robot = credential.account.as_ref().ok_or_else(missing)?.id;
            let metadata = robot_federation::of_robot(&mut conn, robot).await?;
            (credential, metadata)
        };
        let trusted = metadata
            .and_then(|json| serde_json::from_str::<Metadata>(&json).ok())
            .map(|metadata| metadata.federation_config)
            .filter(|trusted| !trusted.is_empty())
            .ok_or(FederationError::NotFederated)?;
        let (issuer, subject) = federation.verify(token, &trusted).await?;
        Ok(RobotPassword {
            token: self.robot_password(&credential)?,
            robot: credential.account.ok_or_else(missing)?,
            issuer,
            subject,
        })
    }

    fn robot_password(&self, credential: &Credential) -> Result<Secret, TokenError> {
        let inner = &self.inner;
        let body = serde_json::to_string(&NewClaims {
            iss: inner.keys.service(),
            aud: Some(&inner.config.server_hostname),
            sub: credential.subject(),
            access: Vec::new(),
            context: NewContext::new(Some(credential), std::iter::empty()),
            pierhead: OwnClaim::robot_password(credential),
        })
        .map_err(TokenError::Claims)?;
        let signed = self.sign(&body, inner.clock.monotonic_ms())?;
        Ok(Secret::new(&*signed.token))
    }
}
