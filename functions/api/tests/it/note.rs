//! What docs/adding-an-entity.md says: an entity that is declared, as here, is served by being one. `Note` is
//! in no list of the code's own; what a line in the list of plain ones brings it, [`routes`] does here.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use garde::Validate;
use matome_api::crud::Crud;
use matome_api::openapi;
use matome_api::routes::Route;
use matome_api_testing::world::{World, of};
use matome_domain::access::{Resource, Role};
use matome_domain::ids::TenantId;
use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use matome_store::entities::AuditEntry;
use matome_store::exposed::{
    Changes, DeletePolicy, Examples, Exposed, Filter, Kept, New, NewContext, Refusal, Sort, Update, example,
};
use matome_store::schema::Declaration;
use matome_store::shape::{Shape, string};
use matome_store::{Entity, Id, Index, Time};
use matome_testing::TestSystem;
use mongodb::IndexModel;
use mongodb::options::IndexOptions;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// What somebody wants to remember.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Note {
    #[serde(rename = "_id")]
    id: Id,
    tenant_id: String,
    name: String,
    color: String,
    /// Not in the view.
    scribbled_with: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_by: Option<Id>,
    created_at: Time,
    updated_at: Time,
    #[serde(rename = "__v")]
    version: i64,
}

impl Entity for Note {
    const COLLECTION: &'static str = "notes";

    fn indexes() -> Vec<Index> {
        vec![
            Index::on(doc! { "tenantId": 1, "createdAt": -1, "_id": -1 }),
            Index::unique(doc! { "tenantId": 1, "name": 1 }),
        ]
    }

    fn shape() -> Shape {
        Shape::new().required("name", string())
    }
}

/// A note.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NoteView {
    /// Id.
    #[serde(alias = "_id")]
    id: Id,
    /// Version, as in the ETag.
    #[serde(alias = "__v")]
    version: i64,
    /// What it says.
    name: String,
    /// Its color.
    color: String,
    /// Made.
    created_at: Time,
}

/// A note to be made.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "name": "Call back", "color": "red" }))]
struct NewNote {
    /// What it says.
    #[garde(length(chars, min = 1, max = 100))]
    name: String,
    /// Its color.
    #[garde(length(chars, min = 1, max = 20))]
    color: String,
}

/// What of a note changes.
#[derive(Debug, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(example = json!({ "name": "Called" }))]
struct NotePatch {
    /// What it says.
    #[garde(length(chars, min = 1, max = 100))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    name: Kept<String>,
}

impl New<Note> for NewNote {
    fn build(self, new: &NewContext) -> Result<Note, Refusal> {
        Ok(Note {
            id: new.id.into(),
            tenant_id: new.tenant_id(),
            name: self.name,
            color: self.color,
            scribbled_with: "a pencil".to_owned(),
            deleted_at: None,
            deleted_by: None,
            created_at: new.now.into(),
            updated_at: new.now.into(),
            version: 0,
        })
    }
}

impl Changes<Note> for NotePatch {
    fn update(&self, _: &Note) -> Result<Update, Refusal> {
        Ok(Update::new().kept("name", &self.name))
    }
}

impl Exposed for Note {
    const NAME: &'static str = "note";
    /// A note of its own would have a resource of its own.
    const RESOURCE: Resource = Resource::Sessions;
    const DELETE: DeletePolicy = DeletePolicy::Soft;
    type View = NoteView;
    type Create = NewNote;
    type Patch = NotePatch;

    fn filters() -> Vec<Filter> {
        vec![Filter::among("color", &["red", "blue"], "Its color.")]
    }

    fn sorts() -> Vec<Sort> {
        vec![Sort::descending("createdAt")]
    }

    fn examples() -> Examples<Self> {
        let at = DateTime::from_millis(0).try_to_rfc3339_string().expect("a year of four digits");
        Examples {
            view: example(json!({
                "id": "671f0a2b9d3c4e5f60718293", "version": 0, "name": "Call back", "color": "red", "createdAt": at,
            })),
            create: Some(example(json!({ "name": "Call back", "color": "red" }))),
            patch: Some(example(json!({ "name": "Called" }))),
        }
    }
}

fn routes() -> Vec<Route> {
    Crud::<Note>::plain().routes()
}

