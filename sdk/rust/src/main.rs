//! The `touchstone` command line. Everything it can do stands in the library; here are words and tables.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
