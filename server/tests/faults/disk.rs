//! Disks that are full: what was acknowledged stays, what comes is refused for now, and the service goes on when there
//! is room again.

use crate::program::{Client, Served, Site};
use std::{
    fs::{self, File},
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};
use tempfile::TempDir;
use touchstone_schema::api::RegistryInfo;

/// Statements of a request.
const BATCH: usize = 50;
/// Requests after which a full disk must have been noticed.
const MANY: usize = 200;

/// A small file system of its own.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// Nothing if it may not be mounted here.
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=24m,mode=0700", "none"]).arg(folder.path());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success()).then_some(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Takes room until only so many bytes are left.
    fn fill(&self, left: u64) -> PathBuf {
        let path = self.path("ballast");
        let mut file = File::create(&path).unwrap();
        while file.write_all(&[0x55; 4_096]).is_ok() {}
        let full = file.metadata().unwrap().len();
        file.set_len(full.saturating_sub(left)).unwrap();
        path
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

/// Registers until the registry refuses for now.
fn register_until_refused(site: &Site, client: &Client) {
    let refused = (0..MANY).any(|_| !site.batch(client, BATCH));
    assert!(refused, "the disk never became full");
    // It still answers, and still refuses.
    let info: RegistryInfo = client.get("/v1/registry").unwrap().json(200);
    assert!(info.log_size > site.ledger.len() as u64);
    assert!(!site.batch(client, BATCH));
    let again: RegistryInfo = client.get("/v1/registry").unwrap().json(200);
    assert_eq!(again.log_size, info.log_size, "a refused statement leaves nothing");
}

/// The same process goes on, and the next one finds everything.
fn goes_on(site: &Site, served: Served) {
    let client = site.client(&served);
    site.settle(&client);
    assert!(site.batch(&client, BATCH));
    site.audit_with_files(&client, &site.data);
    served.kill();
    let served = site.serve(&[]);
    site.audit_with_files(&site.client(&served), &site.data);
    served.stop();
}

#[test]
fn a_full_disk_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: this process may not mount a small file system; a limit on files stands in");
        return;
    };
    let site = Site::at(&disk.path("registry"), None);
    let served = site.serve(&[]);
    let client = site.client(&served);
    assert!(site.batch(&client, BATCH));
    let ballast = disk.fill(400 << 10);
    register_until_refused(&site, &client);
    fs::remove_file(ballast).unwrap();
    goes_on(&site, served);
}

#[test]
fn the_floor_of_free_space_is_held() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: this process may not mount a small file system");
        return;
    };
    let site = Site::at(&disk.path("registry"), None);
    let served = site.serve(&["--min-free-disk", "8388608"]);
    let client = site.client(&served);
    assert!(site.batch(&client, BATCH));
    let ballast = disk.fill(6 << 20);
    // The free space is measured once a second.
    thread::sleep(Duration::from_millis(1_100));
    let refused = client.post("/v1/statements", &site.envelope()).unwrap();
    refused.is_a_refusal_for_now();
    assert_eq!(refused.retry_after.as_deref(), Some("60"));
    assert!(free(disk.folder.path()) > 5 << 20, "nothing was written below the floor");
    fs::remove_file(ballast).unwrap();
    goes_on(&site, served);
}

fn free(folder: &Path) -> u64 {
    touchstone_server::disk::free_bytes(folder).unwrap()
}

#[test]
fn files_that_may_not_grow_lose_nothing() {
    let site = Site::new();
    let plain = site.command(&site.data, &[]);
    let mut command = Command::new("sh");
    // A soft limit, so that it can be taken away later; in blocks of 512 bytes.
    command.args(["-c", "trap '' XFSZ; ulimit -S -f 1600; exec \"$@\"", "sh"]).arg(plain.get_program());
    command.args(plain.get_args()).stdin(Stdio::null());
    plain.get_envs().filter(|(_, value)| value.is_none()).for_each(|(name, _)| {
        command.env_remove(name);
    });
    let served = Served::start(&mut command);
    let client = site.client(&served);
    register_until_refused(&site, &client);
    let id = served.id().to_string();
    let freed = Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited:"]).status().unwrap();
    assert!(freed.success());
    goes_on(&site, served);
}
