//! What a talk is about: the names of things that come up, most important first; and the category.

use std::collections::HashMap;

use matome_domain::language::Language;
use matome_domain::summary::CATEGORIES;

use super::act::Act;
use super::english::tidy_words;
use super::talk::{Piece, Talk};
use super::words::{is_content, is_stop, stem};

/// Topics that are kept.
const TOPICS: usize = 6;

#[derive(Default)]
struct Seen {
    text: String,
    turns: u32,
    last: Option<usize>,
    weight: f64,
    first: usize,
}

/// Key topics, most important first.
pub(super) fn topics(talk: &Talk<'_>) -> Vec<String> {
    let mut seen: HashMap<String, Seen> = HashMap::new();
    for (at, piece) in talk.pieces.iter().enumerate() {
        if piece.act == Act::Filler {
            continue;
        }
        let factor = match piece.act {
            Act::Yes | Act::No => 0.3,
            Act::Statement | Act::Question => 1.0,
            _ => 1.3,
        };
        for (text, weight) in candidates(talk, piece) {
            let key = if text.is_ascii() { stem(&text.to_lowercase()) } else { text.to_lowercase() };
            if talk.is_called(&text) {
                continue;
            }
            let entry =
                seen.entry(key).or_insert_with(|| Seen { text: text.clone(), first: at, ..Seen::default() });
            if entry.last != Some(piece.turn) {
                entry.last = Some(piece.turn);
                entry.turns += 1;
            }
            entry.weight = entry.weight.max(weight * factor);
        }
    }
    let mut ranked: Vec<Seen> = seen.into_values().collect();
    let value = |s: &Seen| (1.0 + f64::from(s.turns)).ln() * s.weight;
    ranked.sort_by(|a, b| {
        value(b)
            .partial_cmp(&value(a))
            .unwrap_or(std::cmp::Ordering::Equal)
            .then(a.first.cmp(&b.first))
            .then(a.text.cmp(&b.text))
    });
    let mut chosen: Vec<String> = Vec::new();
    for topic in ranked {
        let within = |a: &str, b: &str| a.to_lowercase().contains(&b.to_lowercase());
        if !chosen.iter().any(|c| within(c, &topic.text) || within(&topic.text, c)) {
            chosen.push(topic.text);
        }
        if chosen.len() == TOPICS {
            break;
        }
    }
    chosen
}

/// Noun-like parts of a piece with how much they look like a topic.
fn candidates(talk: &Talk<'_>, piece: &Piece) -> Vec<(String, f64)> {
    match piece.language {
        Language::En => english(piece),
        Language::Ja => japanese(talk, piece),
        Language::Th => thai(talk, piece),
    }
}

fn english(piece: &Piece) -> Vec<(String, f64)> {
    let words = tidy_words(&piece.text, &[]);
    let mut found = Vec::new();
    let mut proper: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let core = word.trim_matches(|c: char| !c.is_alphanumeric());
        let core = core.strip_suffix("'s").unwrap_or(core);
        let lower = core.to_lowercase();
        let good = core.chars().count() >= 3
            && core.chars().all(|c| c.is_alphabetic() || c == '-')
            && is_content(&lower, Language::En);
        let capital = core.starts_with(char::is_uppercase) && at > 0 && good;
        if capital {
            proper.push(core.to_owned());
        }
        if (!capital || word.ends_with([',', '.', '!', '?'])) && !proper.is_empty() {
            found.push((proper.join(" "), 1.4));
            proper.clear();
        }
        if !capital && good {
            // A noun stands behind an article or a possessive, or before the end; a verb does not.
            let before = at.checked_sub(1).map(|b| words[b].to_lowercase()).unwrap_or_default();
            let nounish = matches!(
                before.as_str(),
                "the"
                    | "a"
                    | "an"
                    | "my"
                    | "your"
                    | "his"
                    | "her"
                    | "our"
                    | "their"
                    | "some"
                    | "any"
                    | "of"
                    | "for"
                    | "new"
                    | "about"
                    | "no"
            );
            let verbish = super::english::is_verb(&lower)
                || lower.ends_with("ed")
                || lower.ends_with("ing")
                || lower.ends_with("ly");
            let weight = match (nounish, verbish) {
                (true, _) => 1.2,
                (false, true) => 0.25,
                (false, false) => 0.8,
            };
            found.push((lower, weight));
        }
    }
    if !proper.is_empty() {
        found.push((proper.join(" "), 1.4));
    }
    found
}

