//! A person's data, taken out.

use std::error::Error as StdError;

use axum::body::Bytes;
use axum::extract::State;
use futures::{StreamExt, TryStreamExt, stream};
use matome_runtime::blobs::BlobKey;
use matome_store::entities::User;
use matome_store::id::document_id;
use matome_store::time::date;
use matome_store::value::{Id, Time};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value, json};
use strum::VariantArray;

use super::super::media_links;
use super::collected;
use super::held::{Held, Kind};
use crate::context::App;
use crate::crud::PathIds;
use crate::guard::{Tenant, Trail};
use crate::http::{Ok200, Problem};

/// Bytes of JSON that are answered; more becomes a file.
const ANSWERED: usize = 256 * 1024;
/// Bytes of a file.
const LARGEST: u64 = 10 * 1024 * 1024 * 1024;

/// Everything that is stored about a person.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(example = export_example())]
pub(super) struct Export {
    /// The person.
    user_id: Id,
    /// Bytes of JSON.
    bytes: u64,
    /// The data, when there are few: `user`, `chats`, `memberships`, `messages`, `sessions`, `summaries`, `ratings`,
    /// `events` and `audit`.
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Value>,
    /// The file with the same, when there are many.
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<ExportFile>,
}

/// A file to be fetched.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ExportFile {
    /// Whoever has it can read the file.
    url: String,
    /// When the link ends.
    expires_at: Time,
    /// SHA-256 of the file, hexadecimal.
    sha256: String,
}

fn export_example() -> Value {
    let lists = Kind::VARIANTS.iter().map(|kind| (kind.name().to_owned(), json!([])));
    let data: Map<String, Value> = [("user".to_owned(), json!({}))].into_iter().chain(lists).collect();
    json!({ "userId": "671f0a2b9d3c4e5f60718294", "bytes": 5120, "data": data })
}

pub(super) async fn export(
    State(app): State<App>,
    tenant: Tenant,
    ids: PathIds,
    trail: Trail,
) -> Result<Ok200<Export>, Problem> {
    let user = tenant.store.collection::<User>().get(ids.get("userId")?).await?;
    let user = user.ok_or_else(Problem::not_found)?;
    let id = user.id;
    trail.target("user", id.to_hex());
    let held = Held::of(&tenant.store, user).await?;
    let mut pieces = Box::pin(collected::stream(app.clone(), tenant.clone(), held, date(app.clock.now())));
    let mut begun = Vec::new();
    while begun.len() <= ANSWERED {
        let Some(piece) = pieces.try_next().await? else {
            let data = serde_json::from_slice(&begun).map_err(Problem::internal)?;
            let bytes = begun.len() as u64;
            trail.after(&json!({ "bytes": bytes }));
            return Ok(Ok200(Export { user_id: id.into(), bytes, data: Some(data), file: None }));
        };
        begun.extend_from_slice(&piece);
    }
    let key = BlobKey::export(&tenant.id, &document_id(id), &document_id(app.new_id()));
    let blobs = app.blobs(&tenant.id).await?;
    let begun = stream::iter([Ok(Bytes::from(begun))]);
    let content = begun.chain(pieces.map_err(failure));
    let stored =
        blobs.put_stream(&key, "application/json", LARGEST, content).await.map_err(Problem::unavailable)?;
    let name = format!("{}.json", id.to_hex());
    let (url, expires_at) = media_links::link(&app, &blobs, &key, &name, "application/json").await?;
    trail.after(&json!({ "bytes": stored.size, "file": key.as_str() }));
    let file = ExportFile { url, expires_at, sha256: stored.sha256 };
    Ok(Ok200(Export { user_id: id.into(), bytes: stored.size, data: None, file: Some(file) }))
}

/// Why the data could not be read, for whoever stores them.
fn failure(problem: Problem) -> Box<dyn StdError + Send + Sync> {
    let code = problem.code.title();
    problem.cause.unwrap_or_else(|| code.into())
}
