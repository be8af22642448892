//! Stacks of tenants in the MiniStack that all tests share, from a template that has no consumers: queues, a
//! bucket, a KMS key, under the names of `infra/tenant.yaml`.

use matome_domain::ids::TenantId;
use matome_local_stack::{REGION, shared};
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use matome_stacks::{Resources, TenantStacks, TenantStatus};

use crate::bucket::Bucket;

const QUEUES: [(&str, &str); 4] = [
    ("Inbound", "inbound.fifo"),
    ("Media", "media"),
    ("Summaries", "summaries.fifo"),
    ("Outbound", "outbound.fifo"),
];

/// See the module.
pub(crate) struct TemplateOfStacks {
    variables: Vec<(&'static str, String)>,
}

impl TemplateOfStacks {
    /// The template lies in `bucket`; the platform has its name.
    pub(crate) async fn put(bucket: &Bucket) -> Self {
        put(bucket, template()).await;
        let endpoint = shared::aws_endpoint().await.unwrap();
        // IAM's names, and so those of stacks, are short.
        let platform = bucket.name[bucket.name.len() - 12..].to_owned();
        let variables = vec![
            ("AWS_ACCESS_KEY_ID", "test".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "test".to_owned()),
            ("AWS_REGION", REGION.to_owned()),
            ("TENANT_STACK_TEMPLATE_URL", format!("{endpoint}/{}/tenant.yaml", bucket.name)),
            ("AWS_ENDPOINT_URL", endpoint),
            ("PLATFORM_STACK_NAME", format!("p{platform}")),
            ("STAGE", "test".to_owned()),
            ("MONGODB_URI", "mongodb://nowhere".to_owned()),
            ("CODE_BUCKET", bucket.name.clone()),
            ("CODE_PREFIX", "code/1".to_owned()),
        ];
        Self { variables }
    }

    /// Puts one in its place of which CloudFormation makes no stack, or the good one again.
    pub(crate) async fn break_in(bucket: &Bucket, broken: bool) {
        // A FIFO queue's name must end with `.fifo`.
        let impossible = "Resources:\n  Impossible: { Type: AWS::SQS::Queue, Properties: { QueueName: q, FifoQueue: true } }\n";
        let text = template();
        put(bucket, if broken { text.replace("Resources:\n", impossible) } else { text }).await;
    }

    pub(crate) fn open(&self) -> TenantStacks {
        let env = Env::from_map(self.variables.iter().map(|(name, value)| (*name, value.clone())));
        let aws = Aws::from_env(&env, Patience::CONSUMER).unwrap();
        TenantStacks::from_env(&env, &aws).unwrap().unwrap()
    }

    /// What the tenant has to itself now.
    pub(crate) async fn of(&self, tenant: &TenantId) -> Option<Resources> {
        match self.open().status(tenant).await.unwrap() {
            TenantStatus::Ready(resources) => Some(resources),
            TenantStatus::Missing => None,
            other => panic!("{other:?}"),
        }
    }
}

async fn put(bucket: &Bucket, template: String) {
    let put = bucket.s3.put_object().bucket(&bucket.name).key("tenant.yaml");
    put.body(template.into_bytes().into()).send().await.unwrap();
}

fn template() -> String {
    let mut text = "AWSTemplateFormatVersion: \"2010-09-09\"\nParameters:\n".to_owned();
    for parameter in ["PlatformStackName", "Stage", "CodeBucket", "CodePrefix", "TenantId", "MongoDbUri"] {
        text += &format!("  {parameter}: {{ Type: String }}\n");
    }
    text += "Resources:\n  Bucket: { Type: AWS::S3::Bucket, DeletionPolicy: RetainExceptOnCreate, Properties: \
             { VersioningConfiguration: { Status: Enabled } } }\n  Key: { Type: AWS::KMS::Key, \
             DeletionPolicy: RetainExceptOnCreate, Properties: { Description: own } }\n";
    let mut outputs =
        "Outputs:\n  Bucket: { Value: !Ref Bucket }\n  KeyArn: { Value: !GetAtt Key.Arn }\n".to_owned();
    for (name, queue) in QUEUES {
        let fifo = if queue.ends_with(".fifo") { ", FifoQueue: true" } else { "" };
        let dead = queue.replace(".fifo", "");
        let dead = if fifo.is_empty() { format!("{dead}-dlq") } else { format!("{dead}-dlq.fifo") };
        for (resource, queue) in
            [(format!("{name}Queue"), queue), (format!("{name}DeadLetters"), dead.as_str())]
        {
            text += &format!(
                "  {resource}: {{ Type: AWS::SQS::Queue, Properties: {{ QueueName: !Sub \"${{AWS::StackName}}-{queue}\"{fifo} }} }}\n"
            );
            outputs += &format!("  {resource}Url: {{ Value: !Ref {resource} }}\n");
        }
    }
    text + &outputs
}
