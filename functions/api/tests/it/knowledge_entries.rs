//! Entries of the knowledge base, which have no code of their own in the API.

use matome_api_testing::world::{World, of};
use matome_domain::access::Role;
use serde_json::json;

#[tokio::test]
async fn managers_write_what_customers_are_answered_and_everybody_of_the_organization_reads_it() {
    let world = World::start().await;
    let tenant = world.tenant().await;
    let manager = world.member(&tenant, Role::Manager).await;
    let agent = world.member(&tenant, Role::Agent).await;
    let all = of(&tenant, "/knowledge-entries");
    let entry = |category: &str| json!({ "category": category, "question": "When?", "answer": "At ten.", "language": "en", "tags": ["shop"] });
    let refused = world.post(&all).by(&agent).json(&entry("Opening hours")).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "permission_denied"));
    let mut made = Vec::new();
    for category in ["Opening hours", "Delivery", "Opening hours"] {
        let reply = world.post(&all).by(&manager).json(&entry(category)).send().await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        assert_eq!(reply.body["createdBy"], manager.account.to_hex());
        made.push(reply.header("location").expect("where it is").to_owned());
    }
    let long = json!({ "answer": "🙂".repeat(2501) });
    let long = world.patch(&made[0]).by(&manager).json(&long).send().await;
    assert_eq!((long.status.as_u16(), &long.body["errors"][0]["field"]), (422, &json!("answer")));
    let archive = json!({ "status": "archived" });
    assert_eq!(world.patch(&made[0]).by(&manager).json(&archive).send().await.ok()["status"], "archived");
    assert_eq!(world.delete(&made[1]).by(&manager).send().await.status, 204);

    let categories = async |query: &str| {
        let page = world.get(format!("{all}?{query}")).by(&agent).send().await.ok();
        let items = page["items"].as_array().expect("a list").clone();
        items.iter().map(|item| item["category"].as_str().expect("a text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(categories("sort=category").await, ["Opening hours"; 2]);
    assert_eq!(categories("category=Opening%20hours&status=active&tag=shop").await, ["Opening hours"]);
    assert_eq!(categories("deleted=true").await, ["Delivery"]);
    let back = world.post(format!("{}/restore", made[1])).by(&manager).send().await.ok();
    assert_eq!((&back["category"], &back["version"]), (&json!("Delivery"), &json!(2)));
    assert_eq!(categories("sort=category").await, ["Delivery", "Opening hours", "Opening hours"]);
}
