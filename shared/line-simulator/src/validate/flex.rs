//! Flex containers: sizes and blocks.

use serde_json::Value;

use super::action::{self, Context};
use super::component::{self, Parent};
use super::{Report, join};

const BUBBLE_BYTES: usize = 30 * 1024;
const CAROUSEL_BYTES: usize = 50 * 1024;
const BUBBLES: usize = 12;
const BUBBLE_FIELDS: [&str; 9] =
    ["type", "size", "direction", "header", "hero", "body", "footer", "styles", "action"];

pub(super) fn container(report: &mut Report, contents: &Value) {
    match contents.get("type").and_then(Value::as_str) {
        Some("bubble") => bubble(report, "/", contents),
        Some("carousel") => {
            component::unknown_fields(report, "/", contents, &["type", "contents"]);
            let bubbles =
                contents.get("contents").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            if bubbles.is_empty() || bubbles.len() > BUBBLES {
                report.add("/contents", "Size must be between 1 and 12");
            }
            if contents.to_string().len() > CAROUSEL_BYTES {
                report.add("/", "must be less than or equal to 50 KB");
            }
            for (at, one) in bubbles.iter().enumerate() {
                bubble(report, &format!("/contents/{at}"), one);
            }
        }
        _ => report.add("/type", "must be either bubble or carousel"),
    }
}

fn bubble(report: &mut Report, at: &str, bubble: &Value) {
    if bubble.get("type").and_then(Value::as_str) != Some("bubble") {
        report.add(&join(at, "type"), "must be bubble");
        return;
    }
    let size = bubble.to_string().len();
    if size > BUBBLE_BYTES {
        report.add(at, "must be less than or equal to 30 KB");
    }
    component::unknown_fields(report, at, bubble, &BUBBLE_FIELDS);
    component::one_of(
        report,
        at,
        bubble,
        "size",
        &["nano", "micro", "deca", "hecto", "kilo", "mega", "giga"],
    );
    component::one_of(report, at, bubble, "direction", &["ltr", "rtl"]);
    let mut blocks = 0;
    for (name, allowed) in [
        ("header", &["box"][..]),
        ("hero", &["box", "image", "video"]),
        ("body", &["box"]),
        ("footer", &["box"]),
    ] {
        let Some(block) = bubble.get(name) else {
            continue;
        };
        blocks += 1;
        let at = join(at, name);
        if allowed.contains(&block.get("type").and_then(Value::as_str).unwrap_or_default()) {
            component::check(report, &at, block, Parent::Block);
        } else {
            report.add(&join(&at, "type"), &format!("must be one of {}", allowed.join(", ")));
        }
    }
    if blocks == 0 {
        report.add(at, "At least one block must be specified");
    }
    if let Some(one) = bubble.get("action") {
        action::check(report, &join(at, "action"), one, Context::FlexComponent);
    }
}
