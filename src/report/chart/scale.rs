//! From values to pixels, with ticks at round numbers.

use crate::report::number;
use crate::report::typeset::{Style, measure};

/// A linear axis.
#[derive(Debug, Clone)]
pub struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
}

impl Scale {
    /// An axis from pixel `from` to pixel `to` that shows all of `values` with some room.
    pub fn new(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = bounds(values);
        let room = match high - low {
            span if span > 0.0 => span * 0.06,
            _ if low != 0.0 => low.abs() * 0.5,
            _ => 1.0,
        };
        low -= room;
        high += room;
        Scale {
            low,
            high,
            from,
            to,
        }
    }

    /// An axis with exactly these ends.
    pub fn exact(low: f64, high: f64, from: f64, to: f64) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Scale {
            low,
            high,
            from,
            to,
        }
    }

    /// The pixel of a value; beyond the ends it stays at the end.
    pub fn at(&self, value: f64) -> f64 {
        let value = value.clamp(self.low, self.high);
        self.from + (value - self.low) / (self.high - self.low) * (self.to - self.from)
    }

    /// Both ends in pixels.
    pub fn ends(&self) -> (f64, f64) {
        (self.from, self.to)
    }

    /// At most `count` ticks at steps of 1, 2 or 5 times a power of ten.
    pub fn ticks(&self, count: usize) -> Ticks {
        let step = nice_step((self.high - self.low) / count.max(1) as f64);
        let first = (self.low / step).ceil();
        let last = (self.high / step).floor();
        let values = (0..=(last - first).max(0.0) as usize)
            .map(|i| (first + i as f64) * step)
            .filter(|v| v.is_finite())
            .collect();
        Ticks { values, step }
    }

    /// As many ticks as fit side by side in `style`, at most `most`.
    pub fn ticks_that_fit(&self, style: Style, most: usize) -> Ticks {
        (2..=most)
            .rev()
            .map(|count| self.ticks(count))
            .find(|ticks| self.fits(ticks, style))
            .unwrap_or_else(|| self.ticks(1))
    }

    /// Ticks at whole months: every 1, 2, 3, 6, 12 … as far as they fit.
    pub fn months(&self, style: Style) -> Ticks {
        let every = [1u32, 2, 3, 6, 12, 24, 60, 120, 240];
        let ticks = every.map(|step| {
            let step = f64::from(step);
            let count = (self.high / step).floor().min(1e4) as usize;
            Ticks {
                values: (0..=count).map(|i| i as f64 * step).collect(),
                step,
            }
        });
        let fitting = ticks
            .iter()
            .find(|t| t.values.len() <= 13 && self.fits(t, style));
        fitting
            .or(ticks.last())
            .cloned()
            .unwrap_or_else(|| self.ticks(1))
    }

    fn fits(&self, ticks: &Ticks, style: Style) -> bool {
        let widths = ticks
            .values
            .iter()
            .map(|v| measure(&ticks.label(*v), style));
        let widest = widths.fold(0.0, f64::max);
        (widest + 14.0) * ticks.values.len() as f64 <= (self.to - self.from).abs()
    }
}

/// Ticks of an axis.
#[derive(Debug, Clone)]
pub struct Ticks {
    /// Where they are.
    pub values: Vec<f64>,
    step: f64,
}

impl Ticks {
    /// A tick's label, with the decimals that the step needs.
    pub fn label(&self, value: f64) -> String {
        if value.abs() < self.step * 1e-6 {
            return "0".into();
        }
        let decimals = (-self.step.log10() - 1e-9).ceil().max(0.0) as i32;
        if decimals > 6 {
            return format!("{value:.1e}").replace('-', &number::MINUS.to_string());
        }
        number::fixed(value, decimals)
    }
}

/// The least of 1, 2, 5 × 10ⁿ that is not below `rough`.
fn nice_step(rough: f64) -> f64 {
    if !rough.is_finite() || rough <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|step| *step >= rough * (1.0 - 1e-12))
        .unwrap_or(10.0 * power)
}

/// Least and greatest finite value, within ±1e300; 0 and 0 where there is none.
pub fn bounds(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    values
        .into_iter()
        .filter(|v| v.is_finite())
        // Beyond this the span of an axis would overflow.
        .map(|v| v.clamp(-1e300, 1e300))
        .map(|v| (v, v))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
        .unwrap_or((0.0, 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::chart::palette::AXIS;

    #[test]
    fn ticks_are_round_and_inside() {
        let scale = Scale::exact(-0.33, 0.11, 0.0, 500.0);
        let ticks = scale.ticks(6);
        let labels: Vec<String> = ticks.values.iter().map(|v| ticks.label(*v)).collect();
        assert_eq!(labels, ["−0.3", "−0.2", "−0.1", "0", "0.1"]);
    }

    #[test]
    fn months_come_in_years_and_quarters() {
        let values =
            |horizon: f64, width: f64| Scale::exact(0.0, horizon, 0.0, width).months(AXIS).values;
        assert_eq!(
            values(24.0, 300.0),
            [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0, 24.0]
        );
        assert_eq!(values(60.0, 200.0), [0.0, 12.0, 24.0, 36.0, 48.0, 60.0]);
        assert_eq!(values(1.0, 200.0), [0.0, 1.0]);
    }

    #[test]
    fn extremes_do_not_break_an_axis() {
        for (low, high) in [
            (0.0, 0.0),
            (5.0, 5.0),
            (-1e300, 1e300),
            (1e-300, 2e-300),
            (1e15, 1e15 + 1.0),
        ] {
            let scale = Scale::new([low, high, f64::NAN], 0.0, 300.0);
            let ticks = scale.ticks_that_fit(AXIS, 6);
            assert!(ticks.values.len() <= 8, "{low} {high}: {ticks:?}");
            assert!((0.0..=300.0).contains(&scale.at(low)));
            for v in &ticks.values {
                assert!((-0.01..=300.01).contains(&scale.at(*v)));
            }
        }
    }
}
