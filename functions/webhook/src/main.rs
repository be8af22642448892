//! Cold start of the webhook function.

use matome_runtime::lambda;
use matome_webhook::{Context, handle};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    lambda::start("webhook", Context::from_env, handle).await
}
