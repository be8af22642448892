//! What the templates promise, checked on the templates themselves.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod features;
mod privileges;
mod queues_and_alarms;
mod storage;
mod template;
mod tenants;
