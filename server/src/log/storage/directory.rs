//! The log's resources as files below a directory. Every file is on the disk before it has its name.

use super::{CHECKPOINT, Resource, Storage, StorageError};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

/// What a file is called until it is complete. Left over after a crash, it is written again.
const UNFINISHED: &str = ".unfinished";

/// A directory on this machine.
#[derive(Debug, Clone)]
pub struct Directory {
    root: PathBuf,
}

impl Directory {
    /// Resources below `root`, which is created if it is missing.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(root: impl Into<PathBuf>) -> io::Result<Self> {
        let root = root.into();
        fs::create_dir_all(&root)?;
        if let Some(parent) = root.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            synchronise(parent)?;
        }
        Ok(Self { root })
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Writes the file under its unfinished name and waits until its bytes are on the disk.
    fn stage(&self, path: &Path, bytes: &[u8], folders: &mut BTreeSet<PathBuf>) -> io::Result<PathBuf> {
        if let Some(folder) = path.parent() {
            self.make_folder(folder, folders)?;
        }
        let mut name = path.as_os_str().to_owned();
        name.push(UNFINISHED);
        let staged = PathBuf::from(name);
        let mut file = File::create(&staged)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        Ok(staged)
    }

    /// Makes a folder and remembers it and the parents of what was made: names are durable once their folder is.
    fn make_folder(&self, folder: &Path, folders: &mut BTreeSet<PathBuf>) -> io::Result<()> {
        if folders.insert(folder.to_owned()) && !folder.is_dir() {
            fs::create_dir_all(folder)?;
            let above = folder.ancestors().skip(1).take_while(|above| above.starts_with(&self.root));
            folders.extend(above.map(Path::to_owned));
        }
        Ok(())
    }
}

fn synchronise(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Storage for Directory {
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, StorageError> {
        read(&self.path(path)).map_err(StorageError::read(path))
    }

    fn keep(&self, resources: &[Resource]) -> Result<(), StorageError> {
        let mut folders = BTreeSet::new();
        for Resource { path, bytes } in resources {
            let target = self.path(path);
            match read(&target).map_err(StorageError::read(path))? {
                Some(found) if found == *bytes => {
                    // Written before a crash, maybe: its name need not be durable yet.
                    folders.extend(target.parent().map(Path::to_owned));
                }
                Some(_) => return Err(StorageError::Differs(path.clone())),
                None => {
                    let kept = self
                        .stage(&target, bytes, &mut folders)
                        .and_then(|staged| fs::rename(staged, &target));
                    kept.map_err(StorageError::write(path))?;
                }
            }
        }
        for folder in folders {
            synchronise(&folder).map_err(StorageError::write(&folder.to_string_lossy()))?;
        }
        Ok(())
    }

    fn replace_checkpoint(&self, note: &[u8]) -> Result<(), StorageError> {
        let target = self.path(CHECKPOINT);
        let replaced = self
            .stage(&target, note, &mut BTreeSet::new())
            .and_then(|staged| fs::rename(staged, &target))
            .and_then(|()| synchronise(&self.root));
        replaced.map_err(StorageError::write(CHECKPOINT))
    }

    fn remove_partial(&self, path: &str) {
        let folder = self.path(&format!("{path}.p"));
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::debug!("{folder:?} stays: {error}");
            }
            _ => {}
        }
    }

    fn is_shared(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(path: &str, bytes: &[u8]) -> Resource {
        Resource { path: path.to_owned(), bytes: bytes.to_vec() }
    }

    #[test]
    fn what_is_kept_never_changes_and_can_be_kept_again() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Directory::open(folder.path().join("log")).unwrap();
        let both = [resource("tile/0/x001/234.p/5", b"five"), resource("tile/entries/000", b"entries")];
        assert_eq!(storage.read("tile/entries/000").unwrap(), None);
        storage.keep(&both).unwrap();
        storage.keep(&both).unwrap();
        assert_eq!(storage.read("tile/0/x001/234.p/5").unwrap().as_deref(), Some(&b"five"[..]));
        let other = storage.keep(&[resource("tile/entries/000", b"others")]).unwrap_err();
        assert!(matches!(&other, StorageError::Differs(path) if path == "tile/entries/000"), "{other:?}");
        assert_eq!(storage.read("tile/entries/000").unwrap().as_deref(), Some(&b"entries"[..]));
        storage.remove_partial("tile/0/x001/234");
        storage.remove_partial("tile/0/x001/234");
        assert_eq!(storage.read("tile/0/x001/234.p/5").unwrap(), None);
    }

    #[test]
    fn what_a_crash_left_unfinished_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Directory::open(folder.path()).unwrap();
        fs::write(folder.path().join("checkpoint.unfinished"), b"half a checkp").unwrap();
        assert_eq!(storage.read(CHECKPOINT).unwrap(), None);
        for note in [&b"first"[..], b"second"] {
            storage.replace_checkpoint(note).unwrap();
            assert_eq!(storage.read(CHECKPOINT).unwrap().as_deref(), Some(note));
        }
        assert!(!folder.path().join("checkpoint.unfinished").exists());
    }
}
