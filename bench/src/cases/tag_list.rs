//! `GET /v2/<name>/tags/list`: the first page, and all pages one after the other, 100 tags each
//! (the largest page that Quay serves by default).

use super::{Case, Found, few, ordinary};
use crate::error::Error;
use crate::figures::Figures;
use crate::load::client::{Client, path_of};
use crate::load::message::{Body, Response};
use crate::plan::{Plan, count_label};
use crate::subject::Subject;
use crate::subject::tagged::Tagged;

const PAGE: u32 = 100;
/// Whole listings in one measure, at least.
const LISTINGS: u64 = 3;

/// Both kinds.
pub(super) fn cases(plan: &Plan) -> Vec<Case> {
    let label = count_label(plan.listed_tags);
    vec![
        Case::new(
            "tag-list/first",
            format!("tag list of {label} tags, first page of {PAGE}"),
            first_page,
        ),
        Case::new(
            "tag-list/whole",
            format!("tag list of {label} tags, all pages of {PAGE} (1 client)"),
            whole,
        ),
    ]
}

fn first_page(plan: &Plan, subject: &Subject) -> Found {
    let tagged = subject.tagged(plan, plan.listed_tags)?;
    let target = first_target(&tagged);
    let page = u64::from(tagged.count.min(PAGE));
    let (_, listed) = list_page(&mut subject.client(&tagged.repository)?, &target)?;
    // Debian's docker-registry does not know `n`.
    let note = if listed == page {
        tagged.note()
    } else if listed == u64::from(tagged.count) {
        Some(format!("ignores `n`: the page has all {listed} tags"))
    } else {
        return Err(wrong_count(&target, page, listed));
    };
    let measured = subject.measure(ordinary(plan), &tagged.repository, |client, _| {
        client.get(&target, Body::Discard).map(|_| ())
    })?;
    Ok(Some(Figures::from(measured).noted(note)))
}

fn whole(plan: &Plan, subject: &Subject) -> Found {
    let tagged = subject.tagged(plan, plan.listed_tags)?;
    let tagged = &*tagged;
    let measured = subject.measure(few(plan, LISTINGS), &tagged.repository, |client, _| {
        list_all(client, tagged)
    })?;
    Ok(Some(Figures::from(measured).noted(tagged.note())))
}

fn list_all(client: &mut Client, tagged: &Tagged) -> Result<(), Error> {
    let mut target = first_target(tagged);
    let mut listed = 0;
    loop {
        let (response, count) = list_page(client, &target)?;
        listed += count;
        let next = response.link.as_deref().and_then(next_target);
        match next {
            Some(next) if count > 0 => next.clone_into(&mut target),
            _ => break,
        }
    }
    let expected = u64::from(tagged.count);
    if listed == expected {
        Ok(())
    } else {
        Err(wrong_count(&first_target(tagged), expected, listed))
    }
}

fn first_target(tagged: &Tagged) -> String {
    format!("/v2/{}/tags/list?n={PAGE}", tagged.repository)
}

/// Fetches one page and counts its tags.
fn list_page(client: &mut Client, target: &str) -> Result<(Response, u64), Error> {
    #[derive(serde::Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        tags: Vec<&'a str>,
    }
    let response = client.get(target, Body::Keep)?;
    let count = serde_json::from_slice::<Page<'_>>(&response.body)
        .map_err(|error| Error::Http {
            target: target.to_owned(),
            problem: error.to_string(),
        })?
        .tags
        .len();
    Ok((response, count as u64))
}

/// The target of a `Link: <url>; rel="next"` header (RFC 8288).
fn next_target(link: &str) -> Option<&str> {
    let (url, rest) = link.strip_prefix('<')?.split_once('>')?;
    rest.contains("next").then(|| path_of(url))
}

fn wrong_count(target: &str, expected: u64, listed: u64) -> Error {
    Error::Answer {
        target: target.to_owned(),
        expected: format!("{expected} tags"),
        got: format!("{listed} tags"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_read_from_the_link() {
        let link = "<http://h:1/v2/a/tags/list?n=100&last=b>; rel=\"next\"";
        assert_eq!(next_target(link), Some("/v2/a/tags/list?n=100&last=b"));
        assert_eq!(next_target("</v2/a>; rel=\"prev\""), None);
    }
}
