//! `--help` and wrong usage, in the language that people ask for.
//!
//! The definition of the command line is English. For Chinese, every command and every argument gets its text from [`zh`]
//! before anything is parsed, and the few words that the parser writes itself are replaced afterwards. What a command does
//! is not known here.

mod wrong;
mod zh;

use super::{
    args::{Cli, Language},
    failure::Status,
    output::Output,
};
use clap::{Arg, Command, CommandFactory, FromArgMatches, ValueEnum, error::ErrorKind};
use std::ffi::OsString;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a text that stands below its option; with the indentation, a page is 76 wide.
const BELOW: usize = 66;
/// Columns of a text that stands beside its option.
const BESIDE: usize = 54;

/// What the parser itself writes into a page. Longer texts come before those that begin them.
const OWN_WORDS: [(&str, &str); 10] = [
    ("Usage:", "用法:"),
    ("Commands:", "命令:"),
    ("Arguments:", "参数:"),
    ("Options:", "选项:"),
    ("[OPTIONS]", "[选项]"),
    ("<COMMAND>", "<命令>"),
    ("[COMMAND]", "[命令]"),
    ("Print help for the subcommand(s)", "显示这些命令的帮助"),
    ("Print help", "显示帮助"),
    ("Print version", "显示版本"),
];

/// The language that the words of a command line ask for, as far as can be told before they are understood.
pub(crate) fn language_in(words: &[OsString]) -> Option<Language> {
    let mut words = words.iter().map(|word| word.to_string_lossy()).take_while(|word| &**word != "--");
    while let Some(word) = words.next() {
        let language = match word.strip_prefix("--lang") {
            Some("") => words.next()?.into_owned(),
            Some(rest) => match rest.strip_prefix('=') {
                Some(language) => language.to_owned(),
                // Another word that begins so.
                None => continue,
            },
            None => continue,
        };
        return Language::from_str(&language, false).ok();
    }
    None
}

/// Understands the words of a command line. Help and wrong usage are errors in `language`.
pub(crate) fn parse(words: &[OsString], language: Language) -> Result<Cli, clap::Error> {
    let mut command = definition(language);
    let mut matches = command.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// Shows the help that was asked for, or what is wrong with the words, and gives the status of that.
pub(crate) fn explain(language: Language, error: &clap::Error) -> Status {
    if language == Language::Zh {
        let out = Output::new(false, language);
        let told = match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
                show(&out, error);
                true
            }
            _ => wrong::tell(&out, error),
        };
        if told {
            return if error.use_stderr() { Status::Usage } else { Status::Done };
        }
    }
    error.exit()
}

fn show(out: &Output, error: &clap::Error) {
    let page = error.render();
    let is_error = error.use_stderr();
    let page = if out.is_colourful(is_error) { page.ansi().to_string() } else { page.to_string() };
    let page = in_own_words(&page);
    if is_error {
        out.say(&page);
    } else {
        out.raw(page.as_bytes());
    }
}

fn definition(language: Language) -> Command {
    match language {
        Language::En => Cli::command(),
        Language::Zh => {
            let mut command = in_chinese(Cli::command(), "");
            // The parser adds its own command `help` only now.
            command.build();
            with_help_in_chinese(command)
        }
    }
}

/// What the command `help` does. It is no text to replace in a page: where that is narrow, it is broken into lines.
fn with_help_in_chinese(command: Command) -> Command {
    command.mut_subcommands(|below| {
        let below = with_help_in_chinese(below);
        if below.get_name() == "help" {
            below.about("显示本帮助，或其后所给命令的帮助")
        } else {
            below
        }
    })
}

/// A command and those below it in Chinese; `path` are the words that call it.
fn in_chinese(command: Command, path: &str) -> Command {
    let Some(page) = zh::page(path) else { return command };
    // Commands that hold others have few options, with short names.
    let below = !command.has_subcommands();
    let width = if below { BELOW } else { BESIDE };
    let command = command
        .about(page.about)
        .next_line_help(below)
        .mut_args(|arg| match page.argument(arg.get_id().as_str()) {
            Some(text) => translated(arg, text, width),
            None => arg,
        })
        .mut_subcommands(|command| {
            let path = format!("{path} {}", command.get_name());
            in_chinese(command, path.trim_start())
        });
    if page.after.is_empty() { command } else { command.after_help(page.after) }
}

