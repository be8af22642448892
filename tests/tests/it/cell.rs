//! A second cell: another cluster, and queues and consumers of its own from `infra/tenant.yaml`. Its tenants are
//! served from webhook to LINE without the home cell's.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use bson::doc;
use matome_domain::placement::Placement;
use matome_line_simulator::Act;
use matome_stacks::{Outputs, Request, Stacks, Status};
use matome_store::entities::Message;

use crate::permissions::refused;
use crate::stage::{Business, Operator, SECOND, Stage, eventually};

const WITHIN: Duration = Duration::from_secs(120);

/// What an operator deploys with `sam deploy --template-file infra/tenant.yaml`: the same template with the same
/// parameters, by CloudFormation itself.
async fn cell(stage: &Stage) -> Outputs {
    let told = stage.root.environment_of(&stage.function("provisioner")).await;
    let parameters = [
        ("Cell", SECOND),
        ("PlatformStackName", &stage.platform()),
        ("Stage", &told["STAGE"]),
        ("CodeBucket", &told["CODE_BUCKET"]),
        ("CodePrefix", &told["CODE_PREFIX"]),
        ("MongoDbUri", &told["MONGODB_URI"]),
        ("Cells", &told["CELLS"]),
        ("LineApiUrl", &told["LINE_API_URL"]),
        ("LineDataApiUrl", &told["LINE_DATA_API_URL"]),
        ("Architecture", &told["ARCHITECTURE"]),
        ("LogRetentionDays", "1"),
    ];
    let pair = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let request = Request {
        name: format!("{}-cell-{SECOND}", stage.platform()),
        template_url: told["TENANT_STACK_TEMPLATE_URL"].clone(),
        parameters: parameters.map(pair).into(),
        initial: BTreeMap::new(),
        tags: BTreeMap::new(),
        role_arn: None,
        token: "e2e".to_owned(),
    };
    let stacks = Stacks::new(stage.aws());
    let begun = Instant::now();
    loop {
        match stacks.ensure(&request).await.unwrap() {
            Status::InProgress if begun.elapsed() < WITHIN => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Status::Done(outputs) => return outputs,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_tenant_of_another_cell_is_served_by_the_cells_own_queues_and_cluster() {
    let stage = Stage::enter().await;
    let own = cell(&stage).await;
    let operator = Operator::of(&stage).await;
    let mut business = Business::unregistered(&stage);
    let channel = business.channel.channel_id.clone();
    let email = format!("{channel}@example.com");
    business.tenant = operator.create(&email, &["--tier", "pro", "--cell", SECOND]).await;
    let second = stage.second().await;
    business.store = second.tenant(&business.tenant, Placement::CollectionSet);
    let tenant = business.tenant.clone();
    let secret = business.channel.channel_secret.clone();
    operator.tenant_with(&["connect", tenant.as_str(), &channel], &secret).await.done();
    let known = operator.tenant(&["status", tenant.as_str()]).await.done();
    assert_eq!(known["directory"]["cell"], SECOND);

    // The one consumer that may read the queue which the webhook sends to is the cell's.
    let group = business.group("far", &[("Aoi", "en"), ("Bun", "en")]);
    business.say(&group.place, &group.users[0], "The shop in the south opens on Friday.").await;
    business.say(&group.place, &group.users[1], "I will bring the sign on Thursday.").await;
    business.perform(&group.place, Some(&group.users[0]), Act::text("/summary")).await;
    eventually("the messages in the cell's cluster", async || {
        let messages = business.all::<Message>(doc! { "command": { "$exists": false } }).await;
        (messages.len() == 2).then_some(())
    })
    .await;
    business.summarized(&group.place).await;
    business.heard(&group.place, |message| message["type"] == "flex").await;
    for placement in [Placement::Shared, Placement::CollectionSet] {
        let home = stage.store.tenant(&tenant, placement).collection::<Message>();
        assert_eq!(home.count(doc! {}).await.unwrap(), 0, "nothing of it is in the home cell");
    }

    let queues = ["InboundQueueUrl", "MediaQueueUrl", "SummariesQueueUrl", "OutboundQueueUrl"];
    for (name, queue) in ["recorder", "media", "summarizer", "sender"].into_iter().zip(queues) {
        let platforms = stage.root.assume(&stage.root.role_of(&stage.function(name)).await).await;
        refused!(name, platforms.sqs().receive_message().queue_url(&own[queue]));
        let function = stage.function(&format!("cell-{SECOND}-{name}"));
        let cells = stage.root.assume(&stage.root.role_of(&function).await).await;
        refused!(function, cells.sqs().receive_message().queue_url(stage.output(queue)));
        cells.sqs().get_queue_attributes().queue_url(&own[queue]).send().await.unwrap();
    }
}
