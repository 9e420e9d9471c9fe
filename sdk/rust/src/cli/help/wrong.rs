//! What is wrong with the words of a command line, in Chinese.

use super::in_own_words;
use crate::cli::{chinese::InChinese, label::args::InvalidSourceType, output::Output};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::{error::Error, num::ParseIntError};
use touchstone_schema::{
    digest::InvalidDigest, id::InvalidId, key::InvalidPublicKey, log::VerifierKeyError, time::InvalidTime,
};

/// Says it on standard error; false if there are no words for it here.
pub(super) fn tell(out: &Output, error: &clap::Error) -> bool {
    let Some(fault) = fault(error) else { return false };
    out.error(&fault, remedy(error).as_deref());
    let usage = match error.get(ContextKind::Usage) {
        Some(ContextValue::StyledStr(usage)) => format!("\n{}\n", in_own_words(&usage.to_string())),
        _ => String::new(),
    };
    out.say(&format!("{usage}\n更多说明请加 --help 查看。\n"));
    true
}

fn remedy(error: &clap::Error) -> Option<String> {
    let alike = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue];
    if let Some(alike) = alike.into_iter().find_map(|kind| all(error, kind)) {
        return Some(format!("您是否想用 {alike}？"));
    }
    // The parser may also suggest an option of another command.
    match error.get(ContextKind::Suggested)? {
        ContextValue::StyledStrs(texts) if texts.iter().any(|text| text.to_string().contains("'-- ")) => {
            Some("以 - 开头的文件名请写在 -- 之后。".to_owned())
        }
        _ => None,
    }
}

