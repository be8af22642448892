//! Everybody is spoken to in their own language.

use bson::doc;
use matome_store::entities::{Organization, Purpose, Room, Summary};
use matome_testing::fixtures;

use crate::stage::Stage;

/// What the room saw last, as JSON.
fn last_seen(stage: &Stage) -> String {
    stage.seen().last().expect("something was said").content.to_string()
}

#[tokio::test]
async fn a_summary_comes_in_its_own_language_and_in_the_organizations_time() {
    let stage = Stage::group(2).await;
    let summaries = stage.tenant.store.collection::<Summary>();
    let japanese = doc! { "$set": { "language": "ja-JP" } };
    summaries.update(doc! { "_id": stage.summary.id }, japanese).await.unwrap();
    stage.deliver(&stage.queue(stage.the_summary(), Some(stage.token())).await).await;
    let seen = last_seen(&stage);
    assert!(seen.contains("3件 · 2人"), "{seen}");
    // 09:00 UTC in Tokyo.
    assert!(seen.contains("18:00"), "{seen}");
    assert!(seen.contains("Picnic"), "a group's summary bears its name: {seen}");
}

#[tokio::test]
async fn short_messages_come_in_the_language_of_room_organization_or_person() {
    let stage = Stage::chat().await;
    let mut user = fixtures::user(&stage.tenant, &stage.user);
    user.profile.language = Some("th".to_owned());
    let organizations = stage.system.store.platform_collection::<Organization>();
    let rooms = stage.tenant.store.collection::<Room>();
    let mut said = Vec::new();
    for step in 0..4 {
        match step {
            1 => stage.insert(&user).await,
            2 => {
                let japanese = doc! { "$set": { "settings.aiSettings.summaryLanguage": "ja" } };
                let ours = doc! { "tenantId": stage.tenant.id.as_str() };
                organizations.update_one(ours, japanese).await.unwrap();
            }
            3 => {
                let english = doc! { "$set": { "settings.summaryLanguage": "en-GB" } };
                rooms.update(doc! { "_id": stage.room.id }, english).await.unwrap();
            }
            _ => {}
        }
        stage.deliver(&stage.queue_answer(Purpose::NothingToSummarize, stage.token()).await).await;
        said.push(last_seen(&stage));
    }
    let is = |text: &str, from: char, to: char| text.chars().any(|c| (from..=to).contains(&c));
    assert!(said[0].is_ascii() || !is(&said[0], 'ก', '๛') && !is(&said[0], 'ぁ', 'ん'), "{}", said[0]);
    assert!(is(&said[1], 'ก', '๛'), "{}", said[1]);
    assert!(is(&said[2], 'ぁ', 'ん'), "{}", said[2]);
    assert_eq!(said[3], said[0]);
}
