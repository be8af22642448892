//! A tenant, its channel on a simulated LINE, a room with a summary, and senders.

use std::sync::Arc;
use std::time::Duration;

use bson::doc;
use matome_domain::fault::Faults;
use matome_domain::placement::Placement;
use matome_line_simulator::{
    ChatEntry, Deed, Endpoint, LineSimulator, NewChannel, NewGroup, NewUser, Place, Sent, SimulatorConfig,
};
use matome_runtime::random::Random;
use matome_sender::Context;
use matome_store::Entity;
use matome_store::entities::{
    OutboxEntry, OutboxState, Purpose, PushLedger, ReplyToken, Room, Session, SessionStatus, Summary,
};
use matome_store::time::date;
use matome_tenancy::HealthRecords;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant, fixtures, sqs};

/// How long the recorder believes in a reply token.
pub(crate) const TOKEN_LIFE: Duration = Duration::from_secs(55);

pub(crate) struct Stage {
    pub(crate) system: TestSystem,
    pub(crate) tenant: TestTenant,
    pub(crate) line: LineSimulator,
    pub(crate) place: Place,
    pub(crate) user: String,
    pub(crate) room: Room,
    pub(crate) session: Session,
    pub(crate) summary: Summary,
}

impl Stage {
    /// A 1:1 chat.
    pub(crate) async fn chat() -> Self {
        Self::open(1, false).await
    }

    /// A group of `members`.
    pub(crate) async fn group(members: usize) -> Self {
        Self::open(members, true).await
    }

    async fn open(members: usize, group: bool) -> Self {
        let system = TestSystem::start().await;
        let tenant = system.tenant(Placement::Shared).await;
        let line =
            LineSimulator::start(SimulatorConfig::new(system.clock.clone())).await.expect("a free port");
        line.add_channel(NewChannel {
            channel_id: Some(tenant.channel.to_string()),
            channel_secret: Some(tenant.secret.clone()),
            bot_user_id: Some(tenant.bot_user_id.clone()),
            ..NewChannel::default()
        });
        let members: Vec<String> =
            (0..members).map(|n| line.add_user(NewUser::named(&format!("Person {n}")))).collect();
        let user = members[0].clone();
        let place = if group {
            let channels = vec![tenant.channel.to_string()];
            line.add_group(NewGroup { name: "Picnic".to_owned(), members, channels, ..NewGroup::default() })
        } else {
            Place::User(user.clone())
        };
        let room = fixtures::room(&tenant, place.id());
        let session = fixtures::session(&room, 1, SessionStatus::Closed, BEGIN);
        let summary = fixtures::summary(&session);
        let stage = Self { system, tenant, line, place, user, room, session, summary };
        stage.insert(&stage.room).await;
        stage.insert(&stage.session).await;
        stage.insert(&stage.summary).await;
        stage
    }

    pub(crate) async fn insert<E: Entity>(&self, document: &E) {
        self.tenant.store.collection::<E>().insert(document).await.expect("can be stored");
    }

    /// Limits the month's quota at LINE.
    pub(crate) fn set_quota(&self, quota: u64, used: u64) {
        let channel = self.tenant.channel.as_str();
        self.line
            .update_channel(channel, |c| (c.quota, c.quota_used) = (Some(quota), used))
            .expect("the channel is there");
    }

    pub(crate) fn quota_used(&self) -> u64 {
        self.line.channel(self.tenant.channel.as_str()).unwrap().quota_used
    }

    /// Somebody says something: a reply token, fresh until [`TOKEN_LIFE`] has passed.
    pub(crate) fn token(&self) -> ReplyToken {
        let deed = Deed::text(&self.place, &self.user, "hello");
        let event = self.line.compose(self.tenant.channel.as_str(), &deed).unwrap();
        let token = event["replyToken"].as_str().unwrap().to_owned();
        ReplyToken { token, expires_at: date(self.now().plus(TOKEN_LIFE)) }
    }

