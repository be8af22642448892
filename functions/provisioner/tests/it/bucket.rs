//! A versioned bucket of a test's own, as the template makes it, in the MiniStack that all tests share.

use aws_sdk_s3::types::{
    BucketLocationConstraint, BucketVersioningStatus, CreateBucketConfiguration, VersioningConfiguration,
};
use matome_local_stack::{REGION, shared};
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::blobs::Blobs;
use matome_runtime::config::Env;
use matome_runtime::random::{Random, SystemRandom};

/// A bucket that nobody else has, and a client that sees all of it.
pub(crate) struct Bucket {
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) name: String,
    pub(crate) blobs: Blobs,
}

impl Bucket {
    pub(crate) async fn make() -> Self {
        let env = Env::from_map([
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("AWS_ENDPOINT_URL", shared::aws_endpoint().await.unwrap()),
        ]);
        let s3 = Aws::from_env(&env, Patience::CONSUMER).unwrap().s3();
        let name = format!("provisioner-{}", SystemRandom.uuid());
        let place = CreateBucketConfiguration::builder()
            .location_constraint(BucketLocationConstraint::from(REGION))
            .build();
        s3.create_bucket().bucket(&name).create_bucket_configuration(place).send().await.unwrap();
        let versioning = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled).build();
        s3.put_bucket_versioning().bucket(&name).versioning_configuration(versioning).send().await.unwrap();
        let blobs = Blobs::from_client(s3.clone(), name.clone());
        Self { s3, name, blobs }
    }

    /// Every key that has any version or delete marker, once for each.
    pub(crate) async fn versions(&self) -> Vec<String> {
        let page = self.s3.list_object_versions().bucket(&self.name).send().await.unwrap();
        let versions = page.versions().iter().filter_map(|v| v.key());
        versions.chain(page.delete_markers().iter().filter_map(|m| m.key())).map(str::to_owned).collect()
    }

    /// An object as text.
    pub(crate) async fn text(&self, key: &str) -> String {
        let object = self.s3.get_object().bucket(&self.name).key(key).send().await.unwrap();
        String::from_utf8(object.body.collect().await.unwrap().into_bytes().to_vec()).unwrap()
    }
}
