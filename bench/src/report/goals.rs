//! The project's goals on two cores, and where a run stands on each.
//!
//! All of them are about the embedded default with token authentication and durable writes. A goal
//! that compares with something that did not run is not measured; it is never met by absence.

use serde::Serialize;

use super::{FLOOR, Report};
use crate::figures::Figures;
use crate::peers::{DISTRIBUTION, PIERHEAD, PIERHEAD_POSTGRES, ZOT};
use crate::plan::{Plan, count_label, size_label};

/// One goal and where a run stands.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    /// What is to be reached.
    #[serde(rename = "goal")]
    pub(crate) aim: String,
    /// What was measured.
    pub(crate) measured: String,
    /// Whether it is met.
    pub(crate) verdict: Verdict,
}

/// Where a run stands on a goal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    /// Met.
    Met,
    /// Measured and not met.
    NotMet,
    /// Something that it needs was not measured.
    NotMeasured,
}

/// Judges a run.
pub(crate) fn judge(report: &Report, plan: &Plan) -> Vec<Goal> {
    let judge = Judge { report };
    let mut goals = Vec::new();
    if let (Some(first), Some(last)) = (plan.tag_counts.first(), plan.tag_counts.last()) {
        let first = format!("manifest-tag/{}", count_label(*first));
        let many = count_label(*last);
        let last = format!("manifest-tag/{many}");
        goals.extend([
            judge.cpu(
                "manifest GET by tag",
                &first,
                (&first, DISTRIBUTION),
                1.0 / 10.0,
            ),
            judge.cpu("manifest GET by tag", &first, (&first, ZOT), 1.0 / 4.0),
            judge.cpu("manifest GET by tag", &first, (&first, FLOOR), 2.0),
            judge.cpu(
                &format!("manifest GET by tag at {many} tags"),
                &last,
                (&first, FLOOR),
                2.0,
            ),
        ]);
    }
    let [small, _, big] = plan.blob_sizes.map(size_label);
    goals.extend([
        judge.cpu(
            &format!("{small} blob GET"),
            "blob-get/small",
            ("blob-get/small", DISTRIBUTION),
            1.0 / 40.0,
        ),
        judge.cpu(
            &format!("{small} blob GET"),
            "blob-get/small",
            ("blob-get/small", ZOT),
            1.0 / 4.0,
        ),
        judge.cpu(
            &format!("{big} blob GET"),
            "blob-get/big",
            ("blob-get/big", FLOOR),
            1.3,
        ),
        judge.cpu(
            &format!("{big} blob push (POST + PUT)"),
            "blob-push/big",
            ("blob-push/big", FLOOR),
            1.2,
        ),
        judge.cpu(
            &format!("{big} blob push (POST + PATCH + PUT)"),
            "blob-push-patch/big",
            ("blob-push-patch/big", FLOOR),
            1.2,
        ),
    ]);
    let mut clients = vec![1, plan.connections];
    clients.dedup();
    for clients in clients {
        goals.push(judge.image_rate(clients));
    }
    if let Some(count) = plan.tag_counts.last() {
        goals.push(judge.flat(plan.connections, &count_label(*count)));
    }
    let per_second = |figures: &Figures| figures.per_second;
    let memory = |figures: &Figures| figures.memory_mib;
    let slowest = |figures: &Figures| figures.p99_ms;
    for (caller, id) in [
        ("robot", "token/robot"),
        ("password", "token/password-warm"),
    ] {
        goals.push(Judge::limit(
            format!("warm token ({caller}) at least 5000/s"),
            judge.value(id, PIERHEAD, per_second),
            "/s",
            |rate| rate >= 5000.0,
        ));
    }
    goals.push(Judge::limit(
        "at most 40 MB idle".to_owned(),
        judge.value("memory/idle", PIERHEAD, memory).map(megabytes),
        " MB",
        |megabytes| megabytes <= 40.0,
    ));
    goals.push(Judge::limit(
        "at most 150 MB under all of it".to_owned(),
        judge.value("memory/peak", PIERHEAD, memory).map(megabytes),
        " MB",
        |megabytes| megabytes <= 150.0,
    ));
    for (state, id, registry) in [
        ("empty", "start/empty", PIERHEAD),
        ("on this run's data", "start/filled", PIERHEAD),
        (
            "with many tags in PostgreSQL",
            "start/database",
            PIERHEAD_POSTGRES,
        ),
    ] {
        goals.push(Judge::limit(
            format!("ready in at most 200 ms, {state} (the longest start)"),
            judge.value(id, registry, slowest),
            " ms",
            |milliseconds| milliseconds <= 200.0,
        ));
    }
    goals
}

/// The goals are written in MB, the figures in MiB.
fn megabytes(mebibytes: f64) -> f64 {
    mebibytes * 1.048_576
}

struct Judge<'a> {
    report: &'a Report,
}

