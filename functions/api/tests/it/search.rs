//! Search, as it is asked over HTTP.

use matome_api_testing::world::{Person, World, of};
use matome_domain::access::Role;
use serde_json::Value;

use crate::talk::{Talk, each, field, hex, told};

#[tokio::test]
async fn words_are_found_where_the_caller_may_read_and_shown_where_they_stand() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let (owner, agent) = (world.member(&tenant, Role::Owner).await, world.member(&tenant, Role::Agent).await);
    let (public, private) = (Talk::closed(&tenant, "Cpub").await, Talk::private(&tenant, "Cpriv").await);
    let search = async |who: &Person, query: &str| -> Value {
        world.get(of(&tenant, &format!("/search?{query}"))).by(who).send().await.ok()
    };
    let found = search(&agent, "q=picnic").await;
    let mut kinds = each(&found, "kind");
    kinds.sort_unstable();
    assert_eq!(kinds, ["message", "message", "summary"]);
    assert!(each(&found, "roomId").iter().all(|room| *room == hex(public.room.id)));
    assert_eq!(each(&search(&owner, "q=picnic").await, "id").len(), 6);

    let tea = search(&agent, "q=tea&in=messages").await;
    assert_eq!(each(&tea, "id"), [hex(public.messages[1].id)]);
    assert_eq!(tea["items"][0]["snippet"], "Yes, I bring tea to the picnic.");
    assert_eq!(tea["items"][0]["highlights"], serde_json::json!([{ "start": 13, "end": 16 }]));
    assert_eq!(each(&search(&agent, "q=picnic&in=summaries").await, "kind"), ["summary"]);
    let none = search(&agent, "q=picnic&to=2026-11-20T09:00:00Z").await;
    assert_eq!(each(&none, "id").len(), 0, "all of it was said later");

    let (mut pages, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = search(&owner, &format!("q=picnic&limit=4{cursor}")).await;
        pages.extend(each(&page, "id").into_iter().map(str::to_owned));
        let Some(next) = page["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    pages.sort();
    pages.dedup();
    assert_eq!(pages.len(), 6);

    let hidden = format!("/search?q=picnic&roomId={}", hex(private.room.id));
    assert_eq!(told(&world.get(of(&tenant, &hidden)).by(&agent).send().await), (404, "not_found"));
    for (query, code, name) in [
        ("", "invalid_parameter", "q"),
        ("q=!!", "invalid_parameter", "q"),
        ("q=x&in=rooms", "invalid_parameter", "in"),
        ("q=tea&limit=101", "invalid_parameter", "limit"),
        ("q=tea&from=yesterday", "invalid_parameter", "from"),
        ("q=tea&cursor=x", "invalid_cursor", ""),
    ] {
        let reply = world.get(of(&tenant, &format!("/search?{query}"))).by(&agent).send().await;
        assert_eq!((told(&reply), field(&reply)), ((400, code), name), "{query}");
    }
}
