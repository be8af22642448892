//! What `matome_line::flex` builds, as LINE's validation sees it.

use matome_domain::clock::Timestamp;
use matome_domain::ids::DocumentId;
use matome_domain::language::Language;
use matome_line::flex::{
    ActionItemView, SummaryView, details_messages, nothing_to_summarize, summary_message,
    summary_ready_message, thanks_for_rating, welcome_group, welcome_user,
};
use matome_line::postback::{PostbackAction, Rating};
use matome_line_simulator::SimulatorError;
use uuid::Uuid;

use crate::stage::{Hook, Stage};

fn view(words: &str, entries: usize) -> SummaryView {
    SummaryView {
        summary_id: DocumentId::new("66f0c0ffee0123456789abcd").unwrap(),
        session_number: 7,
        room_name: Some(words.to_owned()),
        brief: words.to_owned(),
        bullets: vec![words.to_owned(); entries],
        action_items: vec![
            ActionItemView {
                item: words.to_owned(),
                assigned_to: Some(words.to_owned()),
                deadline: Some("2026-07-09".into()),
            };
            entries
        ],
        decisions: vec![words.to_owned(); entries],
        open_questions: vec![words.to_owned(); entries],
        message_count: 42,
        participant_count: 3,
        started_at: Timestamp(1_783_400_700_000),
        ended_at: Timestamp(1_783_405_200_000),
        utc_offset_minutes: 540,
        written_by: words.to_owned(),
    }
}

#[tokio::test]
async fn line_accepts_every_message_we_build_in_every_language() {
    let s = Stage::new().await;
    let long = "長い文章と👨‍👩‍👧‍👦と\"引用\"と\\。".repeat(500);
    for language in Language::ALL {
        for words in ["", " ", "short", "สวัสดี\n\u{0}ครับ", &long] {
            for entries in [0, 1, 50] {
                let view = view(words, entries);
                let notices = [
                    summary_message(&view, language),
                    summary_ready_message(&view.summary_id, view.room_name.as_deref(), language),
                    thanks_for_rating(Rating::ALL[4], language),
                    nothing_to_summarize(language),
                    welcome_user(language),
                ];
                s.line.validate_push(&notices).await.unwrap();
            }
            s.line.validate_push(&details_messages(1, words, language)).await.unwrap();
        }
        s.line.validate_push(&[welcome_group(language)]).await.unwrap();
    }
}

#[tokio::test]
async fn a_tap_on_a_sent_button_comes_back_as_its_action() {
    let s = Stage::new().await;
    let view = view("short", 1);
    s.line.push(&s.yui, &[summary_message(&view, Language::En)], Uuid::new_v4()).await;
    let hook = Hook::start(&[]).await;
    s.simulator.set_webhook(s.id(), &hook.url, None).unwrap();
    let tapped = s.simulator.tap(s.id(), &s.yui_chat(), &s.yui, "Details").await.unwrap();
    let data = tapped.event["postback"]["data"].as_str().unwrap();
    assert_eq!(PostbackAction::parse(data), PostbackAction::ShowDetails { summary_id: view.summary_id });
    let said = s.simulator.inspect(|w| w.chat.last().unwrap().render());
    assert_eq!(said, "Yui: Show the details [taps]");
    let nothing = s.simulator.tap(s.id(), &s.group, &s.yui, "Details").await;
    assert!(matches!(nothing, Err(SimulatorError::UnknownButton(_))), "no such button in the group");
}
