//! The end of a tenant: nothing of it is left, everything of others is.

use std::time::Duration;

use bson::{Bson, Document, doc};
use bytes::Bytes;
use futures::TryStreamExt;
use matome_domain::clock::Clock;
use matome_domain::fault::Faults;
use matome_domain::ids::{DocumentId, TenantId};
use matome_domain::placement::Placement;
use matome_domain::queue::TenantJob;
use matome_domain::tier::Tier;
use matome_provisioner::operations::steps;
use matome_provisioner::{record, run};
use matome_runtime::blobs::{BlobKey, BlobPrefix, MediaPart};
use matome_runtime::directory::Status;
use matome_stacks::Resources;
use matome_store::Entity as _;
use matome_store::create_organization::default_room;
use matome_store::entities::{
    ApiKey, ErasureCertificate, Message, Operation, OperationKind, OperationState, Organization,
    OrganizationStatus, Room, tenant_declarations,
};
use matome_store::id::{derived, document_id};
use matome_store::time::{date, timestamp};
use matome_tenancy::operations::{Offboard, Suspend, request_abort, retry};
use matome_testing::crash::once_at;
use serde_json::{Value, json};

use crate::bucket::Bucket;
use crate::stacks::TemplateOfStacks;
use crate::world::{World, shop};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

struct Setting {
    world: World,
    bucket: Bucket,
}

impl Setting {
    async fn new() -> Self {
        let mut world = World::start().await;
        let bucket = Bucket::make().await;
        world.blobs = Some(bucket.blobs.clone());
        Self { world, bucket }
    }

    /// A tenant with one document more in every collection, a channel, media in two versions and a
    /// deleted one; all of it says `canary`.
    async fn tenant(&self, tier: Tier, canary: &str) -> TenantId {
        let id = self.world.create(tier).await;
        let database = self.database(tier.placement(), &id).await;
        for declaration in tenant_declarations() {
            let name = tier.placement().collection(&id, declaration.collection);
            let document =
                doc! { "_id": derived(&["canary", id.as_str()]), "tenantId": id.as_str(), "text": canary };
            let insert = database.collection::<Document>(&name);
            insert.insert_one(document).bypass_document_validation(true).await.unwrap();
        }
        let channel =
            doc! { "tenantId": id.as_str(), "channelId": format!("20{}", &id.as_str()[..8]), "name": canary };
        let channels = self.world.system.store.platform().collection::<Document>("channels");
        channels.insert_one(channel).bypass_document_validation(true).await.unwrap();
        self.register_channel(&id).await;
        for (message, versions) in [("m1", 2), ("m2", 1)] {
            let key = BlobKey::media(&id, &DocumentId::new(message).unwrap(), MediaPart::Original);
            for _ in 0..versions {
                self.bucket.blobs.put(&key, "text/plain", Bytes::from(canary.to_owned())).await.unwrap();
            }
        }
        let deleted = format!("tenants/{id}/media/m2/original");
        self.bucket.s3.delete_object().bucket(&self.bucket.name).key(deleted).send().await.unwrap();
        id
    }

    /// What is erased with the tenant and is not in its backup: the picture of a message that was unsent just now,
    /// and an export about a person.
    async fn unsent_and_exported(&self, id: &TenantId) {
        let message = derived(&["canary", id.as_str()]);
        let database = self.database(Placement::CollectionSet, id).await;
        let name = Placement::CollectionSet.collection(id, Message::COLLECTION);
        let set = doc! { "$set": { "media.status": "erasing" } };
        let messages = database.collection::<Document>(&name);
        let update = messages.update_one(doc! { "_id": message }, set);
        assert_eq!(update.bypass_document_validation(true).await.unwrap().modified_count, 1);
        let picture = BlobKey::media(id, &document_id(message), MediaPart::Original);
        let document = |text: &str| DocumentId::new(text).unwrap();
        for key in [picture, BlobKey::export(id, &document("u1"), &document("e1"))] {
            self.bucket.blobs.put(&key, "text/plain", Bytes::from_static(b"canary")).await.unwrap();
        }
    }

