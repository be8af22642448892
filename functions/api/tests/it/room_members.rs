//! Who is in a room, and what their flags do.

use matome_api_testing::world::{Person, World, of};
use matome_domain::access::Role;
use serde_json::{Value, json};

use crate::rooms::limit;
use crate::talk::{Talk, field, hex, told};

fn staff(talk: &Talk, person: &Person, flags: Value) -> Value {
    json!({ "roomId": hex(talk.room.id), "accountId": person.account, "permissions": flags })
}

fn flags(history: bool, settings: bool, export: bool) -> Value {
    json!({ "canSendMessage": true, "canViewHistory": history, "canExportData": export, "canManageSettings": settings })
}

#[tokio::test]
async fn staff_in_a_private_room_see_it_and_what_their_flags_let_them() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (manager, agent) =
        (world.member(&tenant, Role::Manager).await, world.member(&tenant, Role::Agent).await);
    let talk = Talk::private(&tenant, "Cpriv").await;
    let members = of(&tenant, &talk.room("/members"));
    let made =
        world.post(&members).by(&manager).json(&staff(&talk, &agent, flags(true, true, false))).send().await;
    assert_eq!(made.status, 201, "{}", made.body);
    let timeline = of(&tenant, &talk.room("/timeline"));
    assert_eq!(world.get(&timeline).by(&agent).send().await.status, 200);

    // With `canManageSettings` an agent looks after the room, but gives nobody more than they have there.
    let other = world.member(&tenant, Role::Viewer).await;
    let more =
        world.post(&members).by(&agent).json(&staff(&talk, &other, flags(true, false, true))).send().await;
    assert_eq!(told(&more), (403, "escalation"));
    let fine =
        world.post(&members).by(&agent).json(&staff(&talk, &other, flags(true, false, false))).send().await;
    assert_eq!(fine.status, 201, "{}", fine.body);
    let own = format!("{members}/{}", made.body["id"].as_str().unwrap());
    let more = json!({ "permissions": { "canExportData": true } });
    assert_eq!(told(&world.patch(&own).by(&agent).json(&more).send().await), (403, "escalation"));

    let blind = json!({ "permissions": { "canViewHistory": false } });
    world.patch(&own).by(&manager).json(&blind).send().await.ok();
    assert_eq!(told(&world.get(&timeline).by(&agent).send().await), (403, "permission_denied"));
    let messages = world.get(of(&tenant, "/messages")).by(&agent).send().await.ok();
    assert_eq!(messages["items"], json!([]));
    assert_eq!(world.delete(&own).by(&manager).send().await.status, 204);
    assert_eq!(told(&world.get(&timeline).by(&agent).send().await), (404, "not_found"));
}

#[tokio::test]
async fn only_who_is_of_the_organization_is_added_and_no_more_than_the_plan_has() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let manager = world.member(&tenant, Role::Manager).await;
    let talk = Talk::closed(&tenant, "Cgroup").await;
    let members = of(&tenant, &talk.room("/members"));
    let stranger = world.member(&world.tenant().await, Role::Owner).await;
    let add = async |body: Value| world.post(&members).by(&manager).json(&body).send().await;
    let reply = add(staff(&talk, &stranger, flags(true, false, false))).await;
    assert_eq!((told(&reply), field(&reply)), ((422, "invalid_field"), "accountId"));
    let reply = add(json!({ "roomId": hex(talk.room.id), "userId": hex(talk.room.id) })).await;
    assert_eq!((told(&reply), field(&reply)), ((422, "invalid_field"), "userId"));
    let reply = add(json!({ "roomId": hex(talk.session.id), "userId": hex(talk.aoi.id) })).await;
    assert_eq!((told(&reply), field(&reply)), ((422, "invalid_field"), "roomId"));
    let again = add(json!({ "roomId": hex(talk.room.id), "userId": hex(talk.aoi.id) })).await;
    assert_eq!(told(&again), (409, "conflict"), "Aoi is there");
    limit(&world, &tenant, "maxMembersPerRoom", 2).await;
    let full = add(staff(&talk, &manager, flags(true, true, true))).await;
    assert_eq!(told(&full), (409, "limit_reached"));
}

#[tokio::test]
async fn who_comes_back_to_a_room_is_looked_at_like_who_is_new_there() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (manager, agent) =
        (world.member(&tenant, Role::Manager).await, world.member(&tenant, Role::Agent).await);
    let owner = world.member(&tenant, Role::Owner).await;
    let viewer = world.person().await;
    let of_viewer = world.join(&tenant, &viewer, Role::Viewer, Default::default()).await;
    let talk = Talk::private(&tenant, "Cpriv").await;
    let members = of(&tenant, &talk.room("/members"));
    let add = async |who: &Person, flags: Value| {
        let made = world.post(&members).by(&manager).json(&staff(&talk, who, flags)).send().await;
        format!("{members}/{}", made.ok()["id"].as_str().unwrap())
    };
    add(&agent, flags(true, true, false)).await;
    let one = add(&viewer, flags(true, false, true)).await;
    let delete = async || assert_eq!(world.delete(&one).by(&manager).send().await.status, 204);
    let restore = async |by: &Person| world.post(format!("{one}/restore")).by(by).send().await;

    // They could export; who looks after the room could not, and does not give that back.
    delete().await;
    assert_eq!(told(&restore(&agent).await), (403, "escalation"));
    assert_eq!(restore(&manager).await.status, 200);

    let in_room = 4;
    limit(&world, &tenant, "maxMembersPerRoom", in_room).await;
    delete().await;
    let other = add(&manager, flags(true, true, true)).await;
    assert_eq!(told(&restore(&manager).await), (409, "limit_reached"));
    assert_eq!(world.delete(&other).by(&manager).send().await.status, 204);
    assert_eq!(restore(&manager).await.status, 200, "a place is free");

    delete().await;
    let suspend = world.patch(of(&tenant, &format!("/members/{}", of_viewer.to_hex()))).by(&owner);
    suspend.json(&json!({ "status": "suspended" })).send().await.ok();
    assert_eq!(told(&restore(&manager).await), (409, "conflict"), "they are not of the organization");
    assert_eq!(world.get(&one).by(&manager).send().await.status, 404, "nothing came of it");
}

#[tokio::test]
async fn somebody_is_banned_and_not_any_more() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (manager, agent) =
        (world.member(&tenant, Role::Manager).await, world.member(&tenant, Role::Agent).await);
    let (talk, other) = (Talk::closed(&tenant, "Cgroup").await, Talk::closed(&tenant, "Cother").await);
    let members = of(&tenant, &talk.room("/members"));
    let list = world.get(format!("{members}?userId={}", hex(talk.bun.id))).by(&agent).send().await.ok();
    let bun = list["items"][0]["id"].as_str().unwrap();
    let banned = world.post(format!("{members}/{bun}/ban")).by(&manager).send().await.ok();
    assert_eq!(banned["status"], "banned");
    assert_eq!(
        told(&world.post(format!("{members}/{bun}/unban")).by(&agent).send().await),
        (403, "permission_denied")
    );
    let elsewhere = of(&tenant, &other.room(&format!("/members/{bun}/unban")));
    assert_eq!(told(&world.post(elsewhere).by(&manager).send().await), (404, "not_found"));
    let back = world.post(format!("{members}/{bun}/unban")).by(&manager).send().await.ok();
    assert_eq!((back["status"].as_str(), back["bannedAt"].as_str()), (Some("active"), None));
}
