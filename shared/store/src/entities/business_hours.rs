//! When somebody is there.

use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exposed::{Kept, Update};

/// `organization.businessHours`, in the organization's time zone, for whoever tells customers when they will be
/// answered.
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

/// `organization.businessHours` in a patch: each day by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct BusinessHoursPatch {
    /// Monday.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub monday: Kept<HoursPatch>,
    /// Tuesday.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub tuesday: Kept<HoursPatch>,
    /// Wednesday.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub wednesday: Kept<HoursPatch>,
    /// Thursday.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub thursday: Kept<HoursPatch>,
    /// Friday.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub friday: Kept<HoursPatch>,
    /// Saturday.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub saturday: Kept<HoursPatch>,
    /// Sunday.
    #[garde(dive)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub sunday: Kept<HoursPatch>,
}

/// One weekday in a patch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Validate)]
#[serde(deny_unknown_fields)]
pub struct HoursPatch {
    /// `HH:MM`, inclusive.
    #[garde(custom(is_time))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub start: Kept<String>,
    /// `HH:MM`, exclusive.
    #[garde(custom(is_time))]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub end: Kept<String>,
    /// Open at all that day.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Kept::is_absent")]
    pub enabled: Kept<bool>,
}

fn is_time(text: &Kept<String>, (): &()) -> garde::Result {
    let is_time = |text: &String| {
        matches!(text.as_bytes(), [h @ b'0'..=b'2', i @ b'0'..=b'9', b':', b'0'..=b'5', b'0'..=b'9']
            if *h < b'2' || *i < b'4')
    };
    if text.value().is_none_or(is_time) {
        return Ok(());
    }
    Err(garde::Error::new("must be HH:MM, 00:00 to 23:59"))
}

impl HoursPatch {
    fn apply(&self, before: &Hours) -> Hours {
        Hours {
            start: self.start.value().unwrap_or(&before.start).clone(),
            end: self.end.value().unwrap_or(&before.end).clone(),
            enabled: self.enabled.value().copied().unwrap_or(before.enabled),
        }
    }
}

impl BusinessHoursPatch {
    /// Sets the days that are named, each whole: an organization that was made before there were hours has none
    /// to set a part of.
    pub(crate) fn update(&self, before: &BusinessHours, update: Update) -> Update {
        let days = [
            ("monday", &self.monday, &before.monday),
            ("tuesday", &self.tuesday, &before.tuesday),
            ("wednesday", &self.wednesday, &before.wednesday),
            ("thursday", &self.thursday, &before.thursday),
            ("friday", &self.friday, &before.friday),
            ("saturday", &self.saturday, &before.saturday),
            ("sunday", &self.sunday, &before.sunday),
        ];
        days.into_iter().fold(update, |update, (day, patch, before)| match patch.value() {
            Some(patch) => update.set(&format!("businessHours.{day}"), &patch.apply(before)),
            None => update,
        })
    }
}