    async fn register_channel(&self, id: &TenantId) {
        use matome_domain::ids::ChannelId;
        use matome_runtime::directory::{ChannelRecord, secret_field};
        let directory = self.world.system.directory();
        let record = directory.newest_tenant(id).await.unwrap().unwrap();
        let channel_id = ChannelId::new(format!("20{}", &id.as_str()[..8])).unwrap();
        let keys = self.world.system.keys();
        let secret = keys.seal(id, &record.key, &secret_field(&channel_id), "a secret").await.unwrap();
        let channel = ChannelRecord {
            channel_id,
            tenant_id: id.clone(),
            bot_user_id: "Ubot".to_owned(),
            secret,
            previous_secret: None,
            key: record.key,
            placement: record.placement,
            cell: record.cell,
            status: Status::Active,
            inbound_queue_url: None,
            version: 1,
        };
        directory.put_channel(&channel).await.unwrap();
    }

    fn prefix(&self) -> String {
        self.world.system.store.platform().name().trim_end_matches("_platform").to_owned()
    }

    async fn client(&self) -> mongodb::Client {
        let uri = matome_local_stack::shared::mongodb_uri().await.unwrap();
        mongodb::Client::with_uri_str(uri).await.unwrap()
    }

    async fn database(&self, placement: Placement, id: &TenantId) -> mongodb::Database {
        self.client().await.database(&placement.database(&self.prefix(), id))
    }

    /// Every document of every collection of every database of this test, and what names and
    /// validators say, as text.
    async fn everything_in_mongodb(&self) -> Vec<(String, String)> {
        let client = self.client().await;
        let mut all = Vec::new();
        for name in client.list_database_names().await.unwrap() {
            if !name.starts_with(&self.prefix()) {
                continue;
            }
            all.push(("database".to_owned(), name.clone()));
            let database = client.database(&name);
            let collections: Vec<_> = database.list_collections().await.unwrap().try_collect().await.unwrap();
            for collection in collections {
                all.push(("collection".to_owned(), format!("{name}.{}", collection.name)));
                all.push(("validator".to_owned(), format!("{:?}", collection.options.validator)));
                let documents = database.collection::<Document>(&collection.name);
                let documents: Vec<_> = documents.find(doc! {}).await.unwrap().try_collect().await.unwrap();
                let text = |d: Document| Bson::Document(d).into_relaxed_extjson().to_string();
                all.extend(documents.into_iter().map(|d| (collection.name.clone(), text(d))));
            }
        }
        all
    }

