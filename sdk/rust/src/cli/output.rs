//! What people and scripts see: the only place of the command line that writes to the terminal.
//!
//! Answers go to standard output, notices and errors to standard error. Text from files and registries loses its
//! control characters on the way: a label must not steer a terminal.

use super::{args::Language, failure::Status, thumbnail::Palette, words::Words};
use serde::Serialize;
use std::{
    env,
    io::{self, IsTerminal, Write},
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};
use touchstone_sdk::files::FileError;
use unicode_width::UnicodeWidthStr;

/// Colours by meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    Good,
    Careful,
    Bad,
    Faint,
    Strong,
}

impl Tone {
    const fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Good => "32",
            Self::Careful => "33",
            Self::Bad => "31",
            Self::Faint => "2",
            Self::Strong => "1",
        }
    }
}

/// Where answers go.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) language: Language,
    colour: bool,
    colour_errors: bool,
    /// Whether a progress bar may be shown.
    pub(crate) progress: bool,
    /// In which colours standard output can show a picture, if it can.
    pub(crate) palette: Option<Palette>,
    told: Mutex<Told>,
}

/// What became of the answers.
#[derive(Debug)]
struct Told {
    /// The gravest status that they stand for.
    status: Status,
    /// The first error in writing them.
    error: Option<io::Error>,
}

impl Output {
    pub(crate) fn new(json: bool, language: Language) -> Self {
        let colourful = variable("NO_COLOR").is_none() && variable("TERM").is_none_or(|term| term != "dumb");
        let errors = io::stderr().is_terminal();
        let colour = colourful && io::stdout().is_terminal();
        let palette = Palette::of_terminal(variable("COLORTERM").as_deref(), variable("TERM").as_deref())
            .filter(|_| colour);
        let told = Mutex::new(Told { status: Status::Done, error: None });
        Self { json, language, colour, colour_errors: colourful && errors, progress: errors, palette, told }
    }

    /// The words of the chosen language.
    pub(crate) const fn words(&self) -> &'static Words {
        Words::of(self.language)
    }

    /// The text of the chosen language.
    pub(crate) const fn choose<'a>(&self, en: &'a str, zh: &'a str) -> &'a str {
        match self.language {
            Language::En => en,
            Language::Zh => zh,
        }
    }

    /// `text` in the colour of `tone`, if standard output shows colours.
    pub(crate) fn paint(&self, tone: Tone, text: &str) -> String {
        paint(self.colour, tone, text)
    }

    /// Whether standard output shows colours, or standard error.
    pub(crate) const fn is_colourful(&self, errors: bool) -> bool {
        if errors { self.colour_errors } else { self.colour }
    }

    /// One line of an answer.
    pub(crate) fn line(&self, text: &str) {
        let mut out = io::stdout().lock();
        self.written(writeln!(out, "{text}").and_then(|()| out.flush()));
    }

    fn told(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was just told stands for this status, whatever happens to the rest.
    pub(crate) fn reach(&self, status: Status) {
        let mut told = self.told();
        told.status = told.status.or(status);
    }

    /// The gravest status that was told so far.
    pub(crate) fn reached(&self) -> Status {
        self.told().status
    }

    /// The first error in writing an answer, once. What was not read by anybody must not be written down as told.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.told().error.take().map_or(Ok(()), Err)
    }

    fn written(&self, result: io::Result<()>) {
        let Err(error) = result else { return };
        if error.kind() == io::ErrorKind::BrokenPipe {
            // Nobody reads any more (`touchstone ... | head`): ending quietly is what the reader wants, and what was not
            // read is no success.
            std::process::exit(i32::from(self.reached().or(Status::SomeFailed) as u8));
        }
        self.told().error.get_or_insert(error);
    }

    /// Bytes of an answer as they are.
    pub(crate) fn raw(&self, bytes: &[u8]) {
        let mut out = io::stdout().lock();
        self.written(out.write_all(bytes).and_then(|()| out.flush()));
    }

    /// Bytes of an answer, into a file if one is named.
    pub(crate) fn deliver(&self, file: Option<&Path>, bytes: &[u8]) -> Result<(), FileError> {
        match file {
            Some(path) => touchstone_sdk::files::write(path, bytes),
            None => {
                self.raw(bytes);
                Ok(())
            }
        }
    }

    /// One JSON object on one line.
    pub(crate) fn object(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.line(&text),
            Err(error) => self.error(&error.to_string(), None),
        }
    }

    /// A name and its value, aligned to `width` columns.
    pub(crate) fn field(&self, width: usize, name: &str, value: &str) {
        let name = self.paint(Tone::Faint, &pad(name, width));
        self.line(&format!("{name}  {}", clean(value)));
    }

    /// Several names and values, aligned with each other. Empty values are left out.
    pub(crate) fn fields(&self, fields: &[(&str, String)]) {
        let width = fields.iter().map(|(name, _)| name.width()).max().unwrap_or(0);
        for (name, value) in fields.iter().filter(|(_, value)| !value.is_empty()) {
            self.field(width, name, value);
        }
    }

    /// As [`Self::fields`], set in under a heading.
    pub(crate) fn indented(&self, fields: &[(&str, String)]) {
        let names: Vec<String> = fields.iter().map(|(name, _)| format!("  {name}")).collect();
        let fields: Vec<(&str, String)> =
            names.iter().zip(fields).map(|(name, (_, value))| (name.as_str(), value.clone())).collect();
        self.fields(&fields);
    }

    /// A remark under a heading.
    pub(crate) fn mark(&self, tone: Tone, text: &str) {
        let sign = match tone {
            Tone::Good => "+",
            Tone::Careful | Tone::Bad => "!",
            Tone::Plain | Tone::Faint | Tone::Strong => "-",
        };
        self.line(&format!("  {} {}", self.paint(tone, sign), clean(text)));
    }

    /// Rows under a heading, aligned in columns.
    pub(crate) fn table(&self, headings: &[&str], rows: &[Vec<String>]) {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| clean(cell)).collect()).collect();
        let widths: Vec<usize> = headings
            .iter()
            .enumerate()
            .map(|(at, heading)| {
                let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.width());
                cells.chain([heading.width()]).max().unwrap_or(0)
            })
            .collect();
        let join = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> = cells.zip(&widths).map(|(cell, width)| pad(cell, *width)).collect();
            padded.join("  ").trim_end().to_owned()
        };
        self.line(&self.paint(Tone::Strong, &join(&mut headings.iter().copied())));
        for row in &rows {
            self.line(&join(&mut row.iter().map(String::as_str)));
        }
    }

    /// Something that went wrong, with what to do about it.
    pub(crate) fn error(&self, text: &str, remedy: Option<&str>) {
        let mut err = io::stderr().lock();
        let mark = paint(self.colour_errors, Tone::Bad, self.words().error);
        write_line(&mut err, &format!("{mark}: {}", clean(text)));
        if let Some(remedy) = remedy {
            write_line(&mut err, &format!("  {}", clean(remedy)));
        }
    }

    /// Something worth knowing that stops nothing.
    pub(crate) fn notice(&self, text: &str) {
        let mark = paint(self.colour_errors, Tone::Careful, self.words().notice);
        write_line(&mut io::stderr().lock(), &format!("{mark}: {}", clean(text)));
    }

    /// Text on standard error as it is, such as a question.
    pub(crate) fn say(&self, text: &str) {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{text}").and_then(|()| err.flush());
    }
}

