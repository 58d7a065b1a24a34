//! The rows of the table: what is done to every registry, one file for each kind of work.

mod api;
mod blob;
mod image;
mod manifest;
mod ping;
pub(crate) mod start;
mod tag_list;
mod token;

use std::fmt;
use std::time::Duration;

use crate::arguments::FloorWork;
use crate::error::Error;
use crate::figures::Figures;
use crate::load::measure::Bounds;
use crate::plan::Plan;
use crate::subject::Subject;

/// What a case found for one registry; `None` when it has no such thing (a token service …).
pub(crate) type Found = Result<Option<Figures>, Error>;

/// How a case measures one registry.
type Run = Box<dyn Fn(&Plan, &Subject) -> Found>;

/// A bare loop that a case is compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Floor {
    /// The loop.
    pub(crate) work: FloorWork,
    /// Bytes of each transfer.
    pub(crate) size: u64,
    /// The bounds, the same as the case's own.
    pub(crate) bounds: Bounds,
}

/// One row group of the table.
pub(crate) struct Case {
    /// Stable name for `--only` and for scripts.
    pub(crate) id: String,
    /// What it says above the rows.
    pub(crate) title: String,
    /// The bare loop beside it.
    pub(crate) floor: Option<Floor>,
    /// How often everybody is measured, in turns. What a transfer of a big blob costs depends on what the machine's memory was
    /// used for just before; taking turns gives everybody the same share of that.
    pub(crate) rounds: u32,
    run: Run,
}

impl fmt::Debug for Case {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Case")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Case {
    fn new(
        id: impl Into<String>,
        title: impl Into<String>,
        run: impl Fn(&Plan, &Subject) -> Found + 'static,
    ) -> Self {
        Self {
            id: id.into(),
            title: title.into(),
            floor: None,
            rounds: 1,
            run: Box::new(run),
        }
    }

    fn beside(mut self, floor: Floor) -> Self {
        self.floor = Some(floor);
        self
    }

    fn in_rounds(mut self, rounds: u32) -> Self {
        self.rounds = rounds;
        self
    }

    /// Measures one registry.
    pub(crate) fn run(&self, plan: &Plan, subject: &Subject) -> Found {
        (self.run)(plan, subject)
    }
}

/// Every case of this plan, in the order in which they run.
pub(crate) fn all(plan: &Plan) -> Vec<Case> {
    let mut cases = vec![ping::case()];
    cases.extend(token::cases());
    cases.extend(manifest::cases(plan));
    cases.extend(blob::cases(plan));
    cases.extend(image::cases(plan));
    cases.extend(tag_list::cases(plan));
    cases.extend(api::cases(plan));
    cases.extend(start::cases(plan));
    cases.retain(|case| plan.wants(&case.id));
    cases
}

/// The bounds of an ordinary measure: time alone ends it.
fn ordinary(plan: &Plan) -> Bounds {
    Bounds {
        connections: plan.connections,
        warm_up: plan.warm_up,
        duration: plan.duration,
        at_least: 1,
        at_most: u64::MAX,
        settle: plan.settle,
    }
}

/// The bounds of a measure whose single operation is long: one connection, a number of
/// operations.
fn few(plan: &Plan, operations: u64) -> Bounds {
    Bounds {
        connections: 1,
        warm_up: Duration::ZERO,
        at_least: operations,
        at_most: operations.saturating_mul(20),
        ..ordinary(plan)
    }
}
