//! Rooms, and what is done with a room's session by hand.

use bson::doc;
use matome_api_testing::world::{World, of};
use matome_domain::access::Role;
use matome_domain::queue::{CloseTrigger, Inbound};
use matome_store::entities::{Organization, Room, RoomMember};
use matome_testing::TestTenant;
use serde_json::{Value, json};

use crate::talk::{Talk, each, hex, told};

pub(crate) async fn limit(world: &World, tenant: &TestTenant, name: &str, value: i64) {
    let organizations = world.system.store.platform_collection::<Organization>();
    let update = doc! { "$set": { format!("limits.{name}"): value } };
    organizations.update_one(doc! { "tenantId": tenant.id.as_str() }, update).await.unwrap();
}

#[tokio::test]
async fn one_room_more_than_the_plan_has_is_refused() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let there = tenant.store.collection::<Room>().count(doc! {}).await.unwrap();
    limit(&world, &tenant, "maxRooms", i64::try_from(there).unwrap() + 1).await;
    let make = async |name: &str| {
        let make = world.post(of(&tenant, "/rooms")).by(&admin).json(&json!({ "name": name }));
        make.send().await
    };
    let first = make("one").await.ok();
    assert_eq!(told(&make("two").await), (409, "limit_reached"));

    // An archived one is not in use; it does not come back while another has its place.
    let first = format!("/rooms/{}", first["id"].as_str().unwrap());
    let archived = world.post(of(&tenant, &format!("{first}/archive"))).by(&admin).send().await.ok();
    assert_eq!(archived["status"], "archived");
    assert!(archived["archivedAt"].is_string());
    assert_eq!(make("two").await.status, 201);
    let back = world.post(of(&tenant, &format!("{first}/unarchive"))).by(&admin);
    assert_eq!(told(&back.send().await), (409, "limit_reached"));
}

#[tokio::test]
async fn a_room_comes_back_only_where_the_plan_has_a_place_for_it() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let there = tenant.store.collection::<Room>().count(doc! {}).await.unwrap();
    limit(&world, &tenant, "maxRooms", i64::try_from(there).unwrap() + 1).await;
    let make = async |name: &str| {
        let made = world.post(of(&tenant, "/rooms")).by(&admin).json(&json!({ "name": name })).send().await;
        format!("/rooms/{}", made.ok()["id"].as_str().unwrap())
    };
    let ask = async |path: String| world.post(of(&tenant, &path)).by(&admin).send().await;
    let delete = async |room: &str| world.delete(of(&tenant, room)).by(&admin).send().await.status.as_u16();
    let first = make("one").await;
    assert_eq!(delete(&first).await, 204);
    let second = make("two").await;
    assert_eq!(told(&ask(format!("{first}/restore")).await), (409, "limit_reached"));
    assert_eq!(world.get(of(&tenant, &first)).by(&admin).send().await.status, 404, "it is as it was");
    ask(format!("{second}/archive")).await.ok();
    ask(format!("{first}/restore")).await.ok();
    // One in the archive takes none.
    assert_eq!(delete(&second).await, 204);
    assert_eq!(ask(format!("{second}/restore")).await.ok()["status"], "archived");
}

