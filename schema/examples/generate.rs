//! Writes the JSON Schemas and the test vectors below the directory given: `generate schema`.

use std::{error::Error, fs, path::PathBuf};
use touchstone_schema::schemas;

#[path = "../tests/support/vectors.rs"]
mod vectors;

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: generate DIRECTORY")?);
    for (name, document) in schemas::all() {
        fs::write(root.join("json-schema").join(name), serde_json::to_string_pretty(&document)? + "\n")?;
    }
    for (name, document) in vectors::all()? {
        fs::write(root.join("vectors").join(name), serde_json::to_string_pretty(&document)? + "\n")?;
    }
    Ok(())
}
