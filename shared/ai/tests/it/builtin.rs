//! The built-in summarizer from outside: what it finds in talks of three languages, and that
//! nothing anyone writes can break it.

use matome_ai::summarize_builtin;
use matome_ai::verify::verify;
use matome_domain::clock::Timestamp;
use matome_domain::dialogue::{Dialogue, Speaker, Turn, TurnContent};
use matome_domain::summary::{Level, Sentiment, SummaryDraft, SummaryRequest, SummaryStyle};
use proptest::prelude::*;

use crate::talks::{cookies, talk};

fn summarize(lines: &[(&str, &str)]) -> SummaryDraft {
    summarize_builtin(&talk(lines), &SummaryRequest::default())
}

#[test]
fn a_short_talk_is_retold() {
    let draft = summarize_builtin(&cookies(), &SummaryRequest::default());
    assert_eq!(draft.brief, "Amanda baked cookies and will bring Jerry some tomorrow.");
    assert_eq!(draft.brief_sources, ["m1", "m3"]);
    assert_eq!(draft.action_items.len(), 1);
    let action = &draft.action_items[0];
    assert_eq!(
        (action.item.as_str(), action.assigned_to.as_deref()),
        ("Amanda will bring Jerry some tomorrow.", Some("Amanda"))
    );
    assert_eq!(action.deadline.as_deref(), Some("2024-03-06"));
    assert_eq!(action.sources, ["m3"]);
}

#[test]
fn an_assignee_is_named_only_when_it_was_said() {
    let draft = summarize(&[
        ("Ann", "@Ben please order the paper by Friday"),
        ("Cid", "Someone has to water the plants. Please water them"),
        ("Ben", "The printer is on fire"),
    ]);
    let assigned: Vec<_> =
        draft.action_items.iter().map(|a| (a.assigned_to.as_deref(), a.deadline.as_deref())).collect();
    assert_eq!(assigned, [(Some("Ben"), Some("2024-03-08")), (None, None)]);
}

#[test]
fn japanese_actions_deadlines_and_decisions() {
    let draft = summarize(&[
        ("田中", "見積書を3月8日までに送ってください"),
        ("佐藤", "承知しました"),
        ("田中", "打ち合わせは来週の月曜日はどうですか？"),
        ("佐藤", "いいですね"),
        ("佐藤", "至急、倉庫の鍵を確認してください"),
    ]);
    let first = &draft.action_items[0];
    assert_eq!((first.assigned_to.as_deref(), first.deadline.as_deref()), (Some("佐藤"), Some("2024-03-08")));
    assert_eq!(first.sources, ["m1", "m2"]);
    assert_eq!(draft.action_items.last().unwrap().priority, Level::High);
    assert_eq!(draft.urgency, Level::High);
    assert!(draft.decisions.iter().any(|d| d.sources.contains(&"m3".to_owned())), "{:?}", draft.decisions);
    assert!(draft.key_topics.contains(&"見積書".to_owned()), "{:?}", draft.key_topics);
}

#[test]
fn thai_actions_and_deadlines() {
    let draft =
        summarize(&[("ลูกค้า", "ช่วยส่งใบเสร็จให้หน่อยค่ะ ภายในวันศุกร์นี้"), ("ร้าน", "ได้ครับ เดี๋ยวทางร้านจะส่งให้พรุ่งนี้")]);
    let first = &draft.action_items[0];
    assert_eq!((first.assigned_to.as_deref(), first.deadline.as_deref()), (Some("ร้าน"), Some("2024-03-08")));
    assert_eq!(draft.language, "th");
}

#[test]
fn questions_without_an_answer_stay_open() {
    let open = |draft: &SummaryDraft| {
        draft.open_questions.iter().flat_map(|q| q.sources.clone()).collect::<Vec<_>>()
    };
    let english = summarize(&[
        ("Ann", "Where is the contract?"),
        ("Ben", "In the drawer on the left"),
        ("Ann", "Who signed the invoice?"),
    ]);
    assert_eq!(open(&english), ["m3"]);
    let japanese = summarize(&[
        ("田中", "会場はどこですか？"),
        ("佐藤", "新宿の本社です"),
        ("田中", "参加者は何名ですか？"),
    ]);
    assert_eq!(open(&japanese), ["m3"]);
    let thai = summarize(&[("นุ่น", "ร้านเปิดกี่โมงคะ"), ("ร้าน", "เปิดสิบโมงค่ะ"), ("นุ่น", "มีที่จอดรถไหมคะ")]);
    assert_eq!(open(&thai), ["m3"]);
    let promised =
        summarize(&[("Ann", "How much is the shipping to Osaka?"), ("Ben", "Not sure, let me check")]);
    assert_eq!(open(&promised), ["m1"]);
}

