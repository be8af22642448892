//! Every command that operators have for tenants and what is stored, as they type it.

use std::collections::BTreeMap;

use matome_domain::ids::{ChannelId, TenantId};
use matome_domain::placement::Placement;
use matome_runtime::clock::SystemClock;
use matome_runtime::directory::Directory;
use matome_store::entities::{ActorKind, AuditEntry, AuditPhase};
use serde_json::Value;

use crate::stage::{Business, Operator, Stage, eventually};

fn state(operation: &Value) -> (&str, &str) {
    (operation["kind"].as_str().unwrap(), operation["state"].as_str().unwrap())
}

async fn status(operator: &Operator, tenant: &TenantId) -> Value {
    operator.tenant(&["status", tenant.as_str()]).await.done()
}

#[tokio::test]
async fn what_operators_type_about_a_tenant_is_done_and_told_as_json() {
    let stage = Stage::enter().await;
    let operator = Operator::of(&stage).await;
    let mut business = Business::unregistered(&stage);
    let channel = business.channel.channel_id.clone();
    let email = format!("{channel}@example.com");

    business.tenant = operator.create(&email, &["--tier", "basic"]).await;
    business.store = stage.store.tenant(&business.tenant, Placement::Shared);
    let tenant = business.tenant.clone();
    let id = tenant.as_str();
    let listed = operator.tenant(&["list"]).await.done();
    let row = listed.as_array().unwrap().iter().find(|row| row["tenant"] == id).unwrap();
    assert_eq!(
        (&row["tier"], &row["status"], &row["channels"]),
        (&"basic".into(), &"active".into(), &0.into())
    );

    // A secret that LINE does not take (yet): the operation fails, says why, and can be tried again.
    let second = "5ec0nd5ec0nd5ec0nd5ec0nd5ec0nd00";
    let refused = operator.tenant_with(&["connect", id, &channel], second).await;
    assert!(!refused.success && refused.error.contains("secret: LINE does not take it"), "{refused:?}");
    assert_eq!(state(&refused.json()), ("connect_channel", "failed"));
    assert!(!format!("{refused:?}").contains(second));
    stage.line.update_channel(&channel, |channel| channel.channel_secret = second.to_owned()).unwrap();
    let retried = operator.tenant(&["retry", id]).await.done();
    assert_eq!(state(&retried), ("connect_channel", "done"));
    let known = status(&operator, &tenant).await;
    assert_eq!(known["channels"][0]["channelId"], channel.as_str());
    assert_eq!(known["organization"]["tier"], "basic");
    assert!(known["channels"][0]["channelSecret"].is_null());
    let nothing_failed = operator.tenant(&["retry", id]).await;
    assert!(!nothing_failed.success && nothing_failed.error.contains("has not failed"), "{nothing_failed:?}");

    let group = business.group("g", &[("Aoi", "en")]);
    heard(&business, &group, "signed with the second secret").await;
    let third = "7h1rd7h1rd7h1rd7h1rd7h1rd7h1rd00";
    stage.line.update_channel(&channel, |channel| channel.channel_secret = third.to_owned()).unwrap();
    let rotated = operator.tenant_with(&["rotate-secret", id, &channel], &format!("{third}\n")).await.done();
    assert_eq!(state(&rotated), ("rotate_channel_secret", "done"));
    heard(&business, &group, "signed with the third secret").await;

    let rotated = operator.tenant(&["rotate-key", id]).await.done();
    assert_eq!(state(&rotated), ("rotate_data_key", "done"));
    let known = status(&operator, &tenant).await;
    assert_eq!(known["directory"]["keyVersion"], 2);
    assert_eq!(known["directory"]["keyRotationUnderWay"], false);
    heard(&business, &group, "opened with the second data key").await;

    assert_eq!(state(&operator.tenant(&["tier", id, "free"]).await.done()), ("change_tier", "done"));
    let suspended = operator.tenant(&["suspend", id, "--reason", "unpaid"]).await.done();
    assert_eq!(state(&suspended), ("suspend", "done"));
    let known = status(&operator, &tenant).await;
    assert_eq!(
        (&known["organization"]["tier"], &known["organization"]["status"], &known["directory"]["status"]),
        (&"free".into(), &"suspended".into(), &"suspended".into())
    );
    assert_eq!(known["organization"]["statusReason"]["message"], "unpaid");
    // Whoever looks after the tenant can read what was done to it, and by whom.
    let trail: Vec<AuditEntry> = business.all(bson::doc! { "operation": "operations.suspend" }).await;
    let told: Vec<_> = trail.iter().map(|entry| (entry.record.phase, entry.record.actor.kind)).collect();
    assert_eq!(told, [(AuditPhase::Begun, ActorKind::System), (AuditPhase::Ended, ActorKind::System)]);
    assert_eq!(state(&operator.tenant(&["resume", id]).await.done()), ("resume", "done"));

    // Limits that were agreed on: what is not named stays as it was.
    let before = status(&operator, &tenant).await["organization"]["limits"].clone();
    let agreed = ["limits", id, "--max-rooms", "2000", "--max-storage-gb", "none"];
    let agreed = operator.tenant(&agreed).await.done();
    assert_eq!((&agreed["tenant"], &agreed["limits"]["maxRooms"]), (&id.into(), &2_000.into()));
    assert!(agreed["limits"]["maxStorageGB"].is_null() && !before["maxStorageGB"].is_null());
    assert_eq!(agreed["limits"]["maxAgents"], before["maxAgents"]);
    assert_eq!(status(&operator, &tenant).await["organization"]["limits"], agreed["limits"]);
    let trail: Vec<AuditEntry> = business.all(bson::doc! { "operation": "setLimits" }).await;
    let [begun, ended] = trail.as_slice() else { panic!("{trail:?}") };
    assert_eq!(ended.record.begun_id, Some(begun.id));
    let rooms = |of: &Option<Value>| of.as_ref().unwrap()["limits"]["maxRooms"].clone();
    assert_eq!(rooms(&ended.record.before), before["maxRooms"]);
    assert_eq!(rooms(&ended.record.after), 2_000);
    let nobody = operator.tenant(&["limits", "nobody", "--max-rooms", "1"]).await;
    assert!(!nobody.success && nobody.error.contains("nobody"), "{nobody:?}");

    // Days of grace are not waited for, and end the offboarding where somebody wants that.
    let offboarding = ["offboard", id, "--reason", "contract ended", "--grace-days", "30", "--no-wait"];
    let offboarding = operator.tenant(&offboarding).await.done();
    assert_eq!(offboarding["open"], true);
    let busy = operator.tenant(&["resume", id]).await;
    assert!(!busy.success && busy.error.contains("has an operation that has not ended"), "{busy:?}");
    assert_eq!(state(&operator.tenant(&["abort", id]).await.done()), ("offboard", "aborted"));
    let known = status(&operator, &tenant).await;
    assert_eq!(known["organization"]["status"], "active");
    assert!(known["operations"].as_array().unwrap().iter().all(|operation| operation["input"].is_null()));

    // A move that somebody thinks better of, and one to nowhere.
    let moving = operator.tenant(&["move", id, "collection_set", "--no-wait"]).await.done();
    assert_eq!((&moving["kind"], &moving["open"]), (&"move".into(), &true.into()));
    assert_eq!(state(&operator.tenant(&["abort", id]).await.done()), ("move", "aborted"));
    assert_eq!(status(&operator, &tenant).await["directory"]["placement"], "shared");
    let nowhere = operator.tenant(&["move", id, "shared", "--cell", "atlantis"]).await;
    assert!(!nowhere.success && nowhere.error.contains("cell"), "{nowhere:?}");

    // A channel that goes: known as what it was, and nobody's any more for LINE.
    assert_eq!(
        state(&operator.tenant(&["disconnect", id, &channel]).await.done()),
        ("disconnect_channel", "done")
    );
    assert_eq!(status(&operator, &tenant).await["channels"][0]["status"], "inactive");
    let clock = std::sync::Arc::new(SystemClock);
    let directory =
        Directory::from_client(stage.aws().dynamodb(), stage.output("DirectoryTable").to_owned(), clock);
    assert!(directory.newest_channel(&ChannelId::new(channel.as_str()).unwrap()).await.unwrap().is_none());
    let unknown = operator.tenant(&["disconnect", id, "2000000000"]).await;
    assert!(!unknown.success && unknown.error.contains("channelId"), "{unknown:?}");

    let none = operator.tenant(&["certificate", id]).await;
    assert!(!none.success && none.error.contains("there is no certificate"), "{none:?}");
    let nobody = operator.tenant(&["status", "nobody"]).await;
    assert!(!nobody.success && nobody.error.contains("there is no tenant nobody"), "{nobody:?}");
}

