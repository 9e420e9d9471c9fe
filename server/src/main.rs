//! The command line of the registry: make one, serve it, look after it; and of the witness.

use clap::{Args, Parser, Subcommand};
use std::{
    fs,
    io::{self, BufRead, IsTerminal, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};
use touchstone_schema::{api::NewUser, problem};
#[cfg(feature = "c2pa")]
use touchstone_server::trust_lists;
use touchstone_server::{
    app::{self, StartError},
    bootstrap::{self, BootstrapError},
    clock::{Clock, SystemClock, SystemEntropy},
    config::{Config, ConfigError, DataConfig},
    registry::{Refusal, texts},
    store::{Store, StoreError},
    telemetry::{self, LogFormat, TelemetryError},
    web::{self, openapi},
    witness::{self, Witness, WitnessError, WitnessKey},
};
use zeroize::Zeroizing;

const EXAMPLES: &str = "\
Examples:
  touchstone-server bootstrap --data ./registry
  touchstone-server serve --data ./registry --listen 127.0.0.1:8480
  then open http://127.0.0.1:8480/

Exit status: 0 done, 1 failed (the reason stands on standard error), 2 wrong usage.";

/// The Touchstone registry: signed statements about pictures in a verifiable log, checks with evidence
#[derive(Parser)]
#[command(name = "touchstone-server", version, after_help = EXAMPLES)]
struct CommandLine {
    /// Form of the log, which goes to standard error
    #[arg(long, env = "TOUCHSTONE_SERVER_LOG_FORMAT", value_enum, default_value = "text", global = true)]
    log_format: LogFormat,
    /// What is logged: error, warn, info, debug, trace, or a filter such as touchstone_server=debug [default:
    /// RUST_LOG, else info]
    #[arg(long, env = "TOUCHSTONE_SERVER_LOG_LEVEL", value_name = "FILTER", global = true)]
    log_level: Option<String>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make an empty registry: its database, its keys and the operator's first token
    Bootstrap(Bootstrap),
    /// Serve a registry until SIGTERM or SIGINT
    Serve(Box<Config>),
    /// Bring the database to the schema of this version
    Migrate(DataConfig),
    /// Look after console users
    #[command(subcommand)]
    User(UserCommand),
    /// Look at the trust lists of C2PA, and replace one by a newer one
    #[cfg(feature = "c2pa")]
    #[command(subcommand)]
    TrustList(TrustListCommand),
    /// Witness logs: cosign their checkpoints as long as each continues the last
    #[command(subcommand)]
    Witness(WitnessCommand),
    /// Print the OpenAPI document
    Openapi,
    /// Write the files that are generated from the code below a folder
    #[command(hide = true)]
    Generate {
        /// The folder: the root of the source tree
        out: PathBuf,
    },
}

#[derive(Args)]
struct Bootstrap {
    #[command(flatten)]
    data: DataConfig,
    /// Name of the registry's log: the audience of all statements, for example registry.example.org/log
    #[arg(
        long,
        env = "TOUCHSTONE_SERVER_ORIGIN",
        value_name = "NAME",
        default_value = "touchstone.local/log"
    )]
    origin: String,
    /// Print one JSON object instead of text for people
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum UserCommand {
    /// Create a console user; the password is asked for, or read from the first line of standard input
    Create {
        #[command(flatten)]
        data: DataConfig,
        /// Sign-in name, 3 to 64 of a-z 0-9 . _ - @
        #[arg(long)]
        name: String,
        /// Token of the organisation (scope manage) or of the operator
        #[arg(long, env = "TOUCHSTONE_TOKEN", hide_env_values = true)]
        token: String,
    },
}

#[cfg(feature = "c2pa")]
#[derive(Subcommand)]
enum TrustListCommand {
    /// Show what is installed: certificates, how many ended, the digest
    Show {
        /// Directory of the registry
        #[arg(long, env = "TOUCHSTONE_SERVER_DATA", value_name = "DIR")]
        data: PathBuf,
    },
    /// Check a list that you fetched and put it in the place of the old one; a server takes it up when it starts
    Install {
        /// Directory of the registry
        #[arg(long, env = "TOUCHSTONE_SERVER_DATA", value_name = "DIR")]
        data: PathBuf,
        /// Which list it is
        set: trust_lists::Set,
        /// The list, as PEM
        file: PathBuf,
    },
}

