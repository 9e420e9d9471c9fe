//! The built command line where it needs no registry: keys, inspection, labels, help, exit statuses.
#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{
    fs,
    io::Cursor,
    path::Path,
    process::{Command, Output, Stdio},
};
use touchstone_schema::Sha256Digest;

/// A folder of its own with no settings, and the command line in it.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_touchstone"));
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TOUCHSTONE_"))
        {
            command.env_remove(name);
        }
        command.current_dir(self.path()).stdin(Stdio::null());
        command.env("XDG_CONFIG_HOME", self.path().join("settings")).env("LC_ALL", "C").env_remove("LANG");
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command().args(words).output().unwrap()
    }

    fn picture(&self, name: &str, phase: f64) -> Vec<u8> {
        let bytes = png(phase);
        fs::write(self.path().join(name), &bytes).unwrap();
        bytes
    }
}

/// Rings and stripes: a picture with enough in it to be recognised.
fn png(phase: f64) -> Vec<u8> {
    let picture = image::RgbImage::from_fn(320, 240, |x, y| {
        let (x, y) = (f64::from(x), f64::from(y));
        let rings = ((x - 110.0).hypot(y - 90.0) / 9.0 + phase).sin();
        let stripes = (x / 17.0 + y / 31.0).cos();
        let byte = |value: f64| (127.5 + 127.5 * value.clamp(-1.0, 1.0)) as u8;
        image::Rgb([byte(rings), byte((rings + stripes) / 2.0), byte(stripes)])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn status(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn lines(output: &Output) -> Vec<serde_json::Value> {
    stdout(output).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn keygen_writes_a_pair_and_never_overwrites() {
    let desk = Desk::new();
    let made = desk.run(&["keygen", "--out", "shop.pem", "--json"]);
    assert_eq!(status(&made), 0, "{}", stderr(&made));
    let line = &lines(&made)[0];
    assert_eq!((&line["private_key_file"], &line["purpose"]), (&"shop.pem".into(), &"signing".into()));
    let private = fs::read_to_string(desk.path().join("shop.pem")).unwrap();
    let public = fs::read_to_string(desk.path().join("shop.pem.pub")).unwrap();
    assert!(private.starts_with("-----BEGIN PRIVATE KEY-----\n"));
    assert!(public.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(desk.path().join("shop.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let again = desk.run(&["keygen", "--out", "shop.pem"]);
    assert_eq!(status(&again), 2);
    assert!(stderr(&again).contains("never overwritten"));
    assert_eq!(fs::read_to_string(desk.path().join("shop.pem")).unwrap(), private);
    let recovery = desk.run(&["keygen", "--recovery", "--out", "recovery.pem", "--json"]);
    assert_eq!(lines(&recovery)[0]["purpose"], "recovery");
    assert_ne!(lines(&recovery)[0]["public_key"], line["public_key"]);
    assert!(!stdout(&made).contains(private.lines().nth(1).unwrap()), "the private key is never printed");
}

#[test]
fn inspect_answers_in_order_and_goes_on_after_a_bad_file() {
    let desk = Desk::new();
    let first = desk.picture("first.png", 0.0);
    let last = desk.picture("last.png", 1.0);
    fs::write(desk.path().join("bad.png"), &first[..first.len() / 2]).unwrap();
    fs::write(desk.path().join("text.jpg"), "not a picture").unwrap();
    let seen = desk.run(&["inspect", "--json", "first.png", "bad.png", "text.jpg", "none.png", "last.png"]);
    assert_eq!(status(&seen), 1);
    let lines = lines(&seen);
    let names: Vec<_> = lines.iter().map(|line| line["file"].as_str().unwrap()).collect();
    assert_eq!(names, ["first.png", "bad.png", "text.jpg", "none.png", "last.png"], "{}", stderr(&seen));
    for line in &lines[1..4] {
        assert_eq!(line["error"]["code"], "file");
        for member in ["title", "title_zh", "remedy", "remedy_zh"] {
            assert!(!line["error"][member].as_str().unwrap().is_empty(), "{member}: {line}");
        }
        assert_eq!(line.as_object().unwrap().len(), 2, "{line}");
    }
    for (line, (name, bytes)) in [(&lines[0], ("first.png", &first)), (&lines[4], ("last.png", &last))] {
        assert_eq!(line["file"], name);
        assert_eq!(line["sha256"], Sha256Digest::of(bytes).to_string());
        assert_eq!(line["sha256_without_manifest"], line["sha256"]);
        assert_eq!((&line["width"], &line["height"]), (&320.into(), &240.into()));
        assert_eq!(line["pdq"].as_str().unwrap().len(), 64);
        assert!(line["iscc"].as_str().unwrap().starts_with("ISCC:"));
        assert_eq!(line["labels"], serde_json::json!([]));
    }
    for name in ["bad.png", "text.jpg", "none.png"] {
        assert!(stderr(&seen).contains(name), "{}", stderr(&seen));
    }
    assert_eq!(status(&desk.run(&["inspect", "first.png"])), 0);
}

#[test]
fn a_manifest_that_is_not_judged_is_told() {
    let desk = Desk::new();
    let document = b"%PDF-1.7\n<< /AFRelationship /C2PA_Manifest /EF 2 0 R >>\nstartxref\n0\n%%EOF\n";
    fs::write(desk.path().join("a.pdf"), document).unwrap();
    let shown = stdout(&desk.run(&["inspect", "a.pdf"]));
    assert!(shown.contains("not judged here"), "{shown}");
    let shown = stdout(&desk.run(&["inspect", "a.pdf", "--lang", "zh"]));
    assert!(shown.contains("不作判定"), "{shown}");
    assert_eq!(lines(&desk.run(&["inspect", "a.pdf", "--json"]))[0]["c2pa"]["state"], "not_judged");
}

#[test]
fn labels_are_written_into_a_copy_and_read_back() {
    let desk = Desk::new();
    let original = desk.picture("out.png", 0.5);
    let words = [
        "label",
        "--producer",
        "ACME",
        "--content-id",
        "n-{stem}",
        "--source-type",
        "trainedAlgorithmicMedia",
        "--out",
        "labelled/",
        "out.png",
        "--json",
    ];
    let made = desk.run(&words);
    assert_eq!(status(&made), 0, "{}", stderr(&made));
    let line = &lines(&made)[0];
    assert_eq!((&line["gb45438"]["ProduceID"], &line["gb45438"]["Label"]), (&"n-out".into(), &"1".into()));
    let written = fs::read(desk.path().join("labelled/out.png")).unwrap();
    assert_eq!(line["sha256"], Sha256Digest::of(&written).to_string());
    assert_eq!(fs::read(desk.path().join("out.png")).unwrap(), original, "the source stays as it is");

    let seen = desk.run(&["inspect", "--json", "labelled/out.png"]);
    let labels = lines(&seen)[0]["labels"].as_array().unwrap().clone();
    let schemes: Vec<_> = labels.iter().map(|label| label["scheme"].as_str().unwrap()).collect();
    assert!(schemes.contains(&"gb45438") && schemes.contains(&"iptc"), "{schemes:?}");
    let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().to_rgb8();
    assert_eq!(pixels(&written), pixels(&original));

    let again = desk.run(&words);
    assert_eq!(status(&again), 1);
    assert!(stderr(&again).contains("never overwritten"));
    let twice =
        desk.run(&["label", "--producer", "ACME", "--content-id", "2", "--out", "b.png", "labelled/out.png"]);
    assert_eq!(status(&twice), 1);
    assert!(stderr(&twice).contains("already"), "{}", stderr(&twice));
    assert!(!desk.path().join("b.png").exists());
}

#[test]
fn label_files_are_taken_bare_or_wrapped_and_strictly() {
    let desk = Desk::new();
    desk.picture("out.png", 0.5);
    let bare = r#"{"Label":"1","ContentProducer":"ACME","ProduceID":"7"}"#;
    fs::write(desk.path().join("bare.json"), bare).unwrap();
    fs::write(desk.path().join("wrapped.json"), format!("{{\"AIGC\":{bare}}}")).unwrap();
    fs::write(desk.path().join("wrong.json"), r#"{"Label":"9","ContentProducer":"ACME","ProduceID":"7"}"#)
        .unwrap();
    fs::write(desk.path().join("other.json"), r#"{"Colour":"red"}"#).unwrap();
    for (label, expected) in [("bare", 0), ("wrapped", 0), ("wrong", 1), ("other", 2)] {
        let to = format!("{label}.png");
        let made = desk.run(&["label", "--gb45438", &format!("{label}.json"), "--out", &to, "out.png"]);
        assert_eq!(status(&made), expected, "{label}: {}", stderr(&made));
        assert_eq!(desk.path().join(&to).exists(), expected == 0);
    }
    assert_eq!(status(&desk.run(&["label", "--out", "x.png", "out.png"])), 2, "nothing to write");
}

#[test]
fn completions_exist_for_the_usual_shells() {
    let desk = Desk::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.run(&["completions", shell]);
        assert_eq!(status(&script), 0);
        assert!(stdout(&script).contains("register"), "{shell}");
    }
}

#[test]
fn help_teaches_and_hides_secrets() {
    let desk = Desk::new();
    let help = desk.command().env("TOUCHSTONE_TOKEN", "SECRET-TOKEN").arg("--help").output().unwrap();
    assert_eq!(status(&help), 0);
    let text = stdout(&help);
    for part in ["Examples:", "Exit status:", "TOUCHSTONE_URL", "keygen", "register", "check", "completions"]
    {
        assert!(text.contains(part), "{part}");
    }
    assert!(!text.contains("SECRET-TOKEN"));
    for command in [
        &["keygen"][..],
        &["login"],
        &["logout"],
        &["register"],
        &["label"],
        &["check"],
        &["inspect"],
        &["statement", "show"],
        &["statement", "receipt"],
        &["statement", "envelope"],
        &["log", "verify"],
        &["log", "monitor"],
        &["log", "policy"],
        &["log", "answer"],
        &["verify-receipt"],
        &["admin", "organisation", "create"],
        &["admin", "organisation", "list"],
        &["admin", "organisation", "show"],
        &["admin", "organisation", "suspend"],
        &["admin", "key", "add"],
        &["admin", "key", "revoke"],
        &["admin", "code", "bind"],
        &["admin", "token", "create"],
        &["admin", "token", "list"],
        &["admin", "token", "revoke"],
        &["admin", "user", "create"],
        &["registry"],
    ] {
        let help = desk.run(&[command, &["--help"]].concat());
        assert_eq!(status(&help), 0, "{command:?}");
        assert!(stdout(&help).contains("--json"), "{command:?}");
    }
}

#[test]
fn exit_statuses_tell_what_kind_of_failure_it_was() {
    let desk = Desk::new();
    desk.picture("a.png", 0.0);
    assert_eq!(status(&desk.run(&["keygen", "--out", "k"])), 0);
    // 2: usage and settings.
    for words in [
        &["frobnicate"][..],
        &["check", "a.png"],
        &["check", "--url", "http://127.0.0.1:9", "a.png"],
        &["check", "--url", "registry.example", "--token", "t", "a.png"],
        &["check", "--url", "http://127.0.0.1:9", "--token", "two words", "a.png"],
        &["register", "--url", "http://127.0.0.1:9", "--token", "t", "a.png"],
        &["register", "--url", "http://127.0.0.1:9", "--token", "t", "--key", "k.pub", "a.png"],
        &["register", "--url", "http://127.0.0.1:9", "--token", "t", "--key", "none", "a.png"],
        &["check", "--order-time", "yesterday", "a.png"],
    ] {
        let output = desk.run(words);
        assert_eq!(status(&output), 2, "{words:?}: {}", stderr(&output));
        assert!(!stderr(&output).is_empty() && stdout(&output).is_empty());
    }
    // 3: nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    for words in [&["check", "a.png"][..], &["register", "--key", "k", "a.png"], &["registry"]] {
        let output = desk.run(&[&["--url", &url, "--token", "t"], words].concat());
        assert_eq!(status(&output), 3, "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains("cannot be reached"));
    }
}

#[test]
fn messages_come_in_chinese_where_asked() {
    let desk = Desk::new();
    let output = desk.command().env("LC_ALL", "zh_CN.UTF-8").args(["check", "a.png"]).output().unwrap();
    assert!(stderr(&output).contains("未指定登记处"), "{}", stderr(&output));
    let output = desk.run(&["--lang", "zh", "keygen", "--out", "k"]);
    assert!(stdout(&output).contains("私钥"));
    // So does what is wrong with a value.
    for (words, expected) in [
        (&["check", "--order-time", "yesterday", "a.png"][..], "时间须按 RFC 3339 书写"),
        (&["statement", "show", "stm_1"], "标识符须为 stm_ 加"),
        (&["check", "--url", "r.example", "--token", "t", "a.png"], "须以 https:// 或 http:// 开头"),
        (&["check", "--url", "https://r.example/?x=1", "--token", "t", "a.png"], "不得带有查询参数或片段"),
    ] {
        let output = desk.run(&[&["--lang", "zh"], words].concat());
        let told = stderr(&output);
        assert_eq!(status(&output), 2, "{words:?}: {told}");
        assert!(told.contains(expected), "{words:?}: {told}");
    }
}

#[test]
fn help_and_wrong_usage_come_in_chinese_where_asked() {
    let desk = Desk::new();
    let chinese = |words: &[&str]| {
        let mut command = desk.command();
        command.env("LC_ALL", "zh_CN.UTF-8").env("TOUCHSTONE_TOKEN", "SECRET-TOKEN");
        command.args(words).output().unwrap()
    };
    for words in [&["check", "--help"][..], &["help", "check"], &["check", "-h"]] {
        let help = chinese(words);
        assert_eq!(status(&help), 0, "{words:?}");
        let text = stdout(&help);
        for part in ["用法: touchstone check", "参数:", "下单时间", "全局选项:", "示例:"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("SECRET-TOKEN") && !text.contains("Usage"), "{text}");
    }
    let asked = desk.run(&["--lang", "zh", "--help"]);
    assert!(status(&asked) == 0 && stdout(&asked).contains("退出状态:"), "{}", stdout(&asked));
    let bare = desk.command().env("LC_ALL", "zh_CN.UTF-8").output().unwrap();
    assert!(status(&bare) == 2 && stderr(&bare).contains("命令:"), "{}", stderr(&bare));
    let wrong = chinese(&["check", "--bogus"]);
    let told = stderr(&wrong);
    assert_eq!((status(&wrong), stdout(&wrong)), (2, String::new()), "{told}");
    assert!(told.starts_with("错误: 无法识别的参数“--bogus”\n"), "{told}");
    assert!(told.contains("\n用法: touchstone check ") && told.contains("--help"), "{told}");
    let near = stderr(&chinese(&["check", "--overly", "d", "a.png"]));
    assert!(near.contains("您是否想用 --overlay？"), "{near}");
}

#[test]
fn an_order_after_its_claim_is_told_with_what_to_do() {
    let desk = Desk::new();
    // Nobody is asked: the address leads nowhere.
    let check =
        ["check", "--url", "http://127.0.0.1:9", "--token", "t", "--claim-time", "2026-11-22T09:00:00Z"];
    let order = ["--order-time", "2026-11-22T09:00:01Z", "a.png"];
    for (language, fault, remedy) in
        [("en", "lies after --claim-time", "leave one out"), ("zh", "晚于 --claim-time", "请检查两个时间")]
    {
        let output = desk.run(&[&["--lang", language], &check[..], &order[..]].concat());
        let told = stderr(&output);
        assert_eq!(status(&output), 2, "{told}");
        assert!(told.contains(fault) && told.contains(remedy), "{told}");
    }
}

#[test]
fn a_missing_key_file_is_told_with_how_to_make_one() {
    let desk = Desk::new();
    let register = ["register", "--url", "http://127.0.0.1:9", "--token", "t", "--key", "nope.pem", "a.png"];
    for (language, fault) in [("en", "nope.pem: No such file"), ("zh", "nope.pem：文件或文件夹不存在")]
    {
        let output = desk.run(&[&["--lang", language], &register[..]].concat());
        let told = stderr(&output);
        assert_eq!(status(&output), 2, "{told}");
        assert!(told.contains(fault) && told.contains("touchstone keygen --out FILE"), "{told}");
    }
}

#[test]
fn key_files_that_others_can_read_are_mentioned() {
    let desk = Desk::new();
    desk.run(&["keygen", "--out", "k"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(desk.path().join("k"), fs::Permissions::from_mode(0o644)).unwrap();
        let words = ["register", "--url", "http://127.0.0.1:9", "--token", "t", "--key", "k", "a.png"];
        assert!(stderr(&desk.run(&words)).contains("chmod 600 k"));
    }
}
