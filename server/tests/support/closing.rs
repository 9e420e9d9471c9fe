//! The end of a server that ran in this process, as far as its database goes.

use std::{path::Path, thread, time::Duration};

/// Waits, for five seconds at most, until the last thread of a stopped server has closed the SQLite database in that
/// folder, as the end of a process would: closing it writes what is new into the file, whichever stands there by then.
pub(crate) fn await_closed(folder: &Path) {
    let unwritten = folder.join("registry.db-wal");
    for _ in 0..500 {
        if !unwritten.exists() {
            return;
        }
        thread::sleep(Duration::from_millis(10));
    }
}
