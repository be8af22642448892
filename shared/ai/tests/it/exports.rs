//! Chats as LINE's "export chat history" writes them.

use matome_ai::export::{Export, ParseError, parse};
use matome_domain::dialogue::TurnContent;
use matome_domain::language::Language;
use proptest::prelude::*;

fn lines(export: &Export) -> Vec<(&str, &str)> {
    export.dialogue.turns.iter().map(|t| (t.speaker.name.as_str(), t.content.text().unwrap_or("·"))).collect()
}

fn times(export: &Export) -> Vec<String> {
    export.dialogue.turns.iter().map(|t| t.at.unwrap().to_string()).collect()
}

#[test]
fn a_japanese_phone_export() {
    let text = "\u{FEFF}[LINE] 佐藤 花子とのトーク履歴\r\n保存日時：2024/03/07 12:00\r\n\r\n2024/03/05(火)\r\n21:03\t佐藤 花子\tこんばんは\r\n21:05\t山田\t\"明日の会議ですが\r\n10時からで\r\n\"\"大丈夫\"\"ですか？\"\r\n21:06\t佐藤 花子\t[スタンプ]\r\n21:07\t佐藤 花子\t[写真]\r\n21:08\t佐藤 花子がメッセージの送信を取り消しました\r\n21:09\t山田\t☎ 通話時間 3:12\r\n\r\n2024/03/06(水)\r\n午前9:00\t山田\t[ファイル] 資料.pdf\r\n午後0:30\t山田\t了解です\r\n";
    let export = parse(text, 540).unwrap();
    assert_eq!((export.title.as_deref(), export.language), (Some("佐藤 花子"), Language::Ja));
    assert_eq!(
        lines(&export),
        [
            ("佐藤 花子", "こんばんは"),
            ("山田", "明日の会議ですが\n10時からで\n\"大丈夫\"ですか？"),
            ("佐藤 花子", "·"),
            ("佐藤 花子", "·"),
            ("山田", "·"),
            ("山田", "了解です")
        ]
    );
    assert_eq!(export.notices, 2);
    assert!(matches!(export.dialogue.turns[2].content, TurnContent::Sticker { .. }));
    assert!(matches!(export.dialogue.turns[3].content, TurnContent::Image { .. }));
    assert_eq!(export.dialogue.turns[4].content, TurnContent::File { name: "資料.pdf".to_owned() });
    assert_eq!(times(&export)[0], "2024-03-05T12:03:00Z");
    assert_eq!(times(&export)[5], "2024-03-06T03:30:00Z");
}

#[test]
fn an_english_phone_export() {
    let text = "[LINE] Chat history in Picnic\nSaved on: 3/7/2024, 12:00\n\nTue, 03/05/2024\n09:30PM\tAnn Lee\tWho brings the salad?\n09:31PM\tBob\tI do!\n\tand bread\n09:40PM\tAnn Lee\t[Location] Ueno Park\n9 Uenokoen, Tokyo\n09:41PM\tBob\t[Voice message]\n09:42PM\tBob unsent a message.\n\nWed, 03/27/2024\n12:05AM\tAnn Lee\t[Video]\n";
    let export = parse(text, 0).unwrap();
    assert_eq!((export.title.as_deref(), export.language), (Some("Picnic"), Language::En));
    assert_eq!(lines(&export)[..2], [("Ann Lee", "Who brings the salad?"), ("Bob", "I do!\n\tand bread")]);
    assert_eq!(
        export.dialogue.turns[2].content,
        TurnContent::Location { label: "Ueno Park\n9 Uenokoen, Tokyo".to_owned() }
    );
    assert_eq!(export.dialogue.turns[3].content, TurnContent::Audio);
    assert_eq!(times(&export)[0], "2024-03-05T21:30:00Z");
    assert_eq!(times(&export)[4], "2024-03-27T00:05:00Z");
    assert_eq!(export.notices, 1);
}

#[test]
fn a_thai_phone_export_with_buddhist_years() {
    let text = "[LINE] ประวัติการแชทกับ สมชาย\nบันทึกเมื่อ: 07/03/2567 12:00\n\nอ., 05/03/2567\n13:05\tสมชาย\tสินค้าจะถึงเมื่อไหร่ครับ\n13:06\tร้านดอกไม้\tพรุ่งนี้ค่ะ\n13:07\tสมชาย\t[สติกเกอร์]\n13:08\tสมชาย ยกเลิกข้อความ\n";
    let export = parse(text, 420).unwrap();
    assert_eq!((export.title.as_deref(), export.language), (Some("สมชาย"), Language::Th));
    assert_eq!(lines(&export)[..2], [("สมชาย", "สินค้าจะถึงเมื่อไหร่ครับ"), ("ร้านดอกไม้", "พรุ่งนี้ค่ะ")]);
    assert_eq!(times(&export)[0], "2024-03-05T06:05:00Z");
}

#[test]
fn a_desktop_export_separates_with_spaces() {
    let text = "2024.03.05 Tuesday\n10:00 Ann Lee joined the group.\n10:01 Ann Lee Good morning everyone\n10:02 Bob Morning\n10:03 Ann Lee Are we still on for lunch?\n10:04 Ann Lee At noon\n10:05 Bob Photos\nsecond line\n10:06 Bob Sticker\n";
    let export = parse(text, 0).unwrap();
    assert_eq!(export.title, None);
    assert_eq!(
        lines(&export),
        [
            ("Ann Lee", "Good morning everyone"),
            ("Bob", "Morning"),
            ("Ann Lee", "Are we still on for lunch?"),
            ("Ann Lee", "At noon"),
            ("Bob", "Photos\nsecond line"),
            ("Bob", "·")
        ]
    );
    assert_eq!(export.notices, 1);
}

#[test]
fn what_is_no_export_is_refused_with_its_line() {
    let refused = |text: &str| parse(text, 0).unwrap_err();
    assert_eq!(refused("").line, 1);
    assert_eq!(refused("dear diary\nnothing").line, 1);
    assert_eq!(refused("[LINE] Chat history with Ann\n\n10:00\tAnn\tsecret").line, 3);
    let error: ParseError = refused("[LINE] Chat history with Ann\nSaved on: x\n\nsecret words");
    assert_eq!(error.line, 4);
    assert!(!error.to_string().contains("secret"));
}

#[test]
fn turn_ids_are_unique() {
    let text = "2024/03/05(火)\n10:00\tA\tx\n10:00\tA\tx\n10:00\tB\tx\n";
    let ids: Vec<String> = parse(text, 0).unwrap().dialogue.turns.into_iter().map(|t| t.id).collect();
    assert_eq!(ids, ["m1", "m2", "m3"]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\PC|\n|\t|\r){0,400}", offset in any::<i32>()) {
        let _whatever = parse(&text, offset);
    }

    #[test]
    fn messages_come_back_as_they_were(
        said in prop::collection::vec(("[A-Za-z]{1,8}( [A-Za-z]{1,8})?", "[a-zA-Zก-ฮあ-ん ,?]{1,30}"), 1..20),
    ) {
        let mut text = "[LINE] Chat history in X\nSaved on: 2024/03/05 10:00\n\n2024/03/05(火)\n".to_owned();
        for (name, words) in &said {
            text.push_str(&format!("10:00\t{name}\t{words}\n"));
        }
        let export = parse(&text, 0).unwrap();
        let back: Vec<(String, String)> = lines(&export).iter().map(|(n, t)| ((*n).to_owned(), (*t).to_owned())).collect();
        prop_assert_eq!(back, said);
    }
}