fn fault(error: &clap::Error) -> Option<String> {
    let argument = one(error, ContextKind::InvalidArg);
    Some(match error.kind() {
        ErrorKind::UnknownArgument => format!("无法识别的参数“{}”", argument?),
        ErrorKind::InvalidSubcommand => {
            format!("无法识别的命令“{}”", one(error, ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::MissingSubcommand => {
            let below = all(error, ContextKind::ValidSubcommand)?;
            format!("{} 之后须有命令：{below}", one(error, ContextKind::InvalidSubcommand)?)
        }
        ErrorKind::MissingRequiredArgument => {
            format!("缺少必需的参数：{}", all(error, ContextKind::InvalidArg)?)
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => value(error, argument?)?,
        ErrorKind::TooManyValues => {
            format!("{} 不带值，却给出了“{}”", argument?, one(error, ContextKind::InvalidValue)?)
        }
        ErrorKind::InvalidUtf8 => "参数中有无效的 UTF-8 文本".to_owned(),
        ErrorKind::ArgumentConflict => {
            let argument = argument.or_else(|| one(error, ContextKind::InvalidSubcommand))?;
            match all(error, ContextKind::PriorArg) {
                Some(other) if other == argument => format!("{argument} 只能给出一次"),
                Some(other) => format!("{argument} 不能与 {other} 同时使用"),
                None => format!("{argument} 不能与所给的其他参数同时使用"),
            }
        }
        _ => return None,
    })
}

/// What is wrong with a value, and what is right.
fn value(error: &clap::Error, argument: &str) -> Option<String> {
    let mut text = match one(error, ContextKind::InvalidValue)? {
        "" => format!("{argument} 须带一个值"),
        value => format!("“{value}”不是 {argument} 的有效值"),
    };
    if let Some(valid) = all(error, ContextKind::ValidValue) {
        text.push_str(&format!("，可选 {valid}"));
    } else if let Some(error) = error.source() {
        // English says more than nothing; the tests see that it is not needed.
        text.push_str(&format!("：{}", reason(error).unwrap_or_else(|| error.to_string())));
    }
    Some(text)
}

/// What is right, as the type of the value says it.
fn reason(error: &(dyn Error + 'static)) -> Option<String> {
    fn of<E: Error + InChinese + 'static>(error: &(dyn Error + 'static)) -> Option<String> {
        error.downcast_ref::<E>().map(InChinese::chinese)
    }
    let types: [fn(&(dyn Error + 'static)) -> Option<String>; 7] = [
        of::<InvalidTime>,
        of::<InvalidId>,
        of::<InvalidDigest>,
        of::<InvalidPublicKey>,
        of::<VerifierKeyError>,
        of::<InvalidSourceType>,
        of::<ParseIntError>,
    ];
    types.into_iter().find_map(|of| of(error)).or_else(|| {
        // A number out of its range has only the parser's words: "0 is not in 1..=3650".
        let text = error.to_string();
        let (least, most) = text.split_once(" is not in ")?.1.split_once("..=")?;
        Some(format!("须在 {least} 至 {most} 之间"))
    })
}

fn one(error: &clap::Error, kind: ContextKind) -> Option<&str> {
    match error.get(kind)? {
        ContextValue::String(text) => Some(text),
        _ => None,
    }
}

/// One or several, unless there is none.
fn all(error: &clap::Error, kind: ContextKind) -> Option<String> {
    let all = match error.get(kind)? {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join("、"),
        _ => String::new(),
    };
    (!all.is_empty()).then_some(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{
        args::{Cli, Language},
        help::parse,
    };
    use clap::{Arg, Command, CommandFactory};
    use std::{collections::BTreeSet, ffi::OsString};

    #[test]
    fn wrong_usage_is_told_in_chinese() {
        let told = |words: &str| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            fault(&parse(&words, Language::Zh).unwrap_err())
        };
        for (words, expected) in [
            ("touchstone check --bogus a.jpg", "无法识别的参数“--bogus”"),
            ("touchstone frobnicate", "无法识别的命令“frobnicate”"),
            ("touchstone --json", "touchstone 之后须有命令：keygen、login"),
            ("touchstone check", "缺少必需的参数：<FILE>..."),
            ("touchstone keygen --out", "--out <FILE> 须带一个值"),
            ("touchstone completions tcsh", "“tcsh”不是 <SHELL> 的有效值，可选 bash、"),
            (
                "touchstone register --view front a.jpg",
                "“front”不是 --view <VIEW> 的有效值，可选 listing、packing、",
            ),
            ("touchstone register --output --label l --product p a.jpg", " 不能与 "),
            ("touchstone keygen --out a --out b", "--out <FILE> 只能给出一次"),
            ("touchstone check --json=yes a.jpg", "--json 不带值，却给出了“yes”"),
            ("touchstone check --order-time yesterday a.jpg", "的有效值：时间须按 RFC 3339 书写"),
            ("touchstone statement show stm_1", "“stm_1”不是 <ID> 的有效值：标识符须为 stm_ 加 26 个"),
            (
                "touchstone log monitor --interval 0",
                "“0”不是 --interval <SECONDS> 的有效值：须在 1 至 86400 之间",
            ),
            ("touchstone log verify --log-key a+b", "：验证密钥须写作 name+"),
        ] {
            let said = told(words).unwrap_or_default();
            assert!(said.contains(expected), "{words}: {said}");
        }
        assert_eq!(told("touchstone --version"), None);
    }

    #[test]
    fn every_refused_value_is_told_in_chinese() {
        fn arguments(command: &Command) -> Vec<Arg> {
            let below = command.get_subcommands().flat_map(arguments);
            command.get_arguments().cloned().chain(below).collect()
        }
        let mut told = BTreeSet::new();
        let command = Cli::command();
        for arg in arguments(&command).into_iter().filter(|arg| arg.get_action().takes_values()) {
            // A parser that takes the first of these takes every text.
            for bad in ["?", "-1", "0", "99999999999999999999"] {
                let value = Arg::new("value").value_parser(arg.get_value_parser().clone());
                let parsed = Command::new("one").arg(value).try_get_matches_from(["one", "--", bad]);
                let Err(error) = parsed else { continue };
                let said = fault(&error).unwrap();
                if let Some(english) = error.source().map(ToString::to_string) {
                    assert!(!said.contains(&english), "{} {bad}: {said}", arg.get_id());
                    told.insert(english);
                }
            }
        }
        // Times, identifiers, digests, keys, numbers: that they were met at all.
        assert!(told.len() >= 10, "{told:?}");
    }

    #[test]
    fn a_remedy_says_what_may_have_been_meant() {
        let told = |words: &str| {
            let words: Vec<OsString> = words.split(' ').map(OsString::from).collect();
            remedy(&parse(&words, Language::Zh).unwrap_err())
        };
        assert_eq!(told("touchstone chek a.jpg").unwrap(), "您是否想用 check？");
        assert_eq!(told("touchstone check --overlai x a.jpg").unwrap(), "您是否想用 --overlay？");
        assert_eq!(told("touchstone check -photo.jpg").unwrap(), "以 - 开头的文件名请写在 -- 之后。");
        assert_eq!(told("touchstone --overlay x check"), None);
    }

    #[cfg(unix)]
    #[test]
    fn text_that_is_no_utf_8_is_told_in_chinese() {
        use std::os::unix::ffi::OsStringExt;
        let product = OsString::from_vec(b"\xff".to_vec());
        let words = ["touchstone", "check", "--product"].map(OsString::from).into_iter().chain([product]);
        let error = parse(&words.collect::<Vec<_>>(), Language::Zh).unwrap_err();
        assert_eq!(fault(&error).unwrap(), "参数中有无效的 UTF-8 文本");
    }
}
