//! Message objects.

use serde_json::Value;

use super::action::{self, Context};
use super::{Report, flex, graphemes, join, utf16};

const ALT_TEXT: usize = 1_500;

pub(super) fn check(report: &mut Report, at: &str, message: &Value) {
    match message.get("type").and_then(Value::as_str) {
        Some("text") => report.string(message, at, "text", true, 5_000, utf16),
        Some("textV2") => report.string(message, at, "text", true, 5_000, utf16),
        Some("sticker") => {
            report.string(message, at, "packageId", true, 100, utf16);
            report.string(message, at, "stickerId", true, 100, utf16);
        }
        Some("image") => {
            report.https(message, at, "originalContentUrl", true);
            report.https(message, at, "previewImageUrl", true);
        }
        Some("video") => {
            report.https(message, at, "originalContentUrl", true);
            report.https(message, at, "previewImageUrl", true);
        }
        Some("audio") => {
            report.https(message, at, "originalContentUrl", true);
            if message.get("duration").and_then(Value::as_u64).is_none_or(|d| d == 0) {
                report.add(&join(at, "duration"), "must be greater than 0");
            }
        }
        Some("location") => location(report, at, message),
        Some("imagemap") => {
            report.https(message, at, "baseUrl", true);
            report.string(message, at, "altText", true, ALT_TEXT, utf16);
        }
        Some("template") => {
            report.string(message, at, "altText", true, ALT_TEXT, utf16);
            template(report, &join(at, "template"), &message["template"]);
        }
        Some("flex") => {
            report.string(message, at, "altText", true, ALT_TEXT, utf16);
            flex::container(report, &message["contents"]);
        }
        Some("coupon") => report.string(message, at, "couponId", true, 100, utf16),
        _ => report.add(&join(at, "type"), "invalid message type"),
    }
    quick_reply(report, &join(at, "quickReply"), message.get("quickReply"));
    if let Some(sender) = message.get("sender") {
        let at = join(at, "sender");
        report.string(sender, &at, "name", false, 20, graphemes);
        report.https(sender, &at, "iconUrl", false);
    }
}

fn location(report: &mut Report, at: &str, message: &Value) {
    report.string(message, at, "title", true, 100, utf16);
    report.string(message, at, "address", true, 100, utf16);
    for (name, most) in [("latitude", 90.0), ("longitude", 180.0)] {
        if message.get(name).and_then(Value::as_f64).is_none_or(|d: f64| d.abs() > most) {
            report.add(&join(at, name), "must be specified within its range");
        }
    }
}

fn quick_reply(report: &mut Report, at: &str, quick_reply: Option<&Value>) {
    let Some(quick_reply) = quick_reply else {
        return;
    };
    let at = join(at, "items");
    match quick_reply.get("items").and_then(Value::as_array) {
        Some(items) if (1..=13).contains(&items.len()) => {
            for (n, item) in items.iter().enumerate() {
                let at = format!("{at}[{n}]");
                report.https(item, &at, "imageUrl", false);
                action::check(report, &join(&at, "action"), &item["action"], Context::QuickReply);
            }
        }
        _ => report.add(&at, "Size must be between 1 and 13"),
    }
}

fn template(report: &mut Report, at: &str, template: &Value) {
    let actions = |report: &mut Report, at: &str, holder: &Value, least: usize, most: usize| {
        let at = join(at, "actions");
        match holder.get("actions").and_then(Value::as_array) {
            Some(list) if (least..=most).contains(&list.len()) => {
                for (n, one) in list.iter().enumerate() {
                    action::check(report, &format!("{at}[{n}]"), one, Context::Template);
                }
            }
            _ => report.add(&at, &format!("Size must be between {least} and {most}")),
        }
    };
    match template.get("type").and_then(Value::as_str) {
        Some("buttons") => {
            let has_picture = template.get("thumbnailImageUrl").is_some() || template.get("title").is_some();
            report.https(template, at, "thumbnailImageUrl", false);
            report.string(template, at, "title", false, 40, graphemes);
            report.string(template, at, "text", true, if has_picture { 60 } else { 160 }, graphemes);
            actions(report, at, template, 1, 4);
        }
        Some("confirm") => {
            report.string(template, at, "text", true, 240, graphemes);
            actions(report, at, template, 2, 2);
        }
        Some("carousel" | "image_carousel") => {
            let columns = template.get("columns").and_then(Value::as_array).map_or(0, Vec::len);
            if !(1..=10).contains(&columns) {
                report.add(&join(at, "columns"), "Size must be between 1 and 10");
            }
        }
        _ => report.add(&join(at, "type"), "invalid template type"),
    }
}
