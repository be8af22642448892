//! The API where it is deployed: through the gateway, with its role's rights, over the queues and tables that the
//! other functions work with. What each route does is tested in `functions/api`; here it is shown to reach what it
//! needs, and to reach nothing else.

use std::io::Cursor;

use aws_sdk_dynamodb::types::AttributeValue;
use matome_line_simulator::{Act, Media as Content};
use matome_runtime::random::{Random as _, SystemRandom};
use matome_store::entities::OrganizationSettings;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::stage::{Answer, Business, Client, Operator, SENDER, Stage, eventually};

/// A login that an operator makes: e-mail address and password.
async fn login(operator: &Operator, business: &Business<'_>, who: &str, role: &str) -> (String, String) {
    let email = format!("{who}-{}@shop.example", business.channel.channel_id);
    let tenant = business.tenant.as_str();
    let create = ["account", "create", "--aws", "--email", &email, "--organization", tenant, "--role", role];
    let made = operator.run(&create, "").await;
    assert!(made.success, "{made:?}");
    let password = made.output.lines().find_map(|line| line.strip_prefix("password ")).unwrap();
    (email, password.to_owned())
}

fn items(page: &Value) -> &[Value] {
    page["items"].as_array().unwrap_or_else(|| panic!("{page}"))
}

#[tokio::test]
async fn an_owner_reads_the_talk_closes_it_rates_its_summary_and_lets_a_machine_in() {
    let stage = Stage::enter().await;
    let operator = Operator::of(&stage).await;
    let business = Business::open(&stage, OrganizationSettings::default()).await;
    let nobody = Client::of(&stage).await;
    let (email, password) = login(&operator, &business, "owner", "owner").await;
    let owner = nobody.signed_in(&email, &password).await;
    let organization = format!("/v1/organizations/{}", business.tenant);
    let path = |rest: &str| format!("{organization}/{rest}");

    assert_eq!(nobody.get(&organization).await.with(401)["code"], "unauthenticated");
    let shown = owner.get(&organization).await;
    assert!(shown.headers.contains_key("etag") && shown.headers.contains_key("ratelimit"), "{shown:?}");
    assert_eq!(shown.with(200)["id"], business.tenant.as_str());

    // What people say at LINE appears in the room's timeline, and a picture can be fetched for a while.
    let group = business.group("Counter", &[("Aoi", "en"), ("Bun", "en")]);
    business.say(&group.place, &group.users[0], "Let us ship the release on Friday.").await;
    business.say(&group.place, &group.users[1], "I will write the notes by Thursday.").await;
    let mut picture = Cursor::new(Vec::new());
    image::RgbImage::new(60, 40).write_to(&mut picture, image::ImageFormat::Png).unwrap();
    let media = Content::new("image/png", picture.get_ref().clone());
    business.perform(&group.place, Some(&group.users[0]), Act::Image { media, image_set: None }).await;
    let room = eventually("the room", async || {
        let page = owner.get(&path("rooms")).await.with(200);
        items(&page).iter().find(|room| room["name"] == "Counter").map(|room| room["id"].clone())
    });
    let room = room.await.as_str().unwrap().to_owned();
    let timeline = path(&format!("rooms/{room}/timeline"));
    let entries = eventually("three messages, the picture stored", async || {
        let page = owner.get(&timeline).await.with(200);
        let entries = page["entries"].as_array().unwrap().clone();
        let stored = entries.last().is_some_and(|entry| entry["links"]["url"].is_string());
        (entries.len() == 3 && stored).then_some(entries)
    });
    let entries = entries.await;
    assert_eq!(entries[0]["message"]["content"], "Let us ship the release on Friday.");
    assert_eq!(entries[0]["sender"]["name"], "Aoi");
    let link = entries[2]["links"]["url"].as_str().unwrap();
    assert!(link.contains(&format!("/tenants/{}/", business.tenant)), "{link}");
    let fetched = reqwest::get(link).await.unwrap();
    assert_eq!(
        (fetched.status(), fetched.headers()["content-type"].to_str().unwrap()),
        (StatusCode::OK, "image/png")
    );
    assert_eq!(fetched.bytes().await.unwrap(), picture.get_ref().as_slice());

    // Closed by hand: the recorder does it, the summarizer writes.
    let closed = owner.post(&path(&format!("rooms/{room}/active-session/close")), json!({})).await;
    let session = closed.with(202)["sessionId"].clone();
    business.summarized(&group.place).await;
    let page = owner.get(&path("summaries?limit=1")).await.with(200);
    let [summary] = items(&page) else { panic!("{page}") };
    assert_eq!((&summary["sessionId"], summary["content"]["brief"].is_string()), (&session, true));
    let summary = path(&format!("summaries/{}", summary["id"].as_str().unwrap()));
    let rated = owner.post(&format!("{summary}/feedback"), json!({ "rating": 5, "comment": "Right" })).await;
    assert_eq!(rated.with(200)["feedback"]["rating"], 5);

    // A machine may what its key may.
    let key = json!({ "name": "Back office", "scopes": ["summaries:read"] });
    let key = owner.post(&path("api-keys"), key).await.with(201);
    let machine = nobody.bearing(key["key"].as_str().unwrap());
    assert_eq!(machine.get(&summary).await.with(200)["feedback"]["rating"], 5);
    assert_eq!(machine.get(&path("rooms")).await.with(403)["code"], "permission_denied");
    let revoked = path(&format!("api-keys/{}", key["apiKey"]["id"].as_str().unwrap()));
    assert_eq!(owner.call(Method::DELETE, &revoked, None).await.status, 204);
    machine.get(&summary).await.with(401);

    // Calls were counted where all copies of the function count.
    let counted = stage.aws().dynamodb().scan().table_name(stage.output("EphemeralTable"));
    let counted = counted.filter_expression("begins_with(pk, :rate)");
    let prefix = format!("TENANT#{}#RATE#", business.tenant);
    let counted =
        counted.expression_attribute_values(":rate", AttributeValue::S(prefix)).send().await.unwrap();
    assert!(counted.count() > 0);

    // Another organization's owner learns nothing of this one.
    let other = Business::open(&stage, OrganizationSettings::default()).await;
    let (email, password) = login(&operator, &other, "owner", "owner").await;
    let stranger = nobody.signed_in(&email, &password).await;
    stranger.get(&format!("/v1/organizations/{}", other.tenant)).await.with(200);
    for theirs in [organization.as_str(), &path("rooms"), &timeline, &summary] {
        assert_eq!(stranger.get(theirs).await.with(404)["code"], "not_found", "{theirs}");
    }
}

