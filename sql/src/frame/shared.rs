//! What all parts of one running query share: the settings, and the warnings.

use std::sync::Arc;

use holdfast_io::rng::Rng;
use holdfast_value::{Context, ValueError};
use parking_lot::Mutex;

/// Settings and warnings of one statement.
pub(super) struct Shared {
    /// The settings; without warnings.
    settings: Context,
    /// `group_concat_max_len`. [bytes]
    pub concat_max: usize,
    /// For UUID().
    pub rng: Arc<dyn Rng>,
    /// What was warned of so far. Held for a moment at the end of a batch.
    said: Mutex<Context>,
}

impl Shared {
    pub fn new(context: &Context, concat_max: usize, rng: &Arc<dyn Rng>) -> Arc<Self> {
        let mut settings = context.clone();
        settings.warnings = Vec::new();
        settings.warning_count = 0;
        let (said, rng) = (Mutex::new(settings.clone()), Arc::clone(rng));
        Arc::new(Self { said, settings, concat_max, rng })
    }

    /// The settings alone.
    pub fn settings(&self) -> &Context {
        &self.settings
    }

    /// Runs `work` with a context of its own; its warnings are kept.
    pub fn with<T>(&self, work: impl FnOnce(&mut Context) -> T) -> T {
        let mut context = self.settings.clone();
        let result = work(&mut context);
        if context.warning_count > 0 {
            self.keep(context);
        }
        result
    }

    fn keep(&self, context: Context) {
        let mut said = self.said.lock();
        let unkept = context.warning_count - context.warnings.len() as u64;
        for warning in context.warnings {
            said.warn(warning);
        }
        said.warning_count += unkept;
    }

    /// The warnings so far, and how many there were in all; they are taken away.
    pub fn take_warnings(&self) -> (Vec<ValueError>, u64) {
        let mut said = self.said.lock();
        let count = std::mem::take(&mut said.warning_count);
        (std::mem::take(&mut said.warnings), count)
    }
}
