//! A bounded run of the mutations that `make fuzz` runs a million times.

use crate::fuzzing::{families, run};

/// Files of each family; a few seconds in all.
const FILES: usize = 4_000;

#[test]
fn mutated_files_of_every_family_are_read_within_bounds() {
    for family in families() {
        let files = if family.reads_manifests() { FILES / 10 } else { FILES };
        let seen = run(&family, 1, 0, files);
        println!("{}: {seen:?}", family.name);
        assert!(
            seen.labels > files / 20,
            "{}: mutations that leave nothing to read test little",
            family.name
        );
    }
}
