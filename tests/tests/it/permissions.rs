//! What a function does not need it may not do. That it may do what it needs is what all the other
//! tests show: they run with IAM evaluation on.
//!
//! As far as the emulator goes: it evaluates the roles' own policies for SQS, DynamoDB, S3 and KMS,
//! resources included; not the encryption context that `kms:Decrypt` is bound to on AWS.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use matome_runtime::aws::Aws;

use crate::stage::Stage;

pub(crate) const REFUSED: [&str; 3] = ["AccessDenied", "AccessDeniedException", "AccessDeniedFault"];

/// Panics unless the call was refused for lack of permission.
macro_rules! refused {
    ($who:expr, $call:expr) => {{
        use aws_sdk_s3::error::ProvideErrorMetadata as _;
        let error =
            $call.send().await.err().unwrap_or_else(|| panic!("{}: {} is allowed", $who, stringify!($call)));
        let code = error.code().unwrap_or_default().to_owned();
        assert!(
            $crate::permissions::REFUSED.contains(&code.as_str()),
            "{}: {} failed with {code:?}",
            $who,
            stringify!($call)
        );
    }};
}
pub(crate) use refused;

async fn role(stage: &Stage, function: &str) -> Aws {
    let role = stage.root.role_of(&stage.function(function)).await;
    stage.root.assume(&role).await
}

#[tokio::test]
async fn each_role_is_refused_what_its_function_does_not_need() {
    let stage = Stage::enter().await;
    let item = HashMap::from([("pk".to_owned(), AttributeValue::S("CHANNEL#forged".to_owned()))]);
    let [inbound, media, summaries, outbound] =
        ["InboundQueueUrl", "MediaQueueUrl", "SummariesQueueUrl", "OutboundQueueUrl"]
            .map(|o| stage.output(o));
    let bucket = stage.output("Bucket");
    let key = stage.output("TenantKeyArn");
    let directory = stage.output("DirectoryTable");
    let ephemeral = stage.output("EphemeralTable");

    for function in ["webhook", "recorder", "media", "summarizer", "sender", "scheduler"] {
        let aws = role(&stage, function).await;
        // The role itself works: what follows is refused for the action's sake.
        aws.dynamodb().get_item().table_name(directory).set_key(Some(item.clone())).send().await.unwrap();
        let put = aws.dynamodb().put_item().table_name(directory);
        refused!(function, put.set_item(Some(item.clone())));
        refused!(function, aws.dynamodb().scan().table_name(directory));
        let delete = aws.dynamodb().delete_item().table_name(directory);
        refused!(function, delete.set_key(Some(item.clone())));
        let data_key = aws.kms().generate_data_key().key_id(key);
        refused!(function, data_key.key_spec(aws_sdk_kms::types::DataKeySpec::Aes256));
        refused!(function, aws.kms().schedule_key_deletion().key_id(key));
        refused!(function, aws.sqs().purge_queue().queue_url(inbound));
        refused!(function, aws.s3().delete_bucket().bucket(bucket));
        for (queue, consumer) in
            [(inbound, "recorder"), (media, "media"), (summaries, "summarizer"), (outbound, "sender")]
        {
            if function != consumer {
                refused!(function, aws.sqs().receive_message().queue_url(queue));
            }
        }
    }

    let webhook = role(&stage, "webhook").await;
    for queue in [media, summaries, outbound] {
        refused!(
            "webhook",
            webhook.sqs().send_message().queue_url(queue).message_body("{}").message_group_id("g")
        );
    }
    refused!("webhook", webhook.s3().get_object().bucket(bucket).key("tenants/t/media/m/original"));
    refused!("webhook", webhook.dynamodb().get_item().table_name(ephemeral).set_key(Some(item.clone())));
    let recorder = role(&stage, "recorder").await;
    refused!("recorder", recorder.s3().get_object().bucket(bucket).key("tenants/t/media/m/original"));
    let summarizer = role(&stage, "summarizer").await;
    let object = summarizer.s3().put_object().bucket(bucket).key("tenants/t/media/m/original");
    refused!("summarizer", object);
    let blob = aws_sdk_kms::primitives::Blob::new([0; 64]);
    refused!("summarizer", summarizer.kms().decrypt().key_id(key).ciphertext_blob(blob));
    refused!(
        "summarizer",
        summarizer.sqs().send_message().queue_url(inbound).message_body("{}").message_group_id("g")
    );
    let sender = role(&stage, "sender").await;
    refused!("sender", sender.s3().get_object().bucket(bucket).key("tenants/t/media/m/original"));
    refused!(
        "sender",
        sender.sqs().send_message().queue_url(inbound).message_body("{}").message_group_id("g")
    );
}

