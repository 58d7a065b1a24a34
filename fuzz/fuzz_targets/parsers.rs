//! Feeds every parser of network text, chosen by the first byte, and checks the properties that its
//! entry point states. `scripts/fuzz` runs it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use pierhead_oci::parse_entry_points::ENTRY_POINTS;

fuzz_target!(|input: &[u8]| {
    let Some((choice, text)) = input.split_first() else { return };
    let (name, parse) = ENTRY_POINTS[usize::from(*choice) % ENTRY_POINTS.len()];
    if let Err(broken) = parse(text) {
        panic!("{name}: {broken}");
    }
});
