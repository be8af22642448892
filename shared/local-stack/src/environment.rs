//! The one place that reads the environment of the developer's machine.

/// A variable that is set and not empty.
#[must_use]
#[expect(
    clippy::disallowed_methods,
    reason = "developer's tool: the environment is its configuration, read here only"
)]
pub fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
