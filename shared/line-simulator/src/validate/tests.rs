use serde_json::json;

use super::*;

fn complaints(message: Value) -> Vec<(String, String)> {
    messages(Some(&json!([message]))).into_iter().map(|d| (d.property, d.message)).collect()
}

fn flex(body: Value) -> Value {
    json!({"type": "flex", "altText": "alt", "contents": {"type": "bubble", "body": body}})
}

fn body(component: Value) -> Value {
    flex(json!({"type": "box", "layout": "vertical", "contents": [component]}))
}

fn fails_at(message: Value, property: &str) {
    let found = complaints(message.clone());
    assert_eq!(found.len(), 1, "{found:?} about {message}");
    assert_eq!(found[0].0, property, "{found:?} about {message}");
}

#[test]
fn there_are_one_to_five_messages() {
    let text = json!({"type": "text", "text": "hi"});
    assert!(messages(Some(&json!([text, text, text, text, text]))).is_empty());
    for wrong in [None, Some(json!("x")), Some(json!([])), Some(json!([text, text, text, text, text, text]))]
    {
        assert_eq!(messages(wrong.as_ref())[0].property, "messages");
    }
}

#[test]
fn texts_are_counted_in_utf16_units() {
    assert!(complaints(json!({"type": "text", "text": "🍎".repeat(2_500)})).is_empty());
    fails_at(json!({"type": "text", "text": format!("{}x", "🍎".repeat(2_500))}), "messages[0].text");
    fails_at(json!({"type": "text", "text": " "}), "messages[0].text");
    fails_at(json!({"type": "text"}), "messages[0].text");
    fails_at(json!({"type": "telepathy"}), "messages[0].type");
}

#[test]
fn urls_are_https_and_not_too_long() {
    let image = |url: &str| json!({"type": "image", "originalContentUrl": "https://example.com/a.jpg", "previewImageUrl": url});
    assert!(complaints(image("https://example.com/b.jpg")).is_empty());
    fails_at(image("http://example.com/b.jpg"), "messages[0].previewImageUrl");
    fails_at(image(&format!("https://example.com/{}", "x".repeat(2_000))), "messages[0].previewImageUrl");
}

#[test]
fn quick_replies_are_at_most_thirteen_with_short_labels() {
    let item =
        |label: &str| json!({"type": "action", "action": {"type": "message", "label": label, "text": "x"}});
    let with = |items: Vec<Value>| json!({"type": "text", "text": "hi", "quickReply": {"items": items}});
    assert!(complaints(with(vec![item("👨‍👩‍👧‍👦👨‍👩‍👧‍👦"); 13])).is_empty(), "labels are counted in graphemes");
    fails_at(with(vec![item("a"); 14]), "messages[0].quickReply.items");
    fails_at(with(vec![item(&"a".repeat(21))]), "messages[0].quickReply.items[0].action.label");
}

#[test]
fn a_bubble_needs_a_block_and_knows_its_fields() {
    fails_at(json!({"type": "flex", "altText": "a", "contents": {"type": "bubble"}}), "/");
    fails_at(json!({"type": "flex", "altText": "a", "contents": {"type": "balloon"}}), "/type");
    let box_ = json!({"type": "box", "layout": "vertical", "contents": []});
    fails_at(
        json!({"type": "flex", "altText": "a", "contents": {"type": "bubble", "body": box_, "colour": "red"}}),
        "/colour",
    );
    fails_at(json!({"type": "flex", "contents": {"type": "bubble", "body": box_}}), "messages[0].altText");
    fails_at(flex(json!({"type": "text", "text": "x"})), "/body/type");
    fails_at(flex(json!({"type": "box", "contents": []})), "/body/layout");
    fails_at(flex(json!({"type": "box", "layout": "vertical"})), "/body/contents");
}

#[test]
fn components_are_checked_where_they_stand() {
    assert!(
        complaints(body(json!({"type": "text", "text": "x", "size": "18px", "color": "#11223344"})))
            .is_empty()
    );
    fails_at(body(json!({"type": "text", "text": ""})), "/body/contents/0/text");
    fails_at(body(json!({"type": "text", "text": "x", "size": "huge"})), "/body/contents/0/size");
    fails_at(body(json!({"type": "text", "text": "x", "color": "red"})), "/body/contents/0/color");
    fails_at(body(json!({"type": "text", "text": "x", "wrap": "yes"})), "/body/contents/0/wrap");
    fails_at(body(json!({"type": "text", "text": "x", "flavour": 1})), "/body/contents/0/flavour");
    fails_at(body(json!({"type": "icon", "url": "https://example.com/i.png"})), "/body/contents/0/type");
    fails_at(body(json!({"type": "image", "url": "http://example.com/i.png"})), "/body/contents/0/url");
    fails_at(body(json!({"type": "button"})), "/body/contents/0/action");
    let button = |action: Value| body(json!({"type": "button", "action": action}));
    fails_at(button(json!({"type": "postback", "data": "x"})), "/body/contents/0/action/label");
    fails_at(
        button(json!({"type": "postback", "label": "x", "data": "x".repeat(301)})),
        "/body/contents/0/action/data",
    );
    fails_at(
        button(json!({"type": "postback", "label": "x".repeat(41), "data": "x"})),
        "/body/contents/0/action/label",
    );
    fails_at(button(json!({"type": "camera", "label": "x"})), "/body/contents/0/action/type");
    fails_at(button(json!({"type": "uri", "label": "x", "uri": "ftp://x"})), "/body/contents/0/action/uri");
}

#[test]
fn a_bubble_is_at_most_thirty_kilobytes() {
    let text = |n: usize| json!({"type": "text", "text": "x".repeat(n)});
    assert!(complaints(body(text(30_000))).is_empty());
    fails_at(body(text(31_000)), "/");
    let details = messages(Some(&json!([body(text(31_000))])));
    assert_eq!(headline(&details), "A message (messages[0]) in the request body is invalid");
}
