//! What Typst sees: two templates, the data, the charts and the bundled fonts. No file, no network, no clock.

use std::collections::BTreeMap;

use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Dict, Duration, Value};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_layout::PagedDocument;

/// Files by name; the main one is among them.
pub struct Files {
    main: FileId,
    sources: BTreeMap<&'static str, Source>,
    files: BTreeMap<String, Bytes>,
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
}

impl Files {
    /// The world of a template: `sources` are Typst text of ours, the first one is the main one;
    /// `charts` are SVG by name; `data` is what the template finds as `sys.inputs.data`.
    ///
    /// # Errors
    /// In words: data that are no Typst values.
    pub fn new(
        sources: &[(&'static str, &str)],
        charts: &[(String, Vec<u8>)],
        data: &serde_json::Value,
        fonts: impl Iterator<Item = &'static [u8]>,
    ) -> Result<Self, String> {
        let data: Value = serde::Deserialize::deserialize(data).map_err(|e| e.to_string())?;
        let mut inputs = Dict::new();
        inputs.insert("data".into(), data);
        let fonts: Vec<Font> = fonts
            .flat_map(|bytes| Font::iter(Bytes::new(bytes)))
            .collect();
        let (main, _) = sources.first().ok_or("no template")?;
        Ok(Files {
            main: id(main)?,
            sources: sources
                .iter()
                .map(|(name, text)| Ok((*name, Source::new(id(name)?, (*text).to_owned()))))
                .collect::<Result<_, String>>()?,
            files: (charts.iter())
                .map(|(name, bytes)| (name.clone(), Bytes::new(bytes.clone())))
                .collect(),
            library: LazyHash::new(Library::builder().with_inputs(inputs).build()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
        })
    }

    /// Lays the document out.
    ///
    /// # Errors
    /// What Typst complains of, in words.
    pub fn lay_out(&self) -> Result<PagedDocument, String> {
        let said = |list: &[SourceDiagnostic]| {
            let words: Vec<&str> = list.iter().map(|d| d.message.as_str()).collect();
            words.join("; ")
        };
        typst::compile::<PagedDocument>(self)
            .output
            .map_err(|errors| said(&errors))
    }
}

fn id(name: &str) -> Result<FileId, String> {
    let path = VirtualPath::new(name).map_err(|e| format!("{name}: {e:?}"))?;
    Ok(RootedPath::new(VirtualRoot::Project, path).intern())
}

impl Files {
    /// The name of a file of ours; `None` for whatever else a template might ask for.
    fn name(id: FileId) -> Option<String> {
        match id.root() {
            VirtualRoot::Project => {
                let path = id.vpath().get_with_slash();
                Some(path.trim_start_matches('/').to_owned())
            }
            VirtualRoot::Package(_) => None,
        }
    }
}

impl World for Files {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        let name = Self::name(id).ok_or(FileError::AccessDenied)?;
        let source = self.sources.get(name.as_str()).cloned();
        source.ok_or(FileError::AccessDenied)
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let name = Self::name(id).ok_or(FileError::AccessDenied)?;
        self.files
            .get(&name)
            .cloned()
            .ok_or(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
