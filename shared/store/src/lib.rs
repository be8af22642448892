//! MongoDB: entities, tenant-scoped collections, placements, transactions.
//!
//! A tenant's documents can be reached only through [`Store::tenant`]; every filter then carries
//! `tenantId`, whatever the placement. The one exception, [`sweep`], yields ids and nothing else.

mod aggregate;
pub mod analytics;
pub mod audit;
pub mod audit_review;
pub mod audit_tail;
mod colleagues;
pub mod collection;
pub mod create_organization;
pub mod dialogue;
pub mod entities;
pub mod entity;
pub mod erase_platform;
pub mod error;
pub mod exposed;
pub mod failed_creations;
pub mod fence;
pub mod hidden_rooms;
pub mod id;
pub mod identity;
pub mod migrations;
pub mod organizations_of_owner;
pub mod platform_page;
pub mod relocate;
pub mod schema;
mod scope;
pub mod search;
pub mod shape;
pub mod staff;
pub mod store;
pub mod sweep;
pub mod time;
pub mod timeline;
pub mod transaction;
pub mod trials;
pub mod usage;
pub mod usage_due;
pub mod usage_report;
mod validators;
pub mod value;

pub use collection::{Collection, Write};
pub use entity::{Entity, Index, Scope};
pub use error::StoreError;
pub use exposed::Exposed;
pub use shape::Shape;
pub use store::{Store, TenantStore};
pub use transaction::Transaction;
pub use value::{Id, Time};