    /// Where MongoDB, the directory or the bucket mention `text`.
    async fn mentions(&self, text: &str) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for (place, content) in self.everything_in_mongodb().await {
            if content.contains(text) {
                found.push(place);
            }
        }
        found.extend(self.world.system.directory_dump().contains(text).then(|| "directory".to_owned()));
        for key in self.bucket.versions().await {
            if key.contains(text) {
                found.push(key);
            }
        }
        found.sort();
        found.dedup();
        found
    }

    async fn offboard(&self, id: &TenantId, grace_days: u32) -> TenantJob {
        self.world.ask(id, &Offboard { reason: "contract ended".to_owned(), grace_days }).await
    }

    async fn organization(&self, id: &TenantId) -> Organization {
        let all = self.world.system.store.platform_collection::<Organization>();
        all.find_one(doc! { "tenantId": id.as_str() }).await.unwrap().unwrap()
    }

    /// Nothing is left but what is meant to be.
    async fn assert_gone(&self, id: &TenantId, canary: &str, done: &Operation) {
        assert_eq!(done.state, OperationState::Done, "{done:?}");
        assert_eq!(self.mentions(canary).await, Vec::<String>::new(), "contents");
        self.assert_only_meant_to_be_left(id).await;
        let tombstone = self.organization(id).await;
        assert_eq!(tombstone.status, OrganizationStatus::Offboarded);
        assert_eq!(tombstone.name, "(erased)");
        let operations = self.world.system.store.platform_collection::<Operation>();
        assert_eq!(operations.count_documents(doc! { "tenantId": id.as_str() }).await.unwrap(), 1);
    }

    /// What still names the tenant is meant to.
    async fn assert_only_meant_to_be_left(&self, id: &TenantId) {
        let final_backup = format!("backups/{id}/");
        for place in self.mentions(id.as_str()).await {
            let is_meant =
                ["erasure_certificates", "organizations", "tenant_operations"].contains(&place.as_str());
            // The owner's e-mail address is derived from the id here: the account stays.
            let is_owner = place == "owners";
            assert!(is_meant || is_owner || place.starts_with(&final_backup), "{id} is left in {place}");
        }
    }

    /// Has an operation fail for good: its process dies at this step whenever it is begun.
    async fn fail_at(&self, job: &TenantJob, step: &'static str) -> Operation {
        for _ in 0..1_000 {
            let deadly = self.world.context(Faults::at(move |name| name == step));
            match run::run(&deadly, job).await {
                Ok(OperationState::Waiting) => {
                    let operation = self.world.operation(job).await;
                    self.world.system.clock.set(timestamp(operation.not_before.unwrap()));
                }
                Ok(_) => return self.world.operation(job).await,
                Err(error) => assert!(error.ends_invocation(), "{error}"),
            }
        }
        panic!("the operation does not fail: {:?}", self.world.operation(job).await);
    }

    async fn stack(&self, id: &TenantId) -> Option<Resources> {
        self.world.stacks.as_ref().unwrap().of(id).await
    }
}

#[tokio::test]
async fn nothing_of_an_offboarded_tenant_is_left_anywhere_and_everything_of_others_is() {
    for tier in [Tier::Free, Tier::Pro, Tier::Enterprise] {
        let setting = Setting::new().await;
        let id = setting.tenant(tier, "canary-one").await;
        let other = setting.tenant(tier, "canary-two").await;
        let before = setting.mentions("canary-two").await;
        assert!(setting.mentions("canary-one").await.len() > 10, "the canaries can be found");

        let job = setting.offboard(&id, 30).await;
        let waiting = setting.world.drive_until(&job, Faults::none(), |_| true).await;
        assert_eq!(waiting.steps.last().unwrap().name, "grace");
        assert_eq!(setting.organization(&id).await.status, OrganizationStatus::Offboarding);
        let record = setting.world.system.directory().tenant(&id).await.unwrap().unwrap();
        assert_eq!(record.status, Status::Suspended);
        let wait = waiting.not_before.unwrap().timestamp_millis() - setting.world.system.clock.now().0;
        assert!(wait > 29 * DAY.as_millis() as i64, "{wait}");

        let done = setting.world.drive(&job).await;
        setting.assert_gone(&id, "canary-one", &done).await;
        assert_eq!(setting.mentions("canary-two").await, before, "another tenant is untouched");
        let tenants = setting.world.system.tenants();
        assert!(tenants.is_served(&other).await.unwrap());
    }
}

