//! How often MongoDB read a collection whole, as the server counts it: whoever asked, and however deep in a pipeline.

use std::collections::BTreeMap;

use bson::{Bson, Document, doc};
use futures::TryStreamExt;
use matome_api_testing::world::World;
use mongodb::Database;

/// Collections that may be read whole, and why.
pub(crate) const READ_WHOLE: [(&str, &str); 1] = [("plans", "four documents, and nobody's")];

/// The platform's database, and that of tenants who share one.
pub(crate) fn databases(world: &World) -> [Database; 2] {
    let platform = world.system.store.platform();
    let shared = platform.client().database(&platform.name().replace("_platform", "_shared"));
    [platform, shared]
}

/// How often each collection was read whole since the server started.
pub(crate) async fn scans(world: &World) -> BTreeMap<String, i64> {
    let mut scans = BTreeMap::new();
    for database in databases(world) {
        for name in database.list_collection_names().await.expect("listed") {
            if name.starts_with("system.") || READ_WHOLE.iter().any(|(fine, _)| *fine == name) {
                continue;
            }
            let stages = [doc! { "$collStats": { "queryExecStats": {} } }];
            let stats = database.collection::<Document>(&name).aggregate(stages).await.expect("counted");
            let stats: Vec<Document> = stats.try_collect().await.expect("counted");
            let stats = stats[0].get_document("queryExecStats").expect("there since 4.4");
            scans.insert(name, number(stats.get_document("collectionScans").expect("there"), "total"));
        }
    }
    scans
}

/// What was read whole in between.
pub(crate) fn read_whole_since(before: &BTreeMap<String, i64>, after: &BTreeMap<String, i64>) -> Vec<String> {
    let more = after.iter().filter(|(name, scans)| before.get(*name).copied().unwrap_or_default() != **scans);
    more.map(|(name, scans)| format!("{name} was read whole, {scans} times in all")).collect()
}

/// A number of an answer of the server's, 0 if there is none.
pub(crate) fn number(document: &Document, field: &str) -> i64 {
    match document.get(field) {
        Some(Bson::Int32(number)) => i64::from(*number),
        Some(Bson::Int64(number)) => *number,
        _ => 0,
    }
}
