//! The bundled fonts: which one has a character, how wide a text is, and usvg's options.
//!
//! System fonts are never used, so a chart measures and renders alike on every machine.

use std::sync::{Arc, LazyLock};

use harfrust::{Direction, FontRef, ShapeOptions, ShaperData, UnicodeBuffer};
use resvg::usvg;
use skrifa::MetadataProvider;
use skrifa::charmap::Charmap;

macro_rules! font {
    ($file:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/assets/fonts/", $file))
    };
}

/// A bundled family: its name, its regular and its bold file. Earlier ones are preferred.
const FAMILIES: [(&str, &[u8], &[u8]); 5] = [
    (
        "Liberation Sans",
        font!("LiberationSans-Regular.ttf"),
        font!("LiberationSans-Bold.ttf"),
    ),
    (
        "Noto Sans",
        font!("NotoSans-Regular.ttf"),
        font!("NotoSans-Bold.ttf"),
    ),
    (
        "Noto Sans Arabic UI",
        font!("NotoSansArabicUI-Regular.ttf"),
        font!("NotoSansArabicUI-Bold.ttf"),
    ),
    (
        "Noto Sans Thai UI",
        font!("NotoSansThaiUI-Regular.ttf"),
        font!("NotoSansThaiUI-Bold.ttf"),
    ),
    (
        "Droid Sans Fallback",
        font!("DroidSansFallbackFull.ttf"),
        font!("DroidSansFallbackFull.ttf"),
    ),
];

/// Families for an SVG shown elsewhere: the first ones are equally wide.
pub const STACK: &str = "'Liberation Sans',Arimo,Arial,Helvetica,'Noto Sans','Noto Sans Arabic UI',\
    'Noto Sans Arabic','Noto Sans Thai UI','Noto Sans CJK SC','Microsoft YaHei','PingFang SC',\
    'Droid Sans Fallback','DejaVu Sans',sans-serif";

/// Names of the families, preferred ones first.
#[cfg(feature = "pdf")]
pub fn names() -> [&'static str; FAMILIES.len()] {
    FAMILIES.map(|f| f.0)
}

/// The font files.
#[cfg(feature = "pdf")]
pub fn files() -> impl Iterator<Item = &'static [u8]> {
    let (regular, bold) = (FAMILIES.iter().map(|f| f.1), FAMILIES.iter().map(|f| f.2));
    regular.chain(bold)
}

/// Index of a bundled family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Family(usize);

impl Family {
    /// Latin, Greek, Cyrillic and Hebrew.
    pub const LATIN: Family = Family(0);

    /// The name in `font-family`.
    pub fn name(self) -> &'static str {
        FAMILIES[self.0].0
    }

    /// The first family that has `c`.
    pub fn of(c: char) -> Option<Family> {
        (0..FAMILIES.len()).map(Family).find(|family| family.has(c))
    }

    /// Whether the family has `c`, or needs nothing to show it.
    pub fn has(self, c: char) -> bool {
        is_ignorable(c) || FACES[self.0].charmap.map(c).is_some()
    }
}

/// Characters that no font of ours has: they would be drawn as a box.
pub fn missing(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| Family::of(*c).is_none())
}

/// Joiners, directional marks, variation selectors: they draw nothing.
pub fn is_ignorable(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}')
}

struct Face {
    font: FontRef<'static>,
    shaper: ShaperData,
    charmap: Charmap<'static>,
}

/// Regular faces, then bold ones, each in the order of [`FAMILIES`].
static FACES: LazyLock<Vec<Face>> = LazyLock::new(|| {
    let regular = FAMILIES.iter().map(|f| f.1);
    let bold = FAMILIES.iter().map(|f| f.2);
    regular
        .chain(bold)
        .map(|bytes| {
            // The bytes are compiled in, and every one is read by the tests.
            let font = FontRef::new(bytes).expect("a bundled font");
            let charmap = skrifa::FontRef::new(bytes)
                .expect("a bundled font")
                .charmap();
            Face {
                shaper: ShaperData::new(&font),
                font,
                charmap,
            }
        })
        .collect()
});

/// Width of a run of one family and direction, shaped, in the unit of `size`.
pub fn run_width(text: &str, family: Family, bold: bool, size: f64, rtl: bool) -> f64 {
    let face = &FACES[family.0 + if bold { FAMILIES.len() } else { 0 }];
    let shaper = face.shaper.shaper(&face.font).build();
    let mut buffer = UnicodeBuffer::new();
    buffer.push_str(text);
    buffer.set_direction(if rtl {
        Direction::RightToLeft
    } else {
        Direction::LeftToRight
    });
    buffer.guess_segment_properties();
    let shaped = shaper.shape(buffer, ShapeOptions::new());
    let advance: i64 = shaped
        .glyph_positions()
        .iter()
        .map(|p| i64::from(p.x_advance))
        .sum();
    advance as f64 * size / f64::from(shaper.units_per_em())
}

static DATABASE: LazyLock<(Arc<usvg::fontdb::Database>, Vec<Option<usvg::fontdb::ID>>)> =
    LazyLock::new(|| {
        let mut db = usvg::fontdb::Database::new();
        let mut ids = Vec::new();
        for bytes in FAMILIES
            .iter()
            .map(|f| f.1)
            .chain(FAMILIES.iter().map(|f| f.2))
        {
            let source = usvg::fontdb::Source::Binary(Arc::new(bytes));
            ids.push(db.load_font_source(source).first().copied());
        }
        (Arc::new(db), ids)
    });

/// Options that know the bundled fonts and nothing else.
///
/// A run names its family, bold or not; where the family is not ours, Latin is used.
pub fn options() -> usvg::Options<'static> {
    let select_font: usvg::FontSelectionFn<'static> = Box::new(|font, _| {
        let family = font
            .families()
            .iter()
            .find_map(|wanted| match wanted {
                usvg::FontFamily::Named(name) => FAMILIES.iter().position(|f| f.0 == name),
                _ => None,
            })
            .unwrap_or(0);
        let bold = if font.weight() >= 600 {
            FAMILIES.len()
        } else {
            0
        };
        DATABASE.1[family + bold]
    });
    usvg::Options {
        fontdb: DATABASE.0.clone(),
        font_resolver: usvg::FontResolver {
            select_font,
            // Runs are split by family before they are drawn; what is left has no glyph at all.
            select_fallback: Box::new(|_, _, _| None),
        },
        ..usvg::Options::default()
    }
}
