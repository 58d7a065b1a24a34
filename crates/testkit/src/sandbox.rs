//! A home of one's own for client programs: no test reads or writes the developer's.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::{Credentials, Error, Result};

/// A temporary folder with a home, an authentication file and a container storage.
#[derive(Debug)]
pub struct Sandbox {
    folder: TempDir,
}

impl Sandbox {
    /// An empty home where any image may be pulled from any loopback registry.
    pub fn new() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("pierhead-client-")
            .tempdir()
            .map_err(Error::io("create a folder in", std::env::temp_dir()))?;
        let sandbox = Self { folder };
        let containers = sandbox.home().join(".config/containers");
        for path in [
            &containers,
            &sandbox.path("run"),
            &sandbox.path("tmp"),
            &sandbox.path("docker"),
        ] {
            fs::create_dir_all(path).map_err(Error::io("create", path))?;
        }
        let policy = json!({ "default": [{ "type": "insecureAcceptAnything" }] });
        sandbox.write(
            "home/.config/containers/policy.json",
            policy.to_string().as_bytes(),
        )?;
        sandbox.write(
            "home/.config/containers/registries.conf",
            b"unqualified-search-registries = []\nshort-name-mode = \"disabled\"\n",
        )?;
        let storage = format!(
            "[storage]\ndriver = \"vfs\"\ngraphroot = \"{0}/storage\"\nrunroot = \"{0}/run/storage\"\n",
            sandbox.folder.path().display()
        );
        sandbox.write("home/.config/containers/storage.conf", storage.as_bytes())?;
        Ok(sandbox)
    }

    /// The same, already logged in to a registry.
    pub fn logged_in(host: &str, credentials: &Credentials) -> Result<Self> {
        let sandbox = Self::new()?;
        let secret = format!("{}:{}", credentials.username(), credentials.password());
        let mut auths = Map::new();
        auths.insert(host.to_owned(), json!({ "auth": STANDARD.encode(secret) }));
        let file = json!({ "auths": Value::Object(auths) }).to_string();
        sandbox.write("docker/config.json", file.as_bytes())?;
        Ok(sandbox)
    }

    /// A path inside the sandbox.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file inside the sandbox, with its folders.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<PathBuf> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or_else(|| self.folder.path());
        fs::create_dir_all(folder).map_err(Error::io("create", folder))?;
        fs::write(&path, bytes).map_err(Error::io("write", &path))?;
        Ok(path)
    }

    fn home(&self) -> PathBuf {
        self.path("home")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The variables by which clients find what they would otherwise look for in the user's home.
    pub(crate) fn environment(&self) -> Vec<(&'static str, PathBuf)> {
        let auth = self.path("docker/config.json");
        vec![
            ("HOME", self.home()),
            ("TMPDIR", self.path("tmp")),
            ("XDG_RUNTIME_DIR", self.path("run")),
            ("XDG_CONFIG_HOME", self.home().join(".config")),
            ("XDG_CACHE_HOME", self.home().join(".cache")),
            ("XDG_DATA_HOME", self.home().join(".local/share")),
            ("DOCKER_CONFIG", self.path("docker")),
            ("REGISTRY_AUTH_FILE", auth.clone()),
            ("HELM_REGISTRY_CONFIG", auth),
            (
                "CONTAINERS_STORAGE_CONF",
                self.home().join(".config/containers/storage.conf"),
            ),
            (
                "CONTAINERS_REGISTRIES_CONF",
                self.home().join(".config/containers/registries.conf"),
            ),
        ]
    }
}
