//! Shortens text from the network before it goes into an error message, so that a message has a
//! bounded length and no control characters that could forge log lines.

/// Longest excerpt, in characters, before it is cut.
const MAX_CHARS: usize = 120;

/// The beginning of `text` with control characters escaped; cut text ends in `…`.
pub(crate) fn excerpt(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(MAX_CHARS));
    let mut chars = text.chars();
    for c in chars.by_ref().take(MAX_CHARS) {
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::excerpt;

    #[test]
    fn long_text_is_cut_and_marked() {
        let cut = excerpt(&"é".repeat(5_000));
        assert_eq!(cut.chars().count(), 121);
        assert!(cut.ends_with('…'));
    }

    #[test]
    fn a_line_break_cannot_forge_a_log_line() {
        assert_eq!(excerpt("a\r\nb\0"), "a\\r\\nb\\u{0}");
    }
}
