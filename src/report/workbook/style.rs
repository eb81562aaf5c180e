//! How cells look, and what may be typed into those that are inputs.

use rust_xlsxwriter::{
    Color, DataValidation, DataValidationRule, Format, FormatAlign, FormatBorder, Formula,
};

use crate::error::Result;
use crate::texts::text;

use super::formula::literal;
use super::write::failed;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An amount of the currency, to its minor unit.
    Money,
    /// A price or cost of one thing: two digits more.
    Price,
    /// Contacts, minutes, customers, hours: whole.
    Count,
    /// Months, agents.
    Whole,
    /// A share, in percent.
    Share,
    /// A simulated chance, in percent: never 0 % or 100 %, which no simulation shows.
    Chance,
    /// A factor or a small amount of contacts: four digits.
    Factor,
    /// A very small amount: six digits.
    Small,
    /// As it is typed.
    Any,
}

/// How a cell looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Style {
    /// The sheet's title.
    Title,
    /// What must not be missed.
    Banner,
    /// The decision.
    Lead,
    /// A section.
    Heading,
    /// Head of a column of text.
    Head,
    /// Head of a column of numbers.
    HeadRight,
    /// Text.
    Text,
    /// Text that explains.
    Note,
    /// Text to the right of a number.
    Beside,
    /// Its head.
    HeadBeside,
    /// The defined name of the cell to the left.
    Name,
    /// What may be changed.
    Input(Kind),
    /// What a formula comes to, and facts.
    Live(Kind),
    /// The same, where the eye should go.
    Strong(Kind),
    /// From the simulation or the analysis: does not move.
    Fixed(Kind),
    /// Text that does not move.
    FixedText,
}

const DARK: u32 = 0x1F2937;
const INPUT_FILL: u32 = 0xFFF4CC;
const INPUT_TEXT: u32 = 0x1E3A8A;
const FIXED_FILL: u32 = 0xECEFF3;
const NOTE_TEXT: u32 = 0x4B5563;
/// The grey of months past the horizon, 4.7 : 1 on white.
pub const GREY: u32 = 0x737373;

impl Style {
    /// Size of its letters in points.
    pub fn size(self) -> f64 {
        match self {
            Style::Title => 16.0,
            Style::Lead => 13.0,
            Style::Heading => 12.0,
            _ => 11.0,
        }
    }

    /// Whether its text breaks into lines.
    pub fn wraps(self) -> bool {
        !matches!(
            self,
            Style::Heading
                | Style::Name
                | Style::Input(_)
                | Style::Live(_)
                | Style::Strong(_)
                | Style::Fixed(_)
        )
    }

    /// As the file has it, for a currency with so many minor digits.
    pub fn format(self, minor_digits: u8) -> Format {
        let format = Format::new().set_font_size(self.size());
        let number = |kind: Kind| kind.digits(minor_digits);
        // Numbers stand level with the first line of the text beside them.
        let format = format.set_align(FormatAlign::Top);
        match self {
            Style::Title => wrapped(format).set_bold().set_font_color(DARK),
            Style::Heading => format.set_bold().set_font_color(DARK),
            Style::Lead => wrapped(format).set_bold().set_font_color(DARK),
            Style::Banner => wrapped(format)
                .set_bold()
                .set_font_color(Color::White)
                .set_background_color(0x9B1C1C),
            Style::Head => head(format),
            Style::HeadRight => head(format).set_align(FormatAlign::Right),
            Style::HeadBeside => head(format).set_align(FormatAlign::Left).set_indent(1),
            Style::Text => wrapped(format),
            Style::Beside => wrapped(format)
                .set_align(FormatAlign::Left)
                .set_indent(1)
                .set_font_color(NOTE_TEXT),
            Style::Note => wrapped(format).set_font_color(NOTE_TEXT),
            Style::Name => format
                .set_align(FormatAlign::Left)
                .set_indent(1)
                .set_font_color(NOTE_TEXT),
            Style::Input(kind) => format
                .set_num_format(number(kind))
                .set_align(FormatAlign::Right)
                .set_font_color(INPUT_TEXT)
                .set_background_color(INPUT_FILL)
                .set_border(FormatBorder::Thin)
                .set_border_color(0xB7A14A)
                .set_unlocked(),
            Style::Live(kind) => format
                .set_num_format(number(kind))
                .set_align(FormatAlign::Right),
            Style::Strong(kind) => format
                .set_num_format(number(kind))
                .set_align(FormatAlign::Right)
                .set_bold()
                .set_border_top(FormatBorder::Thin)
                .set_border_bottom(FormatBorder::Thin),
            Style::Fixed(kind) => format
                .set_num_format(number(kind))
                .set_align(FormatAlign::Right)
                .set_background_color(FIXED_FILL),
            Style::FixedText => wrapped(format)
                .set_align(FormatAlign::Left)
                .set_indent(1)
                .set_background_color(FIXED_FILL),
        }
    }
}

