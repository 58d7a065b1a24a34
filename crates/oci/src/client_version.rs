//! Which version of Docker a client is, and which versions `BLACKLIST_V2_SPEC` refuses.
//!
//! Quay reads the version from `User-Agent` and compares it with a *simple spec* of Python's `semantic_version` 2.10: blocks joined
//! by commas that must all hold, each an operator (`<` `<=` `=` `==` `>=` `>` `!=` `^` `~` `~=`, or none for `=`) and a version
//! whose minor and patch may be missing or `*`. A client's version never has a pre-release, so one in a block only says whether
//! the release itself is on this side of it.

use std::fmt;
use std::str::FromStr;

/// What Docker 1.5 sends when it asks for a token.
const DOCKER_1_5: &str = "Go 1.1 package http";

/// A version of a client: major, minor, patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClientVersion(u64, u64, u64);

impl ClientVersion {
    /// The version of Docker in a `User-Agent`; `None` for every other client.
    ///
    /// Leading zeros count for nothing (Docker names releases by month: `17.03.0`), a missing patch is 0.
    pub fn of_docker(user_agent: &str) -> Option<Self> {
        if user_agent == DOCKER_1_5 {
            return Some(Self(1, 5, 0));
        }
        user_agent
            .match_indices("docker/")
            .find_map(|(start, name)| Self::leading(&user_agent[start + name.len()..]))
    }

    /// The two or three numbers that a text begins with.
    fn leading(text: &str) -> Option<Self> {
        let (major, rest) = number(text)?;
        let (minor, rest) = number(rest.strip_prefix('.')?)?;
        let patch = rest.strip_prefix('.').and_then(number);
        Some(Self(major, minor, patch.map_or(0, |(patch, _)| patch)))
    }
}

/// The number that a text begins with, and what follows. What no version reaches is the greatest number.
fn number(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    (digits > 0).then(|| (number.parse().unwrap_or(u64::MAX), rest))
}

/// A set of versions.
///
/// ```
/// use pierhead_oci::{ClientVersion, VersionSpec};
///
/// let refused: VersionSpec = "<1.6.0".parse().unwrap();
/// let version = ClientVersion::of_docker("docker/1.5.0 go/go1.3.3").unwrap();
/// assert!(refused.matches(version));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionSpec {
    text: String,
    blocks: Vec<Block>,
}

impl VersionSpec {
    /// What Quay refuses unless it is told otherwise: Docker before 1.6.0, which cannot speak `/v2`.
    pub fn before_1_6() -> Self {
        Self {
            text: "<1.6.0".to_owned(),
            blocks: vec![Block::between(Point::ZERO, Point(1, 6, 0, RELEASE))],
        }
    }

    /// Whether all blocks hold for this version.
    pub fn matches(&self, version: ClientVersion) -> bool {
        let ClientVersion(major, minor, patch) = version;
        let point = Point(major, minor, patch, RELEASE);
        self.blocks.iter().all(|block| {
            let inside = block.low <= point && block.high.is_none_or(|high| point < high);
            inside != block.negated
        })
    }
}

impl fmt::Display for VersionSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A text is no set of versions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{block:?} is no version range")]
pub struct VersionSpecError {
    /// The block that cannot be read.
    pub block: String,
}

impl FromStr for VersionSpec {
    type Err = VersionSpecError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let blocks = text.split(',').map(|block| {
            Block::parse(block).ok_or_else(|| VersionSpecError {
                block: block.to_owned(),
            })
        });
        Ok(Self {
            text: text.to_owned(),
            blocks: blocks.collect::<Result<_, _>>()?,
        })
    }
}

/// A place in the order of versions: major, minor, patch, and where it is beside that release.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Point(u64, u64, u64, u8);

/// A pre-release stands before its release.
const PRERELEASE: u8 = 0;
const RELEASE: u8 = 1;

impl Point {
    const ZERO: Self = Self(0, 0, 0, RELEASE);

