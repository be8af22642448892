//! What the template promises, checked on the template itself.

mod privileges;
mod queues_and_alarms;
mod storage;
mod template;
