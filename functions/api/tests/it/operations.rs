//! Every operation there is, with a request for it that is right in all but who sends it.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU16, Ordering};

use bson::oid::ObjectId;
use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use matome_api::guard::{Access, Rule};
use matome_api::{openapi, routes};
use matome_api_testing::call::Call;
use matome_api_testing::world::World;
use matome_domain::access::Permission;
use matome_testing::TestTenant;
use mongodb::Database;
use serde_json::Value;

/// An operation with its example.
pub(crate) struct Operation {
    pub(crate) rule: Rule,
    body: Option<Value>,
    query: String,
}

/// All of them.
pub(crate) fn operations() -> Vec<Operation> {
    let file = openapi::whole(&openapi::generate());
    routes::all().iter().map(|route| Operation::of(route.rule(), &file)).collect()
}

impl Operation {
    fn of(rule: &Rule, file: &Value) -> Self {
        let described = &file["paths"][format!("/v1{}", rule.path)][rule.method.as_str().to_lowercase()];
        let content = &described["requestBody"]["content"]["application/json"];
        let parameters = described["parameters"].as_array().cloned().unwrap_or_default();
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for parameter in parameters.iter().filter(|p| p["in"] == "query" && p["required"] == true) {
            query.append_pair(parameter["name"].as_str().unwrap(), "2026-11-01");
        }
        Self { rule: rule.clone(), body: content.get("example").cloned(), query: query.finish() }
    }

    pub(crate) fn id(&self) -> &str {
        &self.rule.id
    }

    /// The permission, where it is asked of members and keys.
    pub(crate) fn permission(&self) -> Option<Permission> {
        match self.rule.access {
            Access::Tenant(permission) | Access::Room(permission) => Some(permission),
            Access::Public | Access::Account | Access::Platform(_) => None,
        }
    }

    pub(crate) fn is_of_room(&self) -> bool {
        matches!(self.rule.access, Access::Room(_))
    }

    /// The path for a tenant and a room; whatever else is named is not there.
    pub(crate) fn path(&self, tenant: &TestTenant, room: ObjectId) -> String {
        let value = |name: &str| match name {
            "organizationId" => tenant.id.to_string(),
            "roomId" => room.to_hex(),
            "channelId" => tenant.channel.to_string(),
            _ if name.ends_with("Id") => "0123456789abcdef01234567".to_owned(),
            _ => "line".to_owned(),
        };
        let part = |part: &str| match part.strip_prefix('{').and_then(|part| part.strip_suffix('}')) {
            Some(name) => value(name),
            None => part.to_owned(),
        };
        let path: Vec<String> = self.rule.path.split('/').map(part).collect();
        format!("/v1{}?{}", path.join("/"), self.query)
    }

    /// The request, from an address that nobody else calls from.
    pub(crate) fn call<'w>(&self, world: &'w World, path: &str) -> Call<'w> {
        static ADDRESS: AtomicU16 = AtomicU16::new(0);
        let [third, fourth] = ADDRESS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        // RFC 2544's network for tests.
        let address = IpAddr::V4(Ipv4Addr::new(198, 18, third, fourth));
        let call = world.request(self.rule.method.as_str(), path).from(address);
        match &self.body {
            Some(body) => call.json(body),
            None => call,
        }
    }
}

/// The databases of the test.
pub(crate) async fn databases(world: &World) -> Vec<Database> {
    let platform = world.system.store.platform();
    let prefix = platform.name().trim_end_matches("platform");
    let names = platform.client().list_database_names().await.unwrap();
    let own = names.iter().filter(|name| name.starts_with(prefix));
    own.map(|name| platform.client().database(name)).collect()
}

/// Every document of every database of the test, without the times at which credentials were last used.
pub(crate) async fn everything(world: &World) -> BTreeMap<String, Document> {
    let mut all = BTreeMap::new();
    for database in databases(world).await {
        for name in database.list_collection_names().await.unwrap() {
            let found = database.collection::<Document>(&name).find(doc! {}).await.unwrap();
            let documents: Vec<Document> = found.try_collect().await.unwrap();
            for mut document in documents {
                let id = document.get("_id").cloned().unwrap_or(Bson::Null);
                document.remove("lastUsedAt");
                document.remove("lastUsedIp");
                all.insert(format!("{}.{name} {id}", database.name()), document);
            }
        }
    }
    all
}

/// Fails with what was written, changed or taken away since `before`.
pub(crate) async fn assert_nothing_changed(world: &World, before: &BTreeMap<String, Document>) {
    let after = everything(world).await;
    let gone = before.keys().filter(|id| !after.contains_key(*id)).map(|id| format!("gone: {id}"));
    let new = after.iter().filter(|(id, document)| before.get(*id) != Some(document));
    let new = new.map(|(id, document)| format!("new or changed: {id} {document}"));
    let differences: Vec<String> = gone.chain(new).collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
