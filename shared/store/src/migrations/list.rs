//! The migrations, oldest first. One that has been applied anywhere is never changed again.

use bson::{Bson, Document, doc};
use matome_domain::placement::{HOME_CELL, Placement};
use matome_domain::tier::Tier;

use crate::entities::{Channel, IpRule, Message, Operation, Organization, Owner, Room, Session, Summary};
use crate::entity::{Entity, Scope};
use crate::migrations::change::{Change, Compute, Down, Migration, Update};
use crate::migrations::place::Place;
use crate::search::{words_of_message, words_of_summary};
use crate::value::to_bson;

const EVERYWHERE: &[Scope] = &[Scope::Platform, Scope::Tenant];

/// All of them.
#[must_use]
pub fn all() -> Vec<Migration> {
    vec![
        initial_schema(),
        add_organizations(),
        add_multi_tenant(),
        usage_counters(),
        search_words(),
        lists_of_the_platform(),
        session_activity(),
        used_id_tokens(),
        kept_ip_rules(),
        words_of_organizations(),
    ]
}

/// The seed's `001_initial_schema`: collections and indexes, from the declarations.
fn initial_schema() -> Migration {
    Migration {
        version: 1,
        name: "initial_schema",
        scopes: EVERYWHERE,
        up: vec![Change::Ensure],
        down: Down::Never("it would drop every collection; offboard the tenants instead"),
    }
}

/// The seed's `002_add_organizations` gives sessions, messages and summaries an `organizationId` of
/// null where they have none. Ours is `tenantId`, and null would hide a document from everybody for
/// good; so documents without one get the tenant whose place it is. In the shared collections nobody
/// can tell whose they are: they stay as they are, seen by nobody. Going down the seed takes the field
/// from *all* documents; here it is what keeps tenants apart, so it stays.
fn add_organizations() -> Migration {
    fn of(place: &Place) -> Option<Update> {
        let tenant = place.tenant()?.as_str();
        Some(Update {
            // Missing or null.
            filter: doc! { "tenantId": null },
            pipeline: vec![doc! { "$set": { "tenantId": tenant } }],
        })
    }
    let adopt = |collection| Change::Update { collection, of };
    Migration {
        version: 2,
        name: "add_organizations",
        scopes: &[Scope::Tenant],
        up: [Session::COLLECTION, Message::COLLECTION, Summary::COLLECTION].map(adopt).to_vec(),
        down: Down::Changes(Vec::new()),
    }
}

/// The seed names `003_add_multi_tenant` and does not show it. Here: organizations get tier, placement
/// and cell, and a status of the list that there is now.
fn add_multi_tenant() -> Migration {
    fn placed(_: &Place) -> Option<Update> {
        let tier = |placement: &str, tier: Tier| {
            doc! { "case": { "$eq": ["$placement", placement] }, "then": tier.as_str() }
        };
        let tiers = [tier("collection_set", Tier::Pro), tier("dedicated", Tier::Enterprise)];
        let shared = to_bson(&Placement::Shared).expect("an enum's name is BSON");
        let or = |field: &str, default: bson::Bson| doc! { "$ifNull": [field, default] };
        let tier = doc! { "$switch": { "branches": tiers.to_vec(), "default": Tier::Free.as_str() } };
        Some(Update {
            filter: doc! { "$or": [{ "tier": null }, { "placement": null }, { "cell": null }] },
            pipeline: vec![doc! { "$set": {
                "tier": or("$tier", tier.into()),
                "placement": or("$placement", shared),
                "cell": or("$cell", HOME_CELL.into()),
            } }],
        })
    }
    fn suspended(_: &Place) -> Option<Update> {
        Some(Update {
            filter: doc! { "status": "inactive" },
            pipeline: vec![doc! { "$set": { "status": "suspended" } }],
        })
    }
    let organizations =
        |of: fn(&Place) -> Option<Update>| Change::Update { collection: Organization::COLLECTION, of };
    Migration {
        version: 3,
        name: "add_multi_tenant",
        scopes: &[Scope::Platform],
        up: vec![organizations(suspended), organizations(placed)],
        // The placement stays: the code before knew it. So does `suspended`, which it knew as well. It did not know
        // tier and cell; they stay because nobody else knows which they were.
        down: Down::Changes(Vec::new()),
    }
}

