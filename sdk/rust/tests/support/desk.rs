//! The built auditor's commands on a log as files.

use crate::log::{self, Log, Member};
use serde_json::Value;
use std::{
    fs,
    process::{Command, Output, Stdio},
};
use tempfile::TempDir;
use touchstone_schema::statement::Role;

/// A folder with a policy, a log, and the command line in it.
pub(crate) struct Desk(pub(crate) TempDir);

impl Desk {
    pub(crate) fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.write("policy", format!("log {}\nquorum none\n", log::verifier()));
        desk
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    pub(crate) fn publish(&self, log: &Log) {
        log.write(&self.0.path().join("log"), log.size());
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOUCHSTONE_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.0.path()).stdin(Stdio::null()).env("LC_ALL", "C").env_remove("LANG");
        command.env("XDG_CONFIG_HOME", self.0.path().join("settings")).args(words);
        command
    }

    /// Exit status and the JSON lines of a command.
    pub(crate) fn json(&self, words: &[&str]) -> (i32, Vec<Value>) {
        let output = self.run(&[words, &["--json"]].concat());
        let lines = stdout(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        (status(&output), lines)
    }
}

pub(crate) const VERIFY: [&str; 5] = ["log", "verify", "--policy", "policy", "log"];

pub(crate) fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

pub(crate) fn small() -> (Log, Member) {
    let mut log = Log::new();
    let shop = log.admit(1, Role::Merchant);
    for n in 0..5 {
        log.register(&shop, &format!("picture {n}"));
    }
    (log, shop)
}
