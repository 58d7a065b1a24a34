//! Runs subcommands as the parser would hand them over, on a migrated SQLite database.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use clap::{Parser, Subcommand};
use pierhead_auth::Clock;
use pierhead_auth::accounts::{Accounts, AccountsConfig};
use pierhead_db::encoding::field::FieldCipher;
use pierhead_db::encoding::key::DerivedKey;
use pierhead_db::encoding::password::PasswordCipher;
use pierhead_db::enums::Enums;
use pierhead_db::{Database, SqliteOptions};
use serde_json::Value;
use tempfile::TempDir;

use super::output::{Format, Output};
use super::{CommandError, org, repo, robot, user};

#[derive(Parser)]
struct Line {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    User(user::UserArgs),
    Org(org::OrgArgs),
    Robot(robot::RobotArgs),
    Repo(repo::RepoArgs),
}

pub(super) struct Shell {
    accounts: Accounts,
    _dir: TempDir,
}

impl Shell {
    pub(super) async fn new() -> Self {
        let dir = TempDir::new().unwrap();
        let path = dir.path().join("quay.db");
        let db = Database::sqlite(&SqliteOptions::new(&path)).await.unwrap();
        pierhead_db::migrate::migrate(&db).await.unwrap();
        let enums = Enums::load(&mut db.read().await.unwrap()).await.unwrap();
        let key = || DerivedKey::from_secret("testkey").unwrap();
        let config = AccountsConfig {
            bcrypt_cost: 4,
            ..AccountsConfig::default()
        };
        let accounts = Accounts::new(
            db,
            Arc::new(enums),
            FieldCipher::new(&key()),
            PasswordCipher::new(key()),
            config,
            Clock::system(),
        );
        Self {
            accounts,
            _dir: dir,
        }
    }

    async fn run(&self, format: Format, line: &str, stdin: &str) -> Result<String, CommandError> {
        let words = std::iter::once("pierhead").chain(line.split_whitespace());
        let mut written = Vec::new();
        let mut out = Output::new(format, &mut written);
        match Line::try_parse_from(words).unwrap().command {
            Command::User(args) => {
                user::run(args, &self.accounts, &mut stdin.as_bytes(), &mut out).await?;
            }
            Command::Org(args) => org::run(args, &self.accounts, &mut out).await?,
            Command::Robot(args) => robot::run(args, &self.accounts, &mut out).await?,
            Command::Repo(args) => repo::run(args, &self.accounts, &mut out).await?,
        }
        Ok(String::from_utf8(written).unwrap())
    }

    pub(super) async fn text(&self, line: &str) -> String {
        self.run(Format::Text, line, "").await.unwrap()
    }

    pub(super) async fn json(&self, line: &str) -> Value {
        serde_json::from_str(&self.run(Format::Json, line, "").await.unwrap()).unwrap()
    }

    pub(super) async fn with_stdin(&self, line: &str, stdin: &str) -> Value {
        serde_json::from_str(&self.run(Format::Json, line, stdin).await.unwrap()).unwrap()
    }

    /// The message of a command that is understood and fails.
    pub(super) async fn fails(&self, line: &str) -> String {
        self.run(Format::Text, line, "")
            .await
            .unwrap_err()
            .to_string()
    }
}

/// Whether the parser refuses the line, which ends the process with 2.
pub(super) fn is_wrong_usage(line: &str) -> bool {
    let words = std::iter::once("pierhead").chain(line.split_whitespace());
    Line::try_parse_from(words).is_err_and(|error| error.exit_code() == 2)
}