/// Plans, and what is measured for limits. Counters begin with the first message after it.
fn usage_counters() -> Migration {
    fn stored() -> Document {
        doc! { "tenantId": 1, "media.status": 1, "media.fileSize": 1, "media.thumbnailSize": 1 }
    }
    Migration {
        version: 4,
        name: "usage_counters",
        scopes: EVERYWHERE,
        up: vec![Change::Ensure],
        // Counts stay: the code before does not look at them, and the code after wants them.
        down: Down::Changes(vec![Change::DropIndex { collection: Message::COLLECTION, keys: stored }]),
    }
}

/// Messages and summaries get the words they are found by. Indexes of lists end with `_id`; the shorter
/// ones they take the place of go.
fn search_words() -> Migration {
    fn of_message(document: Document) -> Result<Bson, bson::error::Error> {
        words_of_message(document).map(Bson::from)
    }
    fn of_summary(document: Document) -> Result<Bson, bson::error::Error> {
        words_of_summary(document).map(Bson::from)
    }
    fn forget(_: &Place) -> Option<Update> {
        Some(Update {
            filter: doc! { "search": { "$exists": true } },
            pipeline: vec![doc! { "$unset": "search" }],
        })
    }
    let replaced = |collection, keys| Change::DropIndex { collection, keys };
    let compute = |collection, of| Change::Compute(Compute { collection, field: "search", of });
    let (messages, summaries) = (Message::COLLECTION, Summary::COLLECTION);
    Migration {
        version: 5,
        name: "search_words",
        scopes: &[Scope::Tenant],
        up: vec![
            Change::Ensure,
            replaced(messages, || doc! { "tenantId": 1, "roomId": 1, "timestamp": -1 }),
            replaced(messages, || doc! { "tenantId": 1, "sessionId": 1, "timestamp": 1 }),
            replaced(messages, || doc! { "tenantId": 1, "userId": 1, "timestamp": -1 }),
            replaced(Room::COLLECTION, || {
                doc! { "tenantId": 1, "status": 1, "statistics.lastActivityAt": -1 }
            }),
            replaced(Session::COLLECTION, || doc! { "tenantId": 1, "startTime": -1 }),
            replaced(summaries, || doc! { "tenantId": 1, "roomId": 1, "createdAt": -1 }),
            replaced(summaries, || doc! { "tenantId": 1, "status": 1, "createdAt": -1 }),
            compute(messages, of_message),
            compute(summaries, of_summary),
        ],
        // The longer indexes stay: they serve the code before as well.
        down: Down::Changes(vec![
            Change::DropIndex {
                collection: messages,
                keys: || doc! { "tenantId": 1, "search": 1, "timestamp": -1 },
            },
            Change::DropIndex {
                collection: summaries,
                keys: || doc! { "tenantId": 1, "search": 1, "createdAt": -1 },
            },
            Change::Update { collection: messages, of: forget },
            Change::Update { collection: summaries, of: forget },
        ]),
    }
}

/// Accounts, members and keys get their collections. Indexes of the platform's lists end with `_id`; the
/// shorter ones they take the place of go.
fn lists_of_the_platform() -> Migration {
    let replaced = |collection, keys| Change::DropIndex { collection, keys };
    Migration {
        version: 6,
        name: "lists_of_the_platform",
        scopes: &[Scope::Platform],
        up: vec![
            Change::Ensure,
            replaced(Owner::COLLECTION, || doc! { "createdAt": -1 }),
            replaced(Organization::COLLECTION, || doc! { "ownerId": 1, "createdAt": -1 }),
            replaced(Channel::COLLECTION, || doc! { "tenantId": 1 }),
            replaced(Operation::COLLECTION, || doc! { "tenantId": 1, "createdAt": -1 }),
        ],
        // The longer indexes stay: they serve the code before as well.
        down: Down::Changes(Vec::new()),
    }
}

/// Sessions get their activity when they close; those closed before are counted from their messages. The index
/// that analytics read of messages is the sessions' then, and that of the list is a short one.
fn session_activity() -> Migration {
    fn forget(_: &Place) -> Option<Update> {
        Some(Update {
            filter: doc! { "activity": { "$exists": true } },
            pipeline: vec![doc! { "$unset": "activity" }],
        })
    }
    let replaced = |keys| Change::DropIndex { collection: Message::COLLECTION, keys };
    let sessions = Session::COLLECTION;
    Migration {
        version: 7,
        name: "session_activity",
        scopes: &[Scope::Tenant],
        up: vec![
            Change::Ensure,
            replaced(|| doc! { "tenantId": 1, "sessionId": 1, "timestamp": 1, "_id": 1 }),
            replaced(|| {
                doc! {
                    "tenantId": 1, "timestamp": 1, "_id": 1, "roomId": 1, "sessionId": 1, "userId": 1,
                    "messageType": 1,
                }
            }),
        ],
        // The code before would not keep it true.
        down: Down::Changes(vec![
            Change::Update { collection: sessions, of: forget },
            Change::DropIndex { collection: sessions, keys: || doc! { "tenantId": 1, "activity.from": 1 } },
        ]),
    }
}

