//! The result of a run, and its two printed forms.

pub(crate) mod goals;
mod machine;
mod table;

use serde::Serialize;

use self::goals::Goal;
pub(crate) use self::machine::Machine;
pub(crate) use self::table::text;
use crate::figures::Figures;

/// Name of the bare loops in the rows.
pub(crate) const FLOOR: &str = "floor";

/// Everything that a run found.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    /// Where it ran.
    pub(crate) machine: Machine,
    /// Whether this was the smoke run.
    pub(crate) quick: bool,
    /// Registries that did not run, and why.
    pub(crate) missing: Vec<String>,
    /// The rows, by what was done.
    pub(crate) groups: Vec<Group>,
    /// The project's goals.
    pub(crate) goals: Vec<Goal>,
}

/// The rows of all registries for one kind of work.
#[derive(Debug, Serialize)]
pub(crate) struct Group {
    /// Stable name.
    pub(crate) id: String,
    /// What was done.
    pub(crate) title: String,
    /// One row for each registry that has it.
    pub(crate) rows: Vec<Row>,
}

/// One registry in one group.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Row {
    /// The registry's name.
    pub(crate) registry: String,
    /// The numbers, unless it failed.
    pub(crate) figures: Option<Figures>,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

impl Row {
    /// CPU milliseconds of an operation; more than any number where there is none.
    pub(crate) fn cpu_ms(&self) -> f64 {
        let figures = self.figures.as_ref();
        figures
            .and_then(|figures| figures.cpu_ms)
            .unwrap_or(f64::INFINITY)
    }
}

impl Report {
    /// The numbers of a registry in a group, where both exist.
    pub(crate) fn figures(&self, group: &str, registry: &str) -> Option<&Figures> {
        self.groups
            .iter()
            .find(|candidate| candidate.id == group)?
            .figures(registry)
    }

    /// Rows that failed.
    pub(crate) fn failures(&self) -> usize {
        let rows = self.groups.iter().flat_map(|group| &group.rows);
        rows.filter(|row| row.error.is_some()).count()
    }
}

impl Group {
    /// The numbers of a registry.
    pub(crate) fn figures(&self, registry: &str) -> Option<&Figures> {
        self.rows
            .iter()
            .find(|row| row.registry == registry)?
            .figures
            .as_ref()
    }
}
