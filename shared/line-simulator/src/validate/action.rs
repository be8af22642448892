//! Actions: what a tap does.

use serde_json::Value;

use super::{Report, graphemes, join, utf16};

/// Where an action stands: its label's rules differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Context {
    /// A Flex button: label required, 40.
    FlexButton,
    /// Another Flex component: label optional, 40.
    FlexComponent,
    /// A quick reply: label required, 20; may open camera or location.
    QuickReply,
    /// A template's button: label required, 20.
    Template,
}

pub(super) fn check(report: &mut Report, at: &str, action: &Value, context: Context) {
    if !action.is_object() {
        report.add(at, "must be specified");
        return;
    }
    let (label_required, label_max) = match context {
        Context::FlexButton => (true, 40),
        Context::FlexComponent => (false, 40),
        Context::QuickReply | Context::Template => (true, 20),
    };
    report.string(action, at, "label", label_required, label_max, graphemes);
    match action.get("type").and_then(Value::as_str) {
        Some("postback") => {
            report.string(action, at, "data", true, 300, utf16);
            report.string(action, at, "displayText", false, 300, graphemes);
            report.string(action, at, "text", false, 300, graphemes);
            if action.get("displayText").is_some() && action.get("text").is_some() {
                report.add(&join(at, "text"), "can't be specified together with displayText");
            }
            let input = action.get("inputOption").map(|o| o.as_str().unwrap_or_default());
            if input
                .is_some_and(|o| !["closeRichMenu", "openRichMenu", "openKeyboard", "openVoice"].contains(&o))
            {
                report.add(&join(at, "inputOption"), "invalid property");
            }
        }
        Some("message") => report.string(action, at, "text", true, 300, graphemes),
        Some("uri") => {
            report.string(action, at, "uri", true, 1_000, utf16);
            let uri = action.get("uri").and_then(Value::as_str).unwrap_or_default();
            let is_known =
                url::Url::parse(uri).is_ok_and(|u| ["http", "https", "line", "tel"].contains(&u.scheme()));
            if !uri.is_empty() && !is_known {
                report.add(&join(at, "uri"), "invalid uri scheme");
            }
        }
        Some("datetimepicker") => {
            report.string(action, at, "data", true, 300, utf16);
            let mode = action.get("mode").and_then(Value::as_str).unwrap_or_default();
            if !["date", "time", "datetime"].contains(&mode) {
                report.add(&join(at, "mode"), "invalid property");
            }
        }
        Some("clipboard") => report.string(action, at, "clipboardText", true, 1_000, utf16),
        Some("camera" | "cameraRoll" | "location") if context == Context::QuickReply => {}
        _ => report.add(&join(at, "type"), "invalid action type"),
    }
}
