//! Parameters of the query string.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Values of a parameter in a raw query string, decoded (`+` is a space), in their order.
pub(crate) fn values<'q>(
    query: Option<&'q str>,
    name: &'static str,
) -> impl Iterator<Item = Cow<'q, str>> {
    query
        .unwrap_or_default()
        .split('&')
        .filter_map(move |pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key) == name).then(|| decode(value))
        })
}

/// The first value of a parameter.
pub(crate) fn value<'q>(query: Option<&'q str>, name: &'static str) -> Option<Cow<'q, str>> {
    values(query, name).next()
}

fn decode(text: &str) -> Cow<'_, str> {
    let spaced: Cow<'_, str> = if text.contains('+') {
        text.replace('+', " ").into()
    } else {
        text.into()
    };
    match percent_decode_str(&spaced).decode_utf8_lossy() {
        Cow::Borrowed(_) => spaced,
        Cow::Owned(decoded) => decoded.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_may_repeat() {
        let query = Some("scope=repository%3Aa%2Fb%3Apull&scope=x+y&digest&n=2");
        let scopes: Vec<_> = values(query, "scope").collect();
        assert_eq!(scopes, ["repository:a/b:pull", "x y"]);
        assert_eq!(value(query, "digest").as_deref(), Some(""));
        assert_eq!(value(query, "absent"), None);
        assert_eq!(value(None, "n"), None);
    }
}
