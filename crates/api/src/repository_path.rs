//! Repository names in paths. A name may contain slashes and so may stand for any number of segments: `a/b/c/tag/latest` is
//! the tag `latest` of `a/b/c`. Before a request is routed, the segments of the name are joined into one, with the
//! slashes encoded, so that routes can say `{repository}`. A client that encodes them itself is understood, too.
//!
//! Matched from the right, as long as two segments are left for namespace and repository: the route with the most literal
//! segments behind the name wins, then the one whose first of them is longest, as in Quay. So `a/b/tag/mirror` is the mirror of
//! `a/b/tag`, not a tag of `a/b`; and a repository whose name ends like a route cannot be reached.

use std::collections::HashSet;

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

const PLACE: &str = "{repository}";

/// The routes that have a repository name in their path.
#[derive(Debug, Default)]
pub(crate) struct RepositoryPaths {
    prefixes: Vec<Prefix>,
    /// Paths without any parameter.
    literal: HashSet<String>,
}

#[derive(Debug)]
struct Prefix {
    text: String,
    /// What may follow the name, the one that wins first.
    suffixes: Vec<Vec<Segment>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Parameter,
}

impl RepositoryPaths {
    /// Of these paths; those without a repository name matter only where they would be taken for one.
    pub(crate) fn of<'p>(paths: impl IntoIterator<Item = &'p str>) -> Self {
        let mut this = Self::default();
        for path in paths {
            match path.split_once(PLACE) {
                Some((before, after)) => this.add(before, after),
                None if !path.contains('{') => {
                    this.literal.insert(path.to_owned());
                }
                None => {}
            }
        }
        this.prefixes
            .sort_by_key(|prefix| std::cmp::Reverse(prefix.text.len()));
        for prefix in &mut this.prefixes {
            prefix
                .suffixes
                .sort_by_key(|suffix| std::cmp::Reverse(weight(suffix)));
        }
        this
    }

    fn add(&mut self, before: &str, after: &str) {
        let suffix = after
            .split('/')
            .skip(1)
            .map(|segment| {
                if segment.starts_with('{') {
                    Segment::Parameter
                } else {
                    Segment::Literal(segment.to_owned())
                }
            })
            .collect();
        match self.prefixes.iter_mut().find(|known| known.text == before) {
            Some(prefix) => prefix.suffixes.push(suffix),
            None => self.prefixes.push(Prefix {
                text: before.to_owned(),
                suffixes: vec![suffix],
            }),
        }
    }

    /// The path with its repository name as one segment; `None` if nothing is to be changed.
    fn join(&self, path: &str) -> Option<String> {
        if self.literal.contains(path) {
            return None;
        }
        let prefix = self
            .prefixes
            .iter()
            .find(|prefix| path.starts_with(&prefix.text))?;
        let plain = path[prefix.text.len()..]
            .replace("%2F", "/")
            .replace("%2f", "/");
        let segments: Vec<&str> = plain.split('/').collect();
        let suffix = prefix
            .suffixes
            .iter()
            .find(|suffix| segments.len() >= suffix.len() + 2 && ends_with(&segments, suffix))?;
        let (name, rest) = segments.split_at(segments.len() - suffix.len());
        if name.iter().any(|segment| segment.is_empty()) {
            return None;
        }
        let mut joined = format!("{}{}", prefix.text, name.join("%2F"));
        for segment in rest {
            joined.push('/');
            joined.push_str(segment);
        }
        Some(joined)
    }

    /// The request with the repository name in its path as one segment.
    pub(crate) fn rewrite<B>(&self, mut request: Request<B>) -> Request<B> {
        if let Some(joined) = self.join(request.uri().path()) {
            let target = match request.uri().query() {
                Some(query) => format!("{joined}?{query}"),
                None => joined,
            };
            if let Ok(target) = PathAndQuery::try_from(target) {
                let mut parts = request.uri().clone().into_parts();
                parts.path_and_query = Some(target);
                if let Ok(uri) = Uri::from_parts(parts) {
                    *request.uri_mut() = uri;
                }
            }
        }
        request
    }
}

