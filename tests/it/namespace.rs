//! Namespaces of one's own for a server: a small disk, another network, another root folder.
//!
//! They end with the server. As root they are made directly, otherwise inside a user namespace.

use std::path::{Path, PathBuf};

use pierhead_testkit::{Pierhead, Result, Sandbox, Tool};

/// The command that runs `script` in new namespaces of these kinds; the script ends by `exec "$@"`.
pub(crate) fn wrapper(kinds: &[&str], script: &str) -> Vec<String> {
    let mut command = vec!["unshare".to_owned()];
    if !is_root() {
        command.extend(["--user", "--map-root-user"].map(str::to_owned));
    }
    command.extend(kinds.iter().map(|&kind| kind.to_owned()));
    command.extend(["sh", "-euc", script, "namespace"].map(str::to_owned));
    command
}

/// Runs a client inside the server's network.
pub(crate) async fn inside(
    server: &Pierhead,
    sandbox: &Sandbox,
    command: &[&str],
) -> Result<String> {
    let pid = server.pid()?.to_string();
    let mut arguments = vec!["--target", &pid, "--net"];
    if !is_root() {
        arguments.extend(["--user", "--preserve-credentials"]);
    }
    arguments.push("--");
    arguments.extend(command);
    Tool::new("nsenter", sandbox)?.run(&arguments).await
}

/// A path as the server sees it.
pub(crate) fn seen_by(server: &Pierhead, path: &Path) -> Result<PathBuf> {
    let root = PathBuf::from(format!("/proc/{}/root", server.pid()?));
    Ok(root.join(path.strip_prefix("/").unwrap_or(path)))
}

fn is_root() -> bool {
    // The owner of one's own process entry is oneself.
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}
