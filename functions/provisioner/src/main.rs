//! Cold start of the provisioner.

use matome_provisioner::Context;
use matome_runtime::lambda::{self, Error};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    lambda::start("provisioner", Context::from_env, matome_provisioner::handle).await
}
