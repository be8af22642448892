//! What every route is asked: paths with ids of the tenant, parameters that the OpenAPI file requires.

use bson::doc;
use bson::oid::ObjectId;
use matome_api::guard::{Access, Rule};
use matome_api_testing::world::Person;
use matome_store::entities::{AuditEntry, Message, Room, RoomMember, Session, Summary, User};
use matome_store::{Entity, TenantStore};
use matome_testing::TestTenant;
use serde_json::Value;

use super::texts::QUESTIONS;
use super::world::Ask;

/// A tenant that is asked about, with ids of what it has.
pub(super) struct Asked {
    pub(super) tenant: std::sync::Arc<TestTenant>,
    /// May everything.
    pub(super) owner: Person,
    /// Some rooms are hidden from them.
    pub(super) agent: Person,
    ids: Vec<(&'static str, Vec<ObjectId>)>,
}

/// Documents of each kind that are asked for by id.
const IDS: i64 = 20;

impl Asked {
    pub(super) async fn of(
        tenant: std::sync::Arc<TestTenant>,
        owner: Person,
        agent: Person,
    ) -> anyhow::Result<Self> {
        let store = &tenant.store;
        // Nobody hides these from agents.
        let rooms = some::<Room>(store, doc! { "settings.privacy": null }).await?;
        let of_rooms = || doc! { "roomId": { "$in": &rooms } };
        let ids = vec![
            ("sessionId", some::<Session>(store, of_rooms()).await?),
            ("messageId", some::<Message>(store, of_rooms()).await?),
            ("summaryId", some::<Summary>(store, of_rooms()).await?),
            ("userId", some::<User>(store, doc! {}).await?),
            ("entryId", some::<AuditEntry>(store, doc! {}).await?),
            ("auditEntryId", some::<AuditEntry>(store, doc! {}).await?),
            ("roomId", rooms),
        ];
        Ok(Self { tenant, owner, agent, ids })
    }

    /// An id of something that the tenant has.
    pub(super) fn id(&self, name: &str, number: usize) -> Option<String> {
        let (_, ids) = self.ids.iter().find(|(known, _)| *known == name)?;
        Some(ids.get(number % ids.len().max(1))?.to_hex())
    }

    /// A request of a GET route; `None` where the bench has nothing of the kind.
    pub(super) async fn get(
        &self,
        rule: &Rule,
        operation: &Value,
        number: usize,
        by_owner: bool,
        operator: &Person,
    ) -> anyhow::Result<Option<Ask>> {
        let mut path = "/v1".to_owned();
        for part in rule.path.split('/').skip(1) {
            let value = match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
                None => Some(part.to_owned()),
                Some("memberId") if rule.path.contains("{roomId}") => self.member_of_room(number).await?,
                Some("organizationId") => Some(self.tenant.id.to_string()),
                Some(name) => self.id(name, number),
            };
            let Some(value) = value else { return Ok(None) };
            path.push('/');
            path.push_str(&value);
        }
        let Some(query) = query(operation, number) else { return Ok(None) };
        let token = match rule.access {
            Access::Public => None,
            Access::Account => Some(&self.owner),
            Access::Platform(_) => Some(operator),
            Access::Tenant(_) | Access::Room(_) if by_owner => Some(&self.owner),
            Access::Tenant(_) | Access::Room(_) => Some(&self.agent),
        };
        let token = token.map(|person| person.token.clone());
        Ok(Some(Ask { path: format!("{path}{query}"), token }))
    }

    async fn member_of_room(&self, number: usize) -> anyhow::Result<Option<String>> {
        let Some(room) = self.id("roomId", number) else { return Ok(None) };
        let room = ObjectId::parse_str(room)?;
        let member = self.tenant.store.collection::<RoomMember>().find_one(doc! { "roomId": room }).await?;
        Ok(member.map(|member| member.id.to_hex()))
    }
}

async fn some<E: Entity>(store: &TenantStore, filter: bson::Document) -> anyhow::Result<Vec<ObjectId>> {
    // The driver's handle, since only ids are wanted and `ids` has no limit.
    let found = store.collection::<E>().find(filter, doc! {}, IDS).await?;
    found.iter().map(|one| Ok(matome_store::collection::encode(one)?.get_object_id("_id")?)).collect()
}

/// What the operation requires. Analytics are asked for thirty days.
fn query(operation: &Value, number: usize) -> Option<String> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        if parameter["in"] != "query" || parameter["required"] != true {
            continue;
        }
        let name = parameter["name"].as_str()?;
        let value = match name {
            "q" => QUESTIONS[number % QUESTIONS.len()],
            "from" => "2026-10-21",
            "to" => "2026-11-20",
            "since" => "2026-11-13T00:00:00Z",
            _ => return None,
        };
        query.append_pair(name, value);
    }
    let query = query.finish();
    Some(if query.is_empty() { query } else { format!("?{query}") })
}
