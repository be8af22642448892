//! Lists, page by page.

use std::collections::BTreeSet;

use matome_api_testing::world::{Person, World, of};
use matome_domain::access::Role;
use matome_store::entities::Room;
use matome_testing::fixtures;
use serde_json::{Value, json};

use crate::conduct::{is, scene};

async fn pages(world: &World, who: &Person, path: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let (mut seen, mut cursor, mut number) = (Vec::new(), None::<String>, 0);
    loop {
        let next = cursor.map(|cursor| format!("&cursor={cursor}")).unwrap_or_default();
        let page = world.get(format!("{path}{next}")).by(who).send().await.ok();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        number += 1;
        between(number).await;
        cursor = page["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return seen;
        }
    }
}

#[tokio::test]
async fn pages_show_everything_once_while_more_comes() {
    let (world, tenant, admin) = scene().await;
    let rooms = tenant.store.collection::<Room>();
    let mut there = BTreeSet::new();
    for number in 0..23 {
        let room = fixtures::room(&tenant, &format!("C{number}"));
        there.insert(room.id.to_hex());
        rooms.insert(&room).await.unwrap();
    }
    for path in
        ["/rooms?limit=5", "/rooms?limit=5&sort=createdAt", "/rooms?limit=5&sort=-createdAt&fields=name"]
    {
        let add = async |page: usize| {
            let room = fixtures::room(&tenant, &format!("C{path}{page}"));
            rooms.insert(&room).await.unwrap();
        };
        let seen = pages(&world, &admin, &of(&tenant, path), add).await;
        let unique: BTreeSet<String> = seen.iter().cloned().collect();
        assert_eq!(unique.len(), seen.len(), "{path}: nothing twice");
        assert!(unique.is_superset(&there), "{path}: nothing left out");
    }
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_and_order_only() {
    let (world, tenant, admin) = scene().await;
    for number in 0..3 {
        let room = fixtures::room(&tenant, &format!("C{number}"));
        tenant.store.collection::<Room>().insert(&room).await.unwrap();
    }
    let ask = |query: String| world.get(of(&tenant, &format!("/rooms?{query}"))).by(&admin).send();
    let page = ask("limit=1".to_owned()).await.ok();
    let cursor = page["nextCursor"].as_str().unwrap().to_owned();
    assert_eq!(ask(format!("limit=1&cursor={cursor}")).await.status, 200);
    let mut cut = cursor.clone();
    cut.truncate(cursor.len() - 4);
    for wrong in [
        format!("cursor={cursor}&sort=createdAt"),
        format!("cursor={cut}"),
        "cursor=".to_owned(),
        "cursor=AAAA".to_owned(),
        "cursor=%F0%9F%99%82".to_owned(),
    ] {
        is(&ask(wrong.clone()).await, 400, "invalid_cursor");
    }
    // A cursor is no way into another tenant.
    let other = world.tenant().await;
    let stranger = world.member(&other, Role::Owner).await;
    let there = world.get(of(&other, &format!("/rooms?cursor={cursor}"))).by(&stranger).send().await.ok();
    assert_eq!(there["items"], json!([]));
    for wrong in
        ["limit=0", "limit=201", "limit=-1", "limit=x", "sort=name", "fields=secret", "deleted=maybe"]
    {
        is(&ask(wrong.to_owned()).await, 400, "invalid_parameter");
    }
}

#[tokio::test]
async fn only_the_fields_that_were_asked_for_are_shown() {
    let (world, tenant, admin) = scene().await;
    tenant.store.collection::<Room>().insert(&fixtures::room(&tenant, "C1")).await.unwrap();
    let page = world.get(of(&tenant, "/rooms?fields=name,roomType")).by(&admin).send().await.ok();
    let names: Vec<&String> = page["items"][0].as_object().unwrap().keys().collect();
    let expected: BTreeSet<&str> = ["id", "name", "roomType"].into();
    assert_eq!(names.iter().map(|name| name.as_str()).collect::<BTreeSet<_>>(), expected);
    assert_eq!(page["items"][0]["name"], Value::from("Picnic"));
}
