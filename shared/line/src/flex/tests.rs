use matome_domain::language::Language;
use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::postback::{PostbackAction, Rating};
use crate::render::render_text;
use crate::utf16;

fn id() -> DocumentId {
    DocumentId::new("66f0c0ffee0123456789abcd").unwrap()
}

fn view(language: Language) -> SummaryView {
    let (room, brief, bullets, item, who, decision, question) = match language {
        Language::En => (
            "Sakura order",
            "Tanaka wants 20 cakes by Friday; Somchai checks whether the oven is free.",
            ["20 strawberry cakes are wanted for Friday.", "Delivery to the Shibuya office before noon."],
            "Check whether the oven is free on Thursday",
            "Somchai",
            "Delivery costs are on the house.",
            "Can the cream be less sweet?",
        ),
        Language::Ja => (
            "さくら注文",
            "田中さんは金曜日までにケーキを20個希望。ソムチャイさんがオーブンの空きを確認します。",
            ["いちごケーキ20個を金曜日に納品。", "渋谷オフィスへ正午までに配達。"],
            "木曜日にオーブンが空いているか確認する",
            "ソムチャイ",
            "配達料は無料にする。",
            "クリームの甘さを控えめにできますか？",
        ),
        Language::Th => (
            "ออเดอร์ซากุระ",
            "คุณทานากะต้องการเค้ก 20 ก้อนภายในวันศุกร์ คุณสมชายจะเช็กว่าเตาอบว่างไหม",
            ["ต้องการเค้กสตรอว์เบอร์รี 20 ก้อนสำหรับวันศุกร์", "ส่งที่ออฟฟิศชิบูย่าก่อนเที่ยง"],
            "เช็กว่าเตาอบว่างวันพฤหัสบดีหรือไม่",
            "สมชาย",
            "ไม่คิดค่าส่ง",
            "ลดความหวานของครีมได้ไหม",
        ),
    };
    SummaryView {
        summary_id: id(),
        session_number: 3,
        room_name: Some(room.into()),
        brief: brief.into(),
        bullets: bullets.map(str::to_owned).into(),
        action_items: vec![
            ActionItemView {
                item: item.into(),
                assigned_to: Some(who.into()),
                deadline: Some("2026-07-09".into()),
            },
            ActionItemView { item: item.into(), assigned_to: None, deadline: Some("2027-01-02".into()) },
        ],
        decisions: vec![decision.into()],
        open_questions: vec![question.into()],
        message_count: 42,
        participant_count: 3,
        // 2026-07-07 05:05–06:20 UTC
        started_at: Timestamp(1_783_400_700_000),
        ended_at: Timestamp(1_783_405_200_000),
        utc_offset_minutes: 540,
        written_by: BUILTIN.into(),
    }
}

/// The order of fields means nothing in JSON and depends on serde_json's features.
fn assert_snapshot(name: &str, value: &impl serde::Serialize) {
    let mut settings = insta::Settings::clone_current();
    settings.set_sort_maps(true);
    settings.bind(|| insta::assert_json_snapshot!(name, value));
}

#[test]
fn a_summary_in_english() {
    assert_snapshot("a_summary_in_english", &summary_message(&view(Language::En), Language::En));
}

#[test]
fn a_summary_in_japanese() {
    assert_snapshot("a_summary_in_japanese", &summary_message(&view(Language::Ja), Language::Ja));
}

#[test]
fn a_summary_in_thai() {
    assert_snapshot("a_summary_in_thai", &summary_message(&view(Language::Th), Language::Th));
}

#[test]
fn summaries_as_a_terminal_shows_them() {
    let drawn = Language::ALL.map(|l| render_text(&summary_message(&view(l), l)));
    insta::assert_snapshot!(drawn.join("\n\n"));
}

#[test]
fn notices_in_three_languages() {
    let all = Language::ALL.map(|l| {
        vec![
            summary_ready_message(&id(), Some("さくら"), l),
            summary_ready_message(&id(), None, l),
            thanks_for_rating(Rating::ALL[0], l),
            thanks_for_rating(Rating::ALL[4], l),
            nothing_to_summarize(l),
            welcome_user(l),
            welcome_group(l),
            details_messages(3, "One.\nTwo.", l).remove(0),
            details_messages(3, " \u{0} ", l).remove(0),
        ]
    });
    for message in all.iter().flatten() {
        check(message);
    }
    assert_snapshot("notices_in_three_languages", &all);
}

#[test]
fn the_buttons_of_a_summary_are_five_stars_and_the_details() {
    let message = summary_message(&view(Language::En), Language::En);
    let mut actions = Vec::new();
    walk(&message, &mut |v| {
        if v["type"] == "postback" {
            actions.push(PostbackAction::parse(v["data"].as_str().unwrap()));
        }
    });
    let mut expected: Vec<_> =
        Rating::ALL.map(|rating| PostbackAction::RateSummary { summary_id: id(), rating }).into();
    expected.push(PostbackAction::ShowDetails { summary_id: id() });
    assert_eq!(actions, expected);
}