#[tokio::test]
async fn the_certificate_says_what_was_erased_and_the_backup_holds_it() {
    let setting = Setting::new().await;
    let id = setting.tenant(Tier::Pro, "canary").await;
    let keys = setting.world.system.store.platform().collection::<Document>(ApiKey::COLLECTION);
    for n in 0..2 {
        let key =
            doc! { "tenantId": id.as_str(), "name": "canary", "prefix": format!("{id}{n}"), "tag": "sesame" };
        keys.insert_one(key).bypass_document_validation(true).await.unwrap();
    }
    setting.unsent_and_exported(&id).await;
    let job = setting.offboard(&id, 0).await;
    let done = setting.world.drive(&job).await;
    assert_eq!(done.state, OperationState::Done);

    let certificates = setting.world.system.store.platform_collection::<ErasureCertificate>();
    let certificate = certificates.find_one(doc! { "tenantId": id.as_str() }).await.unwrap().unwrap();
    // The default room as well.
    assert_eq!(certificate.erased.documents["rooms"], 2);
    assert_eq!(certificate.erased.documents["messages"], 1);
    assert_eq!(certificate.erased.documents["platform/channels"], 1);
    let erased = &certificate.erased;
    assert_eq!((erased.objects, erased.versions, erased.bytes), (3, 6, 5 * "canary".len() as i64));
    assert_eq!(erased.key_version, 1);
    assert!(certificate.kept.iter().any(|kept| kept.what.contains("final backup") && kept.until.is_some()));
    let text = setting.bucket.text(&format!("backups/{id}/certificate.json")).await;
    let mut copy: Value = serde_json::from_str(&text).unwrap();
    copy["sha256"] = Value::from("");
    let sorted: std::collections::BTreeMap<String, Value> = serde_json::from_value(copy).unwrap();
    let digest = aws_lc_rs::digest::digest(
        &aws_lc_rs::digest::SHA256,
        serde_json::to_string(&sorted).unwrap().as_bytes(),
    );
    let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(certificate.sha256, digest);

    let folder = format!("backups/{id}/final-{}", done.id.to_hex());
    let manifest: Value =
        serde_json::from_str(&setting.bucket.text(&format!("{folder}/manifest.json")).await).unwrap();
    assert_eq!((&manifest["media"]["objects"], &manifest["media"]["bytes"]), (&1.into(), &6.into()));
    assert_eq!(setting.bucket.text(&format!("{folder}/media/m1/original")).await, "canary");
    let list = setting.bucket.text(&format!("{folder}/media-00001.jsonl")).await;
    let line: Value = serde_json::from_str(&list).unwrap();
    let key = format!("tenants/{id}/media/m1/original");
    assert_eq!(line, json!({ "key": key, "file": "media/m1/original", "bytes": 6 }));
    let copies = setting.bucket.versions().await;
    let copies = copies.iter().filter(|key| key.starts_with(&format!("{folder}/")) && !key.contains('.'));
    assert_eq!(copies.count(), 1, "what was unsent, and what was exported, is not kept");
    let files = manifest["documents"].as_array().unwrap();
    let (platform, own): (Vec<_>, Vec<_>) =
        files.iter().partition(|file| file["name"].as_str().unwrap().starts_with("platform-"));
    assert_eq!(own.len(), tenant_declarations().len(), "each collection has one document at least");
    // What the platform knew of it, and nothing that opens a door.
    let counts: Vec<_> = platform
        .iter()
        .map(|file| (file["name"].as_str().unwrap(), file["count"].as_i64().unwrap()))
        .collect();
    assert_eq!(
        counts,
        [
            ("platform-api_keys-00001.jsonl", 2),
            ("platform-channels-00001.jsonl", 1),
            ("platform-organizations-00001.jsonl", 1),
            ("platform-tenant_operations-00001.jsonl", 1),
        ]
    );
    for file in files {
        let text = setting.bucket.text(&format!("{folder}/{}", file["name"].as_str().unwrap())).await;
        assert_eq!(text.lines().count() as i64, file["count"].as_i64().unwrap());
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        let digest: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, file["sha256"]);
        assert!(text.contains("canary") || text.contains(id.as_str()), "{}", file["name"]);
        assert!(!text.contains("sesame"), "{}", file["name"]);
    }
}

