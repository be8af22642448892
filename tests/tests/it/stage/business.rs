//! A customer: tenant, channel and the people who talk to it.

use std::time::Duration;

use bson::{Document, doc};
use matome_domain::ids::TenantId;
use matome_domain::placement::Placement;
use matome_domain::tier::Tier;
use matome_line_simulator::{Act, Channel, Deed, NewChannel, NewGroup, NewUser, Performed, Place, World};
use matome_local_stack::REGION;
use matome_seeding::{Target, Tenant, seed};
use matome_store::entities::{
    OrganizationSettings, OutboxEntry, OutboxState, Purpose, Session, SessionStatus,
};
use matome_store::id::derived;
use matome_store::{Entity, TenantStore};
use serde_json::Value;

use super::{DATABASE_PREFIX, Stage, eventually};

/// How often LINE tries a webhook again (with redelivery on).
const REDELIVERIES: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Business<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) channel: Channel,
    pub(crate) tenant: TenantId,
    pub(crate) store: TenantStore,
}

/// A group of the business's customers.
pub(crate) struct Group {
    pub(crate) place: Place,
    /// User ids, in the order given.
    pub(crate) users: Vec<String>,
}

impl<'a> Business<'a> {
    /// A customer with a seeded tenant.
    pub(crate) async fn open(stage: &'a Stage, settings: OrganizationSettings) -> Self {
        let business = Self::unregistered(stage);
        business.register(settings).await;
        business
    }

    /// A channel at LINE that Matome does not know.
    pub(crate) fn unregistered(stage: &'a Stage) -> Self {
        let channel = stage.line.add_channel(NewChannel::default());
        let (url, host) = stage.webhook(&channel.channel_id);
        stage.line.set_webhook(&channel.channel_id, &url, Some(&host)).unwrap();
        stage.line.update_channel(&channel.channel_id, |c| c.redeliveries = REDELIVERIES).unwrap();
        let tenant = TenantId::new(organization(&channel).to_hex()).unwrap();
        let store = stage.store.tenant(&tenant, Placement::Shared);
        Self { stage, channel, tenant, store }
    }

    /// Seeds the tenant.
    pub(crate) async fn register(&self, settings: OrganizationSettings) {
        let stage = self.stage;
        let target = Target {
            mongodb_uri: stage.stack.mongodb_uri().to_owned(),
            database_prefix: DATABASE_PREFIX.to_owned(),
            aws_endpoint: stage.stack.ministack().endpoint(),
            region: REGION.to_owned(),
            directory_table: stage.output("DirectoryTable").to_owned(),
            kms_key_id: stage.output("TenantKeyArn").to_owned(),
        };
        let tenant = Tenant {
            organization: organization(&self.channel),
            name: "A shop".to_owned(),
            settings,
            // The lowest with keys for the API.
            tier: Tier::Basic,
            placement: Placement::Shared,
            timezone: "Asia/Bangkok".to_owned(),
            channel_id: self.channel.channel_id.clone(),
            channel_secret: self.channel.channel_secret.clone(),
            bot_user_id: self.channel.bot_user_id.clone(),
            webhook_url: stage.webhook(&self.channel.channel_id).0,
        };
        assert_eq!(seed(&target, &tenant).await.unwrap(), self.tenant);
    }

    /// A group of people with name and language.
    pub(crate) fn group(&self, name: &str, people: &[(&str, &str)]) -> Group {
        let line = &self.stage.line;
        let add = |(name, language): &(&str, &str)| {
            line.add_user(NewUser { language: Some((*language).to_owned()), ..NewUser::named(name) })
        };
        let users: Vec<String> = people.iter().map(add).collect();
        let place = line.add_group(NewGroup {
            name: name.to_owned(),
            members: users.clone(),
            channels: vec![self.channel.channel_id.clone()],
            ..NewGroup::default()
        });
        Group { place, users }
    }

    /// Somebody does something, and the webhook takes it.
    pub(crate) async fn perform(&self, place: &Place, user: Option<&str>, act: Act) -> Performed {
        let deed = Deed { place: place.clone(), user: user.map(str::to_owned), act };
        let performed = self.stage.line.perform(&self.channel.channel_id, &deed).await.unwrap();
        assert!(performed.delivery.is_accepted(), "{:?}", performed.delivery);
        performed
    }

    /// Somebody writes.
    pub(crate) async fn say(&self, place: &Place, user: &str, text: &str) -> Performed {
        self.perform(place, Some(user), Act::text(text)).await
    }

    /// Somebody taps the bot's newest button with this data.
    pub(crate) async fn tap(&self, place: &Place, user: &str, data: &str) -> Performed {
        let tapped = self.stage.line.tap(&self.channel.channel_id, place, user, data).await.unwrap();
        assert!(tapped.delivery.is_accepted(), "{:?}", tapped.delivery);
        tapped
    }

    /// The bot's first message to `place` that `is` wanted, once it is there.
    pub(crate) async fn heard(&self, place: &Place, is: impl Fn(&Value) -> bool) -> Value {
        let sent = |world: &World| {
            let sent = world.sent_to(place);
            sent.into_iter().find(|entry| is(&entry.content)).map(|entry| entry.content.clone())
        };
        self.stage.line.wait_for(sent, PATIENCE).await.expect("the bot sends it")
    }

    /// All of the tenant's documents of one kind.
    pub(crate) async fn all<E: Entity>(&self, filter: Document) -> Vec<E> {
        self.store.collection::<E>().find(filter, doc! { "createdAt": 1 }, 0).await.unwrap()
    }

    /// The session of a place, once it is summarized.
    pub(crate) async fn summarized(&self, place: &Place) -> Session {
        let wanted =
            doc! { "conversationId": place.id(), "status": "closed", "summary": { "$exists": true } };
        let session = eventually("a session that is closed and summarized", async || {
            self.store.collection::<Session>().find_one(wanted.clone()).await.unwrap()
        });
        let session = session.await;
        assert_eq!(session.status, SessionStatus::Closed);
        session
    }

    /// The outbox entry with this purpose, once it is in `state`.
    pub(crate) async fn outbox(&self, state: OutboxState, is: impl Fn(&Purpose) -> bool) -> OutboxEntry {
        eventually(&format!("an outbox entry in {state:?}"), async || {
            let entries = self.all::<OutboxEntry>(doc! {}).await;
            entries.into_iter().find(|entry| entry.state == state && is(&entry.purpose))
        })
        .await
    }
}

fn organization(channel: &Channel) -> bson::oid::ObjectId {
    derived(&["e2e", &channel.channel_id])
}
