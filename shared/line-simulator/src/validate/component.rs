//! Flex components: which fields each may have, which it must have, and what may stand in which
//! box. LINE refuses fields it does not know.

use serde_json::Value;

use super::action::{self, Context};
use super::{Report, join, utf16};

/// What a component stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Parent {
    Block,
    Box,
    Baseline,
}

const PLACED: [&str; 6] = ["margin", "position", "offsetTop", "offsetBottom", "offsetStart", "offsetEnd"];
const BOX: [&str; 21] = [
    "layout",
    "contents",
    "flex",
    "spacing",
    "backgroundColor",
    "borderColor",
    "borderWidth",
    "cornerRadius",
    "width",
    "maxWidth",
    "height",
    "maxHeight",
    "paddingAll",
    "paddingTop",
    "paddingBottom",
    "paddingStart",
    "paddingEnd",
    "action",
    "justifyContent",
    "alignItems",
    "background",
];
const TEXT: [&str; 16] = [
    "text",
    "contents",
    "flex",
    "size",
    "align",
    "gravity",
    "color",
    "weight",
    "style",
    "decoration",
    "wrap",
    "lineSpacing",
    "action",
    "maxLines",
    "adjustMode",
    "scaling",
];
const IMAGE: [&str; 10] = [
    "url",
    "flex",
    "align",
    "gravity",
    "size",
    "aspectRatio",
    "aspectMode",
    "backgroundColor",
    "action",
    "animated",
];
const BUTTON: [&str; 8] = ["flex", "color", "style", "action", "gravity", "height", "adjustMode", "scaling"];
const SIZES: [&str; 11] = ["xxs", "xs", "sm", "md", "lg", "xl", "xxl", "3xl", "4xl", "5xl", "full"];
const SPACES: [&str; 7] = ["none", "xs", "sm", "md", "lg", "xl", "xxl"];
/// Deeper nesting is refused; the reference gives no number, SDKs and the simulator of LINE use ten.
const DEPTH: usize = 10;

pub(super) fn check(report: &mut Report, at: &str, component: &Value, parent: Parent) {
    if at.matches("/contents/").count() > DEPTH {
        report.add(at, "is nested too deeply");
        return;
    }
    let kind = component.get("type").and_then(Value::as_str).unwrap_or_default();
    let fits = match parent {
        Parent::Block => true,
        Parent::Box => ["box", "button", "image", "text", "separator", "filler"].contains(&kind),
        Parent::Baseline => ["icon", "text", "filler"].contains(&kind),
    };
    if !fits {
        report.add(&join(at, "type"), "invalid component type");
        return;
    }
    match kind {
        "box" => check_box(report, at, component),
        "text" => text(report, at, component),
        "button" => button(report, at, component),
        "image" => {
            fields(report, at, component, &[&IMAGE, &PLACED]);
            report.https(component, at, "url", true);
            one_of(report, at, component, "aspectMode", &["fit", "cover"]);
        }
        "icon" => {
            fields(report, at, component, &[&["url", "size", "aspectRatio", "scaling"], &PLACED]);
            report.https(component, at, "url", true);
        }
        "video" => {
            fields(report, at, component, &[&["url", "previewUrl", "altContent", "aspectRatio", "action"]]);
            report.https(component, at, "url", true);
            report.https(component, at, "previewUrl", true);
            check(report, &join(at, "altContent"), &component["altContent"], Parent::Block);
        }
        "separator" => fields(report, at, component, &[&["margin", "color"]]),
        "filler" => fields(report, at, component, &[&["flex"]]),
        _ => report.add(&join(at, "type"), "invalid component type"),
    }
    common(report, at, component, kind);
}

fn check_box(report: &mut Report, at: &str, component: &Value) {
    fields(report, at, component, &[&BOX, &PLACED]);
    if component.get("layout").is_none() {
        report.add(&join(at, "layout"), "must be specified");
    }
    one_of(report, at, component, "layout", &["horizontal", "vertical", "baseline"]);
    let parent = if component["layout"] == "baseline" { Parent::Baseline } else { Parent::Box };
    match component.get("contents").and_then(Value::as_array) {
        Some(contents) => {
            for (n, one) in contents.iter().enumerate() {
                check(report, &format!("{at}/contents/{n}"), one, parent);
            }
        }
        None => report.add(&join(at, "contents"), "must be specified"),
    }
}

