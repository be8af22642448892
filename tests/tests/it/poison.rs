//! Messages that cannot be recorded, among many that can, and what becomes of them.

use aws_sdk_sqs::types::{Message as Letter, QueueAttributeName};
use bson::doc;
use matome_domain::ids::{ChannelId, ConversationId};
use matome_domain::lane;
use matome_line_simulator::Deed;
use matome_runtime::queue::redrive;
use matome_store::entities::{Message, OrganizationSettings, Session};

use crate::stage::{Business, Stage, eventually};

/// Healthy messages; the poisonous are one in a hundred.
const HEALTHY: usize = 297;

#[tokio::test]
async fn one_percent_poison_ends_among_the_dead_letters_once_and_comes_back_when_its_cause_is_gone() {
    let stage = Stage::enter().await;
    let business = Business::open(&stage, OrganizationSettings::default()).await;
    let stranger = Business::unregistered(&stage);
    let people = [("Aoi", "ja"), ("Bun", "th"), ("Emma", "en")];
    let groups = ["a", "b", "c"].map(|name| business.group(name, &people));
    let foreign = stranger.group("d", &people);

    // Of a tenant that the directory does not know; no JSON, and JSON that says nothing, in front of healthy
    // ones in their lanes.
    let deed = Deed::text(&foreign.place, &foreign.users[0], "of a stranger");
    let event = stage.line.compose(&stranger.channel.channel_id, &deed).unwrap();
    let (unknown, group) = Stage::inbound(&stranger, &event);
    stage.hide_for("4").await;
    // Letters of a run that failed.
    let purge = stage.aws().sqs().purge_queue().queue_url(stage.output("InboundDeadLettersUrl"));
    purge.send().await.unwrap();
    stage.queue_body(&unknown, &group, &format!("unknown-{}", stranger.tenant)).await;
    let mut poison = vec![unknown.clone()];
    for (number, body) in [(0, "{ not json"), (1, r#"{"kind":"event"}"#)] {
        // Each run of the test has letters of its own.
        let body = format!("{body} {}", business.tenant);
        let conversation = ConversationId::new(groups[number].place.id()).unwrap();
        let channel = ChannelId::new(business.channel.channel_id.as_str()).unwrap();
        let group = lane::group(&business.tenant, &channel, &conversation);
        stage.queue_body(&body, &group, &format!("{number}-{}", business.tenant)).await;
        poison.push(body);
    }
    for requests in (0..HEALTHY).collect::<Vec<_>>().chunks(27) {
        let compose = |number: &usize| {
            let group = &groups[number % 3];
            let deed = Deed::text(&group.place, &group.users[number / 3 % 3], &number.to_string());
            stage.line.compose(&business.channel.channel_id, &deed).unwrap()
        };
        let events: Vec<_> = requests.iter().map(compose).collect();
        let posted = stage.line.post(&business.channel.channel_id, &events).await.unwrap();
        assert!(posted.is_accepted(), "{posted:?}");
    }
    eventually("every healthy message", async || {
        let there = business.store.collection::<Message>().count(doc! {}).await.unwrap();
        (there >= HEALTHY as u64).then_some(())
    })
    .await;

    // Nothing healthy is under way any more: from here on it may fail fast.
    stage.hide_for("1").await;
    let dead = eventually("three dead letters", async || {
        let dead = letters(&stage).await;
        (dead.len() >= poison.len()).then_some(dead)
    });
    let dead = dead.await;
    stage.hide_for("10").await;
    // Each once, and nothing healthy with them.
    let mut bodies: Vec<_> = dead.iter().map(|letter| letter.body.clone().unwrap()).collect();
    bodies.sort_unstable();
    poison.sort_unstable();
    assert_eq!(bodies, poison);
    assert_eq!(business.store.collection::<Message>().count(doc! {}).await.unwrap(), HEALTHY as u64);
    let counted: i64 =
        business.all::<Session>(doc! {}).await.iter().map(|s| s.statistics.message_count).sum();
    assert_eq!(counted, HEALTHY as i64);
    assert_eq!(stranger.store.collection::<Message>().count(doc! {}).await.unwrap(), 0);

    // The operator registers the tenant and moves the letters back; what has no cause that can go
    // would only die again.
    for letter in dead.iter().filter(|letter| letter.body.as_deref() != Some(&unknown)) {
        let delete = stage.aws().sqs().delete_message().queue_url(stage.output("InboundDeadLettersUrl"));
        delete.set_receipt_handle(letter.receipt_handle.clone()).send().await.unwrap();
    }
    stranger.register(OrganizationSettings::default()).await;
    let sqs = stage.aws().sqs();
    let (dead, queue) = (stage.output("InboundDeadLettersUrl"), stage.output("InboundQueueUrl"));
    assert_eq!(redrive(&sqs, dead, queue).await.unwrap(), 1);
    let recovered = eventually("the stranger's message", async || {
        stranger.store.collection::<Message>().find_one(doc! {}).await.unwrap()
    });
    assert_eq!(recovered.await.content.as_deref(), Some("of a stranger"));
    assert!(letters(&stage).await.is_empty());
}

/// The dead letters of `inbound.fifo`; there are never ten.
async fn letters(stage: &Stage) -> Vec<Letter> {
    let url = stage.output("InboundDeadLettersUrl");
    // Hidden for no time: the next look finds them again.
    let receive = stage.aws().sqs().receive_message().queue_url(url).max_number_of_messages(10);
    receive.visibility_timeout(0).send().await.unwrap().messages.unwrap_or_default()
}

impl Stage {
    /// How long `inbound.fifo` hides a message that failed.
    async fn hide_for(&self, seconds: &str) {
        let set = self.aws().sqs().set_queue_attributes().queue_url(self.output("InboundQueueUrl"));
        set.attributes(QueueAttributeName::VisibilityTimeout, seconds).send().await.unwrap();
    }
}
