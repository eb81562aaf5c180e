//! A workspace in a temporary folder, and the program run in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A temporary workspace.
pub struct Desk {
    dir: tempfile::TempDir,
}

/// What a run left.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    fn of(output: Output) -> Self {
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// The one JSON document.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|e| panic!("not JSON: {e}\n{}\n{}", self.stdout, self.stderr))
    }

    /// Asserts success.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }
}

pub fn program() -> Command {
    let mut c = Command::new(env!("CARGO_BIN_EXE_pilot"));
    c.stdin(Stdio::null())
        .env_remove("NO_COLOR")
        .env("COLUMNS", "100");
    c
}

impl Desk {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let desk = Desk { dir };
        desk.write("pilot.toml", "");
        fs::create_dir_all(desk.path("experiments")).unwrap();
        fs::create_dir_all(desk.path("reports")).unwrap();
        desk
    }

    pub fn root(&self) -> &Path {
        self.dir.path()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// Copies a file of the repository.
    pub fn copy(&self, name: &str) {
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
        self.write(name, fs::read(from).unwrap());
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut c = program();
        c.current_dir(self.root()).args(args);
        c
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).output().unwrap())
    }

    /// Every file but locks, with its bytes' digest.
    pub fn files(&self) -> BTreeMap<String, u64> {
        fn walk(dir: &Path, root: &Path, into: &mut BTreeMap<String, u64>) {
            use std::hash::{DefaultHasher, Hash, Hasher};
            let Ok(entries) = fs::read_dir(dir) else {
                return;
            };
            for entry in entries.flatten() {
                let path = entry.path();
                let name = path
                    .strip_prefix(root)
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                if name.ends_with(".lock") {
                    continue;
                }
                if path.is_dir() && !path.is_symlink() {
                    into.insert(name + "/", 0);
                    walk(&path, root, into);
                } else {
                    let mut h = DefaultHasher::new();
                    fs::read(&path).unwrap_or_default().hash(&mut h);
                    into.insert(name, h.finish());
                }
            }
        }
        let mut files = BTreeMap::new();
        walk(self.root(), self.root(), &mut files);
        files
    }
}

/// A plan for a counts file `data/counts.csv` with the columns customer_id, arm, before, after.
pub const COUNTS_PLAN: &str = r#"schema = 1

[experiment]
name = "t"
seed = 7

[assignment]
method = "existing"

[[arms]]
name = "control"
control = true

[[arms]]
name = "treatment"

[data.counts]
path = "data/counts.csv"
columns = { unit = "customer_id", arm = "arm" }

[[outcomes]]
name = "contacts"
role = "primary"

[analysis]
estimator = "lin"
permutations = 999
"#;
