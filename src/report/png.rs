//! SVG → PNG, twice the size, with the bundled fonts only.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::Tree;

use crate::error::{Error, Result};
use crate::report::fonts;

const SCALE: f32 = 2.0;

/// Renders a chart's SVG.
///
/// Errors: an internal one where the SVG cannot be read or the picture is too large.
pub fn render(svg: &str) -> Result<Vec<u8>> {
    let tree = Tree::from_str(svg, &fonts::options())
        .map_err(|e| Error::internal(format!("chart: {e}")))?;
    let size = tree.size();
    let pixels = |length: f32| (length * SCALE).ceil() as u32;
    let mut pixmap = Pixmap::new(pixels(size.width()), pixels(size.height()))
        .ok_or_else(|| Error::internal("chart: too large for a picture"))?;
    resvg::render(
        &tree,
        Transform::from_scale(SCALE, SCALE),
        &mut pixmap.as_mut(),
    );
    pixmap
        .encode_png()
        .map_err(|e| Error::internal(format!("chart: {e}")))
}