#[tokio::test]
async fn whoever_dies_at_any_step_erases_all_the_same() {
    let setting = Setting::new().await;
    let moments = steps(OperationKind::Offboard).iter().map(|step| step.name).chain(["backup.media"]);
    for (n, step) in moments.enumerate() {
        let canary = format!("canary-{n}-");
        let id = setting.tenant(if n % 2 == 0 { Tier::Pro } else { Tier::Free }, &canary).await;
        let job = setting.offboard(&id, 1).await;
        let done = setting.world.drive_with(&job, once_at(step, 1)).await;
        setting.assert_gone(&id, &canary, &done).await;
        let certificates = setting.world.system.store.platform_collection::<ErasureCertificate>();
        let found = certificates.find_one(doc! { "tenantId": id.as_str() }).await.unwrap().unwrap();
        assert_eq!((found.erased.documents["rooms"], found.erased.versions), (2, 4), "death at {step}");
    }
}

#[tokio::test]
async fn during_the_days_of_grace_it_can_be_taken_back() {
    for suspended_before in [false, true] {
        let setting = Setting::new().await;
        let id = setting.tenant(Tier::Free, "canary").await;
        if suspended_before {
            let job = setting.world.ask(&id, &Suspend { reason: "unpaid".to_owned() }).await;
            assert_eq!(setting.world.drive(&job).await.state, OperationState::Done);
        }
        let before = setting.organization(&id).await;
        let keys = setting.bucket.versions().await;
        let job = setting.offboard(&id, 30).await;
        let waiting = setting.world.drive_until(&job, Faults::none(), |_| true).await;
        assert_ne!(setting.bucket.versions().await, keys, "there is a backup");

        let world = &setting.world;
        let now = world.system.clock.now();
        request_abort(&world.system.store, &world.queues, &id, waiting.id, now).await.unwrap();
        let aborted = world.drive(&job).await;
        assert_eq!(aborted.state, OperationState::Aborted);
        let after = setting.organization(&id).await;
        assert_eq!((after.status, after.status_reason), (before.status, before.status_reason));
        assert_eq!(world.system.tenants().is_served(&id).await.unwrap(), !suspended_before);
        assert_eq!(setting.bucket.versions().await, keys, "the backup is discarded");
        assert!(setting.mentions("canary").await.len() > 10);
    }
}

/// The wish comes while a step is at work that is about to wait for 30 days: it is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn who_takes_it_back_in_the_middle_of_a_step_does_not_wait_for_the_days_of_grace() {
    let setting = Setting::new().await;
    let world = &setting.world;
    for moment in ["grace", "backup_manifest"] {
        let id = setting.tenant(Tier::Free, "canary").await;
        let job = setting.offboard(&id, 30).await;
        let begun = world.system.clock.now();
        let (platform, queues) = (world.system.store.clone(), world.queues.clone());
        let operation = world.operation(&job).await.id;
        let asking = tokio::runtime::Handle::current();
        let asks = Faults::at(move |boundary| {
            if boundary == moment {
                let ask = request_abort(&platform, &queues, &id, operation, begun);
                tokio::task::block_in_place(|| asking.block_on(ask)).unwrap();
            }
            false
        });
        let ended = world.drive_with(&job, asks).await;
        assert_eq!(ended.state, OperationState::Aborted, "{moment}");
        let waited = world.system.clock.now().0 - begun.0;
        assert!(waited < DAY.as_millis() as i64, "{moment}: {waited} ms");
    }
}

/// The wish comes between a step's end and the note that it is to be waited for.
#[tokio::test]
async fn what_is_to_wait_is_due_at_once_when_somebody_gave_it_up() {
    let setting = Setting::new().await;
    let world = &setting.world;
    let id = setting.tenant(Tier::Free, "canary").await;
    let job = setting.offboard(&id, 30).await;
    let mut waiting = world.operation(&job).await;
    let now = world.system.clock.now();
    request_abort(&world.system.store, &world.queues, &id, waiting.id, now).await.unwrap();

    waiting.state = OperationState::Waiting;
    waiting.not_before = Some(date(now.plus(30 * DAY)));
    let saved = record::save(&world.context(Faults::none()), waiting, now).await.unwrap();
    assert_eq!((saved.abort_requested, saved.not_before), (true, Some(date(now))));
    assert_eq!(world.drive(&job).await.state, OperationState::Aborted);
    assert_eq!(world.system.clock.now(), now, "nothing was waited for");
}

