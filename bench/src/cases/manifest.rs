//! Manifest GET by tag and by digest, in repositories of growing size. The readers walk over all
//! tags, so that a cache for one tag does not help.

use super::{Case, Floor, Found, ordinary};
use crate::arguments::FloorWork;
use crate::figures::Figures;
use crate::plan::{Plan, count_label};
use crate::subject::Subject;

/// Both kinds for every tag count of the plan; the bare axum handler stands beside the first.
pub(super) fn cases(plan: &Plan) -> Vec<Case> {
    let mut cases = Vec::new();
    for (index, count) in plan.tag_counts.iter().copied().enumerate() {
        let label = count_label(count);
        let by_tag = Case::new(
            format!("manifest-tag/{label}"),
            format!("manifest GET by tag, {label} tag(s) in the repository"),
            move |plan, subject| get(plan, subject, count, false),
        );
        cases.push(if index == 0 {
            by_tag.beside(Floor {
                work: FloorWork::Answer,
                size: 0,
                bounds: ordinary(plan),
            })
        } else {
            by_tag
        });
        cases.push(Case::new(
            format!("manifest-digest/{label}"),
            format!("manifest GET by digest, {label} tag(s) in the repository"),
            move |plan, subject| get(plan, subject, count, true),
        ));
    }
    cases
}

fn get(plan: &Plan, subject: &Subject, count: u32, by_digest: bool) -> Found {
    let tagged = subject.tagged(plan, count)?;
    let tagged = &*tagged;
    let measured = subject.measure(ordinary(plan), &tagged.repository, |client, number| {
        let (tag, manifest) = tagged.pick(number);
        let reference = if by_digest { &manifest.digest } else { &tag };
        client.get_manifest(&tagged.repository, reference, manifest)
    })?;
    Ok(Some(Figures::from(measured).noted(tagged.note())))
}
