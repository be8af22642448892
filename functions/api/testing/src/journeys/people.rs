//! People who write in.

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
    Ok(())
}
