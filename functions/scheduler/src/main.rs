//! Cold start of the scheduler.

use matome_runtime::lambda::{self, Error};
use matome_scheduler::Context;
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    // Whatever the event says, it means "a minute has passed".
    let handle = |_: IgnoredAny, context: &'static Context| matome_scheduler::handle(context);
    lambda::start("scheduler", Context::from_env, handle).await
}