/// Somebody writes, and it is recorded.
async fn heard(business: &Business<'_>, group: &crate::stage::Group, text: &str) {
    let said = business.say(&group.place, &group.users[0], text).await;
    eventually(text, async || {
        let found: Vec<matome_store::entities::Message> =
            business.all(bson::doc! { "lineMessageId": said.message_id() }).await;
        (found.len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_new_platform_is_migrated_up_down_and_up_again_from_the_command_line() {
    let stage = Stage::enter().await;
    let operator = Operator::of(&stage).await;
    let prefix = format!("cli{}", std::process::id());
    let migrate = async |more: &[&str]| {
        let all: Vec<&str> =
            ["migrate", "--json", "--database-prefix", &prefix].iter().chain(more).copied().collect();
        operator.run(&all, "").await.done()
    };
    // Of each place: the version it had, and what was done (or undone, or would be). Tenants' places come first
    // going down, and last going up.
    let told = |report: &Value| -> BTreeMap<String, (u64, Vec<u64>)> {
        let version = |of: &Value| of["version"].as_u64().unwrap();
        let place = |place: &Value| {
            let migrations = place["migrations"].as_array().unwrap().iter().map(version).collect();
            (place["place"].as_str().unwrap().to_owned(), (version(place), migrations))
        };
        report["places"].as_array().unwrap().iter().map(place).collect()
    };
    let planned = migrate(&["--dry-run"]).await;
    assert_eq!(planned["dryRun"], true);
    let plan = told(&planned);
    // The platform, and the shared database of each of the two cells.
    assert!(plan.len() == 3 && plan.values().all(|(had, todo)| *had == 0 && todo.len() > 1), "{planned}");
    assert_eq!(told(&migrate(&["--dry-run"]).await), plan, "it wrote nothing");
    let up = migrate(&[]).await;
    assert_eq!((told(&up), &up["dryRun"]), (plan.clone(), &Value::Bool(false)));
    let newest: BTreeMap<&String, u64> =
        plan.iter().map(|(place, (_, done))| (place, *done.last().unwrap())).collect();
    let each = |of: &dyn Fn(u64) -> (u64, Vec<u64>)| -> BTreeMap<String, (u64, Vec<u64>)> {
        newest.iter().map(|(place, version)| ((*place).clone(), of(*version))).collect()
    };
    let nothing = each(&|version| (version, Vec::new()));
    assert_eq!(told(&migrate(&[]).await), nothing);
    // The newest version, in the places that have it.
    let last = *newest.values().max().unwrap();
    let of_last = |version| if version == last { vec![last] } else { Vec::new() };
    assert_eq!(told(&migrate(&["--down"]).await), each(&|version| (version, of_last(version))));
    let again = told(&migrate(&["--to", &last.to_string()]).await);
    let done = |(place, (_, done)): (&String, &(u64, Vec<u64>))| (place.clone(), done.clone());
    let wanted: BTreeMap<_, _> = newest.iter().map(|(place, v)| ((*place).clone(), of_last(*v))).collect();
    assert_eq!(again.iter().map(done).collect::<BTreeMap<_, _>>(), wanted);
    assert_eq!(told(&migrate(&[]).await), nothing);

    let unknown =
        operator.run(&["migrate", "--json", "--database-prefix", &prefix, "--to", "9999"], "").await;
    assert!(!unknown.success && unknown.error.contains("9999"), "{unknown:?}");
    let client = mongodb::Client::with_uri_str(stage.stack.mongodb_uri()).await.unwrap();
    for place in ["platform", "shared"] {
        client.database(&format!("{prefix}_{place}")).drop().await.unwrap();
    }
    let second = mongodb::Client::with_uri_str(stage.second_mongodb_uri()).await.unwrap();
    second.database(&format!("{prefix}_shared")).drop().await.unwrap();
}

#[tokio::test]
async fn a_data_set_can_be_seeded_twice_and_its_tenants_can_be_talked_to() {
    let stage = Stage::enter().await;
    let operator = Operator::of(&stage).await;
    for _ in 0..2 {
        let seeded = operator.run(&["seed", "test"], "").await;
        assert!(seeded.success, "{seeded:?}");
        assert_eq!(seeded.output.lines().count(), 3, "{seeded:?}");
    }
    // Without --aws: of the stack that runs here.
    let listed = operator.run(&["tenant", "list", "--json"], "").await.done();
    let mut placements: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .filter(|row| row["name"].as_str().unwrap().ends_with("test tenant"))
        .map(|row| (row["placement"].as_str().unwrap(), row["channels"].as_u64().unwrap()))
        .collect();
    placements.sort_unstable();
    assert_eq!(placements, [("collection_set", 1), ("dedicated", 1), ("shared", 1)]);
    let unknown = operator.run(&["seed", "moon"], "").await;
    assert!(!unknown.success && unknown.error.contains("must be development, test or demo"), "{unknown:?}");
}
