//! A second stage after `extend`: the combination of both, and the way from design to it.

mod error_rates;
mod hostile;
mod money;
mod re_estimation;
mod references;
mod sizes;
mod whole_run;
