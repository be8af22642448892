//! Cold start of the summarizer.

use aws_lambda_events::sqs::SqsEvent;
use matome_runtime::lambda::{self, Error};
use matome_summarizer::Context;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let handle = |event: SqsEvent, context: &'static Context| matome_summarizer::handle(event, context);
    lambda::start("summarizer", Context::from_env, handle).await
}
