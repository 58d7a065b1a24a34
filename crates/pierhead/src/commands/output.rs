//! What subcommands print: text for people, aligned in columns, or JSON for programs (`--output json`).
//!
//! JSON is one document: an object for a single thing, an array of objects for a list. Its keys are stable: they may be
//! added to, not renamed or removed. Lists are written page by page, so that their length needs no memory.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::ValueEnum;
use serde_json::{Map, Value};

/// The form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Where and in what form a subcommand prints.
pub(crate) struct Output<'w> {
    format: Format,
    to: &'w mut (dyn Write + Send),
}

/// A column of a list or a line of a record: the JSON key, which is also the heading.
pub(crate) type Key = &'static str;

impl<'w> Output<'w> {
    /// Prints to `to`.
    pub(crate) fn new(format: Format, to: &'w mut (dyn Write + Send)) -> Self {
        Self { format, to }
    }

    /// Prints one thing: in text, a first line that says what was done, and a line for each field.
    pub(crate) fn record(&mut self, done: &str, fields: &[(Key, Value)]) -> io::Result<()> {
        match self.format {
            Format::Json => {
                let object: Map<String, Value> = fields
                    .iter()
                    .map(|(key, value)| ((*key).to_owned(), value.clone()))
                    .collect();
                writeln!(self.to, "{}", Value::Object(object))
            }
            Format::Text => {
                writeln!(self.to, "{done}")?;
                let width = fields.iter().map(|(key, _)| heading(key).len()).max();
                for (key, value) in fields {
                    let label = format!("{}:", heading(key));
                    let width = width.unwrap_or_default() + 1;
                    writeln!(self.to, "  {label:<width$}  {}", text(value))?;
                }
                Ok(())
            }
        }
    }

    /// Begins a list with these columns.
    pub(crate) fn list(&mut self, columns: &'static [Key]) -> List<'_, 'w> {
        List {
            output: self,
            columns,
            widths: columns.iter().map(|key| key.len()).collect(),
            rows: 0,
        }
    }
}

/// A list that is being printed.
pub(crate) struct List<'o, 'w> {
    output: &'o mut Output<'w>,
    columns: &'static [Key],
    widths: Vec<usize>,
    rows: usize,
}

impl List<'_, '_> {
    /// Prints some rows, each with a value for each column.
    pub(crate) fn page(&mut self, rows: &[Vec<Value>]) -> io::Result<()> {
        match self.output.format {
            Format::Json => self.json(rows),
            Format::Text => self.text(rows),
        }
    }

    /// Ends the list. An empty one says so in text.
    pub(crate) fn finish(self, empty: &str) -> io::Result<()> {
        let to = &mut self.output.to;
        match (self.output.format, self.rows) {
            (Format::Json, 0) => writeln!(to, "[]"),
            (Format::Json, _) => writeln!(to, "\n]"),
            (Format::Text, 0) => writeln!(to, "{empty}"),
            (Format::Text, _) => Ok(()),
        }
    }

    fn json(&mut self, rows: &[Vec<Value>]) -> io::Result<()> {
        for row in rows {
            let object: Map<String, Value> = self
                .columns
                .iter()
                .zip(row)
                .map(|(key, value)| ((*key).to_owned(), value.clone()))
                .collect();
            let before = if self.rows == 0 { "[\n" } else { ",\n" };
            write!(self.output.to, "{before}  {}", Value::Object(object))?;
            self.rows += 1;
        }
        Ok(())
    }

    fn text(&mut self, rows: &[Vec<Value>]) -> io::Result<()> {
        let cells: Vec<Vec<String>> = rows
            .iter()
            .map(|row| row.iter().map(text).collect())
            .collect();
        for row in &cells {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        if self.rows == 0 && !cells.is_empty() {
            let headings: Vec<String> = self
                .columns
                .iter()
                .map(|key| heading(key).to_uppercase())
                .collect();
            self.line(&headings)?;
        }
        for row in &cells {
            self.line(row)?;
        }
        self.rows += cells.len();
        Ok(())
    }

    fn line(&mut self, cells: &[String]) -> io::Result<()> {
        let mut line = String::new();
        for (cell, &width) in cells.iter().zip(&self.widths) {
            // Writing to a string cannot fail.
            let _ = write!(line, "{cell:<width$}  ");
        }
        writeln!(self.output.to, "{}", line.trim_end())
    }
}

fn heading(key: &str) -> String {
    key.replace('_', " ")
}

/// A value for people, on one line.
fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) if text.is_empty() => "-".to_owned(),
        Value::String(text) => text
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::json;

    use super::*;

    fn list(format: Format, pages: &[Vec<Vec<Value>>]) -> String {
        let mut written = Vec::new();
        let mut output = Output::new(format, &mut written);
        let mut list = output.list(&["name", "last_accessed"]);
        for page in pages {
            list.page(page).unwrap();
        }
        list.finish("Nothing here.").unwrap();
        String::from_utf8(written).unwrap()
    }

    #[test]
    fn a_list_for_people_is_aligned() {
        let page = vec![
            vec![json!("a"), json!(null)],
            vec![json!("longer"), json!(true)],
        ];
        assert_eq!(
            list(Format::Text, &[page]),
            "NAME    LAST ACCESSED\na       -\nlonger  yes\n"
        );
    }

    #[test]
    fn an_empty_list_says_so_to_people_and_is_an_empty_array_to_programs() {
        assert_eq!(list(Format::Text, &[]), "Nothing here.\n");
        assert_eq!(list(Format::Json, &[]), "[]\n");
    }

    #[test]
    fn a_list_of_several_pages_is_one_json_array() {
        let row = |name| vec![vec![json!(name), json!(null)]];
        let text = list(Format::Json, &[row("a"), row("b")]);
        let parsed: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            parsed,
            json!([{ "name": "a", "last_accessed": null }, { "name": "b", "last_accessed": null }])
        );
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(text(&json!("a\u{1b}[31mb\nc")), "a [31mb c");
    }
}
