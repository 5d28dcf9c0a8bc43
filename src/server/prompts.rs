//! Reads the prompts beside the configuration. What is wrong with them is told in the log and never
//! keeps the centre from starting: a caller who hears nothing is answered all the same.

use std::path::Path;
use std::sync::Arc;

use crate::media::prompts::Prompts;

/// The prompts of a configuration folder, none when it has no `prompts` folder; nothing when there
/// are mistakes in it, each of which has been told.
pub(super) fn read(config: &Path) -> Option<Arc<Prompts>> {
    let folder = config.join("prompts");
    if !folder.exists() {
        return Some(Arc::default());
    }
    match Prompts::load(&folder) {
        Ok(prompts) => {
            for (id, doubt) in prompts.doubts() {
                tracing::warn!("prompt {id}: {doubt}");
            }
            tracing::info!(prompts = prompts.names().count(), "prompts are ready");
            Some(Arc::new(prompts))
        }
        Err(errors) => {
            errors.iter().for_each(|error| tracing::error!("prompt {error}"));
            None
        }
    }
}
