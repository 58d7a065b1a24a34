//! Where a password comes from: standard input or a file, never the argument list, which every user of the machine can
//! read. When neither is named, one is made and printed once.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use pierhead_auth::accounts;
use pierhead_config::Secret;

use super::CommandError;

/// Most bytes that are read as a password.
const MAX_BYTES: u64 = 4096;

/// How the password is given.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct PasswordArgs {
    /// Read the password from standard input
    #[arg(long, conflicts_with = "password_file")]
    password_stdin: bool,
    /// Read the password from this file
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

/// A password, and whether it has to be shown because nobody knows it yet.
pub(crate) struct Given {
    pub(crate) password: Secret,
    pub(crate) generated: bool,
}

impl PasswordArgs {
    /// The password; one trailing line break does not belong to it.
    pub(crate) fn get(&self, stdin: &mut dyn Read) -> Result<Given, CommandError> {
        let password = if self.password_stdin {
            read("standard input", stdin)?
        } else if let Some(path) = &self.password_file {
            let name = path.display().to_string();
            let mut file = File::open(path).map_err(|error| failed(&name, &error.to_string()))?;
            read(&name, &mut file)?
        } else {
            return Ok(Given {
                password: accounts::generate_password()?,
                generated: true,
            });
        };
        Ok(Given {
            password,
            generated: false,
        })
    }
}

fn read(name: &str, from: &mut dyn Read) -> Result<Secret, CommandError> {
    let mut text = String::new();
    from.take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| failed(name, &error.to_string()))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(failed(name, "it has more than 4096 bytes"));
    }
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(Secret::new(line.strip_suffix('\r').unwrap_or(line)))
}

fn failed(from: &str, reason: &str) -> CommandError {
    CommandError::Password {
        from: from.to_owned(),
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn stdin(bytes: &[u8]) -> Result<Given, CommandError> {
        let args = PasswordArgs {
            password_stdin: true,
            password_file: None,
        };
        args.get(&mut &*bytes)
    }

    #[test]
    fn one_line_break_at_the_end_does_not_belong_to_the_password() {
        for (typed, meant) in [
            ("secret-1", "secret-1"),
            ("secret-1\n", "secret-1"),
            ("secret-1\r\n", "secret-1"),
            ("secret-1\n\n", "secret-1\n"),
        ] {
            let given = stdin(typed.as_bytes()).unwrap();
            assert_eq!(given.password.expose(), meant);
            assert!(!given.generated);
        }
    }

    #[test]
    fn an_endless_input_is_not_read_to_its_end() {
        assert!(stdin(&[b'a'; 5000]).is_err());
    }

    #[test]
    fn a_password_that_nobody_gave_is_made() {
        let none = PasswordArgs::default();
        let (one, other) = (
            none.get(&mut std::io::empty()).unwrap(),
            none.get(&mut std::io::empty()).unwrap(),
        );
        assert!(one.generated);
        assert_ne!(one.password.expose(), other.password.expose());
    }

    #[test]
    fn a_missing_password_file_is_named() {
        let args = PasswordArgs {
            password_stdin: false,
            password_file: Some("/nonexistent/password".into()),
        };
        let error = args.get(&mut std::io::empty()).err().unwrap();
        assert!(
            error.to_string().contains("/nonexistent/password"),
            "{error}"
        );
    }
}
