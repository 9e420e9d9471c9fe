//! Files and directories that must be private, or on the disk before anybody relies on them.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// What a file is called until it is complete. Left over after a crash, it is written again.
const UNFINISHED: &str = ".unfinished";

/// Makes a directory that only its owner may enter; one that exists is made so.
///
/// # Errors
/// What the system says.
pub fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
        builder.mode(0o700).create(path)?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
    }
    #[cfg(not(unix))]
    builder.create(path)
}

/// Writes one line into a new file that only its owner may read. On return it is on the disk.
///
/// # Errors
/// What the system says, also if the file exists.
pub fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    synchronise_parent(path)
}

/// Replaces a file in one step: whoever reads it, also after a crash, finds the old content or the new. On return the
/// new one is on the disk; after an error either may be.
///
/// # Errors
/// What the system says.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut staged = path.as_os_str().to_owned();
    staged.push(UNFINISHED);
    let mut file = File::create(&staged)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&staged, path)?;
    synchronise_parent(path)
}

/// The names in a directory are durable once it is itself.
fn synchronise_parent(path: &Path) -> io::Result<()> {
    match path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        Some(parent) => File::open(parent)?.sync_all(),
        None => File::open(".")?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_written_once_and_for_their_owner() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("a/b");
        private_directory(&inside).unwrap();
        private_directory(&inside).unwrap();
        let path = inside.join("secret");
        write_secret(&path, "first").unwrap();
        assert_eq!(write_secret(&path, "second").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "first\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&inside), mode(&path)), (0o700, 0o600));
        }
    }

    #[test]
    fn a_file_is_replaced_whatever_a_crash_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(folder.path().join("state.unfinished"), "half").unwrap();
        for content in ["old", "new"] {
            replace(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(replace(&folder.path().join("nowhere/state"), b"new").is_err());
    }
}
