//! The table for people.

use std::fmt::Write as _;

use super::goals::Verdict;
use super::{FLOOR, Group, Report};
use crate::figures::Figures;
use crate::peers::{DISTRIBUTION, DOCKER_REGISTRY, ZOT};

/// Registries that every row is compared with, and the heads of those columns.
const PEERS: [&str; 4] = [DISTRIBUTION, DOCKER_REGISTRY, ZOT, FLOOR];

/// The whole report as text.
pub(crate) fn text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_report(&mut out, report);
    out
}

fn write_report(out: &mut String, report: &Report) -> std::fmt::Result {
    let machine = &report.machine;
    writeln!(
        out,
        "{} processors ({}), Linux {}, data on {}, started at {} (Unix time)",
        machine.processors, machine.processor, machine.kernel, machine.file_system, machine.started
    )?;
    if report.quick {
        writeln!(out, "This was a smoke run: its numbers mean nothing.")?;
    }
    for line in &report.missing {
        writeln!(out, "not run: {line}")?;
    }
    writeln!(
        out,
        "CPU is the server process alone, user and system; db CPU is its database \
         beside it, client CPU the load generator. \
         `÷` columns: CPU and rate of the row divided by the peer's."
    )?;
    for group in &report.groups {
        write_group(out, group)?;
    }
    write_goals(out, report)
}

fn write_group(out: &mut String, group: &Group) -> std::fmt::Result {
    let peers: Vec<&str> = PEERS
        .into_iter()
        .filter(|peer| group.figures(peer).is_some())
        .collect();
    writeln!(out, "\n{}  [{}]", group.title, group.id)?;
    write!(
        out,
        "  {:<18}{:>10}{:>10}{:>10}{:>11}{:>9}{:>12}{:>9}",
        "", "per s", "p50 ms", "p99 ms", "CPU ms/op", "db CPU", "client CPU", "RSS MiB"
    )?;
    for peer in &peers {
        write!(out, "{:>24}", format!("÷ {peer}"))?;
    }
    out.push('\n');
    for row in &group.rows {
        write!(out, "  {:<18}", row.registry)?;
        if let Some(error) = &row.error {
            writeln!(out, " failed: {error}")?;
            continue;
        }
        let Some(figures) = &row.figures else {
            writeln!(out, " has none")?;
            continue;
        };
        write!(
            out,
            "{:>10}{:>10}{:>10}{:>11}{:>9}{:>12}{:>9}",
            number(figures.per_second),
            number(figures.p50_ms),
            number(figures.p99_ms),
            number(figures.cpu_ms),
            number(figures.database_cpu_ms),
            number(figures.client_cpu_ms),
            number(figures.memory_mib),
        )?;
        for peer in &peers {
            let cell = if row.registry == *peer {
                None
            } else {
                group.figures(peer).map(|peer| compare(figures, peer))
            };
            write!(out, "{:>24}", cell.unwrap_or_default())?;
        }
        if let Some(note) = &figures.note {
            write!(out, "  ({note})")?;
        }
        let trimmed = out.trim_end_matches(' ').len();
        out.truncate(trimmed);
        out.push('\n');
    }
    Ok(())
}

/// `0.08 CPU, 9.1 rate`.
fn compare(figures: &Figures, peer: &Figures) -> String {
    let part = |ours: Option<f64>, theirs: Option<f64>, what: &str| {
        let (ours, theirs) = (ours?, theirs?);
        (theirs > 0.0).then(|| format!("{} {what}", number(Some(ours / theirs))))
    };
    let cpu = part(figures.cpu_ms, peer.cpu_ms, "CPU");
    let rate = part(figures.per_second, peer.per_second, "rate");
    let parts: Vec<String> = cpu.into_iter().chain(rate).collect();
    if !parts.is_empty() {
        return parts.join(", ");
    }
    let memory = part(figures.memory_mib, peer.memory_mib, "RSS");
    let time = part(figures.p50_ms, peer.p50_ms, "time");
    memory.or(time).unwrap_or_default()
}

/// A number with about three significant digits.
fn number(value: Option<f64>) -> String {
    match value {
        None => "–".to_owned(),
        Some(value) if value >= 100.0 => format!("{value:.0}"),
        Some(value) if value >= 10.0 => format!("{value:.1}"),
        Some(value) if value >= 1.0 => format!("{value:.2}"),
        Some(value) if value >= 0.1 => format!("{value:.3}"),
        Some(value) => format!("{value:.4}"),
    }
}

fn write_goals(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out, "\nGoals (embedded default, two cores)")?;
    for goal in &report.goals {
        let verdict = match goal.verdict {
            Verdict::Met => "met",
            Verdict::NotMet => "NOT MET",
            Verdict::NotMeasured => "not measured",
        };
        writeln!(out, "  {verdict:<13} {}: {}", goal.aim, goal.measured)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_about_three_digits() {
        assert_eq!(number(Some(51_234.4)), "51234");
        assert_eq!(number(Some(12.345)), "12.3");
        assert_eq!(number(Some(1.0)), "1.00");
        assert_eq!(number(Some(0.011)), "0.0110");
        assert_eq!(number(None), "–");
    }

    #[test]
    fn a_comparison_names_what_it_compares() {
        let ours = Figures {
            cpu_ms: Some(0.05),
            per_second: Some(2000.0),
            ..Figures::default()
        };
        let peer = Figures {
            cpu_ms: Some(0.2),
            per_second: Some(1000.0),
            ..Figures::default()
        };
        assert_eq!(compare(&ours, &peer), "0.250 CPU, 2.00 rate");
        let memory = compare(&Figures::memory(10), &Figures::memory(20));
        assert_eq!(memory, "0.500 RSS");
    }
}
