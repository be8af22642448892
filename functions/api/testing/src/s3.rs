//! The API with a versioned bucket on MiniStack, for what needs one.

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use matome_api::auth::oidc::Issuers;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::blobs::Blobs;
use matome_runtime::config::Env;
use matome_runtime::random::{Random, SystemRandom};
use matome_testing::TestSystem;

use crate::world::World;

/// A world, and its bucket with the rights of an operator.
pub async fn world() -> (World, Blobs) {
    let (aws, name) = bucket().await;
    let world = World::with_aws(TestSystem::start().await, None, Issuers::default(), &aws, &name);
    (world, Blobs::from_client(aws.s3(), name))
}

/// AWS as MiniStack has it, and the name of a bucket of one's own.
///
/// # Panics
/// When MiniStack does not start, or makes no bucket.
pub async fn bucket() -> (Aws, String) {
    let endpoint = matome_local_stack::shared::aws_endpoint().await.expect("MiniStack starts");
    let env = Env::from_map([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", matome_local_stack::REGION),
        ("AWS_ENDPOINT_URL", &endpoint),
    ]);
    let aws = Aws::from_env(&env, Patience::CONSUMER).expect("settings");
    let (s3, name) = (aws.s3(), format!("api-{}", SystemRandom.uuid()));
    let place = BucketLocationConstraint::from(matome_local_stack::REGION);
    let place = CreateBucketConfiguration::builder().location_constraint(place).build();
    s3.create_bucket().bucket(&name).create_bucket_configuration(place).send().await.expect("a bucket");
    let versions = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
    s3.put_bucket_versioning()
        .bucket(&name)
        .versioning_configuration(versions)
        .send()
        .await
        .expect("versions");
    (aws, name)
}