#[tokio::test]
async fn the_provisioner_may_manage_tenants_and_nothing_beside_them() {
    let stage = Stage::enter().await;
    let aws = role(&stage, "provisioner").await;
    let who = "provisioner";
    let (directory, ephemeral) = (stage.output("DirectoryTable"), stage.output("EphemeralTable"));
    let (bucket, key) = (stage.output("Bucket"), stage.output("TenantKeyArn"));
    let item = HashMap::from([("pk".to_owned(), AttributeValue::S("CHANNEL#permissions".to_owned()))]);

    // Its work.
    aws.dynamodb().put_item().table_name(directory).set_item(Some(item.clone())).send().await.unwrap();
    aws.dynamodb().delete_item().table_name(directory).set_key(Some(item.clone())).send().await.unwrap();
    let data_key = aws.kms().generate_data_key().key_id(key).encryption_context("tenantId", "t");
    data_key.key_spec(aws_sdk_kms::types::DataKeySpec::Aes256).send().await.unwrap();
    for object in ["tenants/t/media/m/original", "backups/t/1.zip"] {
        aws.s3().put_object().bucket(bucket).key(object).send().await.unwrap();
        aws.s3().delete_object().bucket(bucket).key(object).send().await.unwrap();
    }
    aws.s3().list_objects_v2().bucket(bucket).prefix("tenants/t/").send().await.unwrap();
    let attributes = aws.sqs().get_queue_attributes().queue_url(stage.output("TenantsQueueUrl"));
    attributes.send().await.unwrap();

    // Not its work.
    refused!(who, aws.dynamodb().scan().table_name(directory));
    refused!(who, aws.dynamodb().delete_table().table_name(directory));
    refused!(who, aws.dynamodb().put_item().table_name(ephemeral).set_item(Some(item.clone())));
    refused!(who, aws.kms().schedule_key_deletion().key_id(key));
    refused!(who, aws.s3().put_object().bucket(bucket).key("code/0/recorder.zip"));
    refused!(who, aws.s3().delete_object().bucket(bucket).key("code/0/recorder.zip"));
    refused!(who, aws.s3().list_objects_v2().bucket(bucket));
    refused!(who, aws.s3().delete_bucket().bucket(bucket));
    for queue in ["InboundQueueUrl", "MediaQueueUrl", "SummariesQueueUrl", "OutboundQueueUrl"] {
        refused!(who, aws.sqs().receive_message().queue_url(stage.output(queue)));
        refused!(who, aws.sqs().purge_queue().queue_url(stage.output(queue)));
    }
    for queue in ["MediaQueueUrl", "SummariesQueueUrl", "OutboundQueueUrl"] {
        let send = aws.sqs().send_message().queue_url(stage.output(queue)).message_body("{}");
        refused!(who, send.message_group_id("g"));
    }
}

#[tokio::test]
async fn the_api_may_count_queue_and_act_for_a_tenant_and_nothing_more() {
    let stage = Stage::enter().await;
    let aws = role(&stage, "api").await;
    let who = "api";
    let (directory, ephemeral) = (stage.output("DirectoryTable"), stage.output("EphemeralTable"));
    let (bucket, key) = (stage.output("Bucket"), stage.output("TenantKeyArn"));
    let item = HashMap::from([("pk".to_owned(), AttributeValue::S("PLATFORM#RATE#permissions".to_owned()))]);

    // Its work.
    aws.dynamodb().get_item().table_name(directory).set_key(Some(item.clone())).send().await.unwrap();
    aws.dynamodb().put_item().table_name(ephemeral).set_item(Some(item.clone())).send().await.unwrap();
    aws.dynamodb().delete_item().table_name(ephemeral).set_key(Some(item.clone())).send().await.unwrap();

    refused!(who, aws.dynamodb().get_item().table_name(ephemeral).set_key(Some(item.clone())));

    // It reads the directory one by one, and writes nothing there: that is the provisioner's.
    let put = aws.dynamodb().put_item().table_name(directory).set_item(Some(item.clone()));
    refused!(who, put);
    refused!(who, aws.dynamodb().delete_item().table_name(directory).set_key(Some(item.clone())));
    for table in [directory, ephemeral] {
        refused!(who, aws.dynamodb().scan().table_name(table));
        refused!(who, aws.dynamodb().delete_table().table_name(table));
    }
    // It puts work on queues and takes none; media and dead letters are not its business at all.
    for queue in
        ["InboundQueueUrl", "SummariesQueueUrl", "OutboundQueueUrl", "TenantsQueueUrl", "MediaQueueUrl"]
    {
        refused!(who, aws.sqs().receive_message().queue_url(stage.output(queue)));
        refused!(who, aws.sqs().purge_queue().queue_url(stage.output(queue)));
    }
    refused!(who, aws.sqs().send_message().queue_url(stage.output("MediaQueueUrl")).message_body("{}"));
    // A tenant's media it reaches as that tenant alone (scoped.rs), and no backups or code ever.
    for object in ["tenants/t/media/m/original", "backups/t/1.zip", "code/0/tenant.yaml"] {
        refused!(who, aws.s3().get_object().bucket(bucket).key(object));
        refused!(who, aws.s3().put_object().bucket(bucket).key(object));
        refused!(who, aws.s3().delete_object().bucket(bucket).key(object));
    }
    refused!(who, aws.s3().list_objects_v2().bucket(bucket).prefix("tenants/t/"));
    refused!(who, aws.s3().delete_bucket().bucket(bucket));
    refused!(who, aws.kms().schedule_key_deletion().key_id(key));
    refused!(who, aws.kms().encrypt().key_id(key).plaintext(aws_sdk_kms::primitives::Blob::new([0; 8])));
    // Nor does it become anybody: neither another role, nor a tenant without saying which.
    for role in [
        stage.output("TenantAccessRoleArn").to_owned(),
        stage.root.role_of(&stage.function("provisioner")).await,
    ] {
        let sts = aws_sdk_sts::Client::new(aws.config());
        refused!(who, sts.assume_role().role_arn(role).role_session_name("permissions"));
    }
}
