//! Reads the prompts beside the configuration. What is wrong with them is told in the log and never
//! keeps the centre from starting: a caller who hears nothing is answered all the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::media::prompts::Prompts;
use crate::telemetry::metrics;

/// The prompts that run, and what was wrong with others.
#[derive(Clone, Default)]
pub(super) struct Loaded {
    pub prompts: Arc<Prompts>,
    /// By name below the configuration folder.
    pub wrong: Arc<BTreeMap<String, String>>,
}

/// The prompts of a configuration folder, none when it has no `prompts` folder. A file that cannot be
/// used is told and left out: callers hear the others, and the ring-back tone in its place.
pub(super) fn read(config: &Path) -> Loaded {
    let folder = config.join("prompts");
    if !folder.exists() {
        return Loaded::default();
    }
    let (prompts, errors) = Prompts::load(&folder);
    let mut wrong = BTreeMap::new();
    for error in &errors {
        tracing::error!("prompt {error}; it is left out");
        metrics::alarm("prompt-unusable");
        if let Ok(name) = error.path.strip_prefix(config) {
            wrong.insert(name.display().to_string(), error.kind.to_string());
        }
    }
    for (id, doubt) in prompts.doubts() {
        tracing::warn!("prompt {id}: {doubt}");
    }
    tracing::info!(prompts = prompts.names().count(), "prompts are ready");
    Loaded { prompts: Arc::new(prompts), wrong: Arc::new(wrong) }
}
