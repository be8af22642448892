//! Cold start of the recorder.

use aws_lambda_events::sqs::SqsEvent;
use matome_recorder::Context;
use matome_runtime::lambda::{self, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let handle = |event: SqsEvent, context: &'static Context| matome_recorder::handle(event, context);
    lambda::start("recorder", Context::from_env, handle).await
}
