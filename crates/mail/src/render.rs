//! From blocks to a subject, a plain text and an HTML page that say the same. The page loads nothing: no picture, no script,
//! no font, so that reading it tells nobody.

use std::fmt::Write as _;

use crate::config::MailConfig;

/// Longest subject in characters.
const MAX_SUBJECT: usize = 200;

/// A part of a letter.
pub(crate) enum Block {
    Text(String),
    Button { text: String, url: String },
    List(Vec<String>),
}

/// What is sent.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

impl Block {
    pub(crate) fn text(text: String) -> Self {
        Self::Text(text)
    }

    pub(crate) fn button(text: &str, url: String) -> Self {
        Self::Button {
            text: text.to_owned(),
            url,
        }
    }

    /// For letters that somebody else may have caused.
    pub(crate) fn ignore() -> Self {
        Self::Text(
            "If you did not expect this, ignore it: nothing changes without the link.".to_owned(),
        )
    }

    /// For letters about what has happened already.
    pub(crate) fn complain(title: &str) -> Self {
        Self::Text(format!(
            "If it was not you, tell the administrator of {title} at once."
        ))
    }
}

/// A letter of these blocks.
pub(crate) fn render(config: &MailConfig, subject: &str, blocks: &[Block]) -> Rendered {
    let title = &config.title;
    let mut text = String::new();
    let mut html = format!(
        "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>{}</title></head>\n\
         <body style=\"font-family: sans-serif; max-width: 40em; margin: 2em auto\">\n",
        escape(subject)
    );
    for block in blocks {
        // Writing to a string cannot fail.
        let _ = match block {
            Block::Text(words) => {
                let _ = writeln!(text, "{}\n", one_line(words));
                writeln!(html, "<p>{}</p>", escape(words))
            }
            Block::Button { text: words, url } => {
                let _ = writeln!(text, "{words}: {url}\n");
                writeln!(
                    html,
                    "<p><a href=\"{}\" style=\"padding: 0.5em 1em; background: #06c; color: #fff\">{}</a></p>",
                    escape(url),
                    escape(words)
                )
            }
            Block::List(items) => {
                for item in items {
                    let _ = writeln!(text, "* {}", one_line(item));
                }
                text.push('\n');
                html.push_str("<ul>");
                for item in items {
                    let _ = write!(html, "<li>{}</li>", escape(item));
                }
                writeln!(html, "</ul>")
            }
        };
    }
    let _ = writeln!(text, "{title}\n{}", config.base_url);
    let _ = writeln!(
        html,
        "<p><a href=\"{0}\">{1}</a></p>\n</body></html>",
        escape(&config.base_url),
        escape(title)
    );
    let subject = one_line(&format!("[{title}] {subject}"));
    Rendered {
        subject: subject.chars().take(MAX_SUBJECT).collect(),
        text,
        html,
    }
}

/// Without line breaks and other control characters: nothing from outside begins a line of its own.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
