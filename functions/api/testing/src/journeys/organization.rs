//! An organization's own: staff, keys, rules, settings, channels.

use anyhow::Context as _;
use bson::doc;
use matome_domain::access::Role;
use matome_store::entities::{Channel, Operation};
use matome_testing::fixtures;
use serde_json::{Value, json};

use super::traveller::{Messenger, Traveller, id};
use crate::sign_in::PASSWORD;

pub(super) async fn staff(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let new = |email: &str| json!({ "email": email, "role": "viewer", "title": "Support" });
    // Of their own: who asks people in may do so ten times in a quarter of an hour.
    let admin = on.stage.world.member(on.tenant, Role::Admin).await;
    let admin = async |operation, at: &[&str], body| on.ask(Some(&admin.token), operation, at, body).await;
    let unwanted = admin("createInvitation", &[], new(&on.email("unwanted"))).await?;
    admin("revokeInvitation", &[id(&unwanted)], Value::Null).await?;
    let email = on.email("staff");
    let invitation = admin("createInvitation", &[], new(&email)).await?;
    admin("getInvitation", &[id(&invitation)], Value::Null).await?;
    admin("resendInvitation", &[id(&invitation)], Value::Null).await?;
    let accept = json!({ "token": on.mailed(&email)?, "name": "Bun Example", "password": PASSWORD });
    on.as_nobody("acceptInvitation", accept).await?;
    let members = admin("listMembers", &[], Value::Null).await?;
    let member =
        members["items"].as_array().into_iter().flatten().find(|member| member["email"] == email.as_str());
    let member = member.map(id).context("who accepted is the newest member")?;
    admin("getMember", &[member], Value::Null).await?;
    admin("updateMember", &[member], json!({ "title": "Lead" })).await?;
    admin("deleteMember", &[member], Value::Null).await?;
    admin("restoreMember", &[member], Value::Null).await?;
    admin("deleteMember", &[member], Value::Null).await?;
    admin("leaveOrganization", &[], Value::Null).await?;
    Ok(())
}

pub(super) async fn settings(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let key = json!({ "name": on.name("key"), "scopes": ["rooms:read"] });
    let key = on.as_owner("createApiKey", &[], key).await?;
    let key = id(&key["apiKey"]);
    on.as_owner("getApiKey", &[key], Value::Null).await?;
    on.as_owner("updateApiKey", &[key], json!({ "name": "Back office" })).await?;
    let next = on.as_owner("rotateApiKey", &[key], json!({ "graceMinutes": 60 })).await?;
    on.as_owner("revokeApiKey", &[id(&next["apiKey"])], Value::Null).await?;
    // Not where anybody here calls from (TEST-NET-3).
    let rule = json!({ "kind": "block", "network": "203.0.113.0/24", "reason": "Noise" });
    let rule = on.as_owner("createIpRule", &[], rule).await?;
    let rule = id(&rule);
    on.as_owner("getIpRule", &[rule], Value::Null).await?;
    on.as_owner("updateIpRule", &[rule], json!({ "reason": "Old noise" })).await?;
    on.as_owner("deleteIpRule", &[rule], Value::Null).await?;
    on.as_owner("updateSecurityPolicy", &[], json!({ "sessionIdleMinutes": 43_200 })).await?;
    on.as_owner("updateOrganization", &[], json!({ "timezone": "Asia/Tokyo" })).await?;
    Ok(())
}

pub(super) async fn channels(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let channels = on.stage.world.system.store.of_tenant::<Channel>(&on.tenant.id);
    let channel = fixtures::channel(on.tenant);
    if channels.get(channel.id).await?.is_none() {
        channels.insert(&channel).await?;
    }
    let channel = on.tenant.channel.as_str();
    let connect = json!({ "channelId": channel, "secret": SECRET });
    let operation = on.as_owner("connectChannel", &[], connect).await?;
    on.as_owner("getOperation", &[id(&operation)], Value::Null).await?;
    on.ended(&operation, "done").await?;
    on.as_owner("getChannel", &[channel], Value::Null).await?;
    on.as_owner("updateChannel", &[channel], json!({ "name": "Shop Ginza" })).await?;
    let operation = on.as_owner("rotateChannelSecret", &[channel], json!({ "secret": SECRET })).await?;
    on.ended(&operation, "done").await?;
    let operation = on.as_owner("disconnectChannel", &[channel], Value::Null).await?;
    on.ended(&operation, "done").await?;
    let operation = on.as_owner("rotateDataKey", &[], Value::Null).await?;
    on.ended(&operation, "done").await?;
    Ok(())
}

impl<M: Messenger> Traveller<'_, M> {
    /// What the provisioner leaves of an operation: none runs here.
    pub(super) async fn ended(&self, operation: &Value, state: &str) -> anyhow::Result<()> {
        let which = doc! { "_id": bson::oid::ObjectId::parse_str(id(operation))? };
        let ended = doc! { "$set": { "state": state }, "$unset": { "open": "" } };
        let operations = self.stage.world.system.store.platform_collection::<Operation>();
        operations.update_one(which, ended).await?;
        Ok(())
    }
}
