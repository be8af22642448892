//! Cold start of the API function.

use matome_api::{Api, handle};
use matome_runtime::lambda;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda::Error> {
    lambda::start("api", Api::from_env, handle).await
}
