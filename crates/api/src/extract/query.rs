//! Reading the parameters of a query. The first of several values counts, unknown parameters are ignored, and booleans are
//! what Quay takes for them.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};

use crate::error::Error;

/// The query as a `T`, or which parameter is wrong.
pub(crate) fn parse<T: DeserializeOwned>(query: &str) -> Result<T, Error> {
    let mut pairs: Vec<(String, String)> = Vec::new();
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if !pairs.iter().any(|(known, _)| *known == key) {
            pairs.push((key.into_owned(), value.into_owned()));
        }
    }
    let pairs: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&pairs)
        .finish();
    let deserializer =
        serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(pairs.as_bytes()));
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let parameter = error.path().to_string();
        Error::parameter(parameter, error.into_inner().to_string())
    })
}

/// A boolean: `false`, `False`, `FALSE`, `0`, `null` and nothing are false, everything else is true. With
/// `#[serde(default, deserialize_with = "query::flag")]`.
pub(crate) fn flag<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(!matches!(
        text.as_str(),
        "" | "0" | "null" | "false" | "False" | "FALSE"
    ))
}

/// A boolean that may be missing.
pub(crate) fn optional_flag<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<bool>, D::Error> {
    flag(deserializer).map(Some)
}

/// The default of a flag that is on when it is missing: with `#[serde(default = "query::on", …)]`.
pub(crate) fn on() -> bool {
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Listing {
        #[serde(default, deserialize_with = "flag")]
        public: bool,
        #[serde(default = "on", deserialize_with = "flag")]
        tags: bool,
        limit: Option<u32>,
    }

    #[test]
    fn booleans_are_those_of_quay() {
        let listing: Listing = parse("public=true&tags=0&other=1").unwrap();
        assert!(listing.public && !listing.tags);
        let listing: Listing = parse("public=").unwrap();
        assert!(!listing.public && listing.tags);
        assert!(!parse::<Listing>("public=null").unwrap().public);
    }

    #[test]
    fn the_first_of_several_values_counts() {
        assert!(parse::<Listing>("public=1&public=FALSE").unwrap().public);
    }

    #[test]
    fn a_wrong_parameter_is_named() {
        assert!(parse::<Listing>("limit=5").is_ok());
        let error = parse::<Listing>("limit=five").unwrap_err();
        let Error::Parameter { parameter, .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(parameter, "limit");
    }
}