/// Neighbouring words of kanji, katakana or letters only: 見積書, 新宿オフィス. A word with
/// hiragana in it is a verb more often than not.
fn japanese(talk: &Talk<'_>, piece: &Piece) -> Vec<(String, f64)> {
    let noun = |c: char| matches!(c, '\u{4E00}'..='\u{9FFF}' | '\u{30A1}'..='\u{30FA}' | 'ー' | '々' | 'a'..='z' | 'A'..='Z');
    let spans = talk.segmenter.spans(&piece.text);
    let mut runs: Vec<&str> = Vec::new();
    for span in spans {
        let generic =
            GENERIC_JAPANESE.contains(&span) || is_stop(span, Language::Ja) && span.chars().count() > 1;
        if !span.chars().all(noun) || generic {
            continue;
        }
        let start = span.as_ptr() as usize - piece.text.as_ptr() as usize;
        match runs.last_mut() {
            Some(last) if last.as_ptr() as usize - piece.text.as_ptr() as usize + last.len() == start => {
                let from = last.as_ptr() as usize - piece.text.as_ptr() as usize;
                *last = &piece.text[from..start + span.len()];
            }
            _ => runs.push(span),
        }
    }
    runs.into_iter()
        .map(|run| (run, run.chars().count()))
        .filter(|(run, letters)| (2..=12).contains(letters) && is_content(&run.to_lowercase(), Language::Ja))
        .map(|(run, letters)| {
            (run.to_owned(), if run.is_ascii() { 0.8 } else { 0.9 + 0.1 * (letters.min(6) as f64 - 2.0) })
        })
        .collect()
}

const GENERIC_JAPANESE: [&str; 44] = [
    "現在",
    "次第",
    "予定",
    "本日",
    "来月",
    "先月",
    "今月",
    "手数",
    "迷惑",
    "何時",
    "今日",
    "明日",
    "昨日",
    "今週",
    "来週",
    "先週",
    "午前",
    "午後",
    "時間",
    "月曜日",
    "火曜日",
    "水曜日",
    "木曜日",
    "金曜日",
    "土曜日",
    "日曜日",
    "月曜",
    "火曜",
    "水曜",
    "木曜",
    "金曜",
    "土曜",
    "日曜",
    "確認",
    "連絡",
    "場合",
    "本当",
    "皆様",
    "お客様",
    "客様",
    "世話",
    "先日",
    "至急",
    "後日",
];

fn thai(talk: &Talk<'_>, piece: &Piece) -> Vec<(String, f64)> {
    let spans = talk.segmenter.spans(&piece.text);
    spans
        .into_iter()
        .filter(|w| {
            w.chars().count() >= 3
                && !w.chars().any(char::is_numeric)
                && is_content(&w.to_lowercase(), Language::Th)
                && !w.is_ascii() | (w.len() > 3)
        })
        .filter(|w| !w.starts_with("จะ") && !w.starts_with("ไม่"))
        .map(|w| (w.to_owned(), 0.8 + 0.05 * (w.chars().count().min(10) as f64)))
        .collect()
}

