//! Named step boundaries at which a test can make a function die.

use std::sync::Arc;

/// A step boundary was told to fail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("injected fault at {0}")]
pub struct InjectedFault(pub &'static str);

/// Called at every step boundary; nothing in production.
#[derive(Clone, Default)]
pub struct Faults(Option<Arc<Hook>>);

/// What a test hangs in: the boundary's name → die here?
type Hook = dyn Fn(&'static str) -> bool + Send + Sync;

impl std::fmt::Debug for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Faults").field(&self.0.is_some()).finish()
    }
}

impl Faults {
    /// No faults: production.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// Asks `dies` at every boundary.
    pub fn at(dies: impl Fn(&'static str) -> bool + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(dies)))
    }

    /// Marks a boundary between two steps.
    ///
    /// # Errors
    /// [`InjectedFault`] when a test wants the function to die here.
    pub fn boundary(&self, name: &'static str) -> Result<(), InjectedFault> {
        match &self.0 {
            Some(dies) if dies(name) => Err(InjectedFault(name)),
            _ => Ok(()),
        }
    }
}
