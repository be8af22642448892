//! What is not LINE's, or not a channel's own, is refused at the door and leaves nothing on the queue.

use bson::doc;
use matome_line_simulator::Deed;
use matome_line_simulator::signature;
use matome_store::entities::{Message, OrganizationSettings};
use serde_json::json;

use crate::stage::{Business, Stage, eventually};

#[tokio::test]
async fn whatever_is_not_a_channels_own_is_refused_and_nothing_of_it_is_queued() {
    let stage = Stage::enter().await;
    let [business, other] = [
        Business::open(&stage, OrganizationSettings::default()).await,
        Business::open(&stage, OrganizationSettings::default()).await,
    ];
    let group = business.group("g", &[("Aoi", "ja")]);
    let channel = business.channel.clone();
    // Each an event of its own: were one queued, nothing would take it for a repeat of another.
    let event = || {
        let deed = Deed::text(&group.place, &group.users[0], "refused");
        stage.line.compose(&channel.channel_id, &deed).unwrap()
    };
    let body = |destination: &str| json!({"destination": destination, "events": [event()]}).to_string();
    let fresh = || body(&channel.bot_user_id);
    let sign = |secret: &str, body: &str| Some(signature::sign(secret.as_bytes(), body.as_bytes()));
    let own = &channel.channel_secret;
    let unknown = Business::unregistered(&stage).channel;
    let signed = |secret: &str, body: String| (sign(secret, &body), body);
    let for_another = body(&other.channel.bot_user_id);
    let large = fresh().replace("refused", &"x".repeat(1_048_576));
    let requests = [
        (401, &channel.channel_id, (None, fresh())),
        (401, &channel.channel_id, signed(&other.channel.channel_secret, fresh())),
        (401, &channel.channel_id, (sign(own, &fresh()), fresh())),
        (401, &channel.channel_id, (Some("not base64".to_owned()), fresh())),
        (401, &other.channel.channel_id, signed(own, fresh())),
        (404, &unknown.channel_id, signed(&unknown.channel_secret, fresh())),
        (413, &channel.channel_id, signed(own, large)),
        (400, &channel.channel_id, signed(own, "{ not json".to_owned())),
        (400, &channel.channel_id, signed(own, "{}".to_owned())),
        (400, &channel.channel_id, signed(own, for_another)),
    ];
    for (number, (expected, channel_id, (signature, body))) in requests.into_iter().enumerate() {
        let (status, answer) = stage.post(channel_id, signature, body).await;
        assert_eq!(status, expected, "request {number}: {answer}");
        assert!(!answer.contains("refused"), "an answer repeats nothing: {answer}");
    }

    // The queue keeps the group's order: what was refused, had it been queued, would be there first.
    business.say(&group.place, &group.users[0], "accepted").await;
    let messages = eventually("the accepted message", async || {
        Some(business.all::<Message>(doc! {}).await).filter(|all| !all.is_empty())
    });
    let [message]: [Message; 1] = messages.await.try_into().unwrap();
    assert_eq!(message.content.as_deref(), Some("accepted"));
    assert!(other.all::<Message>(doc! {}).await.is_empty());
}
