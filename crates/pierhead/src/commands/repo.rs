//! `pierhead repo`: repositories and who may use them.
//!
//! JSON keys: `create` gives `name` (`NAMESPACE/NAME`) and `visibility`; `list` gives `name`, `visibility`, `state`,
//! `description`; `visibility` gives `name` and `visibility`; `state` gives `name` and `state`; `permission` gives `name`,
//! `kind` (`user`, `team` or `robot`), `grantee`, `role` (null when it was taken back); `permissions` gives `kind`,
//! `grantee`, `role`; `delete` gives `name`. States are `normal`, `read-only`, `mirror`, `org-mirror`.

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use pierhead_auth::accounts::{
    Accounts, Actor, Grantee, Named, NewRepository, Repository, Role, SettableState, Visibility,
};
use serde_json::json;

use super::output::{List, Output};
use super::{CommandError, PAGE};

/// `pierhead repo …`
#[derive(Args, Debug)]
pub(crate) struct RepoArgs {
    #[command(subcommand)]
    command: RepoCommand,
}

#[derive(Subcommand, Debug)]
enum RepoCommand {
    /// Make a repository
    Create {
        #[command(flatten)]
        repository: RepositoryArg,
        /// Who may pull
        #[arg(long, value_enum, default_value_t = VisibilityArg::Private)]
        visibility: VisibilityArg,
        /// What it holds, in Markdown
        #[arg(long)]
        description: Option<String>,
    },
    /// List the repositories of a user or organization, or all of them
    List {
        /// The user or organization
        namespace: Option<String>,
    },
    /// Make a repository public or private
    Visibility {
        #[command(flatten)]
        repository: RepositoryArg,
        /// Who may pull
        #[arg(value_enum)]
        visibility: VisibilityArg,
    },
    /// Decide who may write to a repository
    State {
        #[command(flatten)]
        repository: RepositoryArg,
        /// Who may write
        #[arg(value_enum)]
        state: StateArg,
    },
    /// Give somebody a role on a repository, or take it back
    #[command(group = ArgGroup::new("grantee").required(true))]
    Permission {
        #[command(flatten)]
        repository: RepositoryArg,
        /// A user
        #[arg(long, group = "grantee")]
        user: Option<String>,
        /// A team of the repository's organization
        #[arg(long, group = "grantee")]
        team: Option<String>,
        /// A robot of the repository's namespace, with or without the namespace
        #[arg(long, group = "grantee")]
        robot: Option<String>,
        /// What they may do; `none` takes the permission back
        #[arg(long, value_enum)]
        role: RoleArg,
    },
    /// List the permissions on a repository
    Permissions {
        #[command(flatten)]
        repository: RepositoryArg,
    },
    /// Delete a repository with everything in it
    Delete {
        #[command(flatten)]
        repository: RepositoryArg,
    },
}

#[derive(Args, Clone, Debug)]
struct RepositoryArg {
    /// The repository
    #[arg(value_name = "NAMESPACE/NAME")]
    repository: RepositoryName,
}

/// `namespace/name`; the name may have slashes of its own.
#[derive(Clone, Debug)]
struct RepositoryName {
    namespace: String,
    name: String,
}

impl std::str::FromStr for RepositoryName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() => Ok(Self {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err("a repository is named NAMESPACE/NAME, for example acme/app"),
        }
    }
}

