//! Cold start of the sender.

use aws_lambda_events::sqs::SqsEvent;
use matome_runtime::lambda::{self, Error};
use matome_sender::Context;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let handle = |event: SqsEvent, context: &'static Context| matome_sender::handle(event, context);
    lambda::start("sender", Context::from_env, handle).await
}