/// How much a route is preferred: its literal segments, the length of the first, and all of its segments.
fn weight(suffix: &[Segment]) -> (usize, usize, usize) {
    let literals = || {
        suffix.iter().filter_map(|segment| match segment {
            Segment::Literal(text) => Some(text.len()),
            Segment::Parameter => None,
        })
    };
    (
        literals().count(),
        literals().next().unwrap_or(0),
        suffix.len(),
    )
}

fn ends_with(segments: &[&str], suffix: &[Segment]) -> bool {
    segments[segments.len() - suffix.len()..]
        .iter()
        .zip(suffix)
        .all(|(segment, expected)| match expected {
            Segment::Literal(text) => segment == text,
            Segment::Parameter => !segment.is_empty(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths() -> RepositoryPaths {
        RepositoryPaths::of([
            "/api/v1/repository",
            "/api/v1/repository/mirror/health",
            "/api/v1/repository/{repository}",
            "/api/v1/repository/{repository}/tag/",
            "/api/v1/repository/{repository}/tag/{tag}",
            "/api/v1/repository/{repository}/tag/{tag}/restore",
            "/api/v1/repository/{repository}/mirror",
            "/api/v1/repository/{repository}/build/{uuid}",
            "/api/v1/user/starred/{repository}",
        ])
    }

    #[test]
    fn a_name_becomes_one_segment_whatever_follows_it() {
        let paths = paths();
        for (path, joined) in [
            ("/api/v1/repository/a/b", "/api/v1/repository/a%2Fb"),
            ("/api/v1/repository/a/b/c", "/api/v1/repository/a%2Fb%2Fc"),
            (
                "/api/v1/repository/a/b/tag/",
                "/api/v1/repository/a%2Fb/tag/",
            ),
            (
                "/api/v1/repository/a/b/c/tag/latest",
                "/api/v1/repository/a%2Fb%2Fc/tag/latest",
            ),
            (
                "/api/v1/repository/a/b/tag/x/restore",
                "/api/v1/repository/a%2Fb/tag/x/restore",
            ),
            (
                "/api/v1/repository/a/b/tag/mirror",
                "/api/v1/repository/a%2Fb%2Ftag/mirror",
            ),
            (
                "/api/v1/repository/a/b/tag/build/x",
                "/api/v1/repository/a%2Fb%2Ftag/build/x",
            ),
            (
                "/api/v1/repository/a%2Fb%2fc/tag/x/restore",
                "/api/v1/repository/a%2Fb%2Fc/tag/x/restore",
            ),
            // Two segments are the name, even if the second could be a route.
            (
                "/api/v1/repository/a/tag/b",
                "/api/v1/repository/a%2Ftag%2Fb",
            ),
            ("/api/v1/user/starred/a/b", "/api/v1/user/starred/a%2Fb"),
        ] {
            assert_eq!(paths.join(path).as_deref(), Some(joined), "{path}");
        }
    }

    #[test]
    fn other_paths_stay_as_they_are() {
        let paths = paths();
        for path in [
            "/api/v1/repository",
            "/api/v1/repository/mirror/health",
            "/api/v1/repository/a",
            "/api/v1/repository/a//tag/",
            "/api/v1/repository//b",
            "/api/v1/user/",
        ] {
            assert_eq!(paths.join(path), None, "{path}");
        }
    }

    #[test]
    fn the_query_stays() {
        let request = Request::builder()
            .uri("/api/v1/repository/a/b?x=/tag/1")
            .body(())
            .unwrap_or_default();
        let request = paths().rewrite(request);
        assert_eq!(request.uri(), "/api/v1/repository/a%2Fb?x=/tag/1");
    }
}
