//! An SMTP server for tests: `aiosmtpd`, which takes every mail and keeps it in a folder.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tokio::net::TcpStream;

use crate::process::{Process, find_program};
use crate::tool::tools_folder;
use crate::{Error, Port, Result, eventually};

/// An SMTP server, ended when this value is dropped.
#[derive(Debug)]
pub struct Smtp {
    _process: Process,
    port: Port,
    folder: TempDir,
}

/// A mail that was delivered.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The recipient.
    pub to: String,
    /// The line of the subject.
    pub subject: String,
    /// The plain text.
    pub text: String,
}

impl Mail {
    /// The first address in the text that begins like this.
    pub fn link(&self, begin: &str) -> Option<&str> {
        let start = self.text.find(begin)?;
        self.text[start..].split_whitespace().next()
    }
}

impl Smtp {
    /// Starts a server without TLS.
    pub async fn start() -> Result<Self> {
        Self::start_with(None).await
    }

    /// Starts a server that requires STARTTLS with this certificate and key, both in PEM.
    pub async fn start_tls(certificate: &str, key: &str) -> Result<Self> {
        Self::start_with(Some((certificate, key))).await
    }

    async fn start_with(tls: Option<(&str, &str)>) -> Result<Self> {
        let bin = tools_folder().join("bin");
        let program = find_program("aiosmtpd", &[&bin]).ok_or(Error::Missing {
            program: "aiosmtpd".to_owned(),
            install: "run scripts/install-tools",
        })?;
        let folder = tempfile::Builder::new()
            .prefix("pierhead-smtp-")
            .tempdir()
            .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
        let port = Port::reserve()?;
        let number = port.number();
        let mut command = Command::new(program);
        command.args(["--nosetuid", "--listen", &format!("127.0.0.1:{number}")]);
        if let Some((certificate, key)) = tls {
            for (option, name, pem) in [
                ("--tlscert", "tls.crt", certificate),
                ("--tlskey", "tls.key", key),
            ] {
                let path = folder.path().join(name);
                fs::write(&path, pem).map_err(Error::io("write", &path))?;
                command.arg(option).arg(path);
            }
        }
        command
            .args(["--class", "aiosmtpd.handlers.Mailbox"])
            .arg(folder.path().join("mail"));
        let mut process = Process::spawn("aiosmtpd", &mut command, &folder.path().join("log"))?;
        process
            .ready("accepting connections", |_| async move {
                Ok(TcpStream::connect(("127.0.0.1", number)).await.ok())
            })
            .await?;
        Ok(Self {
            _process: process,
            port,
            folder,
        })
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port.number()
    }

    /// Waits for the next mail to this address, and takes it out of the mailbox.
    pub async fn next_to(&self, address: &str) -> Result<Mail> {
        eventually(&format!("a mail to {address}"), || async {
            for path in self.paths()? {
                let raw = fs::read_to_string(&path).map_err(Error::io("read", &path))?;
                let mail = parse(&raw);
                if mail.to == address {
                    fs::remove_file(&path).map_err(Error::io("remove", &path))?;
                    return Ok(Some(mail));
                }
            }
            Ok(None)
        })
        .await
    }

    /// How many mails nobody has taken.
    pub fn waiting(&self) -> Result<usize> {
        Ok(self.paths()?.len())
    }

    fn paths(&self) -> Result<Vec<PathBuf>> {
        let folder = self.folder.path().join("mail/new");
        if !folder.exists() {
            return Ok(Vec::new());
        }
        let entries = fs::read_dir(&folder).map_err(Error::io("list", &folder))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort_by_key(|path| serial(path));
        Ok(paths)
    }
}

/// The number that the server gave a mail: two of them may have come within one tick of the clock. Names are
/// `<seconds>.M<microseconds>P<process>Q<number>.<host>`.
fn serial(path: &Path) -> Option<u64> {
    let name = path.file_name()?.to_str()?;
    let (_, number) = name.split('.').nth(1)?.split_once('Q')?;
    number.parse().ok()
}

/// The parts of a mail that tests look at; the first part with plain text.
fn parse(raw: &str) -> Mail {
    let raw = raw.replace("\r\n", "\n");
    let (head, body) = raw.split_once("\n\n").unwrap_or((&raw, ""));
    let part = body
        .split("\n--")
        .chain([body])
        .find(|part| header(part, "content-type").starts_with("text/plain"))
        .unwrap_or(body);
    let (part_head, text) = part.split_once("\n\n").unwrap_or(("", part));
    let text = match header(part_head, "content-transfer-encoding").as_str() {
        "quoted-printable" => unquoted(text),
        _ => text.to_owned(),
    };
    Mail {
        to: header(head, "to"),
        subject: header(head, "subject"),
        text,
    }
}

fn header(head: &str, name: &str) -> String {
    let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
    unfolded
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim().to_owned())
        .unwrap_or_default()
}

/// Undoes quoted-printable (RFC 2045 §6.7).
fn unquoted(text: &str) -> String {
    let text = text.replace("=\n", "");
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after
            .get(..2)
            .filter(|_| first == b'=')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        if let Some(byte) = hex {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plain_part_of_a_mail_is_read_whatever_its_encoding() {
        let raw = "From: a@example.com\r\nTo: b@example.com\r\nSubject: [R] Account\r\n recovery\r\n\
            Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\nGo: https://example.com/recovery?code=\r\n=3DQ%3D\r\n\r\n--x\r\n\
            Content-Type: text/html\r\n\r\n<p>\r\n--x--\r\n";
        let mail = parse(raw);
        assert_eq!(
            (mail.to.as_str(), mail.subject.as_str()),
            ("b@example.com", "[R] Account recovery")
        );
        assert_eq!(
            mail.link("https://"),
            Some("https://example.com/recovery?code=Q%3D")
        );
    }
}
