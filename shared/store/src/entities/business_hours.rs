//! When somebody is there.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `organization.businessHours`, in the organization's time zone. Written by the console; read by
/// whoever tells customers when they will be answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BusinessHours {
    /// Monday.
    pub monday: Hours,
    /// Tuesday.
    pub tuesday: Hours,
    /// Wednesday.
    pub wednesday: Hours,
    /// Thursday.
    pub thursday: Hours,
    /// Friday.
    pub friday: Hours,
    /// Saturday.
    pub saturday: Hours,
    /// Sunday.
    pub sunday: Hours,
}

/// One weekday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hours {
    /// `HH:MM`, inclusive.
    pub start: String,
    /// `HH:MM`, exclusive.
    pub end: String,
    /// Open at all that day.
    pub enabled: bool,
}

impl Default for BusinessHours {
    /// The seed's: 9 to 18, Saturday to 17, closed on Sunday.
    fn default() -> Self {
        let open = |end: &str| Hours { start: "09:00".to_owned(), end: end.to_owned(), enabled: true };
        Self {
            monday: open("18:00"),
            tuesday: open("18:00"),
            wednesday: open("18:00"),
            thursday: open("18:00"),
            friday: open("18:00"),
            saturday: open("17:00"),
            sunday: Hours::default(),
        }
    }
}

impl Default for Hours {
    /// Closed.
    fn default() -> Self {
        Self { start: "00:00".to_owned(), end: "23:59".to_owned(), enabled: false }
    }
}
