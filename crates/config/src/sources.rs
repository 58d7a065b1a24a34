//! Where a configuration comes from.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::embedded::Embedded;
use crate::problem::{ConfigError, Warning};
use crate::yaml;

/// The file in the configuration directory.
pub const CONFIG_FILE: &str = "config.yaml";

/// Where the container keeps its configuration.
pub const CONTAINER_DIRECTORY: &str = "/conf/stack";

/// What a configuration is loaded from. Nothing else of the machine is looked at.
///
/// There is no `Debug`: the environment holds secrets.
#[derive(Clone)]
pub struct Sources {
    /// The directory that the user named; it must hold `config.yaml`.
    pub directory: Option<PathBuf>,
    /// The environment of the process.
    pub environment: BTreeMap<String, String>,
    /// The directory that is used if it holds `config.yaml` and nothing else was named;
    /// [`CONTAINER_DIRECTORY`] unless a test says otherwise.
    pub fallback: PathBuf,
    /// What to run with when no `config.yaml` is found.
    pub embedded: Option<Embedded>,
}

impl Sources {
    /// The usual sources: a directory if the user named one, and the environment.
    pub fn new(directory: Option<PathBuf>, environment: BTreeMap<String, String>) -> Self {
        Self {
            directory,
            environment,
            fallback: PathBuf::from(CONTAINER_DIRECTORY),
            embedded: None,
        }
    }

    /// The directory whose `config.yaml` is used: the one that was named, `$QUAYCONF/stack` or
    /// `$QUAYCONF`, then `/conf/stack`. A named directory counts even without the file, so that a
    /// typing error is not answered by starting an empty registry.
    pub fn find_directory(&self) -> Option<PathBuf> {
        if let Some(directory) = &self.directory {
            return Some(directory.clone());
        }
        let quayconf = self
            .environment
            .get("QUAYCONF")
            .filter(|value| !value.is_empty());
        quayconf
            .map(PathBuf::from)
            .into_iter()
            .flat_map(|directory| [directory.join("stack"), directory])
            .chain([self.fallback.clone()])
            .find(|directory| directory.join(CONFIG_FILE).is_file())
    }

    /// The places that [`Sources::find_directory`] tries, for an error message.
    pub(crate) fn looked(&self) -> String {
        let mut places = Vec::new();
        if let Some(directory) = self.environment.get("QUAYCONF") {
            places.push(format!("{directory}/stack"));
            places.push(directory.clone());
        }
        places.push(self.fallback.display().to_string());
        places.join(", ")
    }
}

/// Reads `config.yaml` of a directory.
pub(crate) fn read_file(
    directory: &Path,
    warnings: &mut Vec<Warning>,
) -> Result<Map<String, Value>, ConfigError> {
    let path = directory.join(CONFIG_FILE);
    let read = |path: &Path| -> std::io::Result<String> {
        let mut text = String::new();
        // One byte more than allowed is enough to see that the file is too large.
        fs::File::open(path)?
            .take(yaml::MAX_BYTES as u64 + 1)
            .read_to_string(&mut text)?;
        Ok(text)
    };
    let text = read(&path).map_err(|source| ConfigError::Read {
        path: path.clone(),
        source,
    })?;
    let syntax = |message: String| ConfigError::Syntax {
        origin: path.display().to_string(),
        message,
    };
    let parsed = yaml::parse(&text).map_err(|error| syntax(error.to_string()))?;
    for (key, line) in parsed.repeated {
        warnings.push(Warning {
            key,
            message: format!("given twice; the value in line {line} counts"),
        });
    }
    match parsed.value {
        Value::Null => Ok(Map::new()),
        Value::Object(map) => Ok(map),
        _ => Err(syntax(
            "the file must be a map of keys to values".to_owned(),
        )),
    }
}

/// Reads `QUAY_OVERRIDE_CONFIG`.
pub(crate) fn read_override(text: &str) -> Result<Map<String, Value>, ConfigError> {
    // The parser's own message may quote the text, which may be a secret.
    serde_json::from_str(text).map_err(|error| ConfigError::Syntax {
        origin: "environment variable QUAY_OVERRIDE_CONFIG".to_owned(),
        message: format!(
            "not a JSON object (line {}, column {})",
            error.line(),
            error.column()
        ),
    })
}