#[tokio::test]
async fn once_something_is_erased_there_is_no_way_back() {
    let setting = Setting::new().await;
    let id = setting.tenant(Tier::Free, "canary").await;
    let job = setting.offboard(&id, 0).await;
    let disconnecting = |o: &Operation| o.steps.last().is_some_and(|step| step.name == "disconnect");
    let waiting = setting.world.drive_until(&job, Faults::none(), disconnecting).await;
    let now = setting.world.system.clock.now();
    let (store, queues) = (&setting.world.system.store, &setting.world.queues);
    request_abort(store, queues, &id, waiting.id, now).await.unwrap();
    let done = setting.world.drive(&job).await;
    setting.assert_gone(&id, "canary", &done).await;
}

#[tokio::test]
async fn a_creation_that_failed_at_any_step_is_listed_and_can_be_offboarded() {
    for step in steps(OperationKind::Create) {
        let mut setting = Setting::new().await;
        setting.world.stacks = Some(TemplateOfStacks::put(&setting.bucket).await);
        let id = setting.world.new_id();
        let job = setting.world.ask(&id, &shop(Tier::Enterprise, &id)).await;
        let failed = setting.fail_at(&job, step.name).await;
        assert_eq!(failed.state, OperationState::Failed, "{failed:?}");
        let platform = &setting.world.system.store;
        let is_listed = async || {
            let listed = platform.failed_creations().await.unwrap();
            listed.iter().any(|creation| creation.tenant_id == id.as_str())
        };
        let organizations = platform.platform_collection::<Organization>();
        let of_tenant = doc! { "tenantId": id.as_str() };
        match organizations.find_one(of_tenant.clone()).await.unwrap() {
            Some(organization) => assert_eq!(organization.status, OrganizationStatus::Failed),
            None => assert!(is_listed().await, "{}", step.name),
        }
        assert_eq!(setting.stack(&id).await.is_some(), !["check", "stack"].contains(&step.name));

        let job = setting.offboard(&id, 0).await;
        let done = setting.world.drive(&job).await;
        assert_eq!(done.state, OperationState::Done, "failed at {}: {done:?}", step.name);
        assert!(!is_listed().await);
        assert!(setting.stack(&id).await.is_none());
        setting.assert_only_meant_to_be_left(&id).await;

        let job = setting.offboard(&id, 0).await;
        assert_eq!(setting.world.drive(&job).await.state, OperationState::Failed, "there is none any more");
    }
}

#[tokio::test]
async fn an_offboarding_of_what_was_never_made_can_be_taken_back() {
    let setting = Setting::new().await;
    let (world, id) = (&setting.world, setting.world.new_id());
    let creation = world.ask(&id, &shop(Tier::Free, &id)).await;
    setting.fail_at(&creation, "organization").await;
    let job = setting.offboard(&id, 30).await;
    let waiting = world.drive_until(&job, Faults::none(), |_| true).await;
    let now = world.system.clock.now();
    request_abort(&world.system.store, &world.queues, &id, waiting.id, now).await.unwrap();
    assert_eq!(world.drive(&job).await.state, OperationState::Aborted);
    let failed = world.operation(&creation).await.id;
    retry(&world.system.store, &world.queues, &id, failed, now).await.unwrap();
    assert_eq!(world.drive(&creation).await.state, OperationState::Done);
    assert!(world.system.tenants().is_served(&id).await.unwrap());
}

#[tokio::test]
async fn whoever_still_believes_in_the_tenant_writes_nothing_once_it_is_counted() {
    let setting = Setting::new().await;
    for tier in [Tier::Free, Tier::Pro, Tier::Enterprise] {
        let id = setting.tenant(tier, "canary").await;
        let job = setting.offboard(&id, 0).await;
        let keyless = |o: &Operation| o.steps.last().is_some_and(|step| step.name == "erase_key");
        setting.world.drive_until(&job, Faults::none(), keyless).await;
        let stale = setting.world.system.store.tenant(&id, tier.placement());
        let late = default_room(id.as_str(), date(setting.world.system.clock.now()));
        let refused = stale.collection::<Room>().insert(&late).await.unwrap_err();
        assert!(refused.is_fenced(), "{refused}");
        let done = setting.world.drive(&job).await;
        setting.assert_gone(&id, "canary", &done).await;
    }
}

