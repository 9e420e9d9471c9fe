//! The main job, step by step. It drives the built programs as a person would, through their command lines.

mod cases;
mod certificate;
mod pictures;
mod programs;
mod table;

use cases::Case;
use programs::{Programs, Registry};
use serde_json::{Value, json};
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Marks a folder that an earlier run made, so that nothing else is ever emptied.
const MARKER: &str = ".made-by-main-job";

/// How to run the job.
#[derive(Debug)]
pub struct JobOptions {
    /// Stop the server afterwards.
    pub once: bool,
    /// Where everything is put.
    pub data: PathBuf,
    /// Address to listen on.
    pub listen: String,
    /// Where the programs are.
    pub bin: Option<PathBuf>,
    /// Another database than the embedded one.
    pub database_url: Option<String>,
}

/// Why the job could not be done.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A program failed.
    #[error("{0}")]
    Program(String),
    /// A picture could not be made.
    #[error("picture {name}: {reason}")]
    Picture {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
    /// The folder holds something else.
    #[error("{0} is not empty and was not made by this program: choose another with --data")]
    NotOurs(PathBuf),
}

fn file_error(path: &Path) -> impl FnOnce(io::Error) -> JobError + '_ {
    move |source| JobError::File { path: path.to_owned(), source }
}

fn prepare(data: &Path) -> Result<(), JobError> {
    if data.join(MARKER).exists() {
        fs::remove_dir_all(data).map_err(file_error(data))?;
    } else if fs::read_dir(data).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(JobError::NotOurs(data.to_owned()));
    }
    for folder in [data.to_owned(), data.join("keys"), data.join("pictures"), data.join("photos")] {
        fs::create_dir_all(&folder).map_err(file_error(&folder))?;
    }
    fs::write(data.join(MARKER), "").map_err(file_error(data))
}

