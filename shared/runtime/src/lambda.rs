//! From process start to the last invocation, so that a function's `main.rs` says only which
//! context and which handler are its own.

use std::error::Error as StdError;
use std::pin::Pin;

use lambda_runtime::{LambdaEvent, service_fn};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::config::Env;
use crate::telemetry::Telemetry;

/// Anything that ends a cold start or an invocation.
pub type Error = Box<dyn StdError + Send + Sync>;

/// Runs a function: sets up logs and metrics, makes the context once with `init`, then hands every
/// event to `handle`. The context lives as long as the process.
///
/// ```ignore
/// #[tokio::main(flavor = "current_thread")]
/// async fn main() -> Result<(), matome_runtime::lambda::Error> {
///     matome_runtime::lambda::start("webhook", Context::from_env, handle).await
/// }
/// ```
///
/// An error of `handle` fails the invocation: API Gateway answers 500, SQS delivers the whole batch
/// again. It is logged with its sources here, once; error texts carry ids only.
///
/// # Errors
/// When logs cannot be set up or `init` fails, for example because a setting is missing: logged
/// with its name, and the process ends, which Lambda reports as a failed cold start.
pub async fn start<C, X, I, O, E, H, F>(
    function: &'static str,
    init: impl AsyncFnOnce(&Env) -> Result<C, X>,
    handle: H,
) -> Result<(), Error>
where
    C: Send + Sync + 'static,
    X: Into<Error>,
    I: DeserializeOwned,
    O: Serialize + 'static,
    E: Into<Error> + 'static,
    H: Fn(I, &'static C) -> F,
    F: Future<Output = Result<O, E>> + 'static,
{
    let env = Env::from_process();
    let telemetry = Telemetry::init(&env, function)?;
    let context: &'static C = match Box::pin(init(&env)).await {
        Ok(context) => Box::leak(Box::new(context)),
        Err(e) => {
            let e = e.into();
            tracing::error!(error = %Chain(&*e), "cold start failed");
            return Err(e);
        }
    };
    lambda_runtime::run(service_fn(|event: LambdaEvent<I>| {
        // Boxed: the SDKs' futures nest too deep for the compiler otherwise, and are large.
        let answer: Pin<Box<dyn Future<Output = Result<O, E>>>> = Box::pin(handle(event.payload, context));
        async move {
            let answer = answer.await.map_err(Into::into);
            if let Err(e) = &answer {
                metrics::counter!("InvocationsFailed").increment(1);
                tracing::error!(error = %Chain(&**e), "invocation failed");
            }
            telemetry.flush();
            answer
        }
    }))
    .await
}

/// An error with all of its sources, `: ` between them, for the one log line at the boundary.
pub struct Chain<'a>(pub &'a (dyn StdError + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(source) = next {
            write!(f, ": {source}")?;
            next = source.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("outer")]
    struct Outer(#[source] std::fmt::Error);

    #[test]
    fn a_chain_shows_every_source() {
        assert_eq!(Chain(&Outer(std::fmt::Error)).to_string(), format!("outer: {}", std::fmt::Error));
    }
}
