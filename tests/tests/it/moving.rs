//! A tenant becomes dedicated while its customers write, and goes for good: from the operator's command through
//! the deployed provisioner and CloudFormation into a stack of its own, and out of it.

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::placement::Placement;
use matome_line_simulator::{Act, Media as Content};
use matome_runtime::blobs::BlobKey;
use matome_runtime::clock::SystemClock;
use matome_runtime::directory::{Directory, Relocation};
use matome_runtime::scoped::TenantAccess;
use matome_store::entities::{MediaStatus, Message, Summary};

use crate::permissions::refused;
use crate::stage::{Business, Operator, Stage, eventually};

/// How often customers write meanwhile.
const EVERY: Duration = Duration::from_secs(5);

async fn recorded(business: &Business<'_>, line_message_id: &str) {
    eventually("the message", async || {
        let found: Vec<Message> = business.all(doc! { "lineMessageId": line_message_id }).await;
        (!found.is_empty()).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_tenant_moves_into_a_stack_of_its_own_while_customers_write_and_is_erased_there() {
    let stage = Stage::enter().await;
    let operator = Operator::of(&stage).await;
    let mut business = Business::unregistered(&stage);
    let channel = business.channel.channel_id.clone();
    let email = format!("{channel}@example.com");
    business.tenant = operator.create(&email, &["--tier", "pro"]).await;
    business.store = stage.store.tenant(&business.tenant, Placement::CollectionSet);
    let tenant = business.tenant.clone();
    let secret = business.channel.channel_secret.clone();
    operator.tenant_with(&["connect", tenant.as_str(), &channel], &secret).await.done();

    // What is there before: a summarized talk and a picture.
    let before = business.group("before", &[("Aoi", "en")]);
    let mut said = Vec::new();
    for text in ["Shall we meet on Monday?", "Ten o'clock suits me.", "Bring the contract, please."] {
        said.push(business.say(&before.place, &before.users[0], text).await.message_id().to_owned());
    }
    business.perform(&before.place, Some(&before.users[0]), Act::text("/summary")).await;
    business.summarized(&before.place).await;
    let picture = Content::new("image/png", vec![7_u8; 900]);
    let act = Act::Image { media: picture, image_set: None };
    let sent = business.perform(&before.place, Some(&before.users[0]), act).await.message_id().to_owned();
    let stored = eventually("the picture", async || {
        let found: Vec<Message> = business.all(doc! { "lineMessageId": &sent }).await;
        found.into_iter().next()?.media.filter(|media| media.status != MediaStatus::Pending)
    })
    .await;
    assert_eq!(stored.status, MediaStatus::Stored);

    // The move, and customers who know nothing of it.
    let meanwhile = business.group("meanwhile", &[("Bun", "en")]);
    let arguments = ["tier", tenant.as_str(), "enterprise"];
    let mut moving = std::pin::pin!(operator.tenant(&arguments));
    let mut every = tokio::time::interval(EVERY);
    let moved = loop {
        tokio::select! {
            moved = &mut moving => break moved.done(),
            _ = every.tick() => {
                let text = format!("message {}", said.len());
                let told = business.say(&meanwhile.place, &meanwhile.users[0], &text).await;
                said.push(told.message_id().to_owned());
            }
        }
    };
    assert_eq!((moved["kind"].as_str(), moved["state"].as_str()), (Some("change_tier"), Some("done")));

    // Everything is in the new place, once, and nothing in the old one.
    let old = std::mem::replace(&mut business.store, stage.store.tenant(&tenant, Placement::Dedicated));
    for id in &said {
        recorded(&business, id).await;
    }
    let all: Vec<Message> = business.all(doc! { "lineMessageId": { "$in": &said } }).await;
    assert_eq!(all.len(), said.len());
    assert_eq!(old.collection::<Message>().count(doc! {}).await.unwrap(), 0);
    assert_eq!(business.all::<Summary>(doc! {}).await.len(), 1);
    let clock = Arc::new(SystemClock);
    let table = stage.output("DirectoryTable").to_owned();
    let directory = Directory::from_client(stage.aws().dynamodb(), table, clock);
    let record = directory.newest_tenant(&tenant).await.unwrap().unwrap();
    assert_eq!((record.placement, record.relocation), (Placement::Dedicated, Relocation::Settled));
    assert!(record.previous_key.is_none());
    let listed = directory.newest_channel(&ChannelId::new(channel.as_str()).unwrap()).await.unwrap().unwrap();
    // The platform's functions may not read this queue (dedicated.rs): what comes is its own functions' work.
    let own = listed.inbound_queue_url.expect("a queue of its own");
    assert!(own.ends_with(&format!("{}-tenant-{tenant}-inbound.fifo", stage.platform())), "{own}");
    let platform_bucket = stage.aws().s3().list_objects_v2().bucket(stage.output("Bucket"));
    let left = platform_bucket.prefix(format!("tenants/{tenant}/")).send().await.unwrap();
    assert!(left.contents().is_empty(), "{left:?}");

    // The picture came along: the API's rights for this tenant make a link to it, and for others to nothing of it.
    let bucket = record.bucket.as_deref().expect("a bucket of its own");
    let api = stage.root.assume(&stage.root.role_of(&stage.function("api")).await).await;
    let (role, platforms) = (stage.output("TenantAccessRoleArn"), stage.output("Bucket"));
    let access = TenantAccess::new(&api, role.to_owned(), platforms.to_owned(), Arc::new(SystemClock));
    let key = BlobKey::of_tenant(&tenant, stored.key.as_deref().unwrap()).unwrap();
    let blobs = access.blobs(&tenant, Some(bucket)).await.unwrap();
    let link = blobs.presigned_get(&key, TenantAccess::REMAINING, "picture.png", "image/png").await.unwrap();
    let answer = reqwest::get(link).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.bytes().await.unwrap().len()), (200, 900));
    let other = TenantId::new("other").unwrap();
    let others = access.of(&other, Some(bucket)).await.unwrap();
    refused!("another tenant", others.s3().get_object().bucket(bucket).key(key.as_str()));
    let without = access.of(&tenant, None).await.unwrap();
    refused!("the tenant elsewhere", without.s3().get_object().bucket(bucket).key(key.as_str()));

    let after = business.group("after", &[("Chai", "en")]);
    for text in ["We have moved.", "Nobody noticed."] {
        business.say(&after.place, &after.users[0], text).await;
    }
    business.perform(&after.place, Some(&after.users[0]), Act::text("/summary")).await;
    business.summarized(&after.place).await;
    business.heard(&after.place, |message| message["type"] == "flex").await;

    // The end: the stack goes with the tenant.
    let end = ["offboard", tenant.as_str(), "--reason", "contract ended", "--grace-days", "0"];
    let ended = operator.tenant(&end).await.done();
    assert_eq!((ended["kind"].as_str(), ended["state"].as_str()), (Some("offboard"), Some("done")));
    assert!(stage.aws().sqs().get_queue_attributes().queue_url(&own).send().await.is_err());
    assert!(directory.newest_tenant(&tenant).await.unwrap().is_none());
    let client = mongodb::Client::with_uri_str(stage.stack.mongodb_uri()).await.unwrap();
    let databases = client.list_database_names().await.unwrap();
    assert!(!databases.contains(&format!("matome_{tenant}")), "{databases:?}");
    let certificate = operator.tenant(&["certificate", tenant.as_str()]).await.done();
    let step = ended["steps"].as_array().unwrap().iter().find(|step| step["name"] == "certificate").unwrap();
    assert_eq!(certificate["sha256"], step["detail"]["sha256"]);
    assert_eq!(certificate["reason"], "contract ended");
}
