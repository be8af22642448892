//! How members have to log in.

use matome_api::auth::access_token::Amr;
use matome_api_testing::world::{World, of};
use matome_domain::access::{Overrides, Role};
use serde_json::json;

#[tokio::test]
async fn a_policy_is_changed_by_its_version_and_holds_from_then_on() {
    let world = World::start().await;
    let (tenant, other) = (world.tenant().await, world.tenant().await);
    let admin = world.member(&tenant, Role::Admin).await;
    let manager = world.member(&tenant, Role::Manager).await;
    let stranger = world.member(&other, Role::Owner).await;
    let path = of(&tenant, "/security-policy");
    let initial = world.get(&path).by(&admin).send().await;
    assert_eq!(
        (initial.header("etag"), &initial.body["secondFactorRequired"]),
        (Some("\"0\""), &json!(false))
    );
    assert_eq!(world.get(&path).by(&manager).send().await.status, 403);
    assert_eq!(world.get(&path).by(&stranger).send().await.status, 404);

    let required = json!({ "secondFactorRequired": true });
    let refused = world.patch(&path).by(&admin).json(&required).send().await;
    assert_eq!((refused.status.as_u16(), refused.code()), (403, "second_factor_required"));
    for (field, patch) in [
        (
            "allowedOrigins[1]",
            json!({ "allowedOrigins": ["https://shop.example", "https://shop.example/x"] }),
        ),
        ("allowedLoginMethods", json!({ "allowedLoginMethods": ["line"] })),
        ("allowedLoginMethods[0]", json!({ "allowedLoginMethods": ["fax"] })),
        ("sessionIdleMinutes", json!({ "sessionIdleMinutes": 14 })),
        ("sessionIdleMinutes", json!({ "sessionIdleMinutes": 60, "sessionMaxMinutes": 30 })),
        ("sessionMaxMinutes", json!({ "sessionMaxMinutes": 129_601 })),
        ("allowedEmailDomains", json!({ "allowedEmailDomains": ["Shop"] })),
    ] {
        let refused = world.patch(&path).by(&admin).json(&patch).send().await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["field"]), (422, &json!(field)));
    }
    let patch = json!({ "allowedOrigins": ["https://shop.example"], "sessionIdleMinutes": 60 });
    let changed = world.patch(&path).by(&admin).header("if-match", "\"0\"").json(&patch).send().await;
    assert_eq!((changed.header("etag"), &changed.body["updatedBy"]), (Some("\"1\""), &json!(admin.account)));
    let late = world.patch(&path).by(&admin).header("if-match", "\"0\"").json(&patch).send().await;
    assert_eq!(late.code(), "version_mismatch");

    let sure = world.person_with(|_| {}, &[Amr::Pwd, Amr::Otp]).await;
    world.join(&tenant, &sure, Role::Admin, Overrides::default()).await;
    assert_eq!(world.patch(&path).by(&sure).json(&required).send().await.status, 200);
    assert_eq!(world.get(of(&tenant, "/rooms")).by(&admin).send().await.code(), "second_factor_required");
    assert_eq!(world.get(of(&tenant, "/rooms")).by(&sure).send().await.status, 200);
}