    pub(crate) fn now(&self) -> matome_domain::clock::Timestamp {
        matome_domain::clock::Clock::now(&*self.system.clock)
    }

    pub(crate) fn the_summary(&self) -> Purpose {
        Purpose::Summary { summary_id: self.summary.id }
    }

    /// Queues an entry for the room.
    pub(crate) async fn queue(&self, purpose: Purpose, token: Option<ReplyToken>) -> OutboxEntry {
        self.queue_with(purpose, token, |_| {}).await
    }

    /// Queues an answer to a tap, as the recorder does.
    pub(crate) async fn queue_answer(&self, purpose: Purpose, token: ReplyToken) -> OutboxEntry {
        self.queue_with(purpose, Some(token), |e| e.reply_only = true).await
    }

    pub(crate) async fn queue_with(
        &self,
        purpose: Purpose,
        token: Option<ReplyToken>,
        change: impl FnOnce(&mut OutboxEntry),
    ) -> OutboxEntry {
        let mut entry = fixtures::entry(&self.room, purpose, token, self.system.random.uuid().to_string());
        change(&mut entry);
        self.insert(&entry).await;
        entry
    }

    /// A newly started sender.
    pub(crate) fn sender(&self, faults: Faults) -> Context {
        Context {
            tenants: self.system.tenants(),
            channels: self.system.channels(&self.line.api_url()),
            health: HealthRecords::new(self.system.clock.clone()),
            clock: self.system.clock.clone(),
            random: Arc::clone(&self.system.random) as Arc<dyn Random>,
            turn: tokio::sync::Mutex::default(),
            faults,
        }
    }

    /// Delivers an entry's job to a newly started sender; whether it goes back to the queue.
    pub(crate) async fn deliver_with(&self, entry: &OutboxEntry, faults: Faults) -> bool {
        let event = sqs::batch(&[fixtures::outbound_job(&self.tenant, entry)]);
        let response = matome_sender::handle(event, &self.sender(faults)).await.unwrap();
        !sqs::returned(&response).is_empty()
    }

    /// Delivers an entry's job and returns the entry as it is then.
    pub(crate) async fn deliver(&self, entry: &OutboxEntry) -> OutboxEntry {
        let returned = self.deliver_with(entry, Faults::none()).await;
        let after = self.stored(entry).await;
        assert_eq!(
            returned,
            after.state == OutboxState::Queued,
            "a job goes back as long as its entry is queued"
        );
        after
    }

    pub(crate) async fn stored(&self, entry: &OutboxEntry) -> OutboxEntry {
        self.tenant.store.collection::<OutboxEntry>().get(entry.id).await.unwrap().unwrap()
    }

    pub(crate) async fn room_now(&self) -> Room {
        self.tenant.store.collection::<Room>().get(self.room.id).await.unwrap().unwrap()
    }

    /// The channel's only ledger, if there is one.
    pub(crate) async fn ledger(&self) -> Option<PushLedger> {
        let ledgers = self.tenant.store.collection::<PushLedger>();
        let mut all = ledgers.find(doc! {}, doc! { "_id": 1 }, 10).await.unwrap();
        assert!(all.len() <= 1, "one channel, one month");
        all.pop()
    }

    /// What the room saw of the bot.
    pub(crate) fn seen(&self) -> Vec<ChatEntry> {
        self.line.inspect(|w| w.sent_to(&self.place).into_iter().cloned().collect())
    }

    /// How the messages came that the room saw.
    pub(crate) fn seen_as(&self) -> Vec<Sent> {
        self.seen().into_iter().map(|e| e.sent).collect()
    }

    pub(crate) fn calls(&self, endpoint: Endpoint) -> usize {
        self.line.inspect(|w| w.call_count(endpoint))
    }

    /// Every call that was made, whatever it was.
    pub(crate) fn all_calls(&self) -> usize {
        self.line.inspect(|w| w.calls.len())
    }
}
