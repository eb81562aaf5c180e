//! A workbook's cells, read from its XML.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Cursor, Read};

use roxmltree::{Document, Node};
use zip::ZipArchive;

/// What a cell shows.
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    Empty,
    Number(f64),
    Text(String),
}

impl Data {
    pub fn number(&self) -> Option<f64> {
        match self {
            Data::Number(v) => Some(*v),
            _ => None,
        }
    }
}

impl fmt::Display for Data {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Data::Empty => Ok(()),
            Data::Number(v) => write!(f, "{v}"),
            Data::Text(text) => f.write_str(text),
        }
    }
}

/// A sheet's cells by row and column, from 0, each with its formula.
pub type Sheet = BTreeMap<(u32, u32), (Data, Option<String>)>;

/// The sheets in their order.
pub fn sheets(bytes: &[u8]) -> Vec<(String, Sheet)> {
    let mut file = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut part = |name: &str| {
        let mut text = String::new();
        file.by_name(name)
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    let shared = part("xl/sharedStrings.xml");
    let shared = Document::parse(&shared).unwrap();
    let strings: Vec<String> = named(shared.root_element(), "si").map(text).collect();
    let book = part("xl/workbook.xml");
    let book = Document::parse(&book).unwrap();
    let names: Vec<String> = book
        .descendants()
        .filter(|n| n.has_tag_name((book.root_element().tag_name().namespace().unwrap(), "sheet")))
        .map(|n| n.attribute("name").unwrap().to_owned())
        .collect();
    let sheet = |(i, name): (usize, String)| {
        let xml = part(&format!("xl/worksheets/sheet{}.xml", i + 1));
        let xml = Document::parse(&xml).unwrap();
        let cells = xml.descendants().filter(|n| n.tag_name().name() == "c");
        (name, cells.map(|c| cell(c, &strings)).collect())
    };
    names.into_iter().enumerate().map(sheet).collect()
}

fn named<'a>(node: Node<'a, 'a>, name: &'static str) -> impl Iterator<Item = Node<'a, 'a>> {
    node.children().filter(move |n| n.tag_name().name() == name)
}

/// All text inside, runs joined.
fn text(node: Node) -> String {
    let texts = node.descendants().filter(|n| n.tag_name().name() == "t");
    let escaped: String = texts.filter_map(|t| t.text()).collect();
    unescaped(&escaped)
}

/// `_x005F_` is a character by its number (ECMA-376, ST_Xstring).
fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("_x") {
        out.push_str(before);
        let number = after.get(..5).and_then(|n| n.strip_suffix('_'));
        let number = number.and_then(|n| u32::from_str_radix(n, 16).ok());
        match number.and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = &after[5..];
            }
            None => {
                out.push_str("_x");
                rest = after;
            }
        }
    }
    out + rest
}

fn cell(node: Node, strings: &[String]) -> ((u32, u32), (Data, Option<String>)) {
    let inner = |name: &str| {
        let child = node.children().find(|n| n.tag_name().name() == name);
        child.map(|n| n.text().unwrap_or_default().to_owned())
    };
    let data = match (inner("v"), node.attribute("t")) {
        (None, Some("inlineStr")) => Data::Text(text(node)),
        (None, _) => Data::Empty,
        (Some(v), Some("s")) => Data::Text(strings[v.parse::<usize>().unwrap()].clone()),
        (Some(v), None | Some("n")) => Data::Number(v.parse().unwrap()),
        (Some(v), _) => Data::Text(v),
    };
    (place(node.attribute("r").unwrap()), (data, inner("f")))
}

/// "B3" is row 2, column 1.
fn place(name: &str) -> (u32, u32) {
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let column = letters
        .bytes()
        .fold(0, |sum, b| sum * 26 + u32::from(b - b'A') + 1);
    (
        name[letters.len()..].parse::<u32>().unwrap() - 1,
        column - 1,
    )
}
