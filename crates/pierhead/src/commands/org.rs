//! `pierhead org`: organizations and their teams.
//!
//! JSON keys: `create` gives `name` and `owner`; `list` gives `name`, `email` (null when there is none), `created`.
//! `team create` gives `organization`, `team`, `role`; `team list` gives `name`, `role`, `members` (an array),
//! `description`; `team add-member` and `team remove-member` give `organization`, `team`, `member`.

use clap::{Args, Subcommand, ValueEnum};
use pierhead_auth::accounts::{Accounts, Actor, Named, NewOrganization, TeamRole};
use serde_json::json;

use super::output::Output;
use super::{CommandError, PAGE, address, time};

/// `pierhead org …`
#[derive(Args, Debug)]
pub(crate) struct OrgArgs {
    #[command(subcommand)]
    command: OrgCommand,
}

#[derive(Subcommand, Debug)]
enum OrgCommand {
    /// Make an organization with the team `owners`
    Create {
        /// 2 to 255 characters: a-z, 0-9 and single '.', '_' or '-' between them
        name: String,
        /// The user who administers it first
        #[arg(long)]
        owner: String,
        /// Address of the organization
        #[arg(long)]
        email: Option<String>,
    },
    /// List the organizations
    List,
    /// Teams of an organization
    #[command(subcommand)]
    Team(TeamCommand),
}

#[derive(Subcommand, Debug)]
enum TeamCommand {
    /// Make a team
    Create {
        /// The organization
        organization: String,
        /// The team's name
        team: String,
        /// What its members may do in the organization
        #[arg(long, value_enum, default_value_t = RoleArg::Member)]
        role: RoleArg,
        /// What the team is for
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List the teams of an organization with their members
    List {
        /// The organization
        organization: String,
    },
    /// Put a user, or a robot of the organization, into a team
    AddMember {
        /// The organization
        organization: String,
        /// The team
        team: String,
        /// The user or robot
        member: String,
    },
    /// Take somebody out of a team
    RemoveMember {
        /// The organization
        organization: String,
        /// The team
        team: String,
        /// The user or robot
        member: String,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RoleArg {
    /// Only what permissions give
    Member,
    /// May make repositories
    Creator,
    /// May do everything
    Admin,
}

impl From<RoleArg> for TeamRole {
    fn from(role: RoleArg) -> Self {
        match role {
            RoleArg::Member => Self::Member,
            RoleArg::Creator => Self::Creator,
            RoleArg::Admin => Self::Admin,
        }
    }
}

/// Runs a subcommand.
pub(crate) async fn run(
    args: OrgArgs,
    accounts: &Accounts,
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    match args.command {
        OrgCommand::Create { name, owner, email } => {
            let new = NewOrganization {
                name: name.clone(),
                email,
                owner: owner.clone(),
            };
            accounts
                .create_organization(&Actor::operator(), new)
                .await?;
            let fields = [("name", json!(name)), ("owner", json!(owner))];
            out.record(&format!("Created organization {name}."), &fields)?;
        }
        OrgCommand::List => list(accounts, out).await?,
        OrgCommand::Team(command) => team(command, accounts, out).await?,
    }
    Ok(())
}

async fn list(accounts: &Accounts, out: &mut Output<'_>) -> Result<(), CommandError> {
    let mut list = out.list(&["name", "email", "created"]);
    let mut after = String::new();
    loop {
        let organizations = accounts.list_organizations(&after, PAGE).await?;
        let Some(last) = organizations.last() else {
            break;
        };
        after.clone_from(&last.username);
        let rows: Vec<_> = organizations
            .iter()
            .map(|org| {
                vec![
                    json!(org.username),
                    json!(address(&org.email)),
                    json!(time(org.creation_date)),
                ]
            })
            .collect();
        list.page(&rows)?;
    }
    list.finish("There are no organizations.")?;
    Ok(())
}

async fn team(
    command: TeamCommand,
    accounts: &Accounts,
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    let actor = Actor::operator();
    match command {
        TeamCommand::Create {
            organization,
            team,
            role,
            description,
        } => {
            let role = TeamRole::from(role);
            accounts
                .create_team(&actor, &organization, &team, role, &description)
                .await?;
            let fields = [
                ("organization", json!(organization)),
                ("team", json!(team)),
                ("role", json!(role.name())),
            ];
            out.record(&format!("Created team {team} in {organization}."), &fields)?;
        }
        TeamCommand::List { organization } => {
            let mut rows = Vec::new();
            for team in accounts.list_teams(&organization).await? {
                let members = accounts
                    .list_team_members(&organization, &team.name)
                    .await?;
                rows.push(vec![
                    json!(team.name),
                    json!(team.role),
                    json!(members),
                    json!(team.description),
                ]);
            }
            let mut list = out.list(&["name", "role", "members", "description"]);
            list.page(&rows)?;
            list.finish("The organization has no teams.")?;
        }
        TeamCommand::AddMember {
            organization,
            team,
            member,
        } => {
            accounts
                .add_team_member(&actor, &organization, &team, &member)
                .await?;
            let done = format!("Added {member} to team {team} of {organization}.");
            out.record(&done, &membership(&organization, &team, &member))?;
        }
        TeamCommand::RemoveMember {
            organization,
            team,
            member,
        } => {
            accounts
                .remove_team_member(&actor, &organization, &team, &member)
                .await?;
            let done = format!("Removed {member} from team {team} of {organization}.");
            out.record(&done, &membership(&organization, &team, &member))?;
        }
    }
    Ok(())
}

fn membership(
    organization: &str,
    team: &str,
    member: &str,
) -> [(&'static str, serde_json::Value); 3] {
    [
        ("organization", json!(organization)),
        ("team", json!(team)),
        ("member", json!(member)),
    ]
}

#[cfg(test)]
mod tests;
