//! People who write in, and what is known to answer them.

use serde_json::{Value, json};

use super::traveller::{Messenger, Traveller, id};

pub(super) async fn people(on: &Traveller<'_, impl Messenger>) -> anyhow::Result<()> {
    let user = on.as_owner("createUser", &[], json!({ "displayName": on.name("person") })).await?;
    let user = id(&user);
    on.as_owner("updateUser", &[user], json!({ "phoneNumber": "+81 3 0000 0000" })).await?;
    on.as_owner("exportUser", &[user], Value::Null).await?;
    on.as_owner("deleteUser", &[user], Value::Null).await?;
    on.as_owner("restoreUser", &[user], Value::Null).await?;
    on.as_owner("eraseUser", &[user], Value::Null).await?;
    let entry = json!({
        "category": "Opening hours", "question": on.name("When are you open?"), "answer": "Every day.",
        "language": "en",
    });
    let entry = on.as_owner("createKnowledgeEntry", &[], entry).await?;
    let entry = id(&entry);
    on.as_owner("getKnowledgeEntry", &[entry], Value::Null).await?;
    on.as_owner("updateKnowledgeEntry", &[entry], json!({ "answer": "From ten to eight." })).await?;
    on.as_owner("deleteKnowledgeEntry", &[entry], Value::Null).await?;
    on.as_owner("restoreKnowledgeEntry", &[entry], Value::Null).await?;
    on.as_owner("deleteKnowledgeEntry", &[entry], Value::Null).await?;
    Ok(())
}
