//! A real PostgreSQL 15 for this test process: on a Unix socket, in a folder of its own, without durability.
//!
//! It is started once, on first use. A shell watches over it: when the test process ends in whatever way, the shell's
//! standard input closes, and it stops the server and removes the folder.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const BINARIES: &str = "/usr/lib/postgresql/15/bin";
const ROLE: &str = "pierhead";

struct Server {
    folder: PathBuf,
    // Its standard input is held open as long as this process lives.
    _shell: Child,
}

/// Options to connect to a new, empty database.
pub(crate) async fn empty_database() -> PgConnectOptions {
    static SERVER: OnceLock<Server> = OnceLock::new();
    static DATABASES: AtomicU32 = AtomicU32::new(0);
    let server = SERVER.get_or_init(start);
    let options = PgConnectOptions::new_without_pgpass()
        .host(server.folder.to_str().unwrap())
        .username(ROLE);
    let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let mut conn = PgConnection::connect_with(&options.clone().database("postgres"))
        .await
        .unwrap();
    sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&mut conn)
        .await
        .unwrap();
    options.database(&name)
}

fn start() -> Server {
    assert!(
        Path::new(BINARIES).join("initdb").exists(),
        "these tests need PostgreSQL 15 in {BINARIES}: apt-get install postgresql-15"
    );
    let folder = tempfile::Builder::new()
        .prefix("pierhead-pg")
        .tempdir()
        .unwrap()
        .keep();
    let user = unprivileged_user();
    if let Some((uid, gid)) = user {
        chown(&folder, Some(uid), Some(gid)).unwrap();
    }
    let command = |program: &str| {
        let mut command = Command::new(program);
        command.current_dir(&folder).env("LC_ALL", "C");
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        command
    };
    let initdb = command(&format!("{BINARIES}/initdb"))
        .args([
            "--pgdata=data",
            "--no-sync",
            "--no-locale",
            "--encoding=UTF8",
            "--auth=trust",
        ])
        .arg(format!("--username={ROLE}"))
        .output()
        .unwrap();
    assert!(
        initdb.status.success(),
        "initdb: {}",
        String::from_utf8_lossy(&initdb.stderr)
    );

    let script = format!(
        "{BINARIES}/postgres -D data -k \"$PWD\" -c listen_addresses= -c fsync=off & \
         cat; kill -INT $!; wait $!; rm -rf \"$PWD\""
    );
    let mut shell = command("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(shell.stderr.take().unwrap()).lines();
    let mut seen = String::new();
    loop {
        let line = log
            .next()
            .unwrap_or_else(|| panic!("PostgreSQL did not start:\n{seen}"))
            .unwrap();
        if line.contains("ready to accept connections") {
            break;
        }
        seen.push_str(&line);
        seen.push('\n');
    }
    // The server must never wait for somebody to read its log.
    std::thread::spawn(move || log.for_each(drop));
    Server {
        folder,
        _shell: shell,
    }
}

/// PostgreSQL refuses to run as root: the account to run it as, when this process is root's.
fn unprivileged_user() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap();
    let ids = |name: &str| {
        let account = accounts
            .lines()
            .find(|line| line.split(':').next() == Some(name))?;
        let mut fields = account.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(
        ids("postgres")
            .or_else(|| ids("nobody"))
            .expect("an account `postgres` or `nobody`"),
    )
}