/// Says what is being done.
fn say(text: &str) {
    let mut out = io::stdout().lock();
    // Nobody reads any more: the job itself goes on.
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

struct Organisations {
    merchant: Organisation,
    vendor: Organisation,
    platform: Organisation,
    regulator: Organisation,
}

struct Organisation {
    id: String,
    token: String,
    key: PathBuf,
}

fn admit(
    registry: &Registry,
    keys: &Path,
    name: &str,
    role: &str,
    extra: &[&str],
) -> Result<Organisation, JobError> {
    let key = keys.join(format!("{role}.pem"));
    let recovery = keys.join(format!("{role}.recovery.pem"));
    let (key_text, recovery_text) = (programs::text(&key), programs::text(&recovery));
    registry.programs.touchstone(&["keygen", "--out", &key_text])?;
    registry.programs.touchstone(&["keygen", "--recovery", "--out", &recovery_text])?;
    let (public, public_recovery) = (format!("{key_text}.pub"), format!("{recovery_text}.pub"));
    let mut arguments = vec!["admin", "organisation", "create", "--name", name, "--role", role, "--json"];
    arguments.extend(["--public-key", &public, "--recovery-key", &public_recovery, "--key", &key_text]);
    arguments.extend(extra);
    let answer = registry.command(&registry.operator_token, &arguments)?;
    let field = |name: &str| programs::field(answer.first(), name);
    Ok(Organisation { id: field("organisation")?, token: field("token")?, key })
}

fn admit_all(registry: &Registry, data: &Path) -> Result<Organisations, JobError> {
    let keys = data.join("keys");
    let codes = ["--provider-code", cases::PROVIDER_CODE];
    Ok(Organisations {
        merchant: admit(registry, &keys, "Lotus Homeware 莲花家居", "merchant", &[])?,
        vendor: admit(registry, &keys, "Inkstone AI 砚台智能", "ai-vendor", &codes)?,
        platform: admit(registry, &keys, "Lantern Market 灯笼集市", "platform", &[])?,
        regulator: admit(registry, &keys, "Office of Labels 标识监管处", "regulator", &[])?,
    })
}

fn register(
    registry: &Registry,
    by: &Organisation,
    options: &[&str],
    files: &[PathBuf],
) -> Result<usize, JobError> {
    if files.is_empty() {
        return Ok(0);
    }
    let key = programs::text(&by.key);
    let names: Vec<String> = files.iter().map(|file| programs::text(file)).collect();
    let mut arguments = vec!["register", "--json", "--key", &key];
    arguments.extend(options);
    arguments.extend(names.iter().map(String::as_str));
    let lines = registry.command(&by.token, &arguments)?;
    if lines.len() != files.len() {
        return Err(JobError::Program(format!("{} of {} files were registered", lines.len(), files.len())));
    }
    Ok(lines.len())
}

/// Registers what the merchant and the vendor have before any order.
fn register_all(
    registry: &Registry,
    organisations: &Organisations,
    set: &pictures::Pictures,
    data: &Path,
) -> Result<usize, JobError> {
    let merchant = &organisations.merchant;
    let mut count = register(registry, merchant, &["--view", "listing"], &set.listings)?;
    count += register(registry, merchant, &["--view", "packing"], &set.packing)?;
    for output in &set.outputs {
        let label = data.join("pictures").join(format!("{}.label.json", output.name));
        fs::write(&label, output.label.to_string()).map_err(file_error(&label))?;
        let label = programs::text(&label);
        let options = ["--output", "--label", &label];
        count += register(registry, &organisations.vendor, &options, std::slice::from_ref(&output.file))?;
    }
    Ok(count)
}

fn check(registry: &Registry, platform: &Organisation, case: &Case) -> Result<Value, JobError> {
    let file = programs::text(&case.file);
    let mut arguments = vec!["check", "--json"];
    for (option, time) in [("--order-time", &case.order_time), ("--claim-time", &case.claim_time)] {
        if let Some(time) = time {
            arguments.extend([option, time]);
        }
    }
    arguments.push(&file);
    let answer = registry.command(&platform.token, &arguments)?;
    Ok(answer.into_iter().next().unwrap_or(Value::Null))
}

/// Does the job. `true` if every verdict was as expected.
///
/// # Errors
/// [`JobError`] if a step could not be done at all.
pub fn run(options: &JobOptions) -> Result<bool, JobError> {
    let data = std::path::absolute(&options.data).map_err(file_error(&options.data))?;
    let programs = Programs::find(options.bin.as_deref())?;
    prepare(&data)?;
    say("1. An empty registry 空登记处");
    let registry =
        Registry::start(programs, &data.join("registry"), &options.listen, options.database_url.as_deref())?;
    say(&format!("   {} is ready", registry.url));
    say("2. A merchant, an AI vendor, a platform and a regulator 商家、AI 厂商、平台、监管机构");
    let organisations = admit_all(&registry, &data)?;
    for organisation in [&organisations.merchant, &organisations.vendor, &organisations.platform] {
        say(&format!("   admitted {}", organisation.id));
    }
    say(&format!("   admitted {}", organisations.regulator.id));
    say("3. Rendering and labelling pictures 渲染并标识图片");
    let set = pictures::make(&registry.programs, &data)?;
    say("4. Registering them before any order 下单前登记");
    let count = register_all(&registry, &organisations, &set, &data)?;
    say(&format!("   {count} pictures registered"));
    say("5. Checking refund photos 检查退款照片");
    let times = cases::times(&registry)?;
    let cases = cases::make(&registry.programs, &set, &data, &times)?;
    let after = cases::registered_after_claim(&set);
    register(&registry, &organisations.merchant, &["--view", "listing"], std::slice::from_ref(&after))?;
    let mut rows = Vec::with_capacity(cases.len());
    for case in &cases {
        rows.push(table::Row::new(case, &check(&registry, &organisations.platform, case)?));
    }
    say(&table::render(&rows));
    let good = rows.iter().filter(|row| row.as_expected()).count();
    say(&format!("{good} of {} verdicts were as expected 符合预期", rows.len()));
    let summary = json!({"cases": rows.len(), "as_expected": good, "registered": count});
    let path = data.join("summary.json");
    fs::write(&path, summary.to_string()).map_err(file_error(&path))?;
    let all_good = good == rows.len();
    if options.once {
        registry.stop()?;
        return Ok(all_good);
    }
    say(&invitation(&registry, &organisations, &data));
    registry.wait()?;
    Ok(all_good)
}

fn invitation(registry: &Registry, organisations: &Organisations, data: &Path) -> String {
    let url = &registry.url;
    format!(
        "\nThe registry runs until Ctrl-C. 登记处持续运行，按 Ctrl-C 停止。\n\
         \n  open {url}/            what there is 首页\
         \n  open {url}/docs/       every route, to try out 接口文档\
         \n  open {url}/problems    every error and its remedy 错误与解决办法\
         \n  pictures and photos     {data}\n\
         \nCheck a photo of your own 检查您自己的照片:\n\
         \n  export TOUCHSTONE_URL={url}\
         \n  export TOUCHSTONE_TOKEN={token}\
         \n  {cli} check PHOTO.jpg\n",
        data = data.display(),
        token = organisations.platform.token,
        cli = registry.programs.touchstone.display(),
    )
}
