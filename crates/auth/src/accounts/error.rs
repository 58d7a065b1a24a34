//! Why a change to accounts was refused. Messages are for the person who asked; where Quay has one, its form is kept,
//! because clients show it.

use pierhead_db::encoding::EncodingError;
use pierhead_oci::NameError;

/// A refused or failed change. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountsError {
    /// A user or organization may not be called that.
    #[error("Invalid namespace {name}: {reason}")]
    InvalidNamespace {
        /// The name as given.
        name: String,
        /// What a name must be.
        reason: &'static str,
    },
    /// An account may not be renamed to that.
    #[error("Invalid username {name}: {reason}")]
    InvalidUsername {
        /// The name as given.
        name: String,
        /// What a name must be.
        reason: &'static str,
    },
    /// A team may not be called that.
    #[error("Invalid team name {name}: {reason}")]
    InvalidTeamName {
        /// The name as given.
        name: String,
        /// What a name must be.
        reason: &'static str,
    },
    /// A robot may not be called that.
    #[error("The name for the robot '{name}' is invalid: {reason}")]
    InvalidRobotName {
        /// The name as given, without the namespace.
        name: String,
        /// What a name must be.
        reason: &'static str,
    },
    /// A repository may not be called that.
    #[error(transparent)]
    InvalidRepositoryName(#[from] NameError),
    /// The name belongs to a user or an organization.
    #[error("Username has already been taken by {} cannot be reused: {name}", if *.organization { "an organization and" } else { "user" })]
    NameTaken {
        /// The name as given.
        name: String,
        /// Who has it.
        organization: bool,
    },
    /// A namespace of that name is still being deleted.
    #[error("Username is not available")]
    NameBeingDeleted(String),
    /// An address has no place in a mail header.
    #[error("Invalid email address: {0}")]
    InvalidEmail(String),
    /// Somebody has that address.
    #[error("Email has already been used: {0}")]
    EmailTaken(String),
    /// Somebody has that address.
    #[error("E-mail address already used")]
    AddressInUse,
    /// Who registers must have an address where mail is sent.
    #[error("Email address is required")]
    AddressRequired,
    /// The site does not want people with that address.
    #[error(
        "Creation of a user account for this e-mail is disabled; please contact an administrator"
    )]
    AddressNotWanted,
    /// The site wants no new account for somebody who comes from an identity provider.
    #[error("User creation is disabled. Please contact your administrator")]
    CreationDisabled,
    /// An identity at a provider is linked already, or the account to another one there.
    #[error("The external account is already attached to an account")]
    IdentityInUse,
    /// What an identity provider says of somebody has control characters.
    #[error(
        "The account at the service has a name, an id or an e-mail address that cannot be used"
    )]
    MalformedIdentity,
    /// Every name that was tried for somebody who comes from an identity provider is taken.
    #[error("No username like {0} is free. Please contact your administrator")]
    NoFreeName(String),
    /// Only invited people may register.
    #[error("Cannot create non-invited user")]
    NotInvited,
    /// A person of that name exists.
    #[error("The username already exists")]
    UserExists,
    /// Somebody has the name that a person wants to take.
    #[error("Username is already in use")]
    UsernameInUse,
    /// A code of a link does not exist, was used, or is too old.
    #[error("Invalid email confirmation code")]
    InvalidCode,
    /// A password is too short or has spaces.
    #[error("Invalid password, password must be at least 8 characters and contain no whitespace.")]
    InvalidPassword,
    /// The first user was to be made, but there are accounts.
    #[error("Cannot initialize user in a non-empty database")]
    NotEmpty,
    /// No person has that name.
    #[error("User does not exist: {0}")]
    NoSuchUser(String),
    /// No organization has that name.
    #[error("Organization does not exist: {0}")]
    NoSuchOrganization(String),
    /// No person or organization has that name.
    #[error("Namespace does not exist: {0}")]
    NoSuchNamespace(String),
    /// The organization has no team of that name.
    #[error("No team {team} in organization {organization}")]
    NoSuchTeam {
        /// The organization.
        organization: String,
        /// The team.
        team: String,
    },
    /// The organization has a team of that name.
    #[error("Team {team} already exists in organization {organization}")]
    TeamExists {
        /// The organization.
        organization: String,
        /// The team.
        team: String,
    },
    /// An external group decides who is in the team.
    #[error("Team {0} is synchronized with an external group: change its members there")]
    TeamIsSynced(String),
    /// Somebody is in the team.
    #[error("User {member} is already a member of team {team}")]
    AlreadyMember {
        /// The person or robot.
        member: String,
        /// The team.
        team: String,
    },
    /// Somebody is not in the team.
    #[error("User {member} does not belong to team {team}")]
    NotMember {
        /// The person or robot.
        member: String,
        /// The team.
        team: String,
    },
    /// Somebody would lock themselves out of their organization.
    #[error("User cannot remove themselves from their only admin team.")]
    OnlyAdminTeam,
    /// Somebody would take away their own right to administer an organization by changing a team's role.
    #[error(
        "Cannot remove admin from team '{team}' because calling user would no longer have admin on org '{organization}'"
    )]
    DemotesOnlyAdminTeam {
        /// The organization.
        organization: String,
        /// The team.
        team: String,
    },
    /// Somebody would take away their own right to administer an organization by deleting a team.
    #[error(
        "Deleting team '{team}' would remove admin ability for user '{user}' in organization '{organization}'"
    )]
    DeletesOnlyAdminTeam {
        /// The organization.
        organization: String,
        /// The team.
        team: String,
        /// Who asked.
        user: String,
    },
    /// An organization would have nobody who administers it.
    #[error("Cannot remove user as they are the only organization admin")]
    OnlyOrganizationAdmin,
    /// Somebody alone administers organizations and must hand them over before they go.
    #[error("Cannot delete {user} as you are the only admin for organizations: {}", .organizations.join(", "))]
    AdministersAlone {
        /// Who is to be deleted.
        user: String,
        /// Their organizations.
        organizations: Vec<String>,
    },
    /// A time machine window is not one of `TAG_EXPIRATION_OPTIONS`.
    #[error("Invalid tag expiration option")]
    InvalidTagExpiration,
    /// No invitation has that code, or it is not for the caller to decline.
    #[error("Invalid confirmation code.")]
    InvalidInvite,
    /// An invitation is for somebody else.
    #[error("This invite is intended for {invited}. Please login to that account and try again.")]
    InviteForSomebodyElse {
        /// `user "name"` or `email "address"`.
        invited: String,
    },
    /// An address was not invited to a team.
    #[error("Email {email} was not invited to team {team}")]
    NoSuchInvite {
        /// The address.
        email: String,
        /// The team.
        team: String,
    },
    /// The operator at the command line, who is no account, cannot invite.
    #[error("Only somebody with an account can invite to a team")]
    NobodyInvites,
    /// The person whose new repositories a default permission is for does not exist.
    #[error("Unknown activating user")]
    UnknownActivatingUser,
    /// The person or robot that a default permission is for does not exist.
    #[error("Missing delegate user or team")]
    MissingDelegate,
    /// An organization has no default permission of that id.
    #[error("Organization {organization} has no default permission {id}")]
    NoSuchPrototype {
        /// The organization.
        organization: String,
        /// The id as given.
        id: String,
    },
    /// The federation of a robot is not well-formed.
    #[error("{0}")]
    InvalidFederation(&'static str),
    /// `ROBOTS_DISALLOW` is set.
    #[error("Robot accounts have been disabled. Please contact your administrator.")]
    RobotsDisallowed,
    /// A robot of that name exists.
    #[error("Existing robot with name: {0}")]
    RobotExists(String),
    /// No robot has that name.
    #[error("Could not find robot with username: {0}")]
    NoSuchRobot(String),
    /// A token given by the caller is not 64 characters of A–Z and 0–9.
    #[error("Invalid token for robot: it must be exactly 64 characters of A-Z and 0-9")]
    InvalidRobotToken,
    /// A text does not fit into its column.
    #[error("{what} is too long: {length} characters, at most {limit} are allowed")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// Its characters.
        length: usize,
        /// How many the column holds.
        limit: usize,
    },
    /// A text that people need is missing.
    #[error("{0} must not be empty")]
    Empty(&'static str),
    /// A mirror works as this robot.
    #[error("Robot is being used by a mirror: {0}")]
    RobotUsedByMirror(String),
    /// A robot belongs to another namespace.
    #[error("Cannot add robot {robot} under namespace {namespace}")]
    ForeignRobot {
        /// The robot's full name.
        robot: String,
        /// Where it was to be added.
        namespace: String,
    },
    /// A repository of that name exists.
    #[error("Repository already exists: {namespace}/{name}")]
    RepositoryExists {
        /// The owner.
        namespace: String,
        /// Without the namespace.
        name: String,
    },
    /// No repository has that name.
    #[error("Repository does not exist: {namespace}/{name}")]
    NoSuchRepository {
        /// The owner.
        namespace: String,
        /// Without the namespace.
        name: String,
    },
    /// An organization mirror decides the state of its repositories.
    #[error("The state of {0} is managed by the mirror of its organization and cannot be changed")]
    StateIsManaged(String),
    /// The owner of a namespace always administers its repositories.
    #[error("Namespace owner must always be admin.")]
    OwnerIsAdmin,
    /// There is no permission to take back.
    #[error("{grantee} does not have permission for repo.")]
    NoPermission {
        /// `User NAME` or `Team NAME`.
        grantee: String,
    },
    /// A person has no app token of that id.
    #[error("User {user} has no app token {uuid}")]
    NoSuchAppToken {
        /// The person.
        user: String,
        /// The token's public id.
        uuid: String,
    },
    /// The organization has no application with that client id.
    #[error("Application does not exist: {0}")]
    NoSuchApplication(String),
    /// The name belongs to the application that this registry makes for its own automation.
    #[error("Application name is reserved for bootstrap token provisioning")]
    ReservedApplicationName,
    /// There is no OAuth token of that id where it was looked for.
    #[error("OAuth token does not exist: {0}")]
    NoSuchOAuthToken(String),
    /// Nothing with that id is assigned to the person.
    #[error("Assigned authorization does not exist: {0}")]
    NoSuchAssignment(String),
    /// A text names something that is not a scope, or nothing.
    #[error("Invalid scope: {0}")]
    InvalidScope(String),
    /// `OAUTH_APPLICATION_MAXIMUM_TOKEN_COUNT` is reached.
    #[error("Token limit reached: maximum {0} non-expired tokens per application")]
    TooManyTokens(u32),
    /// No service key has that id.
    #[error("Service key does not exist: {0}")]
    NoSuchServiceKey(String),
    /// A service key has that id.
    #[error("Service key already exists: {0}")]
    ServiceKeyExists(String),
    /// A service may not be called that.
    #[error("Invalid service name {0}: only a-z, 0-9 and _ are allowed")]
    InvalidServiceName(String),
    /// A service key may not be called that.
    #[error("Invalid service key friendly name: {0}")]
    InvalidServiceKeyName(String),
    /// A service key would end before it begins.
    #[error("Expiration date cannot be in the past")]
    ServiceKeyEndsInThePast,
    /// Too many service keys wait for approval.
    #[error(
        "{0} service keys wait for approval already: a superuser must approve or delete some of them"
    )]
    TooManyWaitingServiceKeys(i64),
    /// A key could not be made.
    #[error("a service key could not be made")]
    ServiceKey(#[from] crate::SigningError),
    /// A password could not be hashed.
    #[error("a password could not be hashed")]
    Hashing(#[source] bcrypt::BcryptError),
    /// The process is going down while a password was being hashed.
    #[error("a password could not be hashed: the process is shutting down")]
    HashingStopped,
    /// A secret could not be made or encrypted.
    #[error("a secret could not be made or encrypted")]
    Encoding(#[from] EncodingError),
    /// The audit log cannot say what was done.
    #[error(
        "the table logentrykind has no row {0:?}, which every Quay 3.18 database has: the database was changed by hand or not restored completely"
    )]
    NoLogKind(&'static str),
    /// Nobody can be told in the console what was done.
    #[error(
        "the table notificationkind has no row {0:?}, which every Quay 3.18 database has: the database was changed by hand or not restored completely"
    )]
    NoNotificationKind(&'static str),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] pierhead_db::Error),
}

/// A result of a change to accounts.
pub type Result<T, E = AccountsError> = std::result::Result<T, E>;

impl AccountsError {
    /// Whether something that the caller named does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(
            self,
            Self::NoSuchUser(_)
                | Self::NoSuchOrganization(_)
                | Self::NoSuchNamespace(_)
                | Self::NoSuchTeam { .. }
                | Self::NoSuchRobot(_)
                | Self::NoSuchRepository { .. }
                | Self::NoSuchAppToken { .. }
                | Self::NoSuchApplication(_)
                | Self::NoSuchAssignment(_)
                | Self::NoSuchOAuthToken(_)
                | Self::NoSuchServiceKey(_)
                | Self::NoSuchInvite { .. }
                | Self::NoSuchPrototype { .. }
        )
    }

    /// Whether the fault is ours and not the caller's.
    pub fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::Hashing(_)
                | Self::HashingStopped
                | Self::Encoding(_)
                | Self::NoLogKind(_)
                | Self::NoNotificationKind(_)
                | Self::ServiceKey(_)
                | Self::Database(_)
        )
    }
}
