//! The log's resources as files below a directory. Every file is on the disk before it has its name.

use super::{CHECKPOINT, Resource, Storage, StorageError, StoredCheckpoint};
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

    /// Keeps other processes from writing as long as the value lives: a new server may start before the old one has
    /// ended, and both would write under the same unfinished names. The system lets go of it when a process dies.
    fn lock(&self) -> io::Result<File> {
        let folder = File::open(&self.root)?;
        folder.lock()?;
        Ok(folder)
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
        let _lock = self.lock().map_err(StorageError::write(&self.root.to_string_lossy()))?;
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

    fn replace_checkpoint(&self, next: &StoredCheckpoint<'_>) -> Result<(), StorageError> {
        let target = self.path(CHECKPOINT);
        let _lock = self.lock().map_err(StorageError::write(CHECKPOINT))?;
        let there = read(&target).map_err(StorageError::read(CHECKPOINT))?;
        if !next.replaces(there.as_deref())? {
            return Ok(());
        }
        let replaced = self
            .stage(&target, next.note, &mut BTreeSet::new())
            .and_then(|staged| fs::rename(staged, &target))
            .and_then(|()| synchronise(&self.root));
        replaced.map_err(StorageError::write(CHECKPOINT))
    }

    fn partial_forms(&self, path: &str) -> Vec<String> {
        let folder = format!("{path}.p");
        let found = fs::read_dir(self.path(&folder)).into_iter().flatten().flatten();
        found.filter_map(|file| Some(format!("{folder}/{}", file.file_name().to_str()?))).collect()
    }

    fn remove_partial(&self, paths: &[String]) {
        let Ok(_lock) = self.lock() else { return };
        // All forms of a resource lie in a folder of their own, and none of them is needed any more.
        let folders: BTreeSet<_> =
            paths.iter().filter_map(|path| self.path(path).parent().map(Path::to_owned)).collect();
        for folder in folders.iter().filter(|folder| folder.extension().is_some_and(|kind| kind == "p")) {
            match fs::remove_dir_all(folder) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::debug!("{folder:?} stays: {error}");
                }
                _ => {}
            }
        }
    }

    fn is_shared(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use touchstone_schema::{
        Sha256Digest,
        log::{checkpoint::Checkpoint, note::Note},
    };

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
        let partial = storage.partial_forms("tile/0/x001/234");
        assert_eq!(partial, ["tile/0/x001/234.p/5"]);
        storage.remove_partial(&partial);
        storage.remove_partial(&partial);
        assert_eq!(storage.read("tile/0/x001/234.p/5").unwrap(), None);
        assert_eq!(storage.partial_forms("tile/0/x001/234"), Vec::<String>::new());
        storage.remove_partial(&["tile/entries/000".to_owned()]);
        assert!(storage.read("tile/entries/000").unwrap().is_some(), "no partial form");
    }

    fn root(n: u8) -> Sha256Digest {
        Sha256Digest([n; 32])
    }

    /// A note of a checkpoint with so many bytes in its signature.
    fn note(size: u64, root: &Sha256Digest, bytes: usize) -> Vec<u8> {
        let text = Checkpoint { origin: "log.test".to_owned(), size, root: *root }.to_text();
        let blob = data_encoding::BASE64.encode(&vec![7; bytes]);
        format!("{text}\n\u{2014} log.test {blob}\n").into_bytes()
    }

    fn replace(storage: &Directory, size: u64, root: &Sha256Digest, note: &[u8]) -> Result<(), StorageError> {
        storage.replace_checkpoint(&StoredCheckpoint { size, root, note })
    }

    #[test]
    fn a_checkpoint_never_goes_back() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Directory::open(folder.path()).unwrap();
        let [one, other] = [root(1), root(2)];
        let stands = || storage.read(CHECKPOINT).unwrap().unwrap();
        replace(&storage, 7, &one, &note(7, &one, 68)).unwrap();
        // A server that was fenced off in the middle comes late.
        replace(&storage, 6, &other, &note(6, &other, 68)).unwrap();
        assert_eq!(stands(), note(7, &one, 68));
        // With the cosignatures that the database has.
        replace(&storage, 7, &one, &note(7, &one, 70)).unwrap();
        assert_eq!(stands(), note(7, &one, 70));
        let fork = replace(&storage, 7, &other, &note(7, &other, 68)).unwrap_err();
        assert!(matches!(&fork, StorageError::Differs(path) if path == CHECKPOINT), "{fork}");
        assert_eq!(stands(), note(7, &one, 70));
        replace(&storage, 8, &other, &note(8, &other, 68)).unwrap();
        assert_eq!(stands(), note(8, &other, 68));
        fs::write(folder.path().join(CHECKPOINT), b"something else").unwrap();
        assert!(matches!(replace(&storage, 9, &one, &note(9, &one, 68)), Err(StorageError::Differs(_))));
    }

    #[test]
    fn processes_that_write_at_once_leave_whole_files() {
        const ROUNDS: u8 = 40;
        const BYTES: usize = 20_000;
        let folder = tempfile::tempdir().unwrap();
        let storages: Vec<_> = (0..3).map(|_| Directory::open(folder.path()).unwrap()).collect();
        std::thread::scope(|scope| {
            for storage in &storages {
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        // All write the same tile, as all derive the same; checkpoints come from one and the other.
                        storage.keep(&[resource(&format!("tile/0/{round:03}"), &[round; BYTES])]).unwrap();
                        let root = root(round);
                        let (size, note) = (u64::from(round), note(u64::from(round), &root, BYTES));
                        replace(storage, size, &root, &note).unwrap();
                        let checkpoint = storage.read(CHECKPOINT).unwrap().unwrap();
                        let found = Note::parse(&checkpoint).unwrap();
                        let found = Checkpoint::parse(found.text()).unwrap();
                        assert!(found.size >= size && checkpoint.len() >= BYTES);
                    }
                });
            }
        });
        for round in 0..ROUNDS {
            let tile = storages[0].read(&format!("tile/0/{round:03}")).unwrap();
            assert_eq!(tile, Some(vec![round; BYTES]));
        }
    }

    #[test]
    fn what_a_crash_left_unfinished_is_written_again() {
        let folder = tempfile::tempdir().unwrap();
        let storage = Directory::open(folder.path()).unwrap();
        fs::write(folder.path().join("checkpoint.unfinished"), b"half a checkp").unwrap();
        assert_eq!(storage.read(CHECKPOINT).unwrap(), None);
        for size in [1, 2] {
            let (root, note) = (root(1), note(size, &root(1), 68));
            replace(&storage, size, &root, &note).unwrap();
            assert_eq!(storage.read(CHECKPOINT).unwrap(), Some(note));
        }
        assert!(!folder.path().join("checkpoint.unfinished").exists());
    }
}
