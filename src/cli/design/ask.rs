//! What is not given as a flag is asked for at a terminal.

use dialoguer::Input;
use dialoguer::console::Term;

use crate::error::{Error, Kind, Result};

/// What a question that was not answered, or could not be asked, is to a user.
pub fn asked(e: dialoguer::Error) -> Error {
    let dialoguer::Error::IO(cause) = &e;
    if cause.kind() == std::io::ErrorKind::Interrupted {
        // Some questions hide the cursor, and only an answer shows it again.
        let _ = Term::stderr().show_cursor();
        return Error::new(Kind::Interrupted, "interrupted; no plan was written");
    }
    Error::usage(format!("the question was not answered: {e}"))
        .hint("give the answers as flags; see `pilot design --help`")
}

/// A text by flag, or asked for; empty is none.
///
/// # Errors
/// The question was not answered.
pub fn question(prompt: &str, given: &Option<String>, asks: bool) -> Result<Option<String>> {
    answer(prompt, given, asks, |_| Ok(()))
}

/// Asks until the answer is empty or `right`.
pub fn answer(
    prompt: &str,
    given: &Option<String>,
    asks: bool,
    right: impl Fn(&str) -> Result<()>,
) -> Result<Option<String>> {
    if given.is_some() || !asks {
        return Ok(given.clone());
    }
    let text: String = Input::new()
        .with_prompt(prompt)
        .allow_empty(true)
        .validate_with(|text: &String| match right(text) {
            Err(e) if !text.trim().is_empty() => {
                Err(format!("{}: {}", e.message(), e.hint_text().unwrap_or("")))
            }
            _ => Ok(()),
        })
        .interact_text()
        .map_err(asked)?;
    Ok(Some(text).filter(|t| !t.trim().is_empty()))
}

/// A number by flag, or asked for; empty is unknown.
pub fn figure(prompt: &str, given: Option<f64>, asks: bool) -> Result<Option<f64>> {
    if given.is_some() {
        return Ok(given);
    }
    let wrong = |_| Error::usage("this is no number").hint("for example 0.6; empty: not known");
    let parse = |text: &str| text.trim().parse::<f64>().map_err(wrong);
    answer(prompt, &None, asks, |text| parse(text).map(|_| ()))?
        .map(|text| parse(&text))
        .transpose()
}