#[tokio::test]
async fn media_that_come_late_are_erased_wherever_they_come_to() {
    let mut setting = Setting::new().await;
    setting.world.stacks = Some(TemplateOfStacks::put(&setting.bucket).await);
    let id = setting.tenant(Tier::Enterprise, "canary").await;
    let platform = setting.bucket.blobs.clone();
    let own = platform.in_bucket(&setting.stack(&id).await.unwrap().bucket);
    let job = setting.offboard(&id, 0).await;
    let keyless = |o: &Operation| o.steps.last().is_some_and(|step| step.name == "erase_key");
    let waiting = setting.world.drive_until(&job, Faults::none(), keyless).await;
    let context = setting.world.context(Faults::none());
    let rest = timestamp(waiting.not_before.unwrap()).since(setting.world.system.clock.now());
    assert_eq!(rest, context.directory_age + context.longest_invocation);

    // Somebody who believed in the tenant stores media yet.
    let late = BlobKey::media(&id, &DocumentId::new("late").unwrap(), MediaPart::Original);
    for bucket in [&platform, &own] {
        bucket.put(&late, "text/plain", Bytes::from_static(b"canary")).await.unwrap();
    }
    let done = setting.world.drive(&job).await;
    setting.assert_gone(&id, "canary", &done).await;
    let left = own.versions_under(&BlobPrefix::tenant(&id), None).await.unwrap();
    assert!(left.versions.is_empty(), "{left:?}");
}

#[tokio::test]
async fn the_certificate_names_everything_that_outlives_the_erasure() {
    let mut setting = Setting::new().await;
    setting.world.stacks = Some(TemplateOfStacks::put(&setting.bucket).await);
    for tier in [Tier::Free, Tier::Enterprise] {
        let id = setting.tenant(tier, "canary").await;
        let own = setting.stack(&id).await;
        assert_eq!(own.is_some(), tier == Tier::Enterprise);
        let job = setting.offboard(&id, 0).await;
        assert_eq!(setting.world.drive(&job).await.state, OperationState::Done);
        let certificates = setting.world.system.store.platform_collection::<ErasureCertificate>();
        let certificate = certificates.find_one(doc! { "tenantId": id.as_str() }).await.unwrap().unwrap();
        let is_named = |what: &str| certificate.kept.iter().any(|kept| kept.what.contains(what));
        for what in ["rate limits", "answers that the API repeats", "dead letters", "point-in-time recovery"]
        {
            assert!(is_named(what), "{what}");
        }
        match &own {
            Some(own) => assert!(is_named(&own.bucket) && is_named(&own.key_arn), "{:?}", certificate.kept),
            None => assert!(!is_named("until an operator deletes it"), "{:?}", certificate.kept),
        }
    }
}

#[tokio::test]
async fn a_certificate_that_found_something_left_is_not_stuck_with_it() {
    let setting = Setting::new().await;
    let id = setting.tenant(Tier::Free, "canary").await;
    let job = setting.offboard(&id, 0).await;
    let failed = setting.fail_at(&job, "certificate").await;
    let late = BlobKey::media(&id, &DocumentId::new("late").unwrap(), MediaPart::Original);
    setting.bucket.blobs.put(&late, "text/plain", Bytes::from_static(b"canary")).await.unwrap();
    let (world, now) = (&setting.world, setting.world.system.clock.now());
    retry(&world.system.store, &world.queues, &id, failed.id, now).await.unwrap();
    let done = world.drive(&job).await;
    setting.assert_gone(&id, "canary", &done).await;
}
