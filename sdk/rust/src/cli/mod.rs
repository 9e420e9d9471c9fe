//! Runs one command and gives its exit status.

mod admin;
mod args;
mod check;
mod chinese;
mod failed;
mod failure;
mod help;
mod inspect;
mod keygen;
mod label;
mod log;
mod login;
mod output;
mod parallel;
mod register;
mod session;
mod statement;
mod thumbnail;
mod words;

use args::{Cli, Command};
use clap::CommandFactory;
use failure::{Failure, Status};
use output::Output;
use session::Session;
use std::{env, ffi::OsString, process::ExitCode};

/// Parses the command line and runs it. Wrong usage leaves with status 2 and an explanation.
pub(crate) fn run() -> ExitCode {
    let words: Vec<OsString> = env::args_os().collect();
    let language = output::language(help::language_in(&words));
    let Cli { global, command } = match help::parse(&words, language) {
        Ok(cli) => cli,
        Err(error) => return ExitCode::from(help::explain(language, &error) as u8),
    };
    let out = Output::new(global.json, global.lang.unwrap_or(language));
    let session = Session::new(global, out);
    let status = match dispatch(&session, &command) {
        Ok(status) => status,
        Err(failure) => {
            failed::before_any(&session.out, command.files(), &failure);
            failure.status()
        }
    };
    let mut status = status.or(session.out.reached());
    if let Err(error) = session.out.check() {
        let failure = Failure::unwritten(&error);
        failure.report(&session.out, None);
        status = status.or(failure.status());
    }
    ExitCode::from(status as u8)
}

fn dispatch(session: &Session, command: &Command) -> Result<Status, Failure> {
    match command {
        Command::Keygen(args) => keygen::run(session, args),
        Command::Login(args) => login::login(session, args),
        Command::Logout => login::logout(session),
        Command::Register(args) => register::run(session, args),
        Command::Label(args) => label::run(session, args),
        Command::Check(args) => check::run(session, args),
        Command::Inspect(args) => inspect::run(session, args),
        Command::Statement(command) => statement::run(session, command),
        Command::Admin(command) => admin::run(session, command),
        Command::Log(command) => log::run(session, command),
        Command::VerifyReceipt(args) => log::verify_receipt(session, args),
        Command::Registry => statement::registry(session),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "touchstone", &mut script);
            session.out.raw(&script);
            Ok(Status::Done)
        }
    }
}
