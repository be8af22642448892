//! MongoDB killed and started again under the deployed stack, while LINE goes on posting.

use std::collections::BTreeSet;
use std::ops::Range;

use bson::doc;
use matome_line_simulator::Deed;
use matome_store::entities::{Message, OrganizationSettings, Session};

use crate::stage::{Business, Group, Stage, eventually};

#[tokio::test]
async fn every_event_answered_with_200_is_recorded_though_mongodb_was_killed_meanwhile() {
    let stage = Stage::enter().await;
    let business = Business::open(&stage, OrganizationSettings::default()).await;
    let people = [("Aoi", "ja"), ("Bun", "th")];
    let groups = ["a", "b", "c", "d"].map(|name| business.group(name, &people));
    let mut mongod = stage.stack.mongod().expect("MONGODB_URI must not be set: this test kills it").clone();

    // Recording has begun, and goes on while MongoDB dies.
    let mut acknowledged = post(&business, &groups, 0..10).await;
    eventually("the first messages", async || {
        (business.store.collection::<Message>().count(doc! {}).await.unwrap() > 0).then_some(())
    })
    .await;
    let (during, ()) = tokio::join!(post(&business, &groups, 10..40), mongod.kill());
    acknowledged.extend(during);
    acknowledged.extend(post(&business, &groups, 40..60).await);
    let (after, restarted) = tokio::join!(post(&business, &groups, 60..80), mongod.restart());
    restarted.unwrap();
    acknowledged.extend(after);
    // The webhook does not need MongoDB.
    assert_eq!(acknowledged.len(), 80);

    let recorded = eventually("every event", async || {
        let messages = business.store.collection::<Message>().find(doc! {}, doc! {}, 0).await.ok()?;
        (messages.len() >= acknowledged.len()).then_some(messages)
    });
    let recorded: Vec<_> = recorded.await.into_iter().filter_map(|m| m.webhook_event_id).collect();
    assert_eq!(recorded.len(), 80);
    assert_eq!(recorded.into_iter().collect::<BTreeSet<_>>(), acknowledged);
    for (what, counts) in [
        ("rooms", business.rooms().await.iter().map(|r| r.statistics.total_messages).collect()),
        (
            "sessions",
            business
                .all::<Session>(doc! {})
                .await
                .iter()
                .map(|s| s.statistics.message_count)
                .collect::<Vec<_>>(),
        ),
    ] {
        assert_eq!(counts, [20; 4], "messages of {what}");
    }
}

/// Posts one event a request, to one group after the other; the ids of those answered with 200.
async fn post(business: &Business<'_>, groups: &[Group], numbers: Range<usize>) -> BTreeSet<String> {
    let (line, channel) = (&business.stage.line, &business.channel.channel_id);
    let mut acknowledged = BTreeSet::new();
    for number in numbers {
        let group = &groups[number % groups.len()];
        let deed = Deed::text(&group.place, &group.users[number / groups.len() % 2], &number.to_string());
        let performed = line.perform(channel, &deed).await.unwrap();
        if performed.delivery.is_accepted() {
            acknowledged.insert(performed.event["webhookEventId"].as_str().unwrap().to_owned());
        }
    }
    acknowledged
}
