//! People who write in, and where they did.

use matome_api_testing::world::{World, of};
use matome_domain::access::Role;
use serde_json::json;

use crate::talk::{Talk, each, field, hex, told};

#[tokio::test]
async fn a_persons_rooms_and_sessions_are_those_that_the_caller_may_see() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (owner, viewer) =
        (world.member(&tenant, Role::Owner).await, world.member(&tenant, Role::Viewer).await);
    let (public, private) = (Talk::closed(&tenant, "Cpub").await, Talk::private(&tenant, "Cpriv").await);
    let user = format!("/users/{}", hex(public.aoi.id));
    let rooms = async |who| {
        let list = world.get(of(&tenant, &format!("{user}/rooms"))).by(who).send().await.ok();
        let items = list["items"].as_array().unwrap().clone();
        let mut rooms: Vec<String> =
            items.iter().map(|item| item["room"]["id"].as_str().unwrap().to_owned()).collect();
        rooms.sort();
        rooms
    };
    let sessions = async |who, query: &str| {
        let path = of(&tenant, &format!("{user}/sessions?{query}"));
        let list = world.get(path).by(who).send().await.ok();
        let mut sessions: Vec<String> = each(&list, "id").into_iter().map(str::to_owned).collect();
        sessions.sort();
        sessions
    };
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(rooms(&owner).await, sorted(vec![hex(public.room.id), hex(private.room.id)]));
    assert_eq!(rooms(&viewer).await, [hex(public.room.id)]);
    assert_eq!(sessions(&owner, "").await, sorted(vec![hex(public.session.id), hex(private.session.id)]));
    assert_eq!(sessions(&viewer, "").await, [hex(public.session.id)]);
    let in_private = format!("roomId={}", hex(private.room.id));
    assert_eq!(sessions(&owner, &in_private).await, [hex(private.session.id)]);
    assert_eq!(sessions(&viewer, &in_private).await, Vec::<String>::new());
    assert_eq!(sessions(&owner, "status=active").await, Vec::<String>::new());
}

#[tokio::test]
async fn people_are_made_changed_and_deleted_by_who_may() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (admin, agent) = (world.member(&tenant, Role::Admin).await, world.member(&tenant, Role::Agent).await);
    let viewer = world.member(&tenant, Role::Viewer).await;
    let users = of(&tenant, "/users");
    let new = json!({ "displayName": "Chai", "email": "chai@example.com" });
    assert_eq!(told(&world.post(&users).by(&viewer).json(&new).send().await), (403, "permission_denied"));
    let made = world.post(&users).by(&agent).json(&new).send().await;
    let one = made.header("location").unwrap().to_owned();
    let wrong = world.patch(&one).by(&agent).json(&json!({ "email": "nobody" })).send().await;
    assert_eq!((told(&wrong), field(&wrong)), ((422, "invalid_field"), "email"));
    let changed = world.patch(&one).by(&agent).json(&json!({ "email": null })).send().await.ok();
    assert_eq!(changed["email"].as_str(), None);
    let renamed = world.patch(&one).by(&agent).json(&json!({ "displayName": "Chaiya" })).send().await.ok();
    assert_eq!(renamed["displayName"], "Chaiya");
    let line = Talk::closed(&tenant, "Cline").await.aoi;
    let rename = world.patch(format!("{users}/{}", hex(line.id))).by(&admin);
    let refused = rename.json(&json!({ "displayName": "Ao" })).send().await;
    assert_eq!((told(&refused), field(&refused)), ((422, "invalid_field"), "displayName"));
    assert_eq!(told(&world.delete(&one).by(&agent).send().await), (403, "permission_denied"));
    assert_eq!(world.delete(&one).by(&admin).send().await.status, 204);
    assert_eq!(world.get(format!("{one}/rooms")).by(&admin).send().await.status, 404);
    let stranger = world.member(&world.tenant().await, Role::Owner).await;
    assert_eq!(told(&world.get(&one).by(&stranger).send().await), (404, "not_found"));
}
