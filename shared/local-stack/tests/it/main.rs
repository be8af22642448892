//! The servers themselves, as tests use them.

mod mails;

use matome_local_stack::shared::{self, OwnMongod};
use mongodb::Client;
use mongodb::bson::{Document, doc};

#[tokio::test]
async fn tests_share_one_mongodb_that_has_transactions() {
    let (one, other) = tokio::join!(shared::mongodb_uri(), shared::mongodb_uri());
    let uri = one.unwrap();
    assert_eq!(uri, other.unwrap());
    let client = Client::with_uri_str(&uri).await.unwrap();
    let database = client.database(&format!("local_stack_{}", std::process::id()));
    let collection = database.collection::<Document>("things");
    let mut session = client.start_session().await.unwrap();
    session.start_transaction().await.unwrap();
    collection.insert_one(doc! { "a": 1 }).session(&mut session).await.unwrap();
    session.abort_transaction().await.unwrap();
    assert_eq!(collection.count_documents(doc! {}).await.unwrap(), 0);
    database.drop().await.unwrap();
}

#[tokio::test]
async fn a_mongodb_of_ones_own_keeps_what_it_acknowledged_when_it_is_killed() {
    let mut own = OwnMongod::start("keeps").await.unwrap();
    let uri = own.uri();
    let client = Client::with_uri_str(&uri).await.unwrap();
    let collection = client.database("d").collection::<Document>("things");
    collection.insert_one(doc! { "a": 1 }).await.unwrap();
    own.kill().await;
    own.restart().await.unwrap();
    assert_eq!(own.uri(), uri);
    assert_eq!(collection.count_documents(doc! {}).await.unwrap(), 1);
}

#[tokio::test]
async fn tests_share_one_ministack() {
    let (one, other) = tokio::join!(shared::aws_endpoint(), shared::aws_endpoint());
    let endpoint = one.unwrap();
    assert_eq!(endpoint, other.unwrap());
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let health = http.get(format!("{endpoint}/_ministack/health")).send().await.unwrap();
    assert!(health.status().is_success());
}
