//! Patterns that select tags by name, as policies hold them: which tags are pruned, which may not be moved.
//!
//! Quay hands them to Python's `regex` with a time limit, or to the database. Here they are matched in time linear to the
//! name whatever the pattern is, at the price of look-around and back-references, which are refused.

use regex::{Regex, RegexBuilder};

/// Longest pattern in characters. Quay's limit for immutability policies.
pub const MAX_TAG_PATTERN_LEN: usize = 256;
/// Most memory that a compiled pattern may take, in bytes.
const COMPILED_SIZE: usize = 1 << 20;

/// A regular expression over names of tags.
#[derive(Clone, Debug)]
pub struct TagPattern {
    whole: Regex,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TagPatternError {
    /// It has no characters.
    #[error("the pattern is empty")]
    Empty,
    /// It has too many characters.
    #[error("the pattern must be {MAX_TAG_PATTERN_LEN} characters or less")]
    TooLong,
    /// It is not a regular expression, or one that cannot be matched in linear time.
    #[error("{0}")]
    Invalid(String),
}

impl TagPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// [`TagPatternError`] as its variants say.
    pub fn parse(text: &str) -> Result<Self, TagPatternError> {
        if text.is_empty() {
            return Err(TagPatternError::Empty);
        }
        if text.chars().count() > MAX_TAG_PATTERN_LEN {
            return Err(TagPatternError::TooLong);
        }
        let compile = |text: &str| {
            RegexBuilder::new(text)
                .size_limit(COMPILED_SIZE)
                .build()
                .map_err(|error| TagPatternError::Invalid(error.to_string()))
        };
        // By itself first: `a)|(b` would be valid inside the group.
        compile(text)?;
        Ok(Self {
            whole: compile(&format!("^(?:{text})$"))?,
        })
    }

    /// Whether the whole name matches.
    pub fn matches_whole(&self, tag: &str) -> bool {
        self.whole.is_match(tag)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_whole_name_must_match() {
        let pattern = TagPattern::parse("v[0-9]+|latest").unwrap();
        for tag in ["v1", "v22", "latest"] {
            assert!(pattern.matches_whole(tag), "{tag}");
        }
        for tag in ["v1-rc", "xv1", "latest2", "", "v"] {
            assert!(!pattern.matches_whole(tag), "{tag}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_with_a_reason() {
        assert_eq!(TagPattern::parse("").unwrap_err(), TagPatternError::Empty);
        let long = "a".repeat(257);
        assert_eq!(
            TagPattern::parse(&long).unwrap_err(),
            TagPatternError::TooLong
        );
        assert!(TagPattern::parse(&"ä".repeat(256)).is_ok());
        for text in [
            "[",
            "a)|(b",
            "(?=x)y",
            r"(a)\1",
            "(?:(?:a{1000}){1000}){1000}",
        ] {
            assert!(
                matches!(TagPattern::parse(text), Err(TagPatternError::Invalid(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_pattern_that_stops_backtracking_engines_is_matched_at_once() {
        let pattern = TagPattern::parse("(a+)+b").unwrap();
        assert!(!pattern.matches_whole(&"a".repeat(128)));
    }
}
