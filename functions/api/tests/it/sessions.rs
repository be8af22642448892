//! Sessions: their timeline, who took part, and a summary by hand.

use matome_api_testing::world::{World, of};
use matome_domain::access::Role;
use matome_domain::queue::SummaryJob;
use matome_domain::summary::SummaryStyle;
use matome_store::entities::{Message, Session, SessionStatus};
use serde_json::{Value, json};

use crate::talk::{Talk, at, each, field, hex, told};

fn texts(timeline: &Value) -> Vec<&str> {
    let entries = timeline["entries"].as_array().expect("entries");
    entries.iter().map(|entry| entry["message"]["content"].as_str().unwrap_or("-")).collect()
}

#[tokio::test]
async fn a_timeline_is_read_in_both_directions_and_what_was_unsent_is_a_tombstone() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let viewer = world.member(&tenant, Role::Viewer).await;
    let talk = Talk::closed(&tenant, "Cgroup").await;
    let messages = tenant.store.collection::<Message>();
    let mut unsent = talk.messages[1].clone();
    unsent.make_tombstone(at(9), at(9));
    let document = matome_store::collection::encode(&unsent).unwrap();
    let update = bson::doc! { "$set": document, "$unset": { "content": "" } };
    messages.update(bson::doc! { "_id": unsent.id }, update).await.unwrap();

    for path in [talk.session("/timeline"), talk.room("/timeline")] {
        let path = of(&tenant, &path);
        let whole = world.get(&path).by(&viewer).send().await.ok();
        assert_eq!(texts(&whole), ["Shall we have a picnic on Saturday?", "-", "Let us meet at ten."]);
        assert_eq!(whole["entries"][1]["message"]["status"], "deleted");
        assert_eq!(whole["entries"][0]["sender"]["name"], "Aoi");
        assert_eq!(whole["entries"][0]["opens"], hex(talk.session.id));
        assert_eq!((&whole["before"], &whole["after"]), (&Value::Null, &Value::Null));
        let newest = world.get(format!("{path}?limit=1")).by(&viewer).send().await.ok();
        assert_eq!(texts(&newest), ["Let us meet at ten."]);
        let place = newest["before"].as_str().unwrap();
        let before = world.get(format!("{path}?limit=2&before={place}")).by(&viewer).send().await.ok();
        assert_eq!(texts(&before), ["Shall we have a picnic on Saturday?", "-"]);
        let place = before["after"].as_str().unwrap();
        let after = world.get(format!("{path}?after={place}")).by(&viewer).send().await.ok();
        assert_eq!(texts(&after), ["Let us meet at ten."]);
        let oldest = world.get(format!("{path}?begin=oldest&limit=1")).by(&viewer).send().await.ok();
        assert_eq!(texts(&oldest), ["Shall we have a picnic on Saturday?"]);
        for (query, code, name) in [
            ("before=nonsense", "invalid_cursor", "before"),
            ("limit=201", "invalid_parameter", "limit"),
            ("begin=middle", "invalid_parameter", "begin"),
            ("sort=up", "invalid_parameter", "sort"),
        ] {
            let reply = world.get(format!("{path}?{query}")).by(&viewer).send().await;
            assert_eq!((told(&reply), field(&reply)), ((400, code), name), "{query}");
        }
    }
    let listed = world.get(of(&tenant, "/sessions?status=closed")).by(&viewer).send().await.ok();
    assert_eq!(each(&listed, "id"), [hex(talk.session.id)]);
}

#[tokio::test]
async fn participants_are_shown_with_their_names() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let viewer = world.member(&tenant, Role::Viewer).await;
    let talk = Talk::closed(&tenant, "Cgroup").await;
    let shown = world.get(of(&tenant, &talk.session("/participants"))).by(&viewer).send().await.ok();
    let people: Vec<_> = shown["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| (p["user"]["name"].as_str(), p["messages"].as_u64()))
        .collect();
    assert_eq!(people, [(Some("Aoi"), Some(2)), (Some("Bun"), Some(1))]);
}

#[tokio::test]
async fn a_closed_session_is_summarized_anew_as_somebody_asks() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (agent, viewer) =
        (world.member(&tenant, Role::Agent).await, world.member(&tenant, Role::Viewer).await);
    let (talk, open) = (Talk::closed(&tenant, "Cgroup").await, Talk::open(&tenant, "Copen").await);
    let path = of(&tenant, &talk.session("/summary"));
    let wish = json!({ "language": "ja", "style": "brief" });
    assert_eq!(told(&world.post(&path).by(&viewer).json(&wish).send().await), (403, "permission_denied"));
    let wrong = world.post(&path).by(&agent).json(&json!({ "language": "no such language" })).send().await;
    assert_eq!((told(&wrong), field(&wrong)), ((422, "invalid_field"), "language"));
    let still = world.post(of(&tenant, &open.session("/summary"))).by(&agent).json(&json!({})).send().await;
    assert_eq!(told(&still), (409, "conflict"));
    assert_eq!(world.queued.sent::<SummaryJob>(), []);

    let asked = world.post(&path).by(&agent).json(&wish).send().await;
    assert_eq!((asked.status.as_u16(), asked.body["revision"].as_i64()), (202, Some(1)), "{}", asked.body);
    let session: Session = tenant.store.collection().get(talk.session.id).await.unwrap().unwrap();
    assert_eq!((session.status, session.revision), (SessionStatus::Summarizing, 1));
    let kept = session.summary_wish.unwrap();
    assert_eq!((kept.language.as_deref(), kept.style), (Some("ja"), Some(SummaryStyle::Brief)));
    assert_eq!(kept.by.map(hex), Some(agent.account.to_hex()));
    let jobs = world.queued.sent::<SummaryJob>();
    assert_eq!(
        (jobs.len(), jobs[0].session_id.as_str(), jobs[0].revision),
        (1, hex(talk.session.id).as_str(), 1)
    );
}
