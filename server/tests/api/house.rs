//! The house rules that the compiler does not know: which room may import what, and how long a file may be.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Most lines of code in a file.
const MAX_LINES: usize = 600;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Lines of code: without comments, empty lines and the unit tests at the end.
fn code(path: &Path) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap();
    let lines = text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]");
    lines.filter(|line| !line.is_empty() && !line.starts_with("//")).map(str::to_owned).collect()
}

fn server() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Whether `word` stands in `line` as a name of its own.
fn names(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

/// Lines under `folder` that name one of `words`, except in files whose path begins with one of `rooms`.
fn strays(folder: &Path, words: &[&str], rooms: &[&str]) -> Vec<String> {
    let mut strays = Vec::new();
    for path in sources(folder) {
        let place = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
        if rooms.iter().any(|room| place.starts_with(room)) {
            continue;
        }
        let lines = code(&path).into_iter().filter(|line| words.iter().any(|word| names(line, word)));
        strays.extend(lines.map(|line| format!("{place}: {line}")));
    }
    strays
}

#[test]
fn diesel_stays_in_the_store() {
    let words = ["diesel", "diesel_migrations", "libsqlite3_sys"];
    assert_eq!(strays(&server(), &words, &["store/"]), Vec::<String>::new());
    assert!(!strays(&server(), &words, &[]).is_empty(), "the search finds what is there");
}

#[test]
fn http_stays_at_the_door() {
    let words = ["actix_web", "actix_multipart", "actix_rt", "utoipa_swagger_ui"];
    assert_eq!(strays(&server(), &words, &["web/", "app.rs", "main.rs"]), Vec::<String>::new());
    assert!(!strays(&server(), &words, &[]).is_empty(), "the search finds what is there");
}

#[test]
fn the_c2pa_library_stays_in_inspect() {
    let sdk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sdk/rust/src");
    for folder in [server(), sdk] {
        let mut found = strays(&folder, &["c2pa"], &[]);
        // What `touchstone_inspect` offers under that name, a feature, a flag or a field is something else.
        found.retain(|line| {
            let line = line.replace("inspect::c2pa", "");
            line.contains("use c2pa")
                || line.contains("::c2pa::")
                || line.match_indices("c2pa::").next().is_some()
        });
        found.retain(|line| !imports_from_inspect(&folder, line));
        assert_eq!(found, Vec::<String>::new());
    }
}

/// Whether the file of a stray line takes the name `c2pa` from `touchstone_inspect`.
fn imports_from_inspect(folder: &Path, stray: &str) -> bool {
    let (place, line) = stray.split_once(": ").unwrap();
    let text = code(&folder.join(place)).join(" ");
    let imported = text
        .split("use touchstone_inspect::")
        .skip(1)
        .any(|rest| rest.split(';').next().is_some_and(|list| names(list, "c2pa")));
    imported && !line.contains("use c2pa") && !line.starts_with("::c2pa")
}

#[test]
fn arrows_point_down() {
    let lower = ["store/", "log/", "matching/", "keyring.rs", "clock.rs"];
    let is_lower = |line: &&String| lower.iter().any(|room| line.starts_with(room));
    let up = strays(&server(), &["registry", "web", "app"], &[]);
    let up: Vec<_> = up
        .iter()
        .filter(is_lower)
        .filter(|line| {
            ["crate::registry", "crate::web", "crate::app"].iter().any(|upper| line.contains(upper))
        })
        .collect();
    assert_eq!(up, Vec::<&String>::new());
    let registry: Vec<_> = strays(&server(), &["web"], &[])
        .into_iter()
        .filter(|line| line.starts_with("registry/") && line.contains("crate::web"))
        .collect();
    assert_eq!(registry, Vec::<String>::new());
}

/// What runs a registry has no part in judging it.
#[test]
fn the_witness_stands_alone() {
    let words = ["registry", "store", "web", "app", "keyring", "matching", "config"];
    let strays: Vec<_> = strays(&server().join("witness"), &words, &[])
        .into_iter()
        .filter(|line| line.contains("crate::") || line.contains("super::super"))
        .collect();
    assert_eq!(strays, Vec::<String>::new());
    assert!(sources(&server().join("witness")).len() > 2);
}

#[test]
fn time_and_randomness_are_injected() {
    let found = strays(&server(), &["SystemTime", "Instant", "getrandom"], &["clock.rs", "telemetry.rs"]);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn files_stay_readable_and_say_what_they_own() {
    let files = sources(&server());
    assert!(files.len() > 30);
    for path in files {
        let lines = code(&path).len();
        assert!(lines <= MAX_LINES, "{} has {lines} lines of code", path.display());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//!"), "{} says not what it owns", path.display());
    }
}
