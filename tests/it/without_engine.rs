//! A build without the embedded engine says so.

use std::path::Path;

use pilot::engine::{Choice, Request, scan};
use pilot::error::Kind;
use pilot::experiment::parse;

#[test]
fn parquet_and_the_embedded_engine_are_refused_with_a_hint() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("rows.parquet"), "PAR1").unwrap();
    let text = r#"
schema = 1
[experiment]
name = "plan"
seed = 1
[assignment]
method = "existing"
[[arms]]
name = "control"
control = true
weight = 1
[[arms]]
name = "video"
weight = 1
[data.counts]
path = "rows.parquet"
columns = { arm = "arm" }
[[outcomes]]
name = "contacts"
role = "primary"
kind = "count"
"#;
    let experiment = parse(text, Path::new("plan.toml")).unwrap().experiment;
    let request = Request::new(&experiment, folder.path(), &|_| Ok(()));
    let error = scan(&request).unwrap_err();
    assert_eq!(error.kind(), Kind::Data);
    assert!(error.hint_text().unwrap().contains("`engine`"), "{error}");
    let embedded = Request {
        engine: Choice::Embedded,
        ..request
    };
    assert_eq!(scan(&embedded).unwrap_err().kind(), Kind::Usage);
}
