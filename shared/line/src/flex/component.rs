//! Flex components and messages as JSON, each within its own limits.

use serde_json::{Value, json};

use super::limits;
use crate::postback::PostbackAction;
use crate::utf16;

pub(super) const GREEN: &str = "#06C755";
pub(super) const INK: &str = "#111111";
pub(super) const GRAY: &str = "#767676";
pub(super) const WHITE: &str = "#FFFFFF";

/// `text` without what LINE cannot show or JSON must escape: control characters, and white space
/// at the ends. Line ends stay.
pub(super) fn clean(text: &str) -> String {
    let kept = text.replace("\r\n", "\n").replace('\r', "\n");
    kept.chars().filter(|c| !c.is_control() || *c == '\n').collect::<String>().trim().to_owned()
}

/// A text message.
pub(super) fn text_message(text: &str) -> Value {
    json!({"type": "text", "text": utf16::truncate(text, limits::TEXT)})
}

/// A Flex message around a bubble.
pub(super) fn flex_message(alt_text: &str, bubble: Value) -> Value {
    json!({"type": "flex", "altText": utf16::truncate(alt_text, limits::OUR_ALT_TEXT), "contents": bubble})
}

/// A box from top to bottom.
pub(super) fn column(contents: Vec<Value>, spacing: &str) -> Value {
    json!({"type": "box", "layout": "vertical", "spacing": spacing, "contents": contents})
}

/// A box from left to right.
pub(super) fn row(contents: Vec<Value>, spacing: &str) -> Value {
    json!({"type": "box", "layout": "horizontal", "spacing": spacing, "contents": contents})
}

/// Text that wraps. LINE refuses an empty one: callers leave empty texts out.
pub(super) fn text(text: &str, size: &str, color: &str) -> Value {
    json!({"type": "text", "text": text, "size": size, "color": color, "wrap": true})
}

/// Bold text that wraps.
pub(super) fn bold(words: &str, size: &str, color: &str) -> Value {
    let mut component = text(words, size, color);
    component["weight"] = json!("bold");
    component
}

/// A mark, and beside it what it marks.
pub(super) fn marked(mark: &str, contents: Vec<Value>) -> Value {
    let mut mark = text(mark, "sm", GREEN);
    mark["flex"] = json!(0);
    let mut beside = column(contents, "none");
    beside["flex"] = json!(1);
    row(vec![mark, beside], "sm")
}

/// A thin line.
pub(super) fn separator() -> Value {
    json!({"type": "separator", "margin": "md"})
}

/// A button.
pub(super) fn button(style: &str, action: Value) -> Value {
    let mut button = json!({"type": "button", "style": style, "height": "sm", "action": action});
    if style == "primary" {
        button["color"] = json!(GREEN);
    }
    button
}

/// What a tap does: `said` appears in the chat as if the person had written it.
pub(super) fn postback(action: &PostbackAction, label: &str, said: &str) -> Value {
    json!({
        "type": "postback",
        "label": utf16::truncate_graphemes(label, limits::FLEX_LABEL),
        "data": action.encode(),
        "displayText": utf16::truncate_graphemes(said, limits::DISPLAY_TEXT),
    })
}

/// One button above the keyboard.
pub(super) fn quick_reply(message: &mut Value, action: &PostbackAction, label: &str, said: &str) {
    let mut action = postback(action, label, said);
    action["label"] = json!(utf16::truncate_graphemes(label, limits::LABEL));
    message["quickReply"] = json!({"items": [{"type": "action", "action": action}]});
}