/// The function's own role is forbidden the table; a tenant's sessions are not.
#[tokio::test]
async fn what_a_tenant_has_in_dynamodb_is_reached_as_that_tenant() {
    let stage = Stage::enter().await;
    let operator = Operator::of(&stage).await;
    let business = Business::open(&stage, OrganizationSettings::default()).await;
    let nobody = Client::of(&stage).await;
    let (email, password) = login(&operator, &business, "owner", "owner").await;
    let owner = nobody.signed_in(&email, &password).await;
    let rooms = format!("/v1/organizations/{}/rooms", business.tenant);

    let role = stage.root.role_of(&stage.function("api")).await;
    let actions = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"];
    stage.root.forbid(&role, &actions).await;
    let own = owner.get("/v1/account").await;
    let read = owner.get(&rooms).await;
    let twice = owner.repeating("one-room");
    let room = json!({ "name": "Made once" });
    let (made, again) = (twice.post(&rooms, room.clone()).await, twice.post(&rooms, room).await);
    // Before anything fails: others come after us.
    stage.root.forbid_nothing(&role).await;

    let counted = |answer: &Answer| {
        ["ratelimit", "x-matome-calls-remaining"].map(|name| answer.headers.contains_key(name))
    };
    assert_eq!((own.status, counted(&own)), (200, [false, false]), "the role itself counts nothing now");
    assert_eq!((read.status, counted(&read)), (200, [true, true]), "{read:?}");
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(made.with(201)["id"], again.with(201)["id"]);
}

#[tokio::test]
async fn somebody_registers_by_mail_and_every_token_ends() {
    let stage = Stage::enter().await;
    let client = Client::of(&stage).await;
    let mailbox = stage.stack.ministack().mailbox();
    mailbox.verify_sender(SENDER).await.unwrap();
    let email = format!("new-{}@customer.example", SystemRandom.uuid());
    let password = "a sentence that nobody else has";

    let new = json!({ "email": email, "name": "Aiko", "password": password, "language": "ja" });
    client.post("/v1/auth/register", new).await.with(202);
    let credentials = json!({ "email": email, "password": password });
    let early = client.post("/v1/auth/login", credentials.clone()).await;
    assert_eq!(early.with(403)["code"], "email_not_verified");
    let sent = mailbox.sent_to(&email).await.unwrap();
    let [mail] = sent.as_slice() else { panic!("{} mails", sent.len()) };
    let (_, token) = mail.text.split_once("#token=").unwrap();
    let token = token.split_whitespace().next().unwrap();
    let verification = json!({ "token": token, "password": password });
    assert_eq!(client.post("/v1/auth/verify-email", verification.clone()).await.status, 204);
    assert!(client.post("/v1/auth/verify-email", verification).await.status >= 400);

    let tokens = client.post("/v1/auth/login", credentials).await.with(200);
    let account = client.bearing(tokens["accessToken"].as_str().unwrap());
    assert_eq!(account.get("/v1/account").await.with(200)["email"], email.as_str());
    // The key that signed it is among those that anybody may read.
    let keys = client.get("/v1/.well-known/jwks.json").await.with(200);
    assert!(
        keys["keys"]
            .as_array()
            .is_some_and(|keys| !keys.is_empty() && keys.iter().all(|key| key["d"].is_null()))
    );
    let refreshed = client.post("/v1/auth/refresh", json!({ "refreshToken": tokens["refreshToken"] })).await;
    let refreshed = refreshed.with(200);
    assert_ne!(refreshed["refreshToken"], tokens["refreshToken"]);
    let account = client.bearing(refreshed["accessToken"].as_str().unwrap());
    assert_eq!(account.call(Method::POST, "/v1/auth/logout", None).await.status, 204);
    assert_eq!(account.get("/v1/account").await.status, 401);
    let again = client.post("/v1/auth/refresh", json!({ "refreshToken": refreshed["refreshToken"] })).await;
    assert_eq!(again.status, 401);
}
