//! How to look inside: logs, metrics, health.
//!
//! Metrics are counted from journal entries, so that a dashboard and the record cannot disagree.
//! Nothing in here decides anything, and nothing waits for it.

pub mod health;
pub mod hep;
pub mod logs;
pub mod metrics;