fn paint(colour: bool, tone: Tone, text: &str) -> String {
    if colour && tone != Tone::Plain {
        format!("\x1b[{}m{text}\x1b[0m", tone.code())
    } else {
        text.to_owned()
    }
}

/// A line on standard error; where that cannot be written, nothing else can be told either.
fn write_line(out: &mut impl Write, text: &str) {
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// `text` filled with spaces to `width` columns; Chinese characters take two.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// `text` without control characters and without those that turn the direction of writing.
pub(crate) fn clean(text: &str) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if steers(c) { '\u{fffd}' } else { c }).collect()
}

/// The language that was asked for, or else that of the locale.
pub(crate) fn language(asked: Option<Language>) -> Language {
    asked.unwrap_or_else(|| language_of(variable("LC_ALL"), variable("LANG")))
}

/// A variable of the environment that says something.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// The language of the locale: Chinese if it begins with `zh`.
fn language_of(lc_all: Option<String>, lang: Option<String>) -> Language {
    let locale = lc_all.or(lang).unwrap_or_default();
    if locale.to_ascii_lowercase().starts_with("zh") { Language::Zh } else { Language::En }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_locale_decides_the_language() {
        let of =
            |all: Option<&str>, lang: Option<&str>| language_of(all.map(Into::into), lang.map(Into::into));
        assert_eq!(of(None, Some("zh_CN.UTF-8")), Language::Zh);
        assert_eq!(of(Some("en_GB.UTF-8"), Some("zh_CN.UTF-8")), Language::En);
        assert_eq!(of(Some("ZH_TW"), None), Language::Zh);
        assert_eq!(of(None, None), Language::En);
    }

    #[test]
    fn text_from_outside_cannot_steer_the_terminal() {
        assert_eq!(clean("a\x1b[31mb\nc\u{202e}d\u{9b}e"), "a\u{fffd}[31mb\u{fffd}c\u{fffd}d\u{fffd}e");
        assert_eq!(clean("杯子 ok"), "杯子 ok");
    }

    #[test]
    fn chinese_is_two_columns_wide() {
        assert_eq!(pad("杯子", 6), "杯子  ");
        assert_eq!(pad("cup", 2), "cup");
    }
}