impl Judge<'_> {
    fn value(
        &self,
        group: &str,
        registry: &str,
        field: impl Fn(&Figures) -> Option<f64>,
    ) -> Option<f64> {
        self.report.figures(group, registry).and_then(field)
    }

    /// Pierhead's CPU in `group` is at most `factor` of what stands in `other` (group, registry).
    fn cpu(&self, what: &str, group: &str, other: (&str, &str), factor: f64) -> Goal {
        let cpu = |figures: &Figures| figures.cpu_ms;
        let ours = self.value(group, PIERHEAD, cpu);
        let theirs = self.value(other.0, other.1, cpu);
        let limit = if factor < 1.0 {
            format!("1/{:.0} of {}'s", 1.0 / factor, other.1)
        } else {
            format!("{factor} × the {}", other.1)
        };
        let goal = format!("{what}: CPU at most {limit}");
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => Goal {
                aim: goal,
                measured: format!(
                    "{ours:.4} ms, {} {theirs:.4} ms: {}",
                    other.1,
                    ratio(ours, theirs)
                ),
                verdict: verdict(ours <= theirs * factor),
            },
            _ => not_measured(goal),
        }
    }

    fn image_rate(&self, clients: usize) -> Goal {
        let group = format!("image-push/{clients}");
        let rate = |figures: &Figures| figures.per_second;
        let goal =
            format!("small image push, {clients} client(s): at least 2 × {DISTRIBUTION}'s rate");
        match (
            self.value(&group, PIERHEAD, rate),
            self.value(&group, DISTRIBUTION, rate),
        ) {
            (Some(ours), Some(theirs)) => Goal {
                aim: goal,
                measured: format!("{ours:.0}/s, {DISTRIBUTION} {theirs:.0}/s"),
                verdict: verdict(ours >= theirs * 2.0),
            },
            _ => not_measured(goal),
        }
    }

    /// The rate does not fall as a repository fills; a tenth is noise.
    fn flat(&self, clients: usize, many: &str) -> Goal {
        let rate = |figures: &Figures| figures.per_second;
        let goal = format!("small image push: as fast with {many} tags (within a tenth)");
        match (
            self.value(&format!("image-push/{clients}"), PIERHEAD, rate),
            self.value(&format!("image-push/tags-{many}"), PIERHEAD, rate),
        ) {
            (Some(new), Some(filled)) => Goal {
                aim: goal,
                measured: format!("{filled:.0}/s, new repository {new:.0}/s"),
                verdict: verdict(filled >= new * 0.9),
            },
            _ => not_measured(goal),
        }
    }

    fn limit(goal: String, value: Option<f64>, unit: &str, met: impl Fn(f64) -> bool) -> Goal {
        let Some(value) = value else {
            return not_measured(goal);
        };
        Goal {
            aim: goal,
            measured: format!("{value:.1}{unit}"),
            verdict: verdict(met(value)),
        }
    }
}

fn ratio(ours: f64, theirs: f64) -> String {
    if ours < theirs / 2.0 {
        format!("1/{:.1}", theirs / ours)
    } else {
        format!("{:.2} ×", ours / theirs)
    }
}

fn verdict(met: bool) -> Verdict {
    if met { Verdict::Met } else { Verdict::NotMet }
}

fn not_measured(goal: String) -> Goal {
    Goal {
        aim: goal,
        measured: "–".to_owned(),
        verdict: Verdict::NotMeasured,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::report::{Group, Machine, Row};

    fn row(registry: &str, cpu_ms: f64) -> Row {
        Row {
            registry: registry.to_owned(),
            figures: Some(Figures {
                cpu_ms: Some(cpu_ms),
                ..Figures::default()
            }),
            error: None,
        }
    }

    fn report(rows: Vec<Row>) -> Report {
        Report {
            machine: Machine::here(std::path::Path::new("/")),
            quick: false,
            missing: Vec::new(),
            groups: vec![Group {
                id: "blob-get/small".to_owned(),
                title: String::new(),
                rows,
            }],
            goals: Vec::new(),
        }
    }

    #[test]
    fn a_ratio_is_met_at_its_limit_and_not_above_it() {
        for (ours, expected) in [(0.03, Verdict::Met), (0.04, Verdict::NotMet)] {
            let report = report(vec![row(PIERHEAD, ours), row(DISTRIBUTION, 1.2)]);
            let other = ("blob-get/small", DISTRIBUTION);
            let goal = Judge { report: &report }.cpu("GET", "blob-get/small", other, 1.0 / 40.0);
            assert_eq!(goal.verdict, expected, "{goal:?}");
        }
    }

    #[test]
    fn a_goal_without_its_peer_is_not_met_by_absence() {
        let report = report(vec![row(PIERHEAD, 0.03)]);
        let other = ("blob-get/small", ZOT);
        let goal = Judge { report: &report }.cpu("GET", "blob-get/small", other, 1.0 / 4.0);
        assert_eq!(goal.verdict, Verdict::NotMeasured);
    }
}
