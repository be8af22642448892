//! What the template promises, checked on the template itself.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod privileges;
mod queues_and_alarms;
mod storage;
mod template;
