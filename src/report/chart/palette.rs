//! Colours that colour-blind readers can tell apart, and markers for everyone else's printer.

use plotters::style::RGBColor;

use crate::report::chart::canvas::{Canvas, Point};
use crate::report::typeset::Style;

/// Text.
pub const INK: &str = "#1f2933";
/// Text of less weight.
pub const GREY: &str = "#52606d";
/// Lines of reference.
pub const RULE: &str = "#7b8794";
/// Grid.
pub const GRID: &str = "#dde2e7";
/// Every other row.
pub const BAND: &str = "#f5f7f9";
/// Behind a marker that is not filled.
pub const PAPER: &str = "#ffffff";
/// Behind a banner.
pub const ALARM: &str = "#ffe3c2";
/// Text of a banner.
pub const ALARM_INK: &str = "#7a3e00";
/// Control, everywhere.
pub const CONTROL: &str = "#52606d";

/// Okabe & Ito (2008) without black, darkest first.
const TREATMENTS: [&str; 7] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#b8a800",
];

/// The title of a chart.
pub const TITLE: Style = Style {
    size: 19.0,
    bold: true,
    color: INK,
};
/// The line under the title.
pub const SUBTITLE: Style = Style {
    size: 12.5,
    bold: false,
    color: GREY,
};
/// Names of arms, values.
pub const LABEL: Style = Style {
    size: 13.0,
    bold: false,
    color: INK,
};
/// Values that matter.
pub const STRONG: Style = Style {
    size: 13.0,
    bold: true,
    color: INK,
};
/// Remarks beside a label.
pub const NOTE: Style = Style {
    size: 11.0,
    bold: false,
    color: GREY,
};
/// Ticks and titles of axes.
pub const AXIS: Style = Style {
    size: 11.5,
    bold: false,
    color: GREY,
};
/// The source line.
pub const SOURCE: Style = Style {
    size: 10.0,
    bold: false,
    color: GREY,
};

/// Colour of the treatment with this index among the treatments.
pub fn treatment(index: usize) -> &'static str {
    TREATMENTS[index % TREATMENTS.len()]
}

/// `#rrggbb` as plotters' colour.
pub fn rgb(color: &str) -> RGBColor {
    let part = |at: usize| {
        color
            .get(at..at + 2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
            .unwrap_or(0)
    };
    RGBColor(part(1), part(3), part(5))
}

/// Which of the seven shapes the treatment with this index has.
fn shape(index: usize) -> usize {
    (index + index / TREATMENTS.len()) % 7
}

/// Draws the marker of the treatment with this index: circle, square, triangle, diamond … Where
/// colours begin again, shapes do not: with both together, 49 treatments can be told apart.
pub fn marker(canvas: &mut Canvas, index: usize, at: Point, radius: f64, color: &'static str) {
    let polygon = |sides: usize, turn: f64, stretch: f64| -> Vec<Point> {
        (0..sides)
            .map(|i| {
                let angle = std::f64::consts::TAU * (i as f64 / sides as f64) + turn;
                let r = radius * stretch;
                (at.0 + r * angle.sin(), at.1 - r * angle.cos())
            })
            .collect()
    };
    let quarter = std::f64::consts::FRAC_PI_4;
    match shape(index) {
        0 => canvas.disc(at, radius, color),
        1 => canvas.area(polygon(4, quarter, 1.25), color, 1.0),
        2 => canvas.area(polygon(3, 0.0, 1.35), color, 1.0),
        3 => canvas.area(polygon(4, 0.0, 1.35), color, 1.0),
        4 => canvas.area(polygon(3, std::f64::consts::PI, 1.35), color, 1.0),
        5 => canvas.area(polygon(5, 0.0, 1.2), color, 1.0),
        _ => canvas.area(polygon(6, 0.0, 1.15), color, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn treatments_can_be_told_apart() {
        let looks: BTreeSet<_> = (0..49).map(|i| (treatment(i), shape(i))).collect();
        assert_eq!(looks.len(), 49);
    }
}