fn wrapped(format: Format) -> Format {
    format.set_text_wrap()
}

fn head(format: Format) -> Format {
    wrapped(format)
        .set_bold()
        .set_font_color(Color::White)
        .set_background_color(DARK)
}

impl Kind {
    fn digits(self, minor_digits: u8) -> String {
        let places = |n: usize| match n {
            0 => "#,##0".to_owned(),
            n => format!("#,##0.{}", "0".repeat(n)),
        };
        match self {
            Kind::Money => places(minor_digits.into()),
            Kind::Price => places(usize::from(minor_digits) + 2),
            Kind::Count => places(0),
            Kind::Whole => "0".into(),
            Kind::Share => "0.0%".into(),
            Kind::Chance => {
                let over = text("number.over", &[("limit", "99.9 %")]);
                let under = text("number.under", &[("limit", "0.1 %")]);
                format!("[>0.999]\"{over}\";[<0.001]\"{under}\";0.0%")
            }
            Kind::Factor => "0.0000".into(),
            Kind::Small => "0.000000".into(),
            Kind::Any => "General".into(),
        }
    }
}

/// What may be typed into an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// A number that is not negative.
    NotNegative,
    /// 0 to 1.
    Share,
    /// A whole number between two others.
    Whole(i32, i32),
    /// A number above 0, or "none".
    PositiveOrNone,
    /// A whole number from 1, or "none".
    WholeOrNone,
    /// Any number.
    Number,
}

impl Rule {
    /// As the file has it, for the cell of that name in formulas.
    pub fn validation(self, cell: &str) -> Result<DataValidation> {
        let rule = DataValidation::new();
        let none = text!("workbook.none");
        let (rule, message) = match self {
            Rule::NotNegative => (
                rule.allow_decimal_number(DataValidationRule::GreaterThanOrEqualTo(0.0)),
                text("workbook.rule-not-negative", &[]),
            ),
            Rule::Share => (
                rule.allow_decimal_number(DataValidationRule::Between(0.0, 1.0)),
                text("workbook.rule-share", &[]),
            ),
            Rule::Whole(least, most) => (
                rule.allow_whole_number(DataValidationRule::Between(least, most)),
                text(
                    "workbook.rule-whole",
                    &[("least", &least.to_string()), ("most", &most.to_string())],
                ),
            ),
            Rule::PositiveOrNone => (
                rule.allow_custom(Formula::new(format!(
                    "=IF(ISNUMBER({cell}),{cell}>0,{cell}={})",
                    literal(&none)
                ))),
                text!("workbook.rule-positive-or-none", none),
            ),
            Rule::WholeOrNone => (
                rule.allow_custom(Formula::new(format!(
                    "=IF(ISNUMBER({cell}),AND({cell}>=1,{cell}=INT({cell})),{cell}={})",
                    literal(&none)
                ))),
                text!("workbook.rule-whole-or-none", none),
            ),
            Rule::Number => (
                rule.allow_decimal_number(DataValidationRule::Between(-1e12, 1e12)),
                text("workbook.rule-number", &[]),
            ),
        };
        rule.ignore_blank(false)
            .set_error_message(message)
            .map_err(failed)
    }
}
