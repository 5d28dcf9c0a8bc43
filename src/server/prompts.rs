//! Reads the prompts beside the configuration. What is wrong with them is told in the log and never
//! keeps the centre from starting: a caller who hears nothing is answered all the same.

use std::path::Path;
use std::sync::Arc;

use crate::media::prompts::Prompts;
use crate::telemetry::metrics;

/// The prompts of a configuration folder, none when it has no `prompts` folder. A file that cannot be
/// used is told and left out: callers hear the others, and the ring-back tone in its place.
pub(super) fn read(config: &Path) -> Arc<Prompts> {
    let folder = config.join("prompts");
    if !folder.exists() {
        return Arc::default();
    }
    let (prompts, errors) = Prompts::load(&folder);
    for error in &errors {
        tracing::error!("prompt {error}; it is left out");
        metrics::alarm("prompt-unusable");
    }
    for (id, doubt) in prompts.doubts() {
        tracing::warn!("prompt {id}: {doubt}");
    }
    tracing::info!(prompts = prompts.names().count(), "prompts are ready");
    Arc::new(prompts)
}