#[test]
fn an_empty_summary_still_has_its_frame_and_no_empty_text() {
    let empty = SummaryView {
        brief: " ".into(),
        bullets: vec![String::new(), "\u{7}".into()],
        action_items: vec![ActionItemView::default()],
        decisions: vec![],
        open_questions: vec![],
        room_name: Some(String::new()),
        written_by: String::new(),
        ..view(Language::En)
    };
    let message = summary_message(&empty, Language::En);
    check(&message);
    assert!(message["contents"].get("body").is_none());
    assert_eq!(message["altText"], "Summary");
}

#[test]
fn a_talk_over_midnight_names_both_days_and_a_foreign_year_is_written_out() {
    let mut night = view(Language::En);
    night.ended_at = Timestamp(night.started_at.0 + 12 * 3_600_000);
    let drawn = summary_message(&night, Language::En).to_string();
    assert!(drawn.contains("Jul 7 14:05 – Jul 8 02:05"), "{drawn}");
    assert!(drawn.contains("📅 Jul 9\"") && drawn.contains("📅 Jan 2, 2027"), "{drawn}");
}

#[test]
fn a_provider_is_named() {
    let written = SummaryView { written_by: "gemini".into(), ..view(Language::Ja) };
    assert!(summary_message(&written, Language::Ja).to_string().contains("作成: gemini"));
}

#[test]
fn entries_that_are_not_shown_are_counted() {
    let many =
        SummaryView { bullets: (1..=40).map(|n| format!("Point {n}")).collect(), ..view(Language::En) };
    let drawn = summary_message(&many, Language::En).to_string();
    assert!(drawn.contains("\"Point 12\"") && !drawn.contains("\"Point 13\""));
    assert!(drawn.contains("… and 28 more"));
}

#[test]
fn details_of_any_length_become_at_most_five_messages() {
    let sentence = "家族は👨‍👩‍👧‍👦と書きます。";
    let long = details_messages(1, &sentence.repeat(2_000), Language::Ja);
    assert_eq!(long.len(), 5);
    long.iter().for_each(check);
    let last = long[4]["text"].as_str().unwrap();
    assert!(last.ends_with('…') && !last.ends_with("……"), "what is missing shows");
    let whole = details_messages(1, &sentence.repeat(1_000), Language::Ja);
    let joined: String = whole.iter().map(|m| m["text"].as_str().unwrap()).collect();
    assert_eq!(joined.matches("家族は👨‍👩‍👧‍👦と書きます。").count(), 1_000, "nothing is lost or torn");
}

fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,40}",
        any::<String>(),
        (1_usize..1_200).prop_map(|n| "長い文章です。".repeat(n)),
        (1_usize..600).prop_map(|n| "👨‍👩‍👧‍👦".repeat(n)),
        (1_usize..4_000).prop_map(|n| "\"\\".repeat(n)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_content_breaks_a_limit_of_line(
        brief in texts(),
        room_name in prop::option::of(texts()),
        lists in prop::collection::vec(prop::collection::vec(texts(), 0..20), 3),
        actions in prop::collection::vec((texts(), prop::option::of(texts()), prop::option::of(texts())), 0..20),
        (started, ended, offset) in (any::<i64>(), any::<i64>(), any::<i32>()),
        written_by in texts(),
        language in prop::sample::select(Language::ALL.to_vec()),
    ) {
        let mut lists = lists.into_iter();
        let mut next = || lists.next().unwrap();
        let action_items = actions.into_iter()
            .map(|(item, assigned_to, deadline)| ActionItemView { item, assigned_to, deadline })
            .collect();
        let view = SummaryView {
            summary_id: id(), session_number: u64::MAX, room_name: room_name.clone(), brief: brief.clone(),
            bullets: next(), action_items, decisions: next(), open_questions: next(),
            message_count: u64::MAX, participant_count: 1,
            started_at: Timestamp(started), ended_at: Timestamp(ended), utc_offset_minutes: offset, written_by,
        };
        let message = summary_message(&view, language);
        check(&message);
        prop_assert!(!render_text(&message).is_empty());
        check(&summary_ready_message(&id(), room_name.as_deref(), language));
        for m in details_messages(1, &brief, language) {
            check(&m);
        }
    }
}

/// Calls `visit` on every object of `value`, outermost first.
fn walk(value: &Value, visit: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(fields) => {
            visit(value);
            fields.values().for_each(|v| walk(v, visit));
        }
        Value::Array(items) => items.iter().for_each(|v| walk(v, visit)),
        _ => {}
    }
}

/// LINE's limits, read here from its reference and not from the builder's constants.
fn check(message: &Value) {
    if message["type"] == "flex" {
        let size = message["contents"].to_string().len();
        assert!(size <= 30_000, "bubble of {size} bytes");
        let alt = message["altText"].as_str().unwrap();
        assert!(!alt.is_empty() && utf16::len(alt) <= 400, "altText: {alt}");
    }
    walk(message, &mut |v| match v["type"].as_str() {
        Some("text") => {
            let text = v["text"].as_str().unwrap();
            assert!(!text.trim().is_empty(), "LINE refuses empty texts");
            assert!(utf16::len(text) <= 5_000);
        }
        Some("postback") => {
            assert!(v["data"].as_str().unwrap().len() <= 300);
            assert!(v["label"].as_str().unwrap().chars().count() <= 20);
            assert!(v["displayText"].as_str().unwrap().chars().count() <= 300);
        }
        Some("box") => assert!(!v["contents"].as_array().unwrap().is_empty()),
        _ => {}
    });
}