const CATEGORY_CUES: [[&[&str]; 3]; 8] = [
    // inquiry
    [
        &[
            "do you have",
            "how much",
            "available",
            "opening hours",
            "open until",
            "in stock",
            "price",
            "information",
            "i'd like to know",
        ],
        &["在庫", "料金", "いくら", "営業時間", "問い合わせ", "教えて", "値段", "価格", "ありますか"],
        &["ราคา", "เท่าไหร่", "เท่าไร", "มีของ", "สอบถาม", "เปิดกี่โมง", "มีไหม", "รายละเอียด"],
    ],
    // order
    [
        &["order", "buy", "purchase", "deliver", "delivery", "shipping", "i'll take"],
        &["注文", "購入", "発送", "配送", "発注", "届け", "納品"],
        &["สั่ง", "จัดส่ง", "ออเดอร์", "ซื้อ", "ส่งของ", "พัสดุ"],
    ],
    // complaint
    [
        &[
            "complaint",
            "complain",
            "refund",
            "broken",
            "damaged",
            "unacceptable",
            "wrong item",
            "disappointed",
            "terrible",
            "rude",
        ],
        &["クレーム", "返金", "返品", "壊れ", "破損", "不良", "ひどい", "最悪", "届いていない", "届きません"],
        &["ร้องเรียน", "คืนเงิน", "ชำรุด", "พัง", "ไม่พอใจ", "แย่", "ผิดหวัง", "คืนสินค้า", "ไม่ครบ"],
    ],
    // support
    [
        &[
            "error",
            "not working",
            "doesn't work",
            "password",
            "log in",
            "login",
            "install",
            "reset",
            "help me with",
            "fix",
            "crash",
            "update",
        ],
        &[
            "エラー",
            "ログイン",
            "パスワード",
            "動かない",
            "動きません",
            "設定",
            "使い方",
            "不具合",
            "再起動",
            "修理",
        ],
        &["เข้าสู่ระบบ", "รหัสผ่าน", "ใช้งานไม่ได้", "ใช้ไม่ได้", "ติดตั้ง", "แก้ไข", "ซ่อม", "error", "ล็อกอิน"],
    ],
    // scheduling
    [
        &[
            "meet",
            "appointment",
            "schedule",
            "reschedule",
            "what time",
            "o'clock",
            "tomorrow",
            "see you at",
            "free on",
            "are you free",
            "reservation",
            "book a",
        ],
        &[
            "予約",
            "日程",
            "会議",
            "打ち合わせ",
            "何時",
            "都合",
            "集合",
            "待ち合わせ",
            "空いて",
            "ミーティング",
        ],
        &["นัด", "ประชุม", "กี่โมง", "ว่าง", "จองคิว", "จอง", "เลื่อน", "เจอกัน"],
    ],
    // payment
    [
        &[
            "pay",
            "payment",
            "invoice",
            "bank account",
            "transfer",
            "credit card",
            "bill",
            "receipt",
            "deposit",
            "cash",
        ],
        &["支払", "振込", "請求書", "入金", "決済", "領収書", "口座", "クレジット"],
        &["ชำระ", "โอน", "ใบเสร็จ", "จ่าย", "บัญชี", "สลิป", "ใบแจ้งหนี้", "บัตรเครดิต"],
    ],
    // coordination
    [
        &[
            "let's", "bring", "team", "project", "report", "deadline", "plan", "pick up", "prepare", "task",
            "task",
        ],
        &["担当", "資料", "準備", "共有", "締め切り", "締切", "プロジェクト", "分担", "持って", "報告"],
        &["เตรียม", "ทีม", "โปรเจกต์", "งาน", "รับผิดชอบ", "แบ่ง", "ส่งงาน", "รายงาน"],
    ],
    // smalltalk: only when nothing else shows
    [
        &["how are you", "movie", "weekend", "funny", "party", "love"],
        &["元気", "映画", "週末", "天気", "美味し"],
        &["สบายดี", "หนัง", "อากาศ", "อร่อย", "เที่ยว"],
    ],
];

/// One of [`CATEGORIES`]; `None` without any words.
pub(super) fn category(talk: &Talk<'_>) -> Option<String> {
    talk.language?;
    let mut scores = [0.0_f64; 8];
    for piece in talk.pieces.iter().take(2_000) {
        for (score, cues) in scores.iter_mut().zip(&CATEGORY_CUES) {
            let hits = cues[piece.language as usize]
                .iter()
                .filter(|cue| {
                    if piece.language == Language::En {
                        piece.folded.contains(&format!(" {cue}"))
                    } else {
                        piece.folded.contains(*cue)
                    }
                })
                .count();
            *score += hits as f64;
        }
    }
    // Complaints and payments are said in few words, dates and plans in many.
    for (score, weight) in scores.iter_mut().zip([1.0, 1.1, 1.6, 1.3, 0.9, 1.2, 0.8, 0.6]) {
        *score *= weight;
    }
    let (best, score) = scores
        .iter()
        .enumerate()
        .rev()
        .max_by(|a, b| a.1.partial_cmp(b.1).unwrap_or(std::cmp::Ordering::Equal))?;
    Some(if *score <= 0.0 { "smalltalk".to_owned() } else { CATEGORIES[best].to_owned() })
}

/// Hashtags that were used, the category and the first topics.
pub(super) fn tags(talk: &Talk<'_>, category: Option<&str>, topics: &[String]) -> Vec<String> {
    let hashtags = talk
        .pieces
        .iter()
        .filter(|p| p.text.contains(['#', '＃']))
        .flat_map(|p| matome_domain::text::hashtags(&p.text));
    let mut tags: Vec<String> = Vec::new();
    for tag in category
        .map(str::to_owned)
        .into_iter()
        .chain(hashtags.take(5))
        .chain(topics.iter().take(3).map(|t| t.to_lowercase()))
    {
        // "#Person1#" in a corpus is a name, not a tag.
        let number = tag.chars().all(|c| c.is_numeric() || c == '_');
        if !number && !tags.contains(&tag) && !talk.names.iter().any(|n| n.contains(&tag)) {
            tags.push(tag);
        }
    }
    tags.truncate(8);
    tags
}
