//! The randomisation test of a schedule for many pilots of the same regions and blocks.

use crate::stats::estimate::Test;
use crate::stats::panel::{Column, Row, Studentised};
use crate::stats::random::Generator;
use crate::stats::schedule::{Frame, Schedule};

use super::Extreme;
use super::problem::Outcome;

/// Schedules of a frame with their columns, which do not depend on what is counted.
pub(crate) struct Redrawn {
    problem: Studentised,
    /// Each with its probability where all are there; else with 1.
    columns: Vec<(Option<Column>, f64)>,
    /// Whether these are all that could have been drawn.
    exact: bool,
}

impl Redrawn {
    /// All schedules up to `most`, else so many drawn anew. `rows` give places and exposure.
    pub fn new(rows: &[Row], frame: &Frame, most: usize, random: &mut Generator) -> Self {
        let problem = Studentised::of_places(rows);
        let column = |s: &Schedule| problem.column(|r, b| s.treated(r, b));
        let mut columns = Vec::new();
        let exact = match frame.every(most as u64) {
            Some(every) => {
                every.visit(&mut |s, probability| columns.push((column(s), probability)));
                true
            }
            None => {
                columns.extend((0..most).map(|_| (column(&frame.draw(random)), 1.0)));
                false
            }
        };
        Redrawn {
            problem,
            columns,
            exact,
        }
    }

    /// Effect and p of one pilot, as [`super::permutation_of_schedule`] has them; `None` where
    /// effects explain its schedule or nothing varies.
    pub fn test(&mut self, rows: &[Row], schedule: &Schedule, test: &Test) -> Option<(f64, f64)> {
        self.problem.observe(|i| rows[i].y / rows[i].exposure);
        let column = self.problem.column(|r, b| schedule.treated(r, b))?;
        let observed = self.under(Some(&column));
        if observed.difference == 0.0 && observed.variance == 0.0 {
            return None;
        }
        let extreme = Extreme::new(&observed, test);
        let mut hits = 0.0;
        for (column, weight) in &self.columns {
            let found = self.under(column.as_ref());
            if extreme.reached(found.statistic(), extreme.statistic) {
                hits += weight;
            }
        }
        let p = match self.exact {
            true => f64::min(hits, 1.0),
            false => (1.0 + hits) / (self.columns.len() as f64 + 1.0),
        };
        Some((observed.difference, p))
    }

    /// How many schedules could have been drawn, where all are looked at.
    pub fn schedules(&self) -> Option<u64> {
        self.exact.then_some(self.columns.len() as u64)
    }

    fn under(&self, column: Option<&Column>) -> Outcome {
        let (difference, variance) = column.map_or((0.0, 0.0), |c| self.problem.under(c));
        Outcome {
            difference,
            variance,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::permutation::permutation_of_schedule;
    use crate::stats::random::Stream;
    use crate::stats::{Alternative, DetailValue};

    #[test]
    fn it_is_the_test_of_the_analysis() {
        let stream = Stream::new("test", "redrawn", 3);
        for (frame, blocks) in [
            (Frame::switchback(4, &[0; 4], [1, 1]), 4),
            (Frame::switchback(3, &[0; 4], [1, 2]), 4),
            (Frame::switchback(1, &[0; 8], [1, 1]), 8),
            (Frame::stepped_wedge(6, 4), 4),
        ] {
            let mut random = stream.generator(0);
            for alternative in [Alternative::TwoSided, Alternative::Less] {
                let test = Test {
                    alternative,
                    ..Test::DEFAULT
                };
                let schedule = frame.draw(&mut random);
                let mut rows = Vec::new();
                for cell in 0..frame.regions() * blocks {
                    let (region, block) = (cell / blocks, cell % blocks);
                    rows.push(Row {
                        region,
                        block,
                        treated: schedule.treated(region, block),
                        exposure: 3.0 + (cell % 3) as f64,
                        y: random.below(20) as f64,
                    });
                }
                let mut redrawn = Redrawn::new(&rows, &frame, 2000, &mut random);
                assert!(redrawn.exact);
                let (value, p) = redrawn.test(&rows, &schedule, &test).unwrap();
                let whole = permutation_of_schedule(&rows, &frame, &test, 0, &stream).unwrap();
                assert_eq!(whole[0].detail["exact"], DetailValue::Flag(true));
                assert_eq!((whole[0].value, whole[0].p_value), (value, Some(p)));
            }
        }
    }
}