#[tokio::test]
async fn a_session_is_opened_and_closed_by_the_recorder_and_named_only_while_it_is_open() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let agent = world.member(&tenant, Role::Agent).await;
    let (open, closed) = (Talk::open(&tenant, "Copen").await, Talk::closed(&tenant, "Cclosed").await);

    let active = world.get(of(&tenant, &open.room("/active-session"))).by(&agent).send().await.ok();
    assert_eq!(active["id"], hex(open.session.id));
    let none = world.get(of(&tenant, &closed.room("/active-session"))).by(&agent).send().await;
    assert_eq!(told(&none), (404, "not_found"));

    let again = world.post(of(&tenant, &open.room("/sessions"))).by(&agent).send().await;
    assert_eq!(told(&again), (409, "conflict"));
    let nothing = world.post(of(&tenant, &closed.room("/active-session/close"))).by(&agent).send().await;
    assert_eq!(told(&nothing), (409, "conflict"));
    assert_eq!(world.queued.sent::<Inbound>(), []);

    let opened = world.post(of(&tenant, &closed.room("/sessions"))).by(&agent).send().await;
    assert_eq!(opened.status, 202, "{}", opened.body);
    let close = world.post(of(&tenant, &open.room("/active-session/close"))).by(&agent).send().await;
    assert_eq!(
        (close.status.as_u16(), close.body["sessionId"].as_str()),
        (202, Some(hex(open.session.id).as_str()))
    );
    let sent = world.queued.sent::<Inbound>();
    let [Inbound::Open(wish), Inbound::Close(close)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((wish.tenant_id.as_str(), wish.conversation_id.as_str()), (tenant.id.as_str(), "Cclosed"));
    assert_eq!(
        (close.session_id.as_str(), close.trigger),
        (hex(open.session.id).as_str(), CloseTrigger::Manual)
    );
    assert_eq!(close.closed_by.as_ref().map(|by| by.to_string()), Some(agent.account.to_hex()));

    let viewer = world.member(&tenant, Role::Viewer).await;
    let small = world.post(of(&tenant, &open.room("/active-session/close"))).by(&viewer).send().await;
    assert_eq!(told(&small), (403, "permission_denied"));
}

#[tokio::test]
async fn a_room_is_archived_with_its_session_and_counts_what_was_said() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let manager = world.member(&tenant, Role::Manager).await;
    let talk = Talk::open(&tenant, "Cgroup").await;
    let counted = world.get(of(&tenant, &talk.room("/statistics"))).by(&manager).send().await.ok();
    assert_eq!(
        counted,
        json!({
            "totalSessions": 1, "activeSessions": 0, "totalMessages": 3, "totalImages": 0,
            "avgMessagesPerSession": 3.0,
        })
    );
    let late = world.post(of(&tenant, &talk.room("/archive"))).by(&manager).header("if-match", "\"99\"");
    assert_eq!(told(&late.send().await), (412, "version_mismatch"));
    assert!(world.queued.sent::<Inbound>().is_empty(), "nothing was closed for an archive that was refused");
    let archive = world.post(of(&tenant, &talk.room("/archive"))).by(&manager);
    let archived = archive.send().await;
    assert_eq!(archived.body["status"], "archived");
    assert!(matches!(world.queued.sent::<Inbound>().as_slice(), [Inbound::Close(_)]));
    let back = world.post(of(&tenant, &talk.room("/unarchive"))).by(&manager).send().await.ok();
    assert_eq!((back["status"].as_str(), back["archivedAt"].as_str()), (Some("active"), None));

    // What LINE does not know has no sessions.
    let made =
        world.post(of(&tenant, "/rooms")).by(&manager).json(&json!({ "name": "Ours" })).send().await.ok();
    let own = format!("/rooms/{}/sessions", made["id"].as_str().unwrap());
    assert_eq!(told(&world.post(of(&tenant, &own)).by(&manager).send().await), (409, "conflict"));
}

