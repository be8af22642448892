//! LINE's redeliveries, and ours.

use bson::doc;
use matome_line_simulator::Deed;
use matome_store::entities::{Message, OrganizationSettings, Room, Session, User};

use crate::stage::{Business, Stage, eventually};

#[tokio::test]
async fn events_posted_again_and_again_in_any_order_are_one_message_each_with_exact_counts() {
    let stage = Stage::enter().await;
    let business = Business::open(&stage, OrganizationSettings::default()).await;
    let group = business.group("g", &[("Aoi", "ja"), ("Bun", "th")]);
    let channel = &business.channel.channel_id;
    let mut events = Vec::new();
    for number in 0..20 {
        let deed = Deed::text(&group.place, &group.users[number % 2], &format!("{number}"));
        let mut event = stage.line.compose(channel, &deed).unwrap();
        // People do not type faster than clocks count.
        let at = event["timestamp"].as_i64().unwrap() + i64::try_from(number).unwrap();
        event["timestamp"] = at.into();
        events.push(event);
    }
    let backwards: Vec<_> = events.iter().rev().cloned().collect();
    assert!(stage.line.post(channel, &backwards[..7]).await.unwrap().is_accepted());
    assert!(stage.line.redeliver(channel, &events).await.unwrap().is_accepted());
    assert!(stage.line.post(channel, &backwards).await.unwrap().is_accepted());
    // SQS forgets what it has seen after five minutes, or under another deduplication id.
    for event in &events[..5] {
        let (body, fifo_group) = Stage::inbound(&business, event);
        stage.queue_body(&body, &fifo_group, &format!("again-{}", event["webhookEventId"])).await;
    }
    // Behind all of them in their FIFO group: when it is there, they are dealt with.
    business.say(&group.place, &group.users[0], "last").await;

    eventually("the last message", async || {
        business.store.collection::<Message>().find_one(doc! { "content": "last" }).await.unwrap()
    })
    .await;
    let mut messages = business.all::<Message>(doc! {}).await;
    messages.sort_by_key(|m| m.timestamp);
    let said: Vec<_> = messages.iter().map(|m| m.content.clone().unwrap()).collect();
    let expected: Vec<_> = (0..20).map(|n| n.to_string()).chain(["last".to_owned()]).collect();
    assert_eq!(said, expected);
    let [session]: [Session; 1] = business.all(doc! {}).await.try_into().unwrap();
    let [room] = <[Room; 1]>::try_from(business.rooms().await).unwrap();
    assert_eq!((session.statistics.message_count, room.statistics.total_messages), (21, 21));
    let mut counts: Vec<_> =
        business.all::<User>(doc! {}).await.iter().map(|u| u.statistics.total_messages).collect();
    counts.sort_unstable();
    assert_eq!(counts, [10, 11]);
}
