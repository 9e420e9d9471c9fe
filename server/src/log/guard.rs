//! A thread that ends unexpectedly must not leave a registry behind that acknowledges and never publishes.

use super::view::View;
use std::{fmt, sync::Arc, thread};

/// Stops the log if the thread that holds it panics.
pub struct HaltOnPanic {
    view: Arc<View>,
    work: &'static str,
    also: Option<Box<dyn FnOnce() + Send>>,
}

impl fmt::Debug for HaltOnPanic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HaltOnPanic").field("work", &self.work).finish_non_exhaustive()
    }
}

impl HaltOnPanic {
    /// For a thread that does this work.
    #[must_use]
    pub const fn new(view: Arc<View>, work: &'static str) -> Self {
        Self { view, work, also: None }
    }

    /// Does that as well, after the log was stopped.
    #[must_use]
    pub fn and(mut self, also: impl FnOnce() + Send + 'static) -> Self {
        self.also = Some(Box::new(also));
        self
    }
}

impl Drop for HaltOnPanic {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let reason =
            format!("{} stopped unexpectedly: restart the server and report what it logged", self.work);
        tracing::error!("the log stops: {reason}");
        self.view.halt(reason);
        if let Some(also) = self.also.take() {
            also();
        }
    }
}
