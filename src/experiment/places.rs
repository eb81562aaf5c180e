//! Where data are, as reports may say it.

/// A path as reports show it: relative as the plan has it, absolute without its folders. Reports
/// leave the house, and whose machine the data lay on is nobody's business.
pub(crate) fn shown(path: &str) -> String {
    let drive = path.as_bytes().get(1) == Some(&b':');
    let absolute = drive || path.starts_with(['/', '\\', '~']);
    let name = path.rsplit(['/', '\\']).next();
    match name.filter(|_| absolute) {
        Some(name) => format!("…/{name}"),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_lose_their_folders() {
        assert_eq!(shown("data/contacts-*.csv"), "data/contacts-*.csv");
        assert_eq!(shown("../exports/c.csv"), "../exports/c.csv");
        for path in [
            "/home/ada/c.csv",
            r"C:\Users\ada\c.csv",
            r"\\host\share\c.csv",
            "~/c.csv",
        ] {
            assert_eq!(shown(path), "…/c.csv");
        }
    }
}
