//! The main way through: talk goes in, its summary comes back, and its buttons work.

use bson::doc;
use matome_line_simulator::{Act, Sent, World};
use matome_store::entities::{
    Message, OrganizationSettings, OutboxEntry, OutboxKind, OutboxState, Purpose, Room, Session,
    SessionStatus, Summary, SummaryStatus, User,
};
use serde::Deserialize;

use crate::stage::{Business, Stage, eventually};

/// What `cargo xtask up` plays.
const DEMO: &str = include_str!("../../../xtask/data/conversation.json");

#[derive(Deserialize)]
struct Script {
    group: String,
    people: Vec<Actor>,
    deeds: Vec<Scripted>,
}

#[derive(Deserialize)]
struct Actor {
    key: String,
    name: String,
    language: String,
}

#[derive(Deserialize)]
struct Scripted {
    by: Option<String>,
    #[serde(flatten)]
    act: Act,
}

#[tokio::test]
async fn talk_in_three_languages_comes_back_as_a_summary_whose_buttons_work() {
    let stage = Stage::enter().await;
    let business = Business::open(&stage, OrganizationSettings::default()).await;
    let script: Script = serde_json::from_str(DEMO).unwrap();
    let people: Vec<_> = script.people.iter().map(|p| (p.name.as_str(), p.language.as_str())).collect();
    let group = business.group(&script.group, &people);
    for Scripted { by, act } in &script.deeds {
        let user = by.as_ref().map(|key| script.people.iter().position(|p| p.key == *key).unwrap());
        business.perform(&group.place, user.map(|at| group.users[at].as_str()), act.clone()).await;
    }

    let session = business.summarized(&group.place).await;
    let said = script.deeds.iter().filter(|d| !matches!(d.act, Act::Join) && d.act != Act::text("/summary"));
    let said = i64::try_from(said.count()).unwrap();
    let commands = business.all::<Message>(doc! { "command": { "$exists": true } }).await;
    assert_eq!(commands.len(), 1);
    let messages = business.all::<Message>(doc! { "command": { "$exists": false } }).await;
    assert_eq!(i64::try_from(messages.len()).unwrap(), said);
    assert_eq!(session.statistics.participant_count, 3);
    assert_eq!(session.statistics.image_count, 1);
    assert_eq!(session.status, SessionStatus::Closed);

    let [room] = <[Room; 1]>::try_from(business.rooms().await).unwrap();
    assert_eq!(room.name.as_deref(), Some(script.group.as_str()));
    let names = eventually("the names of all three", async || {
        let users = business.all::<User>(doc! { "displayName": { "$exists": true } }).await;
        (users.len() == 3).then(|| users.into_iter().filter_map(|u| u.display_name).collect::<Vec<_>>())
    });
    let mut names = names.await;
    names.sort();
    let mut expected: Vec<_> = script.people.iter().map(|p| p.name.clone()).collect();
    expected.sort();
    assert_eq!(names, expected);

    let [summary]: [Summary; 1] = business.all(doc! {}).await.try_into().unwrap();
    assert_eq!((summary.status, Some(summary.id)), (SummaryStatus::Completed, session.summary));
    assert!(!summary.content.brief.is_empty());
    assert!(!summary.citations.is_empty());
    let known: Vec<_> = messages.iter().map(|m| m.id).collect();
    for citation in &summary.citations {
        assert!(citation.message_ids.iter().all(|id| known.contains(id)), "{}", citation.field);
    }

    let sent = business.outbox(OutboxState::Accepted, |p| matches!(p, Purpose::Summary { .. })).await;
    assert_eq!(sent.sent_as, Some(OutboxKind::Reply), "the command's own token is free");
    let details = format!("m=details&s={}", summary.id);
    let shown = business.heard(&group.place, |message| message.to_string().contains(&details)).await;
    assert_eq!(shown["type"], "flex");
    assert!(shown["altText"].as_str().unwrap().contains(&script.group));

    business.tap(&group.place, &group.users[2], &details).await;
    business.outbox(OutboxState::Accepted, |p| matches!(p, Purpose::Details { .. })).await;
    business.tap(&group.place, &group.users[2], &format!("m=rate&s={}&r=4", summary.id)).await;
    business.outbox(OutboxState::Accepted, |p| *p == Purpose::RatingThanks { rating: 4 }).await;
    let [rated]: [Summary; 1] = business.all(doc! {}).await.try_into().unwrap();
    assert_eq!(rated.feedback.unwrap().rating, Some(4));
    let paid = |world: &World| world.chat.iter().filter(|entry| entry.sent == Sent::Push).count();
    assert_eq!(stage.line.inspect(paid), 0);
    let open = business.all::<OutboxEntry>(doc! { "state": { "$ne": "accepted" } }).await;
    assert!(open.is_empty(), "{open:?}");
    assert_eq!(business.all::<Session>(doc! {}).await.len(), 1);
}