#[tokio::test]
async fn of_a_private_or_deleted_room_nothing_is_seen() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (owner, agent) = (world.member(&tenant, Role::Owner).await, world.member(&tenant, Role::Agent).await);
    let (private, public) = (Talk::private(&tenant, "Cpriv").await, Talk::closed(&tenant, "Cpub").await);
    let stranger = world.member(&world.tenant().await, Role::Owner).await;
    let message = format!("/messages/{}", hex(private.messages[0].id));
    let below = [
        private.room(""),
        private.room("/statistics"),
        private.room("/active-session"),
        private.room("/members"),
        private.room("/timeline"),
        private.room("/catch-up?since=2026-01-01T00:00:00Z"),
        private.session(""),
        private.session("/timeline"),
        private.session("/participants"),
        private.summary(""),
        message.clone(),
        format!("{message}/media"),
    ];
    let hidden_from = async |who| {
        for path in &below {
            let reply = world.get(of(&tenant, path)).by(who).send().await;
            assert_eq!(told(&reply), (404, "not_found"), "{path}");
        }
    };
    hidden_from(&agent).await;
    hidden_from(&stranger).await;
    let public_only = async |who| {
        for list in ["/sessions", "/messages", "/summaries"] {
            let list: Value = world.get(of(&tenant, list)).by(who).send().await.ok();
            let rooms = each(&list, "roomId");
            assert!(!rooms.is_empty() && rooms.iter().all(|room| *room == hex(public.room.id)), "{list}");
        }
    };
    public_only(&agent).await;
    let all = world.get(of(&tenant, "/messages")).by(&owner).send().await.ok();
    assert_eq!(each(&all, "id").len(), 6);

    // Deleted: for everybody.
    assert_eq!(world.delete(of(&tenant, &private.room(""))).by(&owner).send().await.status, 204);
    hidden_from(&owner).await;
    public_only(&owner).await;
}

#[tokio::test]
async fn of_rooms_and_members_made_at_once_none_is_more_than_the_plan_has() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let admin = world.member(&tenant, Role::Admin).await;
    let rooms = tenant.store.collection::<Room>();
    limit(&world, &tenant, "maxRooms", 3).await;
    let make = async |nth: usize| {
        let body = json!({ "name": format!("Room {nth}") });
        world.post(of(&tenant, "/rooms")).by(&admin).json(&body).send().await.status.as_u16()
    };
    let told = futures::future::join_all((0..8).map(make)).await;
    assert!(rooms.count(doc! {}).await.unwrap() <= 3, "{told:?}");
    assert!(told.iter().all(|status| [201, 409].contains(status)), "{told:?}");

    let talk = Talk::closed(&tenant, "Cgroup").await;
    limit(&world, &tenant, "maxMembersPerRoom", 4).await;
    let mut users = Vec::new();
    for nth in 0..8 {
        let new = json!({ "displayName": format!("User {nth}") });
        let made = world.post(of(&tenant, "/users")).by(&admin).json(&new).send().await.ok();
        users.push(made["id"].clone());
    }
    let members = of(&tenant, &talk.room("/members"));
    let add = async |user: &Value| {
        let body = json!({ "roomId": hex(talk.room.id), "userId": user });
        world.post(&members).by(&admin).json(&body).send().await
    };
    let told = futures::future::join_all(users.iter().map(add)).await;
    let there = doc! { "roomId": talk.room.id };
    assert!(tenant.store.collection::<RoomMember>().count(there).await.unwrap() <= 4);
    // Where it is said to be it is.
    for made in told.iter().filter(|reply| reply.status == 201) {
        let shown = world.get(made.header("location").unwrap()).by(&admin).send().await.ok();
        assert_eq!(shown["id"], made.body["id"]);
    }
}

#[tokio::test]
async fn settings_put_back_to_the_organizations_do_not_show_a_hidden_room() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (manager, agent) =
        (world.member(&tenant, Role::Manager).await, world.member(&tenant, Role::Agent).await);
    let path = of(&tenant, &Talk::private(&tenant, "Cpriv").await.room(""));
    let patch = async |body: Value| world.patch(&path).by(&manager).json(&body).send().await.ok();
    patch(json!({ "settings": { "aiEnabled": false } })).await;
    let changed = patch(json!({ "settings": null })).await;
    assert_eq!(changed["settings"].get("aiEnabled"), None);
    assert_eq!(changed["settings"]["privacy"], "private");
    assert_eq!(world.get(&path).by(&agent).send().await.status, 404);
    patch(json!({ "settings": { "privacy": null } })).await;
    assert_eq!(world.get(&path).by(&agent).send().await.status, 200);
}
