//! What is wrong with the words of a command line, in Chinese.

use super::in_own_words;
use crate::cli::output::Output;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use std::error::Error as _;

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
    } else if let Some(reason) = error.source() {
        text.push_str(&format!("：{reason}"));
    }
    Some(text)
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
    use crate::cli::{args::Language, help::parse};
    use std::ffi::OsString;

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
        ] {
            let said = told(words).unwrap_or_default();
            assert!(said.contains(expected), "{words}: {said}");
        }
        assert_eq!(told("touchstone --version"), None);
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
