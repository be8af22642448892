//! What people say: texts of three languages with the words that they are found by, cut as the recorder
//! cuts them.

use matome_domain::words;

/// As many words as the recorder keeps of a message.
const WORDS: usize = 500;

const OPENINGS: [&str; 12] = [
    "お世話になっております。ご注文の",
    "すみません、",
    "สวัสดีค่ะ รบกวนสอบถามเรื่อง",
    "ขอบคุณมากครับ ส่วน",
    "Good morning, about the ",
    "Just checking on the ",
    "確認ですが、",
    "先ほどの",
    "พรุ่งนี้",
    "ลูกค้าถามเรื่อง",
    "Could somebody look at the ",
    "急ぎで申し訳ないのですが、",
];
const SUBJECTS: [&str; 12] = [
    "新店オープンの準備",
    "納品書と請求書",
    "เมนูใหม่ของร้าน",
    "กำหนดการส่งสินค้า",
    "delivery schedule for the pop-up",
    "permit for the opening",
    "ロゴのデザイン案",
    "来週の打ち合わせ",
    "ราคาและส่วนลด",
    "ห้องประชุมชั้นสาม",
    "invoice of last month",
    "在庫の確認",
];
const CLOSINGS: [&str; 12] = [
    "について、金曜日までにご返信いただけますか？",
    "は12月4日で決定しましょう。よろしくお願いいたします。",
    " ช่วยยืนยันภายในวันศุกร์ได้ไหมคะ ขอบคุณค่ะ",
    " เรียบร้อยแล้วครับ เดี๋ยวส่งรูปให้ดูอีกที",
    " by Friday, please. I will send everyone a copy.",
    " is done; the pictures are in the shared folder.",
    "の件、写真を送りますのでご覧ください。#確認",
    "は明日の10時に駅の前で集合しましょう。",
    " มีปัญหานิดหน่อย ต้องเลื่อนไปสัปดาห์หน้า",
    " ลูกค้าชอบมาก อยากได้เพิ่มอีกสองชุด",
    " has changed again, see https://example.com/map",
    "を担当の田中さんにお伝えください。",
];

/// One text.
pub(super) struct Text {
    pub(super) content: String,
    pub(super) words: Vec<String>,
}

/// All of them: 1,728.
pub(super) fn all() -> Vec<Text> {
    let mut texts = Vec::new();
    for opening in OPENINGS {
        for subject in SUBJECTS {
            for closing in CLOSINGS {
                let content = format!("{opening}{subject}{closing}");
                let words = words::of(&content, WORDS);
                texts.push(Text { content, words });
            }
        }
    }
    texts
}

/// What is searched for: words of many messages, of a twelfth, and of one.
pub(super) const QUESTIONS: [&str; 6] =
    ["打ち合わせ", "ส่งสินค้า", "invoice", "納品書 金曜日", "permit copy", "A100017"];