#[derive(Subcommand)]
enum WitnessCommand {
    /// Make a witness: its key in a private file. Prints the verifier key, which policies name
    Init {
        /// Name of the witness, best its URL without the scheme: witness.example/w1
        #[arg(long, env = "TOUCHSTONE_WITNESS_NAME", value_name = "NAME")]
        name: String,
        /// Directory of the witness: its key and what it cosigned
        #[arg(long, env = "TOUCHSTONE_WITNESS_DATA", value_name = "DIR")]
        data: PathBuf,
    },
    /// Serve the witness until SIGTERM or SIGINT
    Serve(WitnessServe),
}

#[derive(Args)]
struct WitnessServe {
    /// Directory of the witness: its key and what it cosigned
    #[arg(long, env = "TOUCHSTONE_WITNESS_DATA", value_name = "DIR")]
    data: PathBuf,
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, env = "TOUCHSTONE_WITNESS_LISTEN", value_name = "ADDR", default_value = "127.0.0.1:8490")]
    listen: SocketAddr,
    /// A log to witness: its verifier key, or a policy file whose logs are taken; may be repeated
    #[arg(long = "log", value_name = "VKEY_OR_FILE", required = true, num_args = 1..)]
    logs: Vec<String>,
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[cfg(feature = "c2pa")]
    #[error(transparent)]
    TrustList(#[from] trust_lists::InstallError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error(transparent)]
    Bootstrap(#[from] BootstrapError),
    #[error(transparent)]
    Witness(#[from] WitnessError),
    #[error("{address} cannot be listened on: {cause}")]
    Listen { address: SocketAddr, cause: io::Error },
    #[error("the database cannot be used: {0}")]
    Store(#[from] StoreError),
    #[error("{}", .0.with_causes())]
    Refused(Refusal),
    #[error("{0}")]
    System(#[from] io::Error),
    #[error("the answer cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    match run(line) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let _ = writeln!(io::stderr(), "touchstone-server: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(line: CommandLine) -> Result<(), Failure> {
    let level = line.log_level.or_else(|| std::env::var("RUST_LOG").ok());
    let _log = telemetry::init(line.log_format, level.as_deref())?;
    match line.command {
        Command::Bootstrap(arguments) => make(&arguments),
        Command::Serve(config) => serve(*config),
        Command::Migrate(data) => migrate(&data),
        Command::User(UserCommand::Create { data, name, token }) => create_user(data, name, &token),
        #[cfg(feature = "c2pa")]
        Command::TrustList(command) => trust_list(command),
        Command::Witness(WitnessCommand::Init { name, data }) => {
            print(&WitnessKey::init(&data, &name, &SystemEntropy)?.verifier().to_string())
        }
        Command::Witness(WitnessCommand::Serve(arguments)) => serve_witness(&arguments),
        Command::Openapi => print(&serde_json::to_string_pretty(&openapi::document())?),
        Command::Generate { out } => generate(&out),
    }
}

/// The one place that writes to standard output.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

fn make(arguments: &Bootstrap) -> Result<(), Failure> {
    let made = bootstrap::run(&arguments.data, &arguments.origin)?;
    if arguments.json {
        return print(&serde_json::to_string(&made)?);
    }
    print(&format!(
        "Made the registry {origin} in {data}.\n\n\
         Operator's token (shown once; it can admit organisations):\n  {token}\n\
         Verifier key of the log (publish it):\n  {log}\n\
         Key of verdicts:\n  {verdict}\n\
         Key of the operator:\n  {operator}\n\n\
         The passphrase of the registry's keys stands in {passphrase}. Keep a copy elsewhere: without it the keys \
         are lost.\n\n\
         Next: touchstone-server serve --data {data}",
        origin = made.origin,
        data = made.data,
        token = made.operator_token,
        log = made.log_verifier_key,
        verdict = made.verdict_key,
        operator = made.operator_key,
        passphrase = arguments.data.passphrase_path().display(),
    ))
}

fn generate(out: &Path) -> Result<(), Failure> {
    let openapi = serde_json::to_string_pretty(&openapi::document())? + "\n";
    fs::write(out.join("openapi/openapi.json"), openapi)?;
    fs::write(out.join("docs/verdicts.md"), texts::document())?;
    Ok(fs::write(out.join("docs/problems.md"), problem::documentation())?)
}

fn migrate(data: &DataConfig) -> Result<(), Failure> {
    let applied = Store::open(&data.store()?)?.migrate()?;
    if applied.is_empty() {
        return print("The database has the schema of this version already.");
    }
    print(&format!("Applied: {}", applied.join(", ")))
}

#[cfg(feature = "c2pa")]
fn trust_list(command: TrustListCommand) -> Result<(), Failure> {
    let now = SystemClock.now();
    match command {
        TrustListCommand::Show { data } => {
            for set in trust_lists::Set::ALL {
                let list = trust_lists::installed(set, &data)?;
                let text = list.map_or_else(|| "none".to_owned(), |list| trust_lists::describe(&list, now));
                print(&format!("{:12} {text}", set.name()))?;
            }
            Ok(())
        }
        TrustListCommand::Install { data, set, file } => {
            let before = trust_lists::installed(set, &data).ok().flatten();
            let list = trust_lists::install(set, &file, &data)?;
            if let Some(before) = &before {
                print(&format!("before: {}", trust_lists::describe(before, now)))?;
            }
            let same = before.is_some_and(|before| before.sha256 == list.sha256);
            print(&format!("now:    {}", trust_lists::describe(&list, now)))?;
            print(if same {
                "It is the list that was there."
            } else {
                "A running server keeps the lists that it started with: start it again."
            })?;
            Ok(())
        }
    }
}

fn create_user(data: DataConfig, name: String, token: &str) -> Result<(), Failure> {
    let config = Config { data, ..Config::local("") };
    let registry = app::open_beside(&config, Arc::new(SystemClock))?;
    let caller = registry.authenticate(token).map_err(Failure::Refused)?;
    let user = NewUser { name, password: password()?.to_string() };
    let made = registry.create_user(&caller, &user).map_err(Failure::Refused)?;
    print(&serde_json::to_string(&made)?)
}

fn password() -> Result<Zeroizing<String>, Failure> {
    if io::stdin().is_terminal() {
        return Ok(Zeroizing::new(rpassword::prompt_password("Password: ")?));
    }
    let mut line = Zeroizing::new(String::new());
    io::stdin().lock().read_line(&mut line)?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}

fn serve(config: Config) -> Result<(), Failure> {
    actix_web::rt::System::new().block_on(async {
        let data = config.data.data.clone();
        let running = app::start(config).await?;
        let address = running.address;
        tracing::info!(%address, data = %data.display(), "listening on {address}; open http://{address}/");
        let signal = stop_signal().await?;
        tracing::info!(signal, "stopping after {signal}: open requests are answered first");
        running.stop().await;
        tracing::info!("stopped");
        Ok(())
    })
}

fn serve_witness(arguments: &WitnessServe) -> Result<(), Failure> {
    let keys = witness::log_keys(&arguments.logs)?;
    let witness = Arc::new(Witness::open(&arguments.data, keys, Arc::new(SystemClock))?);
    actix_web::rt::System::new().block_on(async {
        let listen = |cause| Failure::Listen { address: arguments.listen, cause };
        let (server, address) = web::witness::serve(&witness, arguments.listen).map_err(listen)?;
        let handle = server.handle();
        let task = actix_web::rt::spawn(server);
        let key = witness.verifier();
        witness.origins().for_each(|origin| tracing::info!(%origin, "cosigns the checkpoints of {origin}"));
        tracing::info!(%address, %key, "the witness {key} listens on http://{address}/");
        let signal = stop_signal().await?;
        tracing::info!(signal, "stopping after {signal}: open requests are answered first");
        handle.stop(true).await;
        task.await.map_err(io::Error::other)??;
        tracing::info!("stopped");
        Ok(())
    })
}

/// Waits for a signal to stop, and says which.
#[cfg(unix)]
async fn stop_signal() -> Result<&'static str, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let terminated = async {
        terminate.recv().await;
        Ok("SIGTERM")
    };
    let interrupted = async { tokio::signal::ctrl_c().await.map(|()| "SIGINT").map_err(Failure::from) };
    let (terminated, interrupted) = (std::pin::pin!(terminated), std::pin::pin!(interrupted));
    futures_util::future::select(terminated, interrupted).await.factor_first().0
}

/// Waits for a signal to stop, and says which.
#[cfg(not(unix))]
async fn stop_signal() -> Result<&'static str, Failure> {
    Ok(tokio::signal::ctrl_c().await.map(|()| "SIGINT")?)
}
