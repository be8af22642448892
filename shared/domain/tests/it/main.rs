//! What comes in with ids.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod forged_ids;