impl std::fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum VisibilityArg {
    /// Everybody
    Public,
    /// Those who have a permission
    Private,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StateArg {
    /// Everybody who has the permission
    Normal,
    /// Nobody
    ReadOnly,
    /// Only the repository's mirror
    Mirror,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    /// Everything
    Admin,
    /// Push and pull
    Write,
    /// Pull
    Read,
    /// Take the permission back
    None,
}

/// Runs a subcommand.
pub(crate) async fn run(
    args: RepoArgs,
    accounts: &Accounts,
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    let actor = Actor::operator();
    match args.command {
        RepoCommand::Create {
            repository: RepositoryArg { repository },
            visibility,
            description,
        } => {
            let visibility = Visibility::from(visibility);
            let new = NewRepository {
                namespace: repository.namespace.clone(),
                name: repository.name.clone(),
                visibility,
                description,
                creator: None,
                creator_role: Role::Admin,
            };
            accounts.create_repository(&actor, new).await?;
            let fields = [
                ("name", json!(repository.to_string())),
                ("visibility", json!(visibility.name())),
            ];
            out.record(&format!("Created repository {repository}."), &fields)?;
        }
        RepoCommand::List { namespace } => list(namespace, accounts, out).await?,
        RepoCommand::Visibility {
            repository: RepositoryArg { repository },
            visibility,
        } => {
            let (namespace, name) = (&repository.namespace, &repository.name);
            let visibility = Visibility::from(visibility);
            accounts
                .set_visibility(&actor, namespace, name, visibility)
                .await?;
            let fields = [
                ("name", json!(repository.to_string())),
                ("visibility", json!(visibility.name())),
            ];
            let done = format!("{repository} is {} now.", visibility.name());
            out.record(&done, &fields)?;
        }
        RepoCommand::State {
            repository: RepositoryArg { repository },
            state,
        } => {
            let (namespace, name) = (&repository.namespace, &repository.name);
            let (state, text) = match state {
                StateArg::Normal => (SettableState::Normal, "normal"),
                StateArg::ReadOnly => (SettableState::ReadOnly, "read-only"),
                StateArg::Mirror => (SettableState::Mirror, "mirror"),
            };
            accounts.set_state(&actor, namespace, name, state).await?;
            let fields = [
                ("name", json!(repository.to_string())),
                ("state", json!(text)),
            ];
            out.record(&format!("{repository} is in state {text} now."), &fields)?;
        }
        RepoCommand::Permission {
            repository: RepositoryArg { repository },
            user,
            team,
            robot,
            role,
        } => {
            let (kind, grantee) = grantee(&repository, user, team, robot);
            permission(&repository, kind, grantee, role, accounts, out).await?;
        }
        RepoCommand::Permissions {
            repository: RepositoryArg { repository },
        } => permissions(&repository, accounts, out).await?,
        RepoCommand::Delete {
            repository: RepositoryArg { repository },
        } => {
            let (namespace, name) = (&repository.namespace, &repository.name);
            accounts.delete_repository(&actor, namespace, name).await?;
            let fields = [("name", json!(repository.to_string()))];
            out.record(&format!("Deleted repository {repository}."), &fields)?;
        }
    }
    Ok(())
}

async fn list(
    namespace: Option<String>,
    accounts: &Accounts,
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    let mut list = out.list(&["name", "visibility", "state", "description"]);
    if let Some(namespace) = namespace {
        let mut after = String::new();
        loop {
            let page = accounts.list_repositories(&namespace, &after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after.clone_from(&last.name);
            show(&mut list, &page)?;
        }
    } else {
        let mut after = None;
        loop {
            let page = accounts.list_all_repositories(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            show(&mut list, &page)?;
        }
    }
    list.finish("There are no repositories.")?;
    Ok(())
}

fn show(list: &mut List<'_, '_>, page: &[Repository]) -> Result<(), CommandError> {
    let rows: Vec<_> = page
        .iter()
        .map(|repository| {
            vec![
                json!(format!("{}/{}", repository.namespace, repository.name)),
                json!(repository.visibility),
                json!(state(repository.state)),
                json!(repository.description.as_deref().unwrap_or_default()),
            ]
        })
        .collect();
    list.page(&rows)?;
    Ok(())
}

/// Who is meant by the options; the parser made sure that exactly one is given.
fn grantee(
    repository: &RepositoryName,
    user: Option<String>,
    team: Option<String>,
    robot: Option<String>,
) -> (&'static str, Grantee) {
    if let Some(user) = user {
        ("user", Grantee::User(user))
    } else if let Some(team) = team {
        ("team", Grantee::Team(team))
    } else {
        let robot = robot.unwrap_or_default();
        let full = if robot.contains('+') {
            robot
        } else {
            format!("{}+{robot}", repository.namespace)
        };
        ("robot", Grantee::Robot(full))
    }
}

async fn permission(
    repository: &RepositoryName,
    kind: &'static str,
    grantee: Grantee,
    role: RoleArg,
    accounts: &Accounts,
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    let actor = Actor::operator();
    let (namespace, name) = (&repository.namespace, &repository.name);
    let who = grantee.name().to_owned();
    let role = match role {
        RoleArg::Admin => Some(Role::Admin),
        RoleArg::Write => Some(Role::Write),
        RoleArg::Read => Some(Role::Read),
        RoleArg::None => None,
    };
    let done = if let Some(role) = role {
        accounts
            .set_permission(&actor, namespace, name, grantee, role)
            .await?;
        format!("{kind} {who} has role {} on {repository} now.", role.name())
    } else {
        accounts
            .remove_permission(&actor, namespace, name, grantee)
            .await?;
        format!("{kind} {who} has no permission on {repository} any more.")
    };
    let fields = [
        ("name", json!(repository.to_string())),
        ("kind", json!(kind)),
        ("grantee", json!(who)),
        ("role", json!(role.map(Role::name))),
    ];
    out.record(&done, &fields)?;
    Ok(())
}

async fn permissions(
    repository: &RepositoryName,
    accounts: &Accounts,
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    let rows: Vec<_> = accounts
        .list_permissions(&repository.namespace, &repository.name)
        .await?
        .into_iter()
        .map(|permission| {
            let kind = match (&permission.team, permission.robot) {
                (Some(_), _) => "team",
                (None, Some(true)) => "robot",
                (None, _) => "user",
            };
            vec![
                json!(kind),
                json!(permission.team.or(permission.username)),
                json!(permission.role),
            ]
        })
        .collect();
    let mut list = out.list(&["kind", "grantee", "role"]);
    list.page(&rows)?;
    list.finish("Nobody has a permission of their own; owners have every right.")?;
    Ok(())
}

/// The name of a `repository.state`.
fn state(number: i32) -> &'static str {
    match number {
        1 => "read-only",
        2 => "mirror",
        4 => "org-mirror",
        _ => "normal",
    }
}

impl From<VisibilityArg> for Visibility {
    fn from(visibility: VisibilityArg) -> Self {
        match visibility {
            VisibilityArg::Public => Self::Public,
            VisibilityArg::Private => Self::Private,
        }
    }
}

#[cfg(test)]
mod tests;