async fn world() -> World {
    let env = [("AWS_REGION", "x"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x")];
    let aws = Aws::from_env(&Env::from_map(env), Patience::CONSUMER).unwrap();
    let system = TestSystem::start().await;
    World::serving(system, None, matome_api::auth::oidc::Issuers::default(), &aws, "b", routes())
}

#[tokio::test]
async fn an_entity_that_is_declared_is_served() {
    let world = world().await;
    let tenant = world.tenant().await;
    let other = world.tenant().await;
    // What `tenant_declarations` has made for the others.
    let platform = world.system.store.platform();
    let shared = platform.client().database(&platform.name().replace("_platform", "_shared"));
    let models = Declaration::of::<Note>().indexes.into_iter().map(|index| {
        let options = IndexOptions::builder().unique(index.unique).build();
        IndexModel::builder().keys(index.keys).options(options).build()
    });
    shared.collection::<Document>(Note::COLLECTION).create_indexes(models).await.unwrap();
    let agent = world.member(&tenant, Role::Agent).await;
    let viewer = world.member(&tenant, Role::Viewer).await;
    let stranger = world.member(&other, Role::Owner).await;
    let all = of(&tenant, "/notes");

    // Refusals: the permission, the tenant, the field, the unknown field.
    let note = |text: &str, color: &str| json!({ "name": text, "color": color });
    assert_eq!(world.post(&all).by(&viewer).json(&note("a", "red")).send().await.status, 403);
    assert_eq!(world.post(&all).by(&stranger).json(&note("a", "red")).send().await.status, 404);
    let empty = world.post(&all).by(&agent).json(&note("", "red")).send().await;
    assert_eq!((empty.status.as_u16(), &empty.body["errors"][0]["field"]), (422, &json!("name")));
    let unknown = json!({ "name": "a", "color": "red", "scribbledWith": "ink" });
    assert_eq!(world.post(&all).by(&agent).json(&unknown).send().await.status, 422);

    // Made, shown without what is not in the view, and listed by pages and filters.
    let mut ids = Vec::new();
    for (text, color) in [("one", "red"), ("two", "blue"), ("three", "red")] {
        let made = world.post(&all).by(&agent).json(&note(text, color)).send().await;
        assert_eq!(made.status, 201, "{}", made.body);
        assert!(made.body.get("scribbledWith").is_none() && made.header("etag").is_some());
        ids.push(made.header("location").unwrap().to_owned());
    }
    let twice = world.post(&all).by(&agent).json(&note("one", "blue")).send().await;
    assert_eq!((twice.status.as_u16(), twice.code()), (409, "conflict"));
    let texts = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|item| item["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = world.get(format!("{all}?limit=2")).by(&viewer).send().await.ok();
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = world.get(format!("{all}?limit=2&cursor={cursor}")).by(&viewer).send().await.ok();
    let mut seen = [texts(&first), texts(&second)].concat();
    seen.sort();
    assert_eq!((seen, second.get("nextCursor")), (vec!["one".into(), "three".into(), "two".into()], None));
    let blue = world.get(format!("{all}?color=blue")).by(&viewer).send().await.ok();
    assert_eq!(texts(&blue), ["two"]);
    assert_eq!(world.get(format!("{all}?colour=blue")).by(&viewer).send().await.code(), "invalid_parameter");

    // Changed when it is the version that was seen, deleted and taken back, and the audit knows.
    let tag = world.get(&ids[0]).by(&agent).send().await.header("etag").unwrap().to_owned();
    let patch = || world.patch(&ids[0]).by(&agent).header("if-match", &tag).json(&json!({ "name": "uno" }));
    assert_eq!(patch().send().await.ok()["name"], "uno");
    assert_eq!(patch().send().await.status, 412);
    let admin = world.member(&tenant, Role::Admin).await;
    assert_eq!(world.delete(&ids[0]).by(&admin).send().await.status, 204);
    assert_eq!(world.get(&ids[0]).by(&admin).send().await.status, 404);
    assert_eq!(world.post(format!("{}/restore", ids[0])).by(&admin).send().await.ok()["name"], "uno");
    let audit = tenant.store.collection::<AuditEntry>();
    let ended = audit.find(doc! { "phase": "ended" }, doc! { "seq": 1 }, 0).await;
    let ended: Vec<_> = ended.unwrap().into_iter().map(|entry| entry.record).collect();
    let change = ended.iter().find(|record| record.operation == "updateNote").unwrap();
    let text = |side: &Option<Value>| side.as_ref().map(|side| side["name"].clone());
    assert_eq!((text(&change.before), text(&change.after)), (Some(json!("one")), Some(json!("uno"))));
    assert!(
        ["createNote", "deleteNote", "restoreNote"].iter().all(|o| ended.iter().any(|e| e.operation == *o))
    );
}

#[test]
fn its_description_comes_of_the_declaration() {
    let api = openapi::whole(&openapi::of(&routes()));
    let notes = &api["paths"]["/v1/organizations/{organizationId}/notes"];
    let one = &api["paths"]["/v1/organizations/{organizationId}/notes/{noteId}"];
    assert_eq!(notes["get"]["operationId"], "listNotes");
    assert_eq!(notes["post"]["requestBody"]["content"]["application/json"]["example"]["name"], "Call back");
    assert_eq!(one["patch"]["operationId"], "updateNote");
    let parameters = notes["get"]["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|parameter| parameter["name"] == "color"));
    assert_eq!(
        api["components"]["schemas"]["NoteView"]["properties"]["name"]["description"],
        "What it says."
    );
}

#[test]
fn a_sample_comes_of_the_example_and_no_two_are_alike_where_one_has_to_be_unique() {
    let sample = |number: u8| {
        let id = ObjectId::from_bytes([number; 12]);
        let tenant = Some(TenantId::new("t").expect("valid"));
        let new = NewContext { id, tenant, by: None, now: DateTime::from_millis(0) };
        let made = Note::examples().document(&new, number.into()).expect("right").expect("can be made");
        bson::deserialize_from_document::<Note>(made).expect("a note")
    };
    let (one, two) = (sample(1), sample(2));
    assert_eq!((one.name.as_str(), two.name.as_str()), ("Call back1", "Call back2"));
    assert_eq!((one.tenant_id.as_str(), one.color.as_str()), ("t", "red"));
    assert_ne!(one.id, two.id);
}
