//! The `pierhead` command line.

mod commands;

fn main() {}