    /// The first place behind this one.
    fn after(self) -> Self {
        Self(self.0, self.1, self.2, self.3 + 1)
    }
}

/// The versions from `low` to before `high`, or all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Block {
    low: Point,
    high: Option<Point>,
    negated: bool,
}

/// What a block names: one version, or all that begin with these numbers.
struct Target {
    low: Point,
    /// How many numbers are written.
    numbers: usize,
    /// Behind the last one that is meant.
    end: Option<Point>,
    /// Build metadata is written: no client has any.
    build: bool,
}

impl Block {
    fn between(low: Point, high: Point) -> Self {
        Self {
            low,
            high: Some(high),
            negated: false,
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let operators = ["<=", "<", "==", "=", ">=", ">", "!=", "^", "~=", "~", ""];
        let operator = operators
            .into_iter()
            .find(|operator| text.starts_with(operator))?;
        let target = Target::parse(&text[operator.len()..])?;
        let Point(major, minor, patch, _) = target.low;
        let exact = matches!(operator, "" | "=" | "==" | "!=");
        if (target.numbers == 0 && !matches!(operator, "" | "=" | "==" | ">="))
            || (target.build && !exact)
        {
            return None;
        }
        let next_major = Point(major.checked_add(1)?, 0, 0, RELEASE);
        let next_minor = Point(major, minor.checked_add(1)?, 0, RELEASE);
        let next_patch = Point(major, minor, patch.checked_add(1)?, RELEASE);
        let from = |low| Self {
            low,
            high: None,
            negated: false,
        };
        Some(match operator {
            "<" => Self::between(Point::ZERO, target.low),
            "<=" => Self::between(Point::ZERO, target.end?),
            ">" => from(target.end?),
            ">=" => from(target.low),
            "^" if major > 0 => Self::between(target.low, next_major),
            "^" if minor > 0 => Self::between(target.low, next_minor),
            "^" => Self::between(target.low, next_patch),
            "~" if target.numbers == 1 => Self::between(target.low, next_major),
            "~=" if target.numbers < 3 => Self::between(target.low, next_major),
            "~" | "~=" => Self::between(target.low, next_minor),
            _ => Self {
                low: target.low,
                high: if target.build {
                    Some(target.low)
                } else {
                    target.end
                },
                negated: operator == "!=",
            },
        })
    }
}

impl Target {
    fn parse(text: &str) -> Option<Self> {
        let (text, build) = match text.split_once('+') {
            Some((text, build)) => (text, Some(build)),
            None => (text, None),
        };
        let (text, prerelease) = match text.split_once('-') {
            Some((text, prerelease)) => (text, Some(prerelease)),
            None => (text, None),
        };
        let suffix = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
        };
        if !prerelease.into_iter().chain(build).all(suffix) {
            return None;
        }
        let parts: Vec<&str> = text.split('.').collect();
        if parts.len() > 3 {
            return None;
        }
        let mut numbers = Vec::with_capacity(3);
        let mut whole = true;
        for part in parts {
            let number = match part {
                "*" => None,
                "0" => Some(0),
                _ if part.starts_with('0') || !part.bytes().all(|b| b.is_ascii_digit()) => {
                    return None;
                }
                _ => Some(part.parse::<u64>().ok()?),
            };
            whole &= number.is_some();
            if whole {
                numbers.extend(number);
            }
        }
        let has = |suffix: Option<&str>| suffix.is_some_and(|suffix| !suffix.is_empty());
        if numbers.len() < 3 && (has(prerelease) || has(build)) {
            return None;
        }
        let number = |index: usize| numbers.get(index).copied().unwrap_or(0);
        let rank = if has(prerelease) { PRERELEASE } else { RELEASE };
        let low = Point(number(0), number(1), number(2), rank);
        let end = match numbers.len() {
            0 => None,
            1 => Some(Point(low.0.checked_add(1)?, 0, 0, RELEASE)),
            2 => Some(Point(low.0, low.1.checked_add(1)?, 0, RELEASE)),
            _ => Some(low.after()),
        };
        Some(Self {
            low,
            numbers: numbers.len(),
            end,
            build: build.is_some(),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn refuses(spec: &str, version: &str) -> bool {
        let spec: VersionSpec = spec.parse().unwrap();
        spec.matches(ClientVersion::of_docker(&format!("docker/{version}")).unwrap())
    }

    #[test]
    fn a_docker_says_its_version_anywhere_in_the_user_agent() {
        let of = ClientVersion::of_docker;
        for (agent, version) in [
            ("docker/1.6.0 go/go1.4.2 kernel/3.18.7", (1, 6, 0)),
            ("docker/17.03.0-ce go/go1.7.5", (17, 3, 0)),
            ("docker/1.6 go/go1.4.2", (1, 6, 0)),
            ("Mozilla docker/unknown docker/20.10.7", (20, 10, 7)),
            ("docker/1.12.0.1", (1, 12, 0)),
            ("Go 1.1 package http", (1, 5, 0)),
        ] {
            let (major, minor, patch) = version;
            assert_eq!(
                of(agent),
                Some(ClientVersion(major, minor, patch)),
                "{agent}"
            );
        }
        for agent in [
            "",
            "docker/1",
            "docker/",
            "Docker-Client/1.5.0",
            "skopeo/1.9",
            "Go 1.1 package http/1",
        ] {
            assert_eq!(of(agent), None, "{agent}");
        }
    }

    // Each row as semantic_version 2.10 answers.
    #[test]
    fn a_spec_means_what_it_means_in_quay() {
        let versions = ["1.5.9", "1.6.0", "1.5.0", "17.03.0-ce", "1.10.3"];
        for (spec, expected) in [
            ("<1.6.0", "10100"),
            ("<1.6", "10100"),
            ("<=1.6", "11100"),
            ("<=1.6.0", "11100"),
            (">1.6", "00011"),
            (">1.6.0", "00011"),
            (">=1.6", "01011"),
            ("==1.6", "01000"),
            ("1.6", "01000"),
            ("=1.6.0", "01000"),
            ("!=1.6", "10111"),
            ("^1.6", "01001"),
            ("^0.2.3", "00000"),
            ("~1", "11101"),
            ("~1.6", "01000"),
            ("~1.6.1", "00000"),
            ("~=1.6", "01001"),
            ("~=1.6.0", "01000"),
            ("~=1", "11101"),
            ("*", "11111"),
            (">=*", "11111"),
            ("1.*", "11101"),
            ("<1.6.0,!=1.5.9", "00100"),
            ("<1.6.0-", "10100"),
            ("<1.6.0-rc1", "10100"),
            ("<1", "00000"),
            ("==1.6.0+b1", "00000"),
            ("==1.6.0-rc1", "00000"),
            (">1.6.0-rc1", "01011"),
            ("!=1.6.0+b1", "11111"),
        ] {
            let found: String = versions
                .iter()
                .map(|version| if refuses(spec, version) { '1' } else { '0' })
                .collect();
            assert_eq!(found, expected, "{spec}");
        }
    }

    #[test]
    fn what_quay_cannot_read_is_refused_with_its_block() {
        for (spec, block) in [
            ("", ""),
            ("< 1.6.0", "< 1.6.0"),
            ("<1.6.0,", ""),
            ("<*", "<*"),
            ("1.x", "1.x"),
            ("<01.6.0", "<01.6.0"),
            ("<1.6.0||>17", "<1.6.0||>17"),
            ("<1.6-rc1", "<1.6-rc1"),
            ("<1.6.0+b", "<1.6.0+b"),
            ("<1.2.3.4", "<1.2.3.4"),
            ("=>1", "=>1"),
        ] {
            let error = spec.parse::<VersionSpec>().unwrap_err();
            assert_eq!(error.block, block, "{spec}");
        }
    }

    #[test]
    fn the_default_is_what_its_text_says() {
        let default = VersionSpec::before_1_6();
        assert_eq!(default.to_string().parse(), Ok(default));
    }
}
