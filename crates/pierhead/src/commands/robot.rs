//! `pierhead robot`: accounts of programs.
//!
//! JSON keys: `create` and `regenerate` give `name` (the full one) and `token`; `delete` gives `name`; `list` gives
//! `name`, `description`, `created`, `last_accessed`.

use clap::{Args, Subcommand};
use pierhead_auth::accounts::{Accounts, Actor, CreatedRobot, NewRobot};
use serde_json::json;

use super::output::Output;
use super::{CommandError, PAGE, time};

/// `pierhead robot …`
#[derive(Args, Debug)]
pub(crate) struct RobotArgs {
    #[command(subcommand)]
    command: RobotCommand,
}

#[derive(Subcommand, Debug)]
enum RobotCommand {
    /// Make a robot; prints its token
    Create {
        /// Its full name
        #[arg(value_name = "NAMESPACE+NAME")]
        name: RobotName,
        /// What it is for
        #[arg(long, default_value = "")]
        description: String,
    },
    /// List the robots of a user or organization
    List {
        /// The user or organization
        namespace: String,
    },
    /// Give a robot a new token, and make the old one worthless
    Regenerate {
        /// Its full name
        #[arg(value_name = "NAMESPACE+NAME")]
        name: RobotName,
    },
    /// Remove a robot with its permissions
    Delete {
        /// Its full name
        #[arg(value_name = "NAMESPACE+NAME")]
        name: RobotName,
    },
}

/// `namespace+short`.
#[derive(Clone, Debug)]
struct RobotName {
    namespace: String,
    short: String,
}

impl std::str::FromStr for RobotName {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('+') {
            Some((namespace, short)) if !namespace.is_empty() && !short.is_empty() => Ok(Self {
                namespace: namespace.to_owned(),
                short: short.to_owned(),
            }),
            _ => Err("a robot is named NAMESPACE+NAME, for example acme+builder"),
        }
    }
}

impl RobotName {
    fn full(&self) -> String {
        format!("{}+{}", self.namespace, self.short)
    }
}

/// Runs a subcommand.
pub(crate) async fn run(
    args: RobotArgs,
    accounts: &Accounts,
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    let actor = Actor::operator();
    match args.command {
        RobotCommand::Create { name, description } => {
            let new = NewRobot {
                namespace: name.namespace,
                short: name.short,
                description: Some(description),
                ..NewRobot::default()
            };
            let robot = accounts.create_robot(&actor, new).await?;
            show(out, "Created robot", &robot)?;
        }
        RobotCommand::Regenerate { name } => {
            let robot = accounts.regenerate_robot(&actor, &name.full()).await?;
            show(out, "Gave a new token to robot", &robot)?;
        }
        RobotCommand::Delete { name } => {
            let name = name.full();
            accounts.delete_robot(&actor, &name).await?;
            out.record(&format!("Deleted robot {name}."), &[("name", json!(name))])?;
        }
        RobotCommand::List { namespace } => list(&namespace, accounts, out).await?,
    }
    Ok(())
}

async fn list(
    namespace: &str,
    accounts: &Accounts,
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    let mut list = out.list(&["name", "description", "created", "last_accessed"]);
    let mut after = String::new();
    loop {
        let robots = accounts.list_robots(namespace, &after, PAGE).await?;
        let Some(last) = robots.last() else { break };
        after.clone_from(&last.username);
        let rows: Vec<_> = robots
            .iter()
            .map(|robot| {
                vec![
                    json!(robot.username),
                    json!(robot.description.as_deref().unwrap_or_default()),
                    json!(time(robot.creation_date)),
                    json!(time(robot.last_accessed)),
                ]
            })
            .collect();
        list.page(&rows)?;
    }
    list.finish("The namespace has no robots.")?;
    Ok(())
}

fn show(out: &mut Output<'_>, done: &str, robot: &CreatedRobot) -> Result<(), CommandError> {
    let fields = [
        ("name", json!(robot.username)),
        ("token", json!(robot.token.expose())),
    ];
    out.record(&format!("{done} {}.", robot.username), &fields)?;
    Ok(())
}

#[cfg(test)]
mod tests;
