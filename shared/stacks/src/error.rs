//! Why CloudFormation could not be asked.

use matome_domain::ids::InvalidId;
use matome_runtime::config::ConfigError;

/// [`std::result::Result`] with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// Why CloudFormation could not be asked. That a stack failed is no error but a
/// [`crate::Status::Failed`].
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The tenant's id cannot be part of a stack's name.
    #[error(transparent)]
    Name(#[from] InvalidId),
    /// CloudFormation did not answer, or refused; it says why.
    #[error("stack {stack} could not be {action}")]
    CloudFormation {
        /// The stack.
        stack: String,
        /// `created`, `updated`, `deleted` or `looked at`.
        action: &'static str,
        /// The SDK's error.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A stack that is complete does not tell what the template promises.
    #[error("stack {stack} has no output {output}")]
    MissingOutput {
        /// The stack.
        stack: String,
        /// The output.
        output: &'static str,
    },
}

pub(crate) fn failed(
    stack: &str,
    action: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> Error {
    Error::CloudFormation { stack: stack.to_owned(), action, source: source.into() }
}
