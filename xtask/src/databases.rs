//! Which databases `up` works in.
//!
//! Its own MongoDB is empty. In one that `MONGODB_URI` names, the names begin with what is this checkout's alone, and
//! what an earlier `up` left there goes: its keys were in the emulator's memory, and nobody could open it any more.
//! Where `DATABASE_PREFIX` names the databases, they are somebody's: nothing is taken away.

use std::hash::{DefaultHasher, Hash, Hasher};

use anyhow::bail;
use matome_local_stack::{Checkout, Stack, variable};
use mongodb::Client;

use crate::settings::DATABASE_PREFIX;

/// What the names of the databases begin with.
///
/// # Errors
/// When `DATABASE_PREFIX` names databases that are there already.
pub(crate) async fn prepare(checkout: &Checkout, stack: &Stack) -> anyhow::Result<String> {
    let named = variable("DATABASE_PREFIX");
    if stack.mongod().is_some() {
        return Ok(named.unwrap_or_else(|| DATABASE_PREFIX.to_owned()));
    }
    let client = Client::with_uri_str(stack.mongodb_uri()).await?;
    foreign(&client, checkout, named).await
}

async fn foreign(client: &Client, checkout: &Checkout, named: Option<String>) -> anyhow::Result<String> {
    let there = client.list_database_names().await?;
    if let Some(prefix) = named {
        let platform = format!("{prefix}_platform");
        if there.contains(&platform) {
            bail!(
                "DATABASE_PREFIX: {platform} is there already, and the keys of what is in it are gone with the stack \
                 that wrote it. Choose another prefix, drop its databases, or leave it out for one of this checkout's own"
            );
        }
        return Ok(prefix);
    }
    let prefix = own(checkout);
    for name in there.iter().filter(|name| name.starts_with(&format!("{prefix}_"))) {
        client.database(name).drop().await?;
    }
    Ok(prefix)
}

fn own(checkout: &Checkout) -> String {
    let mut hasher = DefaultHasher::new();
    checkout.root().hash(&mut hasher);
    format!("{DATABASE_PREFIX}_up_{:08x}", hasher.finish() >> 32)
}

#[cfg(test)]
mod tests {
    use bson::doc;
    use matome_local_stack::shared;

    use super::*;

    #[tokio::test]
    async fn what_an_earlier_up_of_this_checkout_left_goes_and_nothing_else() {
        let client = Client::with_uri_str(shared::mongodb_uri().await.unwrap()).await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let (checkout, other) = (Checkout::at(folder.path()), Checkout::at(folder.path().join("other")));
        let left = |prefix: &str| client.database(&format!("{prefix}_platform"));
        for prefix in [own(&checkout), own(&other)] {
            left(&prefix).collection("keys").insert_one(doc! {}).await.unwrap();
        }
        assert_eq!(foreign(&client, &checkout, None).await.unwrap(), own(&checkout));
        let there = client.list_database_names().await.unwrap();
        assert!(!there.contains(&left(&own(&checkout)).name().to_owned()));
        assert!(there.contains(&left(&own(&other)).name().to_owned()));

        let taken = foreign(&client, &checkout, Some(own(&other))).await.unwrap_err().to_string();
        assert!(taken.starts_with("DATABASE_PREFIX: "), "{taken}");
        assert!(client.list_database_names().await.unwrap().contains(&left(&own(&other)).name().to_owned()));
        foreign(&client, &other, None).await.unwrap();
    }

    #[test]
    fn a_prefix_is_one_that_the_template_takes() {
        let prefix = own(&Checkout::at("/somewhere"));
        assert!(
            prefix.len() <= 20
                && prefix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        );
    }
}