/// An argument with its Chinese text, which holds the notes that the parser would make in English.
fn translated(arg: Arg, text: &str, width: usize) -> Arg {
    let mut notes = Vec::new();
    // To the parser a flag has the values true and false, which nobody gives.
    let takes_value = arg.get_action().takes_values();
    if takes_value {
        let values: Vec<String> =
            arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
        // A text that says what the values mean has named them.
        if !values.iter().all(|value| text.contains(value)) {
            notes.push(format!("可选 {}", values.join("、")));
        }
        if let Some(value) = arg.get_default_values().first() {
            notes.push(format!("默认 {}", value.to_string_lossy()));
        }
    }
    if let Some(variable) = arg.get_env() {
        notes.push(format!("环境变量 {}", variable.to_string_lossy()));
    }
    let notes = if notes.is_empty() { String::new() } else { format!("（{}）", notes.join("；")) };
    let heading = arg.get_help_heading().and_then(zh::heading);
    let arg = arg.help(wrapped(&format!("{text}{notes}"), width)).hide_env(true);
    let arg = if takes_value { arg.hide_possible_values(true).hide_default_value(true) } else { arg };
    match heading {
        Some(heading) => arg.help_heading(heading),
        None => arg,
    }
}

fn in_own_words(page: &str) -> String {
    OWN_WORDS.iter().fold(page.to_owned(), |page, &(en, zh)| page.replace(en, zh))
}

/// `text` in lines of at most `width` columns. The parser breaks lines at spaces alone, and Chinese has none.
fn wrapped(text: &str, width: usize) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut before = None;
    for character in text.chars() {
        let joins = before.is_some_and(|before| stay_together(before, character));
        match parts.last_mut().filter(|_| joins) {
            Some(part) => part.push(character),
            None => parts.push(character.to_string()),
        }
        before = Some(character);
    }
    let (mut wrapped, mut column) = (String::new(), 0);
    for part in &parts {
        if column > 0 && column + part.trim_end().width() > width {
            wrapped.truncate(wrapped.trim_end().len());
            wrapped.push('\n');
            column = 0;
        }
        column += part.width();
        wrapped.push_str(part);
    }
    wrapped
}

