//! `pierhead user`: people and their app tokens.
//!
//! JSON keys: `create` and `set-password` give `name` and, when it was generated, `password`; `enable` and `disable` give
//! `name` and `enabled`; `list` gives `name`, `email` (null when there is none), `enabled`, `created`, `last_accessed`.
//! `app-token create` gives `user`, `title`, `uuid`, `expiration` and `token`; `app-token list` gives `uuid`, `title`,
//! `created`, `expiration`, `last_accessed`; `app-token revoke` gives `user` and `uuid`. Times are UTC, RFC 3339.

use std::io::Read;

use chrono::Duration;
use clap::{Args, Subcommand};
use pierhead_auth::accounts::{Accounts, Actor, AppTokenExpiry, NewUser};
use serde_json::json;

use super::output::Output;
use super::password::{Given, PasswordArgs};
use super::{CommandError, PAGE, address, time};

/// `pierhead user …`
#[derive(Args, Debug)]
pub(crate) struct UserArgs {
    #[command(subcommand)]
    command: UserCommand,
}

#[derive(Subcommand, Debug)]
enum UserCommand {
    /// Make a user; prints a generated password once unless one is given
    Create {
        /// 2 to 255 characters: a-z, 0-9 and single '.', '_' or '-' between them
        name: String,
        /// Address of the user
        #[arg(long)]
        email: Option<String>,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// List the users
    List,
    /// Let a user log in again
    Enable {
        /// The user
        name: String,
    },
    /// Keep a user and their robots out, and end the user's sessions
    Disable {
        /// The user
        name: String,
    },
    /// Set a user's password and end their sessions; prints a generated one once unless one is given
    SetPassword {
        /// The user
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
    },
    /// Tokens that a user gives to tools instead of the password
    #[command(subcommand)]
    AppToken(AppTokenCommand),
}

#[derive(Subcommand, Debug)]
enum AppTokenCommand {
    /// Make a token; prints it once
    Create {
        /// The user
        user: String,
        /// What the token is for
        #[arg(long)]
        title: String,
        /// Days until it ends (default: as the configuration says)
        #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36500), conflicts_with = "never_expires")]
        days: Option<u32>,
        /// Let it live until it is revoked
        #[arg(long)]
        never_expires: bool,
    },
    /// Make a token worthless
    Revoke {
        /// The user
        user: String,
        /// The token's uuid, as `list` shows it
        uuid: String,
    },
    /// List the tokens of a user
    List {
        /// The user
        user: String,
    },
}

/// Runs a subcommand. Passwords come from `stdin` where the arguments say so.
pub(crate) async fn run(
    args: UserArgs,
    accounts: &Accounts,
    stdin: &mut (dyn Read + Send),
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    let actor = Actor::operator();
    match args.command {
        UserCommand::Create {
            name,
            email,
            password,
        } => {
            let given = password.get(stdin)?;
            let new = NewUser {
                username: name.clone(),
                password: Some(given.password.clone()),
                email,
                verified: true,
            };
            accounts.create_user(&actor, new).await?;
            show_password(out, &format!("Created user {name}."), &name, &given)?;
        }
        UserCommand::SetPassword { name, password } => {
            let given = password.get(stdin)?;
            accounts
                .set_password(&actor, &name, &given.password)
                .await?;
            show_password(out, &format!("Set the password of {name}."), &name, &given)?;
        }
        UserCommand::Enable { name } => {
            accounts.set_enabled(&actor, &name, true).await?;
            let fields = [("name", json!(name)), ("enabled", json!(true))];
            out.record(&format!("Enabled user {name}."), &fields)?;
        }
        UserCommand::Disable { name } => {
            accounts.set_enabled(&actor, &name, false).await?;
            let fields = [("name", json!(name)), ("enabled", json!(false))];
            out.record(&format!("Disabled user {name}."), &fields)?;
        }
        UserCommand::List => list(accounts, out).await?,
        UserCommand::AppToken(command) => app_token(command, accounts, &actor, out).await?,
    }
    Ok(())
}

async fn list(accounts: &Accounts, out: &mut Output<'_>) -> Result<(), CommandError> {
    let mut list = out.list(&["name", "email", "enabled", "created", "last_accessed"]);
    let mut after = String::new();
    loop {
        let users = accounts.list_users(&after, PAGE).await?;
        let Some(last) = users.last() else { break };
        after.clone_from(&last.username);
        let rows: Vec<_> = users
            .iter()
            .map(|user| {
                vec![
                    json!(user.username),
                    json!(address(&user.email)),
                    json!(user.enabled),
                    json!(time(user.creation_date)),
                    json!(time(user.last_accessed)),
                ]
            })
            .collect();
        list.page(&rows)?;
    }
    list.finish("There are no users yet. Make the first one with `pierhead user create NAME`.")?;
    Ok(())
}

async fn app_token(
    command: AppTokenCommand,
    accounts: &Accounts,
    actor: &Actor,
    out: &mut Output<'_>,
) -> Result<(), CommandError> {
    match command {
        AppTokenCommand::Create {
            user,
            title,
            days,
            never_expires,
        } => {
            let expiry = match days {
                Some(days) => AppTokenExpiry::In(Duration::days(days.into())),
                None if never_expires => AppTokenExpiry::Never,
                None => AppTokenExpiry::Default,
            };
            let created = accounts
                .create_app_token(actor, &user, &title, expiry)
                .await?;
            let done = format!(
                "Created an app token for {user}. It is shown only now; log in as `$app` with it."
            );
            let fields = [
                ("user", json!(user)),
                ("title", json!(title)),
                ("uuid", json!(created.uuid)),
                ("expiration", json!(time(created.expiration))),
                ("token", json!(created.token.expose())),
            ];
            out.record(&done, &fields)?;
        }
        AppTokenCommand::Revoke { user, uuid } => {
            accounts.revoke_app_token(actor, &user, &uuid).await?;
            let fields = [("user", json!(user)), ("uuid", json!(uuid))];
            out.record("Revoked an app token.", &fields)?;
        }
        AppTokenCommand::List { user } => {
            let mut list = out.list(&["uuid", "title", "created", "expiration", "last_accessed"]);
            let rows: Vec<_> = accounts
                .list_app_tokens(&user)
                .await?
                .into_iter()
                .map(|token| {
                    vec![
                        json!(token.uuid),
                        json!(token.title),
                        json!(time(Some(token.created))),
                        json!(time(token.expiration)),
                        json!(time(token.last_accessed)),
                    ]
                })
                .collect();
            list.page(&rows)?;
            list.finish("The user has no app tokens.")?;
        }
    }
    Ok(())
}

fn show_password(
    out: &mut Output<'_>,
    done: &str,
    name: &str,
    given: &Given,
) -> Result<(), CommandError> {
    let mut fields = vec![("name", json!(name))];
    if given.generated {
        fields.push(("password", json!(given.password.expose())));
    }
    let hint = if given.generated {
        " The generated password is shown only now."
    } else {
        ""
    };
    out.record(&format!("{done}{hint}"), &fields)?;
    Ok(())
}

#[cfg(test)]
mod tests;
