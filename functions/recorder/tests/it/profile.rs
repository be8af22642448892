//! Names and pictures in groups: fetched once and again when stale, and nobody waits for them.

use std::time::Duration;

use matome_domain::fault::Faults;
use matome_domain::ids::ConversationId;
use matome_domain::placement::Placement;
use matome_domain::queue::{Inbound, InboundEvent};
use matome_line::client::{LineClient, LineConfig};
use matome_line_simulator::{
    Act, Deed, Endpoint, Fault, LineSimulator, NewChannel, NewGroup, NewUser, Place, SimulatorConfig,
};
use matome_store::entities::{Message, Room, User};
use matome_store::time::date;
use matome_tenancy::Channels;
use matome_testing::tenant::BEGIN;
use matome_testing::{TestSystem, TestTenant};

use crate::recorder::{NOWHERE, Recorder, all};

const AFTER_FAILURE: Duration = Duration::from_secs(5 * 60);
const FRESH: Duration = Duration::from_secs(24 * 60 * 60);

/// A group in which Aoi talks.
struct Group {
    system: TestSystem,
    tenant: TestTenant,
    line: LineSimulator,
    place: Place,
    aoi: String,
}

impl Group {
    async fn open() -> Self {
        let system = TestSystem::start().await;
        let tenant = system.tenant(Placement::Shared).await;
        let config = SimulatorConfig::new(system.clock.clone());
        let line = LineSimulator::start(config).await.expect("a loopback port is free");
        line.add_channel(NewChannel {
            channel_id: Some(tenant.channel.to_string()),
            channel_secret: Some(tenant.secret.clone()),
            bot_user_id: Some(tenant.bot_user_id.clone()),
            ..NewChannel::default()
        });
        let aoi = line.add_user(NewUser::named("葵"));
        let place = line.add_group(NewGroup {
            name: "家族".to_owned(),
            picture_url: Some("https://example.com/family".to_owned()),
            members: vec![aoi.clone()],
            channels: vec![tenant.channel.to_string()],
            ..NewGroup::default()
        });
        Self { system, tenant, line, place, aoi }
    }

    fn recorder(&self) -> Recorder {
        Recorder::with(&self.system, Faults::none(), &self.line.api_url(), NOWHERE)
    }

    /// What the webhook would queue.
    fn says(&self, text: &str) -> Inbound {
        let deed = Deed::new(&self.place, &self.aoi, Act::text(text));
        let event = self.line.compose(self.tenant.channel.as_str(), &deed).expect("the deed is possible");
        Inbound::Event(InboundEvent {
            tenant_id: self.tenant.id.clone(),
            channel_id: self.tenant.channel.clone(),
            conversation_id: ConversationId::new(self.place.id()).expect("a LINE id"),
            event_id: event["webhookEventId"].as_str().expect("every event has one").to_owned(),
            received_at: BEGIN,
            event,
        })
    }

    /// The group's name and Aoi's.
    async fn names(&self) -> (Option<String>, Option<String>) {
        let mut rooms: Vec<Room> = all(&self.tenant, "_id").await;
        let mut users: Vec<User> = all(&self.tenant, "_id").await;
        assert_eq!((rooms.len(), users.len()), (1, 1));
        (rooms.remove(0).name, users.remove(0).display_name)
    }

    /// How often LINE was asked for the group, and for its member.
    fn asked(&self) -> (usize, usize) {
        self.line.inspect(|w| (w.call_count(Endpoint::GroupSummary), w.call_count(Endpoint::MemberProfile)))
    }
}

fn names(group: &str, person: &str) -> (Option<String>, Option<String>) {
    (Some(group.to_owned()), Some(person.to_owned()))
}

#[tokio::test]
async fn a_groups_name_and_its_members_are_fetched_once_and_again_when_stale() {
    let group = Group::open().await;
    let recorder = group.recorder();
    recorder.record(&[group.says("one")]).await;
    recorder.record(&[group.says("two")]).await;
    assert_eq!((group.names().await, group.asked()), (names("家族", "葵"), (1, 1)));
    let rooms: Vec<Room> = all(&group.tenant, "_id").await;
    assert_eq!(rooms[0].avatar.as_deref(), Some("https://example.com/family"));

    group.line.add_user(NewUser { user_id: Some(group.aoi.clone()), ..NewUser::named("Aoi") });
    group.line.add_group(NewGroup {
        group_id: Some(group.place.id().to_owned()),
        name: "Family".to_owned(),
        members: vec![group.aoi.clone()],
        channels: vec![group.tenant.channel.to_string()],
        ..NewGroup::default()
    });
    group.system.clock.advance(FRESH - Duration::from_secs(1));
    recorder.record(&[group.says("three")]).await;
    assert_eq!((group.names().await, group.asked()), (names("家族", "葵"), (1, 1)), "believed for a day");
    group.system.clock.advance(Duration::from_secs(1));
    recorder.record(&[group.says("four")]).await;
    assert_eq!((group.names().await, group.asked()), (names("Family", "Aoi"), (2, 2)));
}

#[tokio::test]
async fn a_group_and_a_member_that_line_fails_to_name_are_left_alone_for_a_while_each_for_itself() {
    let group = Group::open().await;
    let recorder = group.recorder();
    group.line.fail_next(Endpoint::GroupSummary, Fault::Status(500), 1);
    recorder.record(&[group.says("one")]).await;
    recorder.record(&[group.says("two")]).await;
    assert_eq!((group.names().await, group.asked()), ((None, Some("葵".to_owned())), (1, 1)));
    group.system.clock.advance(AFTER_FAILURE);
    recorder.record(&[group.says("three")]).await;
    assert_eq!((group.names().await, group.asked()), (names("家族", "葵"), (2, 1)));

    // What is known stays known while LINE fails.
    group.system.clock.advance(FRESH);
    group.line.fail_next(Endpoint::MemberProfile, Fault::DropBefore, 1);
    recorder.record(&[group.says("four")]).await;
    recorder.record(&[group.says("five")]).await;
    assert_eq!((group.names().await, group.asked()), (names("家族", "葵"), (3, 2)));
    assert_eq!(all::<Message>(&group.tenant, "_id").await.len(), 5);
}

#[tokio::test]
async fn a_line_that_hangs_holds_no_message_up() {
    let group = Group::open().await;
    let mut recorder = group.recorder();
    // As in production, where a call may take ten seconds.
    let config = LineConfig {
        api_url: group.line.api_url(),
        data_api_url: group.line.api_url(),
        ..LineConfig::default()
    };
    assert!(config.call_timeout >= Duration::from_secs(10));
    let line = LineClient::new(config, group.system.clock.clone()).expect("the HTTP client can be set up");
    recorder.context.channels = Channels::new(group.system.keys(), line);
    group.line.fail_next(Endpoint::GroupSummary, Fault::Hang, 1);
    group.line.fail_next(Endpoint::MemberProfile, Fault::Hang, 1);
    let batch = [group.says("one")];
    let recorded = tokio::time::timeout(Duration::from_secs(8), recorder.record(&batch)).await;
    recorded.expect("three seconds are waited, for both at once");
    assert_eq!(all::<Message>(&group.tenant, "_id").await.len(), 1);
    assert_eq!((group.names().await, group.asked()), ((None, None), (1, 1)));
    let rooms: Vec<Room> = all(&group.tenant, "_id").await;
    assert_eq!(rooms[0].refresh_at, date(BEGIN.plus(AFTER_FAILURE)));
    group.system.clock.advance(AFTER_FAILURE);
    recorder.record(&[group.says("two")]).await;
    assert_eq!(group.names().await, names("家族", "葵"));
}