/// ID tokens that were taken get their collection.
fn used_id_tokens() -> Migration {
    Migration {
        version: 8,
        name: "used_id_tokens",
        scopes: &[Scope::Platform],
        up: vec![Change::Ensure],
        // The code before knows nothing of it.
        down: Down::Changes(Vec::new()),
    }
}

/// IP rules that have expired are kept: MongoDB deletes them no longer.
fn kept_ip_rules() -> Migration {
    Migration {
        version: 9,
        name: "kept_ip_rules",
        scopes: &[Scope::Platform],
        up: vec![Change::DropIndex { collection: IpRule::COLLECTION, keys: || doc! { "expiresAt": 1 } }],
        // The code before looks at a rule's end as well; and what it would delete is gone for good.
        down: Down::Changes(Vec::new()),
    }
}

/// Organizations get the words they are found by; the seed's text index on their names, which nothing was
/// found by, goes.
fn words_of_organizations() -> Migration {
    fn of_name(document: Document) -> Result<Bson, bson::error::Error> {
        Ok(Organization::words_of(document.get_str("name").unwrap_or_default()).into())
    }
    fn forget(_: &Place) -> Option<Update> {
        Some(Update {
            filter: doc! { "search": { "$exists": true } },
            pipeline: vec![doc! { "$unset": "search" }],
        })
    }
    let collection = Organization::COLLECTION;
    Migration {
        version: 10,
        name: "words_of_organizations",
        scopes: &[Scope::Platform],
        up: vec![
            Change::Ensure,
            // As MongoDB lists the keys of a text index.
            Change::DropIndex { collection, keys: || doc! { "_fts": "text", "_ftsx": 1 } },
            Change::Compute(Compute { collection, field: "search", of: of_name }),
        ],
        // The code before would not keep them true.
        down: Down::Changes(vec![
            Change::DropIndex { collection, keys: || doc! { "search": 1 } },
            Change::Update { collection, of: forget },
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entities::{platform_declarations, tenant_declarations};
    use crate::entity::Index;

    #[test]
    fn versions_are_numbered_without_gaps_and_names_are_unique() {
        let all = all();
        let versions: Vec<u32> = all.iter().map(|m| m.version).collect();
        assert_eq!(versions, (1..=10).collect::<Vec<_>>());
        let names: std::collections::BTreeSet<_> = all.iter().map(|m| m.name).collect();
        assert_eq!(names.len(), all.len());
    }

    /// Indexes that nothing was read by: one was there for MongoDB to delete by, one is of the seed.
    fn served_nothing(collection: &str, keys: &Document) -> bool {
        collection == IpRule::COLLECTION && *keys == doc! { "expiresAt": 1 }
            || collection == Organization::COLLECTION && *keys == doc! { "_fts": "text", "_ftsx": 1 }
    }

    #[test]
    fn an_index_that_is_dropped_going_up_is_declared_no_longer_but_one_that_begins_alike_is() {
        let mut declared = tenant_declarations();
        declared.extend(platform_declarations());
        for change in all().into_iter().flat_map(|migration| migration.up) {
            let Change::DropIndex { collection, keys } = change else { continue };
            if served_nothing(collection, &keys()) {
                continue;
            }
            let (of, keys) = (declared.iter().find(|d| d.collection == collection).unwrap(), keys());
            assert!(of.indexes.iter().all(|i| i.keys != keys), "{keys} of {collection}");
            // A longer one, or one with less in it to be read off.
            let alike = |index: &Index| {
                let shared = index.keys.iter().zip(&keys).take_while(|(a, b)| a == b).count();
                shared == keys.len().min(index.keys.len())
            };
            assert!(of.indexes.iter().any(alike), "nothing serves what {keys} of {collection} did");
        }
    }

    #[test]
    fn an_index_that_is_dropped_going_down_is_declared_going_up() {
        let mut declared = tenant_declarations();
        declared.extend(platform_declarations());
        for migration in all() {
            let Down::Changes(changes) = migration.down else { continue };
            for change in changes {
                let Change::DropIndex { collection, keys } = change else { continue };
                let declaration = declared.iter().find(|d| d.collection == collection).unwrap();
                assert!(declaration.indexes.iter().any(|i| i.keys == keys()), "{}", keys());
            }
        }
    }
}