#[test]
fn the_tone_hears_negation() {
    let tone = |text: &str| summarize(&[("A", text)]).sentiment;
    assert_eq!(tone("I love this shop, great service"), Sentiment::Positive);
    assert_eq!(tone("This is not good, I hate waiting"), Sentiment::Negative);
    assert_eq!(tone("サービスが最悪で困っています"), Sentiment::Negative);
    assert_eq!(tone("とても嬉しいです"), Sentiment::Positive);
    assert_eq!(tone("สินค้าชำรุด แย่มาก"), Sentiment::Negative);
    assert_eq!(tone("ไม่ชอบเลย"), Sentiment::Negative);
    assert_eq!(tone("The parcel has the number 12"), Sentiment::Neutral);
}

#[test]
fn the_frame_is_in_the_language_asked_for_and_quotes_stay_as_said() {
    let dialogue = talk(&[("田中", "会議室を予約してもらえますか？"), ("佐藤", "14時から予約しておきます")]);
    let english = summarize_builtin(
        &dialogue,
        &SummaryRequest { language: Some("en".to_owned()), ..SummaryRequest::default() },
    );
    assert_eq!(english.language, "en");
    assert!(english.brief.contains("requests: \"会議室を予約してもらえますか？\""), "{}", english.brief);
    let thai = summarize_builtin(
        &dialogue,
        &SummaryRequest { language: Some("th-TH".to_owned()), ..SummaryRequest::default() },
    );
    assert!(thai.brief.contains("ขอว่า"), "{}", thai.brief);
    let unknown = summarize_builtin(
        &dialogue,
        &SummaryRequest { language: Some("fr".to_owned()), ..SummaryRequest::default() },
    );
    assert_eq!(unknown.language, "ja");
}

#[test]
fn talks_without_words_are_told_by_what_was_sent() {
    let empty = summarize_builtin(&Dialogue::default(), &SummaryRequest::default());
    assert_eq!(empty.brief, "There are no messages.");
    let mut dialogue = talk(&[("A", ""), ("B", ""), ("A", "")]);
    dialogue.turns[0].content = TurnContent::Sticker { keywords: vec!["hi".to_owned()] };
    dialogue.turns[1].content = TurnContent::Image { description: None, data: None };
    dialogue.turns[2].content = TurnContent::Sticker { keywords: Vec::new() };
    let mut draft = summarize_builtin(
        &dialogue,
        &SummaryRequest { language: Some("ja".to_owned()), ..SummaryRequest::default() },
    );
    assert_eq!(draft.brief, "A、Bが画像1件、スタンプ2件を送信しました。");
    verify(&mut draft, &dialogue).unwrap();
    let emoji = summarize(&[("A", "😀😀"), ("B", "👍")]);
    assert!(emoji.brief.starts_with("A and B exchanged 2 short messages"), "{}", emoji.brief);
}

#[test]
fn described_pictures_files_and_places_are_told() {
    let mut dialogue = cookies();
    dialogue.turns[1].content =
        TurnContent::Image { description: Some("A tray of cookies".to_owned()), data: None };
    dialogue.turns[2].content = TurnContent::File { name: "recipe.pdf".to_owned() };
    let draft = summarize_builtin(&dialogue, &SummaryRequest::default());
    assert_eq!(draft.image_insights[0].text, "A tray of cookies");
    assert!(
        draft.detailed.iter().any(|s| s.text == "Amanda shares the file recipe.pdf."),
        "{:?}",
        draft.detailed
    );
}

#[test]
fn the_style_weighs_the_parts() {
    let lines: Vec<(&str, String)> = (0..80)
        .map(|i| {
            (
                if i % 2 == 0 { "Ann" } else { "Ben" },
                format!("The supplier number{i} delivers crate{i} to harbour{i}"),
            )
        })
        .collect();
    let lines: Vec<(&str, &str)> = lines.iter().map(|(n, t)| (*n, t.as_str())).collect();
    let of = |style| summarize_builtin(&talk(&lines), &SummaryRequest { style, ..SummaryRequest::default() });
    let (brief, detailed, bullets) =
        (of(SummaryStyle::Brief), of(SummaryStyle::Detailed), of(SummaryStyle::BulletPoints));
    assert!(brief.detailed.len() < detailed.detailed.len());
    assert!(bullets.bullet_points.len() > brief.bullet_points.len());
    assert!((3..=7).contains(&bullets.bullet_points.len()));
}

