//! Flex containers and components.

use serde_json::Value;

use super::lines::{Align, pad, width_of, wrap};
use super::{WIDTH, frame, kind, words};

/// A bubble, or each bubble of a carousel, in its frame.
pub(super) fn containers(contents: &Value) -> Vec<String> {
    match kind(contents) {
        "carousel" => contents["contents"].as_array().into_iter().flatten().flat_map(containers).collect(),
        "bubble" => {
            let blocks =
                ["header", "hero", "body", "footer"].into_iter().filter_map(|name| contents.get(name));
            vec![frame(&blocks.map(|b| component(b, WIDTH)).collect::<Vec<_>>(), WIDTH)]
        }
        _ => vec![frame(&[component(contents, WIDTH)], WIDTH)],
    }
}

fn component(value: &Value, width: usize) -> Vec<String> {
    match kind(value) {
        "box" => {
            let children = value["contents"].as_array().map(Vec::as_slice).unwrap_or_default();
            if words(value, "layout") == "vertical" {
                children.iter().flat_map(|c| component(c, width)).collect()
            } else {
                beside(children, width)
            }
        }
        "text" => {
            let spans = value["contents"].as_array().into_iter().flatten().map(|s| words(s, "text"));
            let text = format!("{}{}", words(value, "text"), spans.collect::<String>());
            let align = align(value);
            wrap(&text, width).iter().map(|l| pad(l, width, align)).collect()
        }
        "button" => vec![pad(&format!("[ {} ]", words(&value["action"], "label")), width, Align::Center)],
        "separator" => vec!["┄".repeat(width)],
        "filler" => Vec::new(),
        "icon" => vec!["*".to_owned()],
        other => vec![format!("[{}]", if other.is_empty() { "unknown" } else { other })],
    }
}

/// Children side by side: those with `flex: 0` take what they need, the others share the rest.
fn beside(children: &[Value], width: usize) -> Vec<String> {
    let gap = 1;
    let fixed = |c: &Value| c.get("flex").and_then(Value::as_u64) == Some(0);
    let natural = |c: &Value| {
        let lines: Vec<_> = component(c, width).iter().map(|l| l.trim().to_owned()).collect();
        width_of(&lines)
    };
    let taken: usize = children.iter().filter(|c| fixed(c)).map(natural).sum();
    let gaps = gap * children.len().saturating_sub(1);
    let sharing = children.iter().filter(|c| !fixed(c)).count().max(1);
    let share = (width.saturating_sub(taken + gaps) / sharing).max(1);
    let columns: Vec<_> = children
        .iter()
        .map(|c| {
            let width = if fixed(c) { natural(c).max(1) } else { share };
            (width, component(c, width))
        })
        .collect();
    let height = columns.iter().map(|(_, lines)| lines.len()).max().unwrap_or(0);
    (0..height)
        .map(|at| {
            let cells = columns
                .iter()
                .map(|(width, lines)| pad(lines.get(at).map_or("", String::as_str), *width, Align::Start));
            cells.collect::<Vec<_>>().join(" ")
        })
        .collect()
}

fn align(value: &Value) -> Align {
    match words(value, "align") {
        "center" => Align::Center,
        "end" => Align::End,
        _ => Align::Start,
    }
}
