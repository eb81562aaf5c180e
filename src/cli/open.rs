//! Opening a file in the user's own viewer.

use std::path::Path;
use std::process::{Command, Stdio};

use super::ui::Ui;

/// Opens `path` with the system's viewer; a remark where there is none.
pub fn open_file(path: &Path, ui: &Ui) {
    let program = if cfg!(target_os = "macos") {
        "open"
    } else if cfg!(windows) {
        "explorer"
    } else {
        "xdg-open"
    };
    let started = Command::new(program)
        .arg(path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if let Err(e) = started {
        ui.warn(format!(
            "cannot open {} with {program}: {e}",
            path.display()
        ));
    }
}
