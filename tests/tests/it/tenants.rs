//! A tenant's whole life on the deployed stack, by the operations that operators ask for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use matome_domain::clock::Clock;
use matome_domain::ids::ChannelId;
use matome_domain::queue::TenantJob;
use matome_domain::tier::Tier;
use matome_line_simulator::Place;
use matome_runtime::clock::SystemClock;
use matome_runtime::directory::{Directory, Status, secret_field};
use matome_runtime::keys::DataKeys;
use matome_runtime::queue::Queues;
use matome_runtime::random::SystemRandom;
use matome_store::entities::{
    Channel, Connection, ErasureCertificate, Message, Operation, OperationState, Organization,
    OrganizationStatus, Room, RoomType,
};
use matome_tenancy::operations::{
    ConnectChannel, CreateTenant, NewOwner, Offboard, Request, Resume, Suspend, ask,
};
use matome_tenancy::{Cells, Tenants};

use crate::stage::{Business, Stage, eventually};

/// Offboarding waits twice for everybody's view of the directory to grow old, and for the longest invocation (half a
/// minute here): two and a half minutes.
const PATIENCE: Duration = Duration::from_secs(6 * 60);
const CANARY: &str = "canary-7d1f";

/// What an operator's command talks to.
struct Desk<'a> {
    business: &'a Business<'a>,
    tenants: Tenants,
    queues: Queues,
    keys: DataKeys,
}

impl<'a> Desk<'a> {
    fn of(stage: &'a Stage, business: &'a Business<'a>) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let aws = stage.aws();
        let table = stage.output("DirectoryTable").to_owned();
        let directory = Directory::from_client(aws.dynamodb(), table, Arc::clone(&clock));
        let key = stage.output("TenantKeyArn").to_owned();
        Self {
            business,
            tenants: Tenants::new(directory, Cells::home_only(stage.store.clone()), Arc::clone(&clock)),
            queues: Queues::from_client(aws.sqs(), Arc::new(SystemRandom))
                .with_url::<TenantJob>(stage.output("TenantsQueueUrl")),
            keys: DataKeys::from_client(aws.kms(), Some(key), clock, Arc::new(SystemRandom)),
        }
    }

