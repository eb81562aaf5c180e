//! Both engines bring back the same Evidence and the same rows set aside, by `==`.

mod clusters;
mod counts;
mod examples;
mod files;
mod log;
mod regions;
mod running;
