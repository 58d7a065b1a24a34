//! Reads the Prometheus text format, as far as tests ask about it.

/// A scrape of `/metrics`.
#[derive(Debug, Clone, Default)]
pub struct Metrics {
    samples: Vec<Sample>,
}

#[derive(Debug, Clone)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
    value: f64,
}

impl Sample {
    fn has_label(&self, key: &str, value: &str) -> bool {
        self.labels.iter().any(|(k, v)| k == key && v == value)
    }
}

impl Metrics {
    /// Reads a scrape; comments and lines that are no samples are left out.
    pub fn parse(text: &str) -> Self {
        Self {
            samples: text.lines().filter_map(sample).collect(),
        }
    }

    /// The sum of all samples of a name whose labels include these; `None` without such a sample.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let mut matching = self
            .samples
            .iter()
            .filter(|sample| {
                sample.name == name
                    && labels
                        .iter()
                        .all(|(key, value)| sample.has_label(key, value))
            })
            .map(|sample| sample.value)
            .peekable();
        matching.peek()?;
        Some(matching.sum())
    }

    /// Every name that has a sample.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.samples.iter().map(|sample| sample.name.as_str())
    }
}

fn sample(line: &str) -> Option<Sample> {
    if line.starts_with('#') {
        return None;
    }
    let (name, labels, rest) = if let Some((name, rest)) = line.split_once('{') {
        // A label's value may hold a brace or a blank, but not an unescaped quote.
        let end = closing_brace(rest)?;
        (name, labels(&rest[..end]), &rest[end + 1..])
    } else {
        let (name, rest) = line.split_once(' ')?;
        (name, Vec::new(), rest)
    };
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some(Sample {
        name: name.to_owned(),
        labels,
        value,
    })
}

fn closing_brace(text: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '}' if !quoted => return Some(at),
            _ => {}
        }
    }
    None
}

fn labels(mut text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    while let Some((key, rest)) = text.split_once("=\"") {
        let (mut value, mut escaped, mut end) = (String::new(), false, rest.len());
        for (at, c) in rest.char_indices() {
            match c {
                'n' if escaped => value.push('\n'),
                _ if escaped => value.push(c),
                '\\' => {
                    escaped = true;
                    continue;
                }
                '"' => {
                    end = at;
                    break;
                }
                _ => value.push(c),
            }
            escaped = false;
        }
        found.push((key.trim_matches([',', ' ']).to_owned(), value));
        text = rest.get(end + 1..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_summed_over_the_labels_that_were_not_asked_for() {
        let metrics = Metrics::parse(
            "# TYPE quay_pulls counter\n\
             quay_pulls_total{ref=\"tag\",status=\"200\"} 3\n\
             quay_pulls_total{ref=\"a \\\"}\\\" b\",status=\"404\"} 4 1700000000\n\
             quay_org_rows 2\n",
        );
        assert_eq!(metrics.sum("quay_pulls_total", &[]), Some(7.0));
        assert_eq!(
            metrics.sum("quay_pulls_total", &[("ref", "a \"}\" b")]),
            Some(4.0)
        );
        assert_eq!(metrics.sum("quay_org_rows", &[]), Some(2.0));
        assert_eq!(metrics.sum("quay_user_rows", &[]), None);
    }
}
