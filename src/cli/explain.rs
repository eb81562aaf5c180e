//! `pilot explain`: the user's pages, section by section.

use crate::error::{Error, Result, nearest};

use super::ui::Ui;

/// What a check, estimator or word of a report means.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  pilot explain            the list of topics\n  pilot explain lin\n  pilot explain srm"
)]
pub struct Args {
    /// A topic, for example srm, welch or npv
    topic: Option<String>,
}

const PAGES: [(&str, &str); 7] = [
    ("Health checks", include_str!("../../docs/checks.md")),
    ("Estimators", include_str!("../../docs/statistics.md")),
    ("Looking early", include_str!("../../docs/looking-early.md")),
    (
        "Words of the report",
        include_str!("../../docs/reading-the-report.md"),
    ),
    ("Approvals", include_str!("../../docs/approvals.md")),
    ("Business case", include_str!("../../docs/business-case.md")),
    ("Simulation", include_str!("../../docs/simulate.md")),
];

struct Topic {
    page: &'static str,
    names: Vec<String>,
    text: String,
}

/// Sections of a page; what stands before a dash in the heading, separated by commas, are its topics.
fn topics() -> Vec<Topic> {
    let mut topics: Vec<Topic> = Vec::new();
    for (page, text) in PAGES {
        let mut open = false;
        for line in text.lines() {
            if let Some(heading) = line
                .strip_prefix("## ")
                .or_else(|| line.strip_prefix("### "))
            {
                let names = heading
                    .split(" – ")
                    .next()
                    .unwrap_or(heading)
                    .split([',', '/', ':'])
                    .map(|n| n.trim().trim_matches('`').to_lowercase())
                    .filter(|n| !n.is_empty())
                    .collect();
                topics.push(Topic {
                    page,
                    names,
                    text: heading.replace('`', "") + "\n",
                });
                open = true;
            } else if line.starts_with("# ") {
                open = false;
            } else if open && let Some(topic) = topics.last_mut() {
                topic.text.push_str(line);
                topic.text.push('\n');
            }
        }
    }
    topics
}

/// How often a text holds a word of its own.
fn mentions(text: &str, word: &str) -> usize {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric() && c != '-')
        .filter(|w| *w == word)
        .count()
}

/// Runs the command.
pub fn run(args: &Args, ui: &Ui) -> Result<()> {
    let topics = topics();
    let Some(wanted) = &args.topic else {
        if ui.json {
            let names: Vec<_> = topics.iter().flat_map(|t| &t.names).collect();
            return ui.document(&names);
        }
        for (page, _) in PAGES {
            let names: Vec<_> = topics
                .iter()
                .filter(|t| t.page == page)
                .map(|t| t.names.join(", "))
                .collect();
            ui.say(format!("{page}\n  {}\n", names.join("\n  ")))?;
        }
        return ui.next("pilot explain TOPIC");
    };
    let word = wanted.to_lowercase();
    let found = topics.iter().find(|t| t.names.contains(&word)).or_else(|| {
        topics.iter().find(|t| {
            t.names
                .iter()
                .any(|n| n.split([' ', '-']).any(|w| w == word))
        })
    });
    let mentioned = || {
        let counted = topics.iter().map(|t| (mentions(&t.text, &word), t));
        // The first of those that name it most often.
        counted
            .rev()
            .max_by_key(|(n, _)| *n)
            .filter(|(n, _)| *n > 0)
    };
    let found = found.or_else(|| {
        let (_, topic) = mentioned()?;
        ui.note(format!(
            "note: \"{wanted}\" has no section of its own; this one names it most often"
        ));
        Some(topic)
    });
    match found {
        Some(topic) if ui.json => {
            ui.document(&serde_json::json!({ "topic": topic.names, "text": topic.text }))
        }
        Some(topic) => {
            ui.say(topic.text.trim_end())?;
            ui.next("pilot explain lists all topics")
        }
        None => {
            let error = Error::usage(format!("there is no topic \"{wanted}\""));
            let names = topics
                .iter()
                .flat_map(|t| t.names.iter().map(String::as_str));
            Err(match nearest(&word, names) {
                Some(near) => error.hint(format!("perhaps `pilot explain {near}`")),
                None => error.hint("`pilot explain` lists the topics"),
            })
        }
    }
}
