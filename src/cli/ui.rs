//! What the terminal shows: results on stdout, everything else on stderr.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use crate::error::{Error, Kind, Result, inert};
use crate::interrupt;
use crate::report::{self, RenderedFile};

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Color {
    /// At a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// How to talk to the user.
#[derive(Debug, Clone, Copy)]
pub struct Ui {
    /// One JSON document on stdout, nothing else.
    pub json: bool,
    /// No progress, no notes.
    pub quiet: bool,
    /// Say more.
    pub verbose: bool,
    /// Colour stdout.
    pub color: bool,
    /// Columns of the terminal.
    pub width: usize,
}

impl Ui {
    /// The way to talk that the flags and the terminal ask for.
    pub fn new(json: bool, quiet: bool, verbose: bool, color: Color) -> Self {
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                io::stdout().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
            }
        };
        let width = console_width().clamp(40, 100);
        Ui {
            json,
            quiet,
            verbose,
            color: color && !json,
            width,
        }
    }

    /// Prints a result. Nothing with `--json`: results are then one document.
    pub fn say(&self, text: impl AsRef<str>) -> Result<()> {
        match (self.json, self.color) {
            (true, _) => Ok(()),
            (false, true) => print(&inert_but_colours(text.as_ref())),
            (false, false) => print(&inert(text.as_ref())),
        }
    }

    /// What a dry run would do.
    pub fn plan(&self, steps: &Steps) -> Result<()> {
        if self.json {
            return self.document(steps);
        }
        for path in &steps.reads {
            self.say(format!("would read  {path}"))?;
        }
        for path in &steps.writes {
            self.say(format!("would write {path}"))?;
        }
        self.next("the same without --dry-run")
    }

    /// Prints the one JSON document.
    pub fn document(&self, value: &impl Serialize) -> Result<()> {
        let mut text = serde_json::to_string_pretty(value)
            .map_err(|e| Error::internal(format!("the result is not JSON: {e}")))?;
        text.push('\n');
        print(&text)
    }

    /// Prints a result that an error stopped: with `--json` one document that holds both.
    pub fn stopped(&self, value: &impl Serialize, error: Error) -> Result<()> {
        if !self.json {
            return Err(error);
        }
        let mut document = serde_json::to_value(value)
            .map_err(|e| Error::internal(format!("the result is not JSON: {e}")))?;
        document["error"] = serde_json::to_value(&error).unwrap_or_default();
        self.document(&document)?;
        Err(error.shown())
    }

    /// Prints the last line: what to do next.
    pub fn next(&self, step: impl AsRef<str>) -> Result<()> {
        self.say(format!("next: {}", step.as_ref()))
    }

    /// A remark on stderr.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            complain(text.as_ref());
        }
    }

    /// A remark on stderr with `-v`.
    pub fn detail(&self, text: impl AsRef<str>) {
        if self.verbose {
            self.note(text);
        }
    }

    /// A warning on stderr, shown even with `-q`.
    pub fn warn(&self, text: impl AsRef<str>) {
        complain(&format!("warning: {}", text.as_ref()));
    }

    /// Warns of characters that pictures and pages show as boxes.
    pub fn boxes(&self, files: &[RenderedFile]) {
        if let Some(text) = report::boxes(files) {
            self.warn(text);
        }
    }

    /// Shows an error where the caller looks for it.
    pub fn error(&self, error: &Error) {
        if self.json {
            let _ = self.document(&serde_json::json!({ "error": error }));
        } else {
            complain(&format!("error: {error}"));
        }
    }

    /// A counter of rows that appears after a second, at a terminal only; it also notices interruption.
    pub fn progress(&self, what: &'static str) -> Progress {
        let shown = !self.quiet && !self.json && io::stderr().is_terminal();
        Progress {
            shown,
            what,
            total: None,
            begun: Instant::now(),
            bar: Mutex::new(None),
        }
    }

    /// A bar up to `total`, as [`Ui::progress`].
    pub fn progress_to(&self, what: &'static str, total: u64) -> Progress {
        let mut progress = self.progress(what);
        progress.total = Some(total);
        progress
    }
}

/// What a command would read and write.
#[derive(Debug, Default, Serialize)]
pub struct Steps {
    /// Files.
    #[serde(rename = "would_read")]
    pub reads: Vec<String>,
    /// Files and folders.
    #[serde(rename = "would_write")]
    pub writes: Vec<String>,
}

/// A counter that appears on long work.
pub struct Progress {
    shown: bool,
    what: &'static str,
    total: Option<u64>,
    begun: Instant,
    bar: Mutex<Option<ProgressBar>>,
}

impl Progress {
    /// Called now and then with the count so far.
    ///
    /// # Errors
    /// The user interrupted.
    pub fn tick(&self, count: u64) -> Result<()> {
        interrupt::check()?;
        if self.shown
            && self.begun.elapsed() > Duration::from_secs(1)
            && let Ok(mut bar) = self.bar.lock()
        {
            bar.get_or_insert_with(|| {
                let bar = ProgressBar::with_draw_target(self.total, ProgressDrawTarget::stderr());
                let template = match self.total {
                    Some(_) => "{msg} {bar:30} {human_pos}/{human_len}, {eta} left",
                    None => "{spinner} {msg} {human_pos} rows, {elapsed}",
                };
                if let Ok(style) = ProgressStyle::with_template(template) {
                    bar.set_style(style);
                }
                bar.set_message(self.what);
                bar
            })
            .set_position(count);
        }
        Ok(())
    }
}

impl Progress {
    /// Clears the counter.
    pub fn done(&self) {
        if let Ok(mut bar) = self.bar.lock()
            && let Some(bar) = bar.take()
        {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.done();
    }
}

fn console_width() -> usize {
    std::env::var("COLUMNS")
        .ok()
        .and_then(|c| c.parse().ok())
        .unwrap_or_else(|| {
            // clap's `wrap_help` brings this crate already.
            terminal_size::terminal_size().map_or(80, |(w, _)| usize::from(w.0))
        })
}

fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let end = if text.ends_with('\n') { "" } else { "\n" };
    match out
        .write_all(text.as_bytes())
        .and_then(|()| out.write_all(end.as_bytes()))
        .and_then(|()| out.flush())
    {
        Ok(()) => Ok(()),
        // The reader of a pipe has seen enough.
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(e) => Err(Error::new(Kind::Io, format!("cannot write to stdout: {e}"))),
    }
}

/// [`inert`], but for sequences that only colour.
fn inert_but_colours(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let (before, sequence) = rest.split_at(at);
        shown.push_str(&inert(before));
        let end = sequence[2..].find(|c: char| !c.is_ascii_digit() && c != ';');
        let end = end.filter(|end| sequence[2 + end..].starts_with('m'));
        let (code, after) = sequence.split_at(end.map_or(1, |end| end + 3));
        match end {
            Some(_) => shown.push_str(code),
            None => shown.push_str(&inert(code)),
        }
        rest = after;
    }
    shown.push_str(&inert(rest));
    shown
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", inert(text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_colours_pass() {
        let text = "a\u{1b}[1;31mred\u{1b}[0m\u{1b}[2J\u{1b}]0;x\u{7}\u{1b}[";
        let shown = "a\u{1b}[1;31mred\u{1b}[0m\\u{1b}[2J\\u{1b}]0;x\\u{7}\\u{1b}[";
        assert_eq!(inert_but_colours(text), shown);
    }
}