    /// Has something done, and waits until it is.
    async fn carry_out<R: Request>(&self, request: &R) -> Operation {
        let (store, tenant) = (self.tenants.platform(), &self.business.tenant);
        let asked = ask(store, &self.queues, tenant, request, "operator", SystemClock.now()).await.unwrap();
        let operations = store.platform_collection::<Operation>();
        let begun = Instant::now();
        loop {
            let found = operations.find_one(doc! { "_id": asked.id }).await.unwrap().unwrap();
            if !found.open {
                assert_eq!(found.state, OperationState::Done, "{:?}", found.steps);
                return found;
            }
            assert!(begun.elapsed() < PATIENCE, "{:?} does not end: {:?}", found.kind, found.steps);
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn organization(&self) -> Organization {
        let all = self.tenants.platform().platform_collection::<Organization>();
        all.find_one(doc! { "tenantId": self.business.tenant.as_str() }).await.unwrap().unwrap()
    }

    async fn connect(&self) {
        let channel_id = ChannelId::new(self.business.channel.channel_id.as_str()).unwrap();
        let (tenant, secret) = (&self.business.tenant, &self.business.channel.channel_secret);
        let field = secret_field(&channel_id);
        let secret = self.tenants.seal(&self.keys, tenant, &field, secret).await.unwrap();
        self.carry_out(&ConnectChannel { channel_id, secret }).await;
    }
}

#[tokio::test]
async fn a_tenant_is_created_connected_served_suspended_resumed_and_erased_by_operations() {
    let stage = Stage::enter().await;
    let business = Business::unregistered(&stage);
    // Only the provisioner tells LINE where webhooks go.
    let channel_id = business.channel.channel_id.clone();
    stage.line.update_channel(&channel_id, |channel| channel.webhook_url = None).unwrap();
    stage.store.ensure_platform().await.unwrap();
    let desk = Desk::of(&stage, &business);

    desk.carry_out(&CreateTenant {
        name: "A shop".to_owned(),
        kind: "retail".to_owned(),
        owner: NewOwner { email: format!("{}@example.com", business.tenant), name: "Aoi".to_owned() },
        tier: Tier::Free,
        timezone: "Asia/Bangkok".to_owned(),
        cell: None,
        data_region: None,
        settings: None,
    })
    .await;
    assert_eq!(desk.organization().await.status, OrganizationStatus::Active);
    desk.connect().await;
    let channels = stage.store.platform_collection::<Channel>();
    let channel = channels.find_one(doc! { "channelId": &channel_id }).await.unwrap().unwrap();
    let Connection::Line(line) = &channel.connection;
    assert!(line.webhook_verified && line.verified_at.is_some());
    assert_eq!(line.webhook_url, stage.webhook(&channel_id).0);

    let group = business.group(CANARY, &[("Aoi", "en"), ("Bun", "th")]);
    talk(&business, &group.place, &group.users[0]).await;

    desk.carry_out(&Suspend { reason: "unpaid".to_owned() }).await;
    assert_eq!(desk.organization().await.status_reason.unwrap().message, "unpaid");
    let record = desk.tenants.directory().newest_tenant(&business.tenant).await.unwrap().unwrap();
    assert_eq!(record.status, Status::Suspended);
    let said = business.say(&group.place, &group.users[1], &format!("{CANARY}: are you there?")).await;
    eventually("the message of a suspended tenant's customer", async || {
        let found = business.all::<Message>(doc! { "lineMessageId": said.message_id() }).await;
        (!found.is_empty()).then_some(())
    })
    .await;
    desk.carry_out(&Resume {}).await;
    assert_eq!(desk.organization().await.status, OrganizationStatus::Active);

    assert!(mentions(&stage, CANARY).await > 0, "the canary can be found");
    desk.carry_out(&Offboard { reason: "contract ended".to_owned(), grace_days: 0 }).await;
    assert_eq!(desk.organization().await.status, OrganizationStatus::Offboarded);
    assert_eq!(mentions(&stage, CANARY).await, 0);
    assert_nothing_outside_mongodb(&stage, &business).await;
    let certificates = stage.store.platform_collection::<ErasureCertificate>();
    let of_tenant = doc! { "tenantId": business.tenant.as_str() };
    let certificate = certificates.find_one(of_tenant).await.unwrap().unwrap();
    assert!(certificate.erased.documents["messages"] >= 4);
}

/// Some talk in a group, until its summary is in LINE.
async fn talk(business: &Business<'_>, place: &Place, user: &str) {
    for text in ["The picnic is on Saturday.", "Bring tea, please.", "Shall we meet at ten?"] {
        business.say(place, user, &format!("{CANARY}: {text}")).await;
    }
    business.say(place, user, "/summary").await;
    business.summarized(place).await;
    business.heard(place, |message| message["type"] == "flex").await;
    let rooms: Vec<Room> = business.all(doc! {}).await;
    assert!(rooms.iter().any(|room| room.room_type == RoomType::Group && room.name.is_some()));
}

/// How many documents of the whole cluster say `text`.
async fn mentions(stage: &Stage, text: &str) -> usize {
    let client = mongodb::Client::with_uri_str(stage.stack.mongodb_uri()).await.unwrap();
    let mut count = 0;
    for name in client.list_database_names().await.unwrap() {
        if !name.starts_with("matome") {
            continue;
        }
        let database = client.database(&name);
        for collection in database.list_collection_names().await.unwrap() {
            let documents = database.collection::<Document>(&collection).find(doc! {}).await.unwrap();
            let documents: Vec<Document> = documents.try_collect().await.unwrap();
            let says =
                |d: &Document| Bson::Document(d.clone()).into_relaxed_extjson().to_string().contains(text);
            count += documents.iter().filter(|document| says(document)).count();
        }
    }
    count
}

async fn assert_nothing_outside_mongodb(stage: &Stage, business: &Business<'_>) {
    let table = stage.aws().dynamodb().scan().table_name(stage.output("DirectoryTable")).send();
    for item in table.await.unwrap().items() {
        let item = format!("{item:?}");
        assert!(!item.contains(business.tenant.as_str()) && !item.contains(&business.channel.channel_id));
    }
    let versions = stage.aws().s3().list_object_versions().bucket(stage.output("Bucket"));
    let versions = versions.prefix(format!("tenants/{}/", business.tenant)).send().await.unwrap();
    assert!(versions.versions().is_empty() && versions.delete_markers().is_empty());
    let backup = stage.aws().s3().list_objects_v2().bucket(stage.output("Bucket"));
    let backup = backup.prefix(format!("backups/{}/", business.tenant)).send().await.unwrap();
    assert!(backup.contents().iter().any(|o| o.key().is_some_and(|k| k.ends_with("manifest.json"))));
}