#[test]
fn thousands_of_messages_are_no_trouble() {
    let turns = (0..5_000)
        .map(|i| Turn {
            id: i.to_string(),
            speaker: Speaker { id: (i % 700).to_string(), name: format!("P{}", i % 700) },
            at: None,
            content: TurnContent::Text {
                text: format!("Could you send parcel{i} to shop{}? ในวันศุกร์ 明日までに送ります", i % 97),
            },
        })
        .collect();
    let dialogue = Dialogue { turns, utc_offset_minutes: 0 };
    let mut draft = summarize_builtin(&dialogue, &SummaryRequest::default());
    verify(&mut draft, &dialogue).unwrap();
    assert_eq!(draft.participants.iter().map(|p| p.message_count).sum::<u32>(), 5_000);
    assert!(draft.detailed.len() <= 12 && draft.action_items.len() <= 12);
}

#[test]
fn one_huge_message_is_cut_to_a_readable_quote() {
    let huge = "very long sentence without any end ".repeat(30_000);
    let draft = summarize(&[("A", &huge), ("B", "ok")]);
    assert!(draft.brief.chars().count() < 1_000, "{}", draft.brief.chars().count());
}

fn content() -> impl Strategy<Value = TurnContent> {
    let texts = prop_oneof![
        "\\PC{0,80}",
        "[a-zA-Z' ?.!,I]{0,60}",
        "[ぁ-んァ-ヶ一-龠。？！ ]{0,40}",
        "[ก-ฮะ-ูเ-์ ?]{0,40}",
        "[😀-🙏 ]{0,10}",
        Just("I'll bring you the keys tomorrow, ok?".to_owned()),
        Just("Please call me by Friday".to_owned()),
        Just("明日までに送ってください。".to_owned()),
        Just("ช่วยส่งให้หน่อยนะคะ".to_owned()),
        Just("Sure".to_owned()),
    ];
    prop_oneof![
        8 => texts.prop_map(|text| TurnContent::Text { text }),
        1 => "\\PC{0,20}".prop_map(|name| TurnContent::File { name }),
        1 => "\\PC{0,20}".prop_map(|label| TurnContent::Location { label }),
        1 => proptest::option::of("\\PC{0,20}").prop_map(|description| TurnContent::Image { description, data: None }),
        1 => Just(TurnContent::Sticker { keywords: Vec::new() }),
        1 => Just(TurnContent::Video),
        1 => Just(TurnContent::Audio),
    ]
}

fn dialogues() -> impl Strategy<Value = Dialogue> {
    let turn = (0_usize..5, "\\PC{0,8}", proptest::option::of(any::<i64>()), content());
    (prop::collection::vec(turn, 0..40), any::<i32>()).prop_map(|(turns, utc_offset_minutes)| Dialogue {
        turns: turns
            .into_iter()
            .enumerate()
            .map(|(at, (speaker, name, when, content))| Turn {
                id: format!("m{at}"),
                speaker: Speaker { id: speaker.to_string(), name },
                at: when.map(Timestamp),
                content,
            })
            .collect(),
        utc_offset_minutes,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn any_dialogue_gives_a_summary_that_holds(dialogue in dialogues(), language in proptest::option::of("en|ja|th|xx")) {
        let request = SummaryRequest { language, style: SummaryStyle::Detailed, ..SummaryRequest::default() };
        let draft = summarize_builtin(&dialogue, &request);
        prop_assert_eq!(&draft, &summarize_builtin(&dialogue, &request), "the same talk, the same summary");
        let mut verified = draft.clone();
        prop_assert!(verify(&mut verified, &dialogue).is_ok());
        prop_assert_eq!(&draft, &verified, "nothing to clean");
        let counted: u32 = draft.participants.iter().map(|p| p.message_count).sum();
        prop_assert_eq!(counted as usize, dialogue.turns.len());
        prop_assert!(draft.detailed.len() <= 12);
        prop_assert!(dialogue.turns.is_empty() || !draft.detailed.is_empty());
        prop_assert!(draft.key_topics.iter().all(|t| t.chars().count() >= 2));
    }
}
