//! A plan replayed on simulated customers: how often does it err, how often does it find?
//!
//! [`Population`] says who the customers are, [`Scenario`] what happens to them, [`Replay`] draws
//! pilots, assigns them by the plan and analyses each as `analyze` would; [`Tallies`] hold what
//! each estimator did. Nothing here reads a file.

mod clusters;
mod draw;
mod drawn;
mod looks;
mod looks_summary;
mod mixture;
mod population;
mod profiles;
mod regions;
mod replay;
mod summary;
mod tally;

pub use clusters::ClusterLaw;
pub use draw::Scenario;
pub use looks::{LookTally, Looking, LooksAt};
pub use looks_summary::{LookRow, Looks, looks_summary};
pub use population::{NegativeBinomial, Population};
pub use regions::{PastBlocks, RegionReplay, RegionSource};
pub use replay::Replay;
pub use summary::{About, Row, Summary, Verdict, summary};
pub use tally::{Rate, Sums, Tallies, Tally};
