//! The little of a Dockerfile that says what an image is built on.

/// The image of the last `FROM`, without its tag; `None` if there is no `FROM`.
pub(super) fn base_image(dockerfile: &str) -> Option<String> {
    let without_comments: Vec<&str> = dockerfile
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default())
        .collect();
    let joined = join_continued(&without_comments);
    let last = joined.iter().rev().find_map(|line| {
        let (command, parameters) = line.trim().split_once(char::is_whitespace)?;
        command.eq_ignore_ascii_case("from").then_some(parameters)
    })?;
    let image = last
        .split_whitespace()
        .find(|word| !word.starts_with("--"))?;
    Some(without_tag(image).to_owned())
}

/// Lines that end with a backslash go on in the next one.
fn join_continued(lines: &[&str]) -> Vec<String> {
    let mut joined = vec![String::new()];
    for line in lines {
        let (text, goes_on) = match line.trim_end().strip_suffix('\\') {
            Some(text) => (text, true),
            None => (*line, false),
        };
        if let Some(last) = joined.last_mut() {
            last.push_str(text);
        }
        if !goes_on {
            joined.push(String::new());
        }
    }
    joined
}

fn without_tag(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    match image.rsplit_once(':') {
        // A colon before a slash is that of a port.
        Some((name, tag)) if !tag.contains('/') => name,
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_image_is_that_of_the_last_stage() {
        for (dockerfile, image) in [
            ("FROM alpine", "alpine"),
            ("from quay.io/a/b:1.2 # why", "quay.io/a/b"),
            (
                "FROM golang AS build\nRUN make\nFROM host:5000/a/b\nCOPY . .",
                "host:5000/a/b",
            ),
            (
                "# FROM a\nFROM \\\n  --platform=linux/amd64 host:5000/a/b:1 AS x",
                "host:5000/a/b",
            ),
            ("FROM a/b@sha256:00", "a/b"),
        ] {
            assert_eq!(
                base_image(dockerfile).as_deref(),
                Some(image),
                "{dockerfile}"
            );
        }
        for none in ["", "RUN FROM", "FROM", "FROMAGE a", "FROM --platform=a"] {
            assert_eq!(base_image(none), None, "{none}");
        }
    }
}