fn text(report: &mut Report, at: &str, component: &Value) {
    fields(report, at, component, &[&TEXT, &PLACED]);
    let spans = component.get("contents").and_then(Value::as_array);
    if component.get("text").and_then(Value::as_str).unwrap_or_default().is_empty()
        && spans.is_none_or(Vec::is_empty)
    {
        report.add(&join(at, "text"), "must be non-empty text");
    }
    for (n, span) in spans.into_iter().flatten().enumerate() {
        let at = format!("{at}/contents/{n}");
        fields(report, &at, span, &[&["text", "size", "color", "weight", "style", "decoration"]]);
        if span.get("type").and_then(Value::as_str) != Some("span") {
            report.add(&join(&at, "type"), "must be span");
        }
        report.string(span, &at, "text", true, 5_000, utf16);
        common(report, &at, span, "span");
    }
    one_of(report, at, component, "align", &["start", "end", "center"]);
    if component.get("maxLines").is_some_and(|n| n.as_u64().is_none()) {
        report.add(&join(at, "maxLines"), "must be a number");
    }
}

fn button(report: &mut Report, at: &str, component: &Value) {
    fields(report, at, component, &[&BUTTON, &PLACED]);
    action::check(report, &join(at, "action"), &component["action"], Context::FlexButton);
    one_of(report, at, component, "style", &["primary", "secondary", "link"]);
    one_of(report, at, component, "height", &["md", "sm"]);
}

/// Fields that mean the same wherever they stand.
fn common(report: &mut Report, at: &str, component: &Value, kind: &str) {
    for name in ["color", "backgroundColor", "borderColor"] {
        if component.get(name).is_some_and(|c| !c.as_str().is_some_and(is_color)) {
            report.add(&join(at, name), "invalid property");
        }
    }
    for name in
        ["margin", "spacing", "paddingAll", "paddingTop", "paddingBottom", "paddingStart", "paddingEnd"]
    {
        if component
            .get(name)
            .is_some_and(|v| !v.as_str().is_some_and(|s| SPACES.contains(&s) || is_length(s)))
        {
            report.add(&join(at, name), "invalid property");
        }
    }
    if component.get("size").is_some_and(|v| !v.as_str().is_some_and(|s| SIZES.contains(&s) || is_length(s)))
    {
        report.add(&join(at, "size"), "invalid property");
    }
    if component.get("flex").is_some_and(|f| f.as_u64().is_none()) {
        report.add(&join(at, "flex"), "must be a number greater than or equal to 0");
    }
    for name in ["wrap", "scaling", "animated"] {
        // An image's `animated` may also be a string in templates of Flex Message Simulator.
        if component.get(name).is_some_and(|v| !v.is_boolean()) {
            report.add(&join(at, name), "must be a boolean");
        }
    }
    one_of(report, at, component, "weight", &["regular", "bold"]);
    one_of(report, at, component, "gravity", &["top", "bottom", "center"]);
    one_of(report, at, component, "decoration", &["none", "underline", "line-through"]);
    one_of(report, at, component, "position", &["relative", "absolute"]);
    if kind != "button" {
        one_of(report, at, component, "style", &["normal", "italic"]);
        if let Some(one) = component.get("action") {
            action::check(report, &join(at, "action"), one, Context::FlexComponent);
        }
    }
}

pub(super) fn one_of(report: &mut Report, at: &str, component: &Value, name: &str, allowed: &[&str]) {
    if component.get(name).is_some_and(|v| !v.as_str().is_some_and(|s| allowed.contains(&s))) {
        report.add(&join(at, name), "invalid property");
    }
}

fn fields(report: &mut Report, at: &str, component: &Value, allowed: &[&[&str]]) {
    let allowed: Vec<_> = allowed.iter().flat_map(|a| a.iter().copied()).chain(["type"]).collect();
    unknown_fields(report, at, component, &allowed);
}

pub(super) fn unknown_fields(report: &mut Report, at: &str, component: &Value, allowed: &[&str]) {
    let names = component.as_object().into_iter().flat_map(|fields| fields.keys());
    for name in names.filter(|n| !allowed.contains(&n.as_str())) {
        report.add(&join(at, name), "unknown field");
    }
}

fn is_color(text: &str) -> bool {
    text.strip_prefix('#')
        .is_some_and(|hex| matches!(hex.len(), 6 | 8) && hex.bytes().all(|b| b.is_ascii_hexdigit()))
}

fn is_length(text: &str) -> bool {
    let number = text.strip_suffix("px").or_else(|| text.strip_suffix('%'));
    number.is_some_and(|n| n.parse::<f64>().is_ok_and(|n| n >= 0.0))
}
