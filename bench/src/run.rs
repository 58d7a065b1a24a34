//! One run from end to end: find, start, measure, stop.

use std::path::Path;

use tempfile::TempDir;

use crate::arguments::Arguments;
use crate::cases::{self, Case, Found};
use crate::error::{Doing as _, Error};
use crate::figures::Figures;
use crate::floor;
use crate::interrupt;
use crate::peers::{self, Field};
use crate::plan::Plan;
use crate::report::{FLOOR, Group, Machine, Report, Row};
use crate::subject::Subject;

/// Measures every registry that is found. The report has no goals yet.
pub(crate) fn run(arguments: &Arguments, plan: &Plan, dir: &Path) -> Result<Report, Error> {
    let Field {
        products,
        mut missing,
    } = peers::find(arguments, dir);
    let mut subjects = Vec::new();
    for product in products {
        interrupt::check()?;
        let name = product.name();
        eprintln!("start {name}");
        match Subject::start(product, dir) {
            Ok(subject) => subjects.push(subject),
            Err(error) => missing.push(format!("{name}: {error}")),
        }
    }
    for line in &missing {
        eprintln!("not run: {line}");
    }

    let mut groups = Vec::new();
    for case in cases::all(plan) {
        interrupt::check()?;
        let group = run_case(&case, plan, &subjects, dir);
        if !group.rows.is_empty() {
            groups.push(group);
        }
    }
    interrupt::check()?;
    if plan.wants("memory/idle") {
        groups.push(each(
            "memory/idle",
            "resident memory, idle after the start",
            &subjects,
            |subject| Ok(Some(Figures::memory(subject.idle_memory))),
        ));
    }
    if plan.wants("memory/peak") {
        groups.push(each(
            "memory/peak",
            "resident memory, peak of the whole run",
            &subjects,
            |subject| Ok(Some(Figures::memory(subject.memory()?.peak))),
        ));
    }
    let stopped: Vec<_> = subjects.into_iter().map(Subject::stop).collect();
    if plan.wants("start/filled") {
        let mut group = new_group("start/filled", "start to ready, on the data of this run");
        for (product, home) in &stopped {
            let found = cases::start::filled(plan, &**product, home);
            add(&mut group, product.name(), found);
        }
        groups.push(group);
    }
    Ok(Report {
        machine: Machine::here(dir),
        quick: plan.quick,
        missing,
        groups,
        goals: Vec::new(),
    })
}

/// A new folder for the registries' data, which is removed at the end. Servers that run as other users must get through it.
pub(crate) fn work_folder(arguments: &Arguments) -> Result<TempDir, Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = arguments.dir.clone().unwrap_or_else(std::env::temp_dir);
    tempfile::Builder::new()
        .prefix("pierhead-bench-")
        .permissions(std::fs::Permissions::from_mode(0o755))
        .tempdir_in(&parent)
        .doing(|| format!("make a folder in {}", parent.display()))
}

/// Measures a case on every registry, in as many rounds as it wants.
fn run_case(case: &Case, plan: &Plan, subjects: &[Subject], dir: &Path) -> Group {
    let rounds: Vec<Group> = (0..case.rounds.max(1))
        .map(|_| run_round(case, plan, subjects, dir))
        .collect();
    middle(&rounds, case)
}

/// One round of a case, with its floor before and after the registries: what else runs on the
/// machine can only make a loop dearer, so the cheaper of both measures is the floor.
fn run_round(case: &Case, plan: &Plan, subjects: &[Subject], dir: &Path) -> Group {
    let floor = || case.floor.map(|bare| floor::measure(plan, bare, dir));
    let before = floor();
    let mut group = each(&case.id, &case.title, subjects, |subject| {
        case.run(plan, subject)
    });
    let cheapest = match (before, floor()) {
        (Some(Ok(before)), Some(Ok(after))) => Some(Ok(cheaper(before, after))),
        (before, after) => after.or(before),
    };
    if let Some(found) = cheapest {
        add(&mut group, FLOOR, found.map(Some));
    }
    group
}

/// Of each registry the row of the round with its median of CPU, or a failure.
fn middle(rounds: &[Group], case: &Case) -> Group {
    let mut group = new_group(&case.id, &case.title);
    for first in rounds.first().map_or(&[][..], |round| &round.rows) {
        let rows = rounds.iter().flat_map(|round| &round.rows);
        let mut rows: Vec<&Row> = rows.filter(|row| row.registry == first.registry).collect();
        rows.sort_by(|one, other| one.cpu_ms().total_cmp(&other.cpu_ms()));
        let failed = rows.iter().copied().find(|row| row.error.is_some());
        let row = failed.unwrap_or(rows[(rows.len() - 1) / 2]);
        group.rows.push(row.clone());
    }
    group
}

fn cheaper(one: Figures, other: Figures) -> Figures {
    let cpu = |figures: &Figures| figures.cpu_ms.unwrap_or(f64::INFINITY);
    if cpu(&one) <= cpu(&other) { one } else { other }
}

fn each(id: &str, title: &str, subjects: &[Subject], found: impl Fn(&Subject) -> Found) -> Group {
    let mut group = new_group(id, title);
    for subject in subjects {
        add(&mut group, subject.name(), found(subject));
    }
    group
}

fn new_group(id: &str, title: &str) -> Group {
    Group {
        id: id.to_owned(),
        title: title.to_owned(),
        rows: Vec::new(),
    }
}

/// Adds a row and tells the person about it. A registry that has no such thing gets no row.
fn add(group: &mut Group, registry: &str, found: Found) {
    let (figures, error) = match found {
        Ok(Some(figures)) => (Some(figures), None),
        Ok(None) => return,
        Err(error) => (None, Some(error.to_string())),
    };
    let outcome = match (&figures, &error) {
        (_, Some(error)) => format!("failed: {error}"),
        (Some(figures), None) => progress(figures),
        (None, None) => String::new(),
    };
    eprintln!("{} {registry}: {outcome}", group.id);
    group.rows.push(Row {
        registry: registry.to_owned(),
        figures,
        error,
    });
}

fn progress(figures: &Figures) -> String {
    let parts = [
        figures.per_second.map(|rate| format!("{rate:.0}/s")),
        figures.p50_ms.map(|time| format!("p50 {time:.3} ms")),
        figures.cpu_ms.map(|cpu| format!("CPU {cpu:.4} ms")),
        figures.memory_mib.map(|memory| format!("{memory:.0} MiB")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
