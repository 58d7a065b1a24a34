//! What is written to people: one variant per occasion (api-v1.md §5.1, §5.4, §5.12). Subjects and links are Quay's, so that
//! filters and bookmarks keep working; the words are ours.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::config::MailConfig;
use crate::render::{Block, Rendered, render};

/// A letter to one person.
#[derive(Clone, Debug)]
pub enum Letter {
    /// A new account: its address is to be confirmed.
    ConfirmAddress {
        /// The new account.
        username: String,
        /// The code of the link.
        code: String,
    },
    /// To a new address of an account, before it takes the place of the old one.
    ChangeAddress {
        /// The account.
        username: String,
        /// The code of the link.
        code: String,
    },
    /// To the old address, when the new one was confirmed.
    AddressChanged {
        /// The account.
        username: String,
    },
    /// The password of an account was changed.
    PasswordChanged {
        /// The account.
        username: String,
    },
    /// Somebody wants to recover the account with this address.
    Recovery {
        /// The code of the link.
        code: String,
    },
    /// Like [`Letter::Recovery`], where organizations have the address too, or alone.
    CombinedRecovery {
        /// The organizations, and who can sign in to administer them.
        organizations: Vec<OrganizationAdmins>,
        /// The code of the link, if a person has the address.
        code: Option<String>,
    },
    /// An invitation to a team.
    TeamInvite {
        /// Who invites.
        inviter: String,
        /// The organization.
        organization: String,
        /// The team.
        team: String,
        /// The invitation's token, `urn:teaminvite:…`.
        code: String,
    },
    /// An address that is to get notifications of a repository.
    AuthorizeRepositoryAddress {
        /// `namespace/name`.
        repository: String,
        /// The code of the link.
        code: String,
    },
    /// An export of action logs has ended.
    LogsExported {
        /// The export.
        export_id: String,
        /// Where the file is; nothing when the export failed.
        url: Option<String>,
        /// Until when, for people.
        available_until: Option<String>,
    },
}

/// An organization in a letter.
#[derive(Clone, Debug)]
pub struct OrganizationAdmins {
    /// The organization.
    pub organization: String,
    /// Names of the people who administer it.
    pub admins: Vec<String>,
}

impl Letter {
    /// A word for the log; nothing in it is secret.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::ConfirmAddress { .. } => "confirm address",
            Self::ChangeAddress { .. } => "change address",
            Self::AddressChanged { .. } => "address changed",
            Self::PasswordChanged { .. } => "password changed",
            Self::Recovery { .. } => "recovery",
            Self::CombinedRecovery { .. } => "recovery with organizations",
            Self::TeamInvite { .. } => "team invitation",
            Self::AuthorizeRepositoryAddress { .. } => "authorize address of repository",
            Self::LogsExported { .. } => "logs exported",
        }
    }

    /// The line after `[title]` in the subject.
    fn subject(&self) -> String {
        match self {
            Self::ConfirmAddress { .. } => "Please confirm your e-mail address".to_owned(),
            Self::ChangeAddress { .. } => "E-mail address change requested".to_owned(),
            Self::AddressChanged { .. } => "Account e-mail address changed".to_owned(),
            Self::PasswordChanged { .. } => "Account password changed".to_owned(),
            Self::Recovery { .. } | Self::CombinedRecovery { .. } => "Account recovery".to_owned(),
            Self::TeamInvite { .. } => "Invitation to join team".to_owned(),
            Self::AuthorizeRepositoryAddress { repository, .. } => {
                format!("Please verify your e-mail address for repository {repository}")
            }
            Self::LogsExported { .. } => "Export Action Logs Complete".to_owned(),
        }
    }

    /// The letter as it is sent.
    pub(crate) fn render(&self, config: &MailConfig) -> Rendered {
        let (title, base) = (config.title.as_str(), config.base_url.as_str());
        render(config, &self.subject(), &self.blocks(title, base))
    }

    fn blocks(&self, title: &str, base: &str) -> Vec<Block> {
        let link = |text: &str, path: &str, code: &str| {
            Block::button(text, format!("{base}/{path}?code={}", query_value(code)))
        };
        match self {
            Self::ConfirmAddress { username, code } => vec![
                Block::text(format!(
                    "Somebody registered the {title} user {username} with this address. Confirm it to begin to use the account."
                )),
                link("Confirm e-mail", "confirm", code),
                Block::ignore(),
            ],
            Self::ChangeAddress { username, code } => vec![
                Block::text(format!(
                    "The {title} user {username} wants to be reached at this address. It takes the place of the old one when you confirm it."
                )),
                link("Confirm e-mail", "confirm", code),
                Block::ignore(),
            ],
            Self::AddressChanged { username } => vec![
                Block::text(format!(
                    "The e-mail address of the {title} user {username} was changed; this was the old one."
                )),
                Block::complain(title),
            ],
            Self::PasswordChanged { username } => vec![
                Block::text(format!(
                    "The password of the {title} user {username} was changed."
                )),
                Block::complain(title),
            ],
            Self::Recovery { code } => vec![
                Block::text(format!(
                    "Somebody at {base} wants to recover the account that has this address. The link signs you in once, so that you can choose a new password."
                )),
                link("Recover account", "recovery", code),
                Block::ignore(),
            ],
            Self::CombinedRecovery {
                organizations,
                code,
            } => {
                let mut blocks = vec![Block::text(format!(
                    "Somebody at {base} wants to recover what has this address."
                ))];
                if let Some(code) = code {
                    blocks.push(Block::text(
                        "Your own account: the link signs you in once, so that you can choose a new password.".to_owned(),
                    ));
                    blocks.push(link("Recover account", "recovery", code));
                }
                for OrganizationAdmins {
                    organization,
                    admins,
                } in organizations
                {
                    blocks.push(Block::text(format!(
                        "The organization {organization} has no password. These people can sign in and administer it:"
                    )));
                    blocks.push(Block::List(admins.clone()));
                }
                if !organizations.is_empty() {
                    blocks.push(Block::button("Sign in", format!("{base}/signin/")));
                }
                blocks.push(Block::ignore());
                blocks
            }
            Self::TeamInvite {
                inviter,
                organization,
                team,
                code,
            } => vec![
                Block::text(format!(
                    "{inviter} invites you to the team {team} of the organization {organization} at {title}."
                )),
                link("Join team", "confirminvite", code),
                Block::ignore(),
            ],
            Self::AuthorizeRepositoryAddress { repository, code } => vec![
                Block::text(format!(
                    "Notifications about the {title} repository {repository} are to be sent to this address. They begin when you confirm it."
                )),
                link("Verify e-mail", "authrepoemail", code),
                Block::ignore(),
            ],
            Self::LogsExported {
                export_id,
                url: Some(url),
                available_until,
            } => {
                let mut text = format!("The export {export_id} of action logs is ready.");
                if let Some(until) = available_until {
                    text.push_str(" It can be fetched until ");
                    text.push_str(until);
                    text.push('.');
                }
                vec![Block::text(text), Block::button("Download", url.clone())]
            }
            Self::LogsExported { export_id, .. } => vec![Block::text(format!(
                "The export {export_id} of action logs failed. Please try again; if it fails again, tell the administrator of {title}."
            ))],
        }
    }
}

/// A value of a query: base64 and `urn:` tokens have characters that a query may not have.
fn query_value(value: &str) -> impl std::fmt::Display {
    utf8_percent_encode(value, NON_ALPHANUMERIC)
}

#[cfg(test)]
mod tests;
