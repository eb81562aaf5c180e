//! What a chart is drawn on: how wide it is, and what stands around it already.

/// What a chart is drawn on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Paper {
    /// A file of its own, or a screen.
    Wide,
    /// A telephone: names stand above their marks, plots one under the other.
    Narrow,
    /// A printed page that has title, banners and source already.
    Page,
}

impl Paper {
    /// Pixels. [`Page`](Paper::Page) is so narrow that its smallest letters can be read in print
    /// where it is as wide as the sign-off makes it; [`Narrow`](Paper::Narrow) is a telephone's width.
    pub fn width(self) -> f64 {
        match self {
            Paper::Wide => 800.0,
            Paper::Narrow => 360.0,
            Paper::Page => 560.0,
        }
    }

    fn margin(self) -> f64 {
        match self {
            Paper::Wide => 28.0,
            Paper::Narrow => 8.0,
            Paper::Page => 4.0,
        }
    }

    /// Left end of what is drawn.
    pub fn left(self) -> f64 {
        self.margin()
    }

    /// Right end of what is drawn.
    pub fn right(self) -> f64 {
        self.width() - self.margin()
    }

    /// Blank above the first text.
    pub fn headroom(self) -> f64 {
        match self {
            Paper::Wide => 20.0,
            Paper::Narrow => 8.0,
            Paper::Page => 4.0,
        }
    }

    /// Lines that a title or a remark may have.
    pub fn lines(self) -> usize {
        match self {
            Paper::Wide => 4,
            Paper::Narrow => 12,
            Paper::Page => 6,
        }
    }

    /// Size of the title's letters, in pixels; without one there is no title.
    pub fn title_size(self) -> Option<f64> {
        match self {
            Paper::Wide => Some(19.0),
            Paper::Narrow => Some(16.0),
            Paper::Page => None,
        }
    }

    /// Whether the chart says itself what it was made from.
    pub fn has_source(self) -> bool {
        self != Paper::Page
    }

    /// Whether a row's name stands above its marks, instead of beside them.
    pub fn stacks(self) -> bool {
        self != Paper::Wide
    }

    /// How many plots stand side by side where there are so many.
    pub fn columns(self, plots: usize) -> usize {
        match self {
            Paper::Narrow => 1,
            _ if plots == 1 => 1,
            _ => 2,
        }
    }
}