/// Whether no line may end between two characters: within a word, before what closes and after what opens.
fn stay_together(before: char, after: char) -> bool {
    let narrow = |character: char| character.width().unwrap_or(0) < 2;
    "，。、；：！？）”》…".contains(after)
        || "（“《".contains(before)
        || after == ' '
        || (before != ' ' && narrow(before) && narrow(after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::PAGE_WIDTH;

    /// Every command that people can see, with the words that call it.
    fn commands(command: &Command, path: &str, see: &mut dyn FnMut(&str, &Command)) {
        see(path, command);
        for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
            commands(below, format!("{path} {}", below.get_name()).trim_start(), see);
        }
    }

    fn is_chinese(text: &str) -> bool {
        text.chars().any(|character| ('\u{4e00}'..='\u{9fff}').contains(&character))
    }

    #[test]
    fn every_command_and_argument_has_a_chinese_text() {
        let mut seen = Vec::new();
        commands(&Cli::command(), "", &mut |path, command| {
            let page = zh::page(path).unwrap_or_else(|| panic!("touchstone {path} has no Chinese text"));
            assert!(is_chinese(page.about), "{path}");
            let after = command.get_after_help().is_some();
            assert_eq!(is_chinese(page.after), after, "what follows the options of touchstone {path}");
            let visible: Vec<&Arg> = command.get_arguments().filter(|arg| !arg.is_hide_set()).collect();
            for arg in &visible {
                let id = arg.get_id().as_str();
                let text = page.argument(id).unwrap_or_else(|| panic!("{id} of touchstone {path}"));
                assert!(is_chinese(text), "{id} of touchstone {path}");
                if let Some(heading) = arg.get_help_heading() {
                    assert!(zh::heading(heading).is_some_and(is_chinese), "{heading}");
                }
            }
            // Nothing is left of arguments that are gone. Without C2PA, some are not there.
            if cfg!(feature = "c2pa") {
                assert_eq!(page.arguments.len(), visible.len(), "touchstone {path}");
            }
            seen.push(path.to_owned());
        });
        let told: Vec<&str> = zh::PAGES.iter().flat_map(|pages| pages.iter()).map(|page| page.path).collect();
        assert_eq!(told.len(), seen.len(), "{told:?} {seen:?}");
    }

    #[test]
    fn chinese_pages_hold_no_english_of_the_parser() {
        fn pages(command: &mut Command, see: &mut dyn FnMut(String)) {
            see(in_own_words(&command.render_long_help().to_string()));
            command.get_subcommands_mut().for_each(|below| pages(below, see));
        }
        let mut command = definition(Language::Zh);
        let narrow = command.clone().term_width(60).render_long_help().to_string();
        assert!(!in_own_words(&narrow).contains("Print"), "{narrow}");
        pages(&mut command, &mut |page| {
            for english in [
                "Usage",
                "Options",
                "Arguments",
                "Commands",
                "OPTIONS",
                "COMMAND",
                "Print",
                "[env",
                "[default",
                "ossible values",
                "true",
            ] {
                assert!(!page.contains(english), "{english}: {page}");
            }
            for line in page.lines().filter(|line| !line.starts_with("用法:")) {
                assert!(line.width() <= PAGE_WIDTH, "{line}");
            }
        });
    }

    #[test]
    fn examples_stand_in_the_page_as_they_are_written() {
        fn hold(command: &mut Command) {
            if let Some(after) = command.get_after_help().map(ToString::to_string) {
                let page = command.render_long_help().to_string();
                assert!(page.contains(&after), "broken otherwise: {page}");
                for line in after.lines() {
                    assert!(line.width() <= PAGE_WIDTH, "{line}");
                }
            }
            command.get_subcommands_mut().for_each(hold);
        }
        for language in [Language::En, Language::Zh] {
            let mut command = definition(language);
            command.build();
            hold(&mut command);
        }
    }

    #[test]
    fn notes_of_the_parser_stand_in_the_text() {
        let mut command = definition(Language::Zh);
        let page = |command: &mut Command| -> String {
            in_own_words(&command.render_help().to_string()).split_whitespace().collect()
        };
        let register = page(command.find_subcommand_mut("register").unwrap());
        assert!(register.contains("默认listing") && register.contains("TOUCHSTONE_POLICY"), "{register}");
        assert!(register.contains("全局选项:") && register.contains("用法:touchstoneregister[选项]"));
        let label = page(command.find_subcommand_mut("label").unwrap());
        assert_eq!(label.matches("suspected").count(), 1, "its text names it: {label}");
        assert!(label.contains("C2PA清单:"), "{label}");
        let completions = page(command.find_subcommand_mut("completions").unwrap());
        assert!(completions.contains("可选bash、"), "{completions}");
    }

    #[test]
    fn the_words_tell_the_language_before_they_are_understood() {
        let of = |words: &str| language_in(&words.split(' ').map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of("touchstone --lang zh --help"), Some(Language::Zh));
        assert_eq!(of("touchstone check --bogus --lang=en"), Some(Language::En));
        assert_eq!(of("touchstone check --language x --lang zh"), Some(Language::Zh));
        assert_eq!(of("touchstone check -- --lang zh"), None);
        assert_eq!(of("touchstone check --lang fr"), None);
        assert_eq!(of("touchstone check --lang"), None);
        assert_eq!(of("touchstone check"), None);
    }

    #[test]
    fn lines_break_where_chinese_and_words_allow_it() {
        assert_eq!(wrapped("图片，touchstone login 保存", 10), "图片，\ntouchstone\nlogin 保存");
        assert_eq!(wrapped("登记（商品图）。", 10), "登记（商品\n图）。");
        assert_eq!(wrapped("", 10), "");
    }
}
