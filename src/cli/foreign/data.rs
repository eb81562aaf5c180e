//! The pilots whose reports are read.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::stats::Estimator;

/// Counts without money, regions with money, a log with all there is, and one with looks.
pub const PILOTS: [&str; 4] = ["progabide", "ivr-fee-notice", "teaching", "looking"];

/// Who approves.
pub const PERSON: &str = "Zzperson";
pub const ROLE: &str = "zzrole";

const TEACHING: &str = include_str!("teaching.toml");

/// Writes a workspace with plans and data.
pub fn write(desk: &Path) {
    let put = |name: &str, text: &str| {
        let path = desk.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    put("pilot.toml", "");
    fs::create_dir(desk.join("reports")).unwrap();
    for (name, plan) in plans() {
        put(&format!("experiments/{name}.toml"), &plan);
    }
    for data in ["progabide/counts.csv", "ivr-fee-notice/days.csv"] {
        let data = format!("experiments/{data}");
        put(&data, &of_repository(&data));
    }
    let (customers, contacts) = log();
    put("customers.csv", &customers);
    put("contacts.csv", &contacts);
}

fn of_repository(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

fn plans() -> [(&'static str, String); 4] {
    let example = |name: &str| one_word_each(&of_repository(&format!("experiments/{name}.toml")));
    let looks = "[analysis.sequential]\nlooks = [\"2026-03-20\", \"2026-04-11\"]\n\
                 futility = { spending = \"obrien-fleming\", beta = 0.2 }\n\n[decision]";
    let looking = TEACHING
        .replace("\"teaching\"", "\"looking\"")
        .replace("[decision]", looks);
    [
        (PILOTS[0], example(PILOTS[0])),
        (PILOTS[1], example(PILOTS[1])),
        (PILOTS[2], TEACHING.into()),
        (PILOTS[3], looking),
    ]
}

/// The plan with its free texts as one word each.
fn one_word_each(plan: &str) -> String {
    let free = ["title = ", "problem = ", "owner = "];
    let lines = plan.lines().map(|line| {
        let own = free.iter().find(|key| line.starts_with(**key));
        own.map_or(line.to_owned(), |key| format!("{key}\"Zz{}\"", line.len()))
    });
    lines.map(|line| line + "\n").collect()
}

/// Four hundred customers an arm; fewer calls with the tips, fewest soon after them. Values that a
/// report shows have names of one word.
fn log() -> (String, String) {
    let mut customers = String::from("customer,arm,tariff,opened\n");
    let mut contacts = String::from("customer,at,topic,channel,aht\n");
    for (arm, keeps) in [("zzcontrol", 10), ("zztips", 6), ("zzclip", 9)] {
        for i in 0..400_u32 {
            let tariff = if i % 4 == 0 { "zzplus" } else { "zzbasic" };
            let opened = u8::from(arm != "zzcontrol" && i % 3 != 0);
            writeln!(customers, "{arm}-{i},{arm},{tariff},{opened}").unwrap();
            for nth in 0..(i * 7 % 5) {
                let week = (i + 3 * nth) % 6;
                let topic = if (i + nth) % 4 == 0 {
                    "zzother"
                } else {
                    "zzfees"
                };
                let channel = if i % 2 == 0 { "zzphone" } else { "zzmail" };
                let rest = format!("{topic},{channel},{}", 120 + 60 * (i % 7));
                writeln!(
                    contacts,
                    "{arm}-{i},2026-01-{:02}T10:00:00Z,{rest}",
                    1 + i % 31
                )
                .unwrap();
                if (i + nth) % 10 >= keeps + week / 3 {
                    continue;
                }
                let day = 1 + 7 * week + i % 7;
                let (month, day) = if day > 31 { (4, day - 31) } else { (3, day) };
                writeln!(
                    contacts,
                    "{arm}-{i},2026-{month:02}-{day:02}T10:00:00Z,{rest}"
                )
                .unwrap();
            }
        }
    }
    (customers, contacts)
}

/// Values of columns and of an estimate's detail, which programs compare.
pub const VALUES: [&str; 9] = [
    "no roll-out",
    "agents before",
    "hours avoided",
    "fewer agents",
    "keep agents",
    "keep occupancy",
    "lower occupancy",
    "regions and blocks",
    "the plan states no range",
];

/// Keys whose values a report says in its own words.
const CHOICES: [&str; 7] = [
    "better", "design", "estimand", "kind", "method", "role", "scale_if",
];

/// Names that are the same in every language, in small letters: what stands between quotes in the
/// plans, and estimators.
pub fn names() -> BTreeSet<String> {
    let plans = plans();
    let lines = plans.iter().flat_map(|(_, plan)| plan.lines());
    let lines = lines.filter(|line| !CHOICES.iter().any(|key| line.starts_with(key)));
    let uncommented = lines.map(|line| line.split('#').next().unwrap_or_default());
    let quoted = uncommented.flat_map(|line| line.split('"').skip(1).step_by(2));
    let estimators = Estimator::ALL.iter().map(|e| e.name());
    let names: Vec<&str> = quoted.chain(estimators).chain([PERSON, ROLE]).collect();
    // Of an outcome "fee-calls" a report says "fee calls".
    let parts = names.iter().flat_map(|name| name.split('-'));
    let all = parts.chain(names.iter().copied());
    all.map(str::to_lowercase).collect()
}
