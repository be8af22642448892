//! Tone, emotions and urgency, from small word lists with negation and emoji.

use matome_domain::language::Language;
use matome_domain::summary::{Level, Sentiment};

use super::act::Act;
use super::cues::{self, Cues};
use super::talk::{Piece, Talk};

const POSITIVE: [&[&str]; 3] = [
    &[
        "love",
        "great",
        "good",
        "nice",
        "awesome",
        "happy",
        "glad",
        "perfect",
        "excellent",
        "wonderful",
        "amazing",
        "fantastic",
        "thanks",
        "thank",
        "cool",
        "lovely",
        "fun",
        "beautiful",
        "enjoy",
        "excited",
        "delicious",
        "appreciate",
        "congrats",
        "congratulations",
        "best",
        "yay",
        "pleased",
        "gr8",
    ],
    &[
        "ありがと",
        "嬉し",
        "うれし",
        "楽し",
        "良かった",
        "よかった",
        "最高",
        "素敵",
        "助かり",
        "おいし",
        "美味し",
        "好き",
        "すごい",
        "素晴らし",
        "おめでとう",
        "完璧",
        "満足",
        "いいね",
    ],
    &[
        "ขอบคุณ",
        "ดีใจ",
        "ชอบ",
        "รัก",
        "สุดยอด",
        "เยี่ยม",
        "สนุก",
        "อร่อย",
        "สวย",
        "ดีมาก",
        "ดีเลย",
        "ยินดี",
        "ประทับใจ",
        "พอใจ",
        "ถูกใจ",
        "สบายใจ",
    ],
];
const NEGATIVE: [&[&str]; 3] = [
    &[
        "bad",
        "terrible",
        "awful",
        "hate",
        "angry",
        "sad",
        "annoyed",
        "annoying",
        "upset",
        "worst",
        "broken",
        "disappointed",
        "disappointing",
        "unacceptable",
        "horrible",
        "problem",
        "complaint",
        "sick",
        "tired",
        "stressed",
        "worried",
        "afraid",
        "ridiculous",
        "damaged",
        "unfortunately",
        "sucks",
        "depressed",
        "bored",
        "stupid",
    ],
    &[
        "悲し",
        "残念",
        "怒",
        "ひどい",
        "酷い",
        "最悪",
        "困り",
        "困っ",
        "不満",
        "壊れ",
        "故障",
        "不良",
        "クレーム",
        "つらい",
        "辛い",
        "嫌",
        "心配",
        "不安",
        "疲れた",
        "がっかり",
        "許せ",
    ],
    &[
        "เสียใจ",
        "โกรธ",
        "แย่",
        "ไม่พอใจ",
        "ผิดหวัง",
        "เสียหาย",
        "ชำรุด",
        "พัง",
        "ปัญหา",
        "กังวล",
        "เครียด",
        "เศร้า",
        "เบื่อ",
        "เหนื่อย",
        "ห่วย",
        "ร้องเรียน",
        "รำคาญ",
        "ป่วย",
        "ไม่ดี",
    ],
];
const NEGATIONS: [&[&str]; 3] = [
    &[
        "not", "no", "never", "don't", "doesn't", "didn't", "isn't", "wasn't", "aren't", "can't", "won't",
        "without", "hardly",
    ],
    &["ない", "なく", "ません", "なかった"],
    &["ไม่", "มิ"],
];
/// Name, cues by language, emoji.
type Emotion = (&'static str, [&'static [&'static str]; 3], &'static [char]);
const EMOTIONS: [Emotion; 8] = [
    (
        "gratitude",
        [
            &["thank", "thanks", "thx", "appreciate", "grateful"],
            &["ありがと", "感謝", "助かり"],
            &["ขอบคุณ", "ขอบใจ"],
        ],
        &['🙏'],
    ),
    (
        "joy",
        [
            &["happy", "glad", "yay", "love", "haha", "lol", "fun", "enjoy"],
            &["嬉し", "うれし", "楽し", "やった", "最高"],
            &["ดีใจ", "สนุก", "ฮ่า", "555", "มีความสุข"],
        ],
        &['😀', '😊', '😄', '😂', '🎉', '😍', '🥰', '❤'],
    ),
    (
        "excitement",
        [
            &["excited", "awesome", "amazing", "can't wait", "wow"],
            &["楽しみ", "わくわく", "ワクワク"],
            &["ตื่นเต้น", "รอไม่ไหว", "ว้าว"],
        ],
        &['🤩', '🔥'],
    ),
    (
        "anger",
        [
            &["angry", "furious", "unacceptable", "ridiculous", "annoyed", "hate"],
            &["怒", "許せ", "ふざけ", "いい加減"],
            &["โกรธ", "ไม่พอใจ", "โมโห"],
        ],
        &['😠', '😡', '🤬'],
    ),
    (
        "sadness",
        [
            &["sad", "unfortunately", "miss you", "cry", "depressed", "heartbroken"],
            &["悲し", "残念", "寂し", "泣"],
            &["เสียใจ", "เศร้า", "ร้องไห้"],
        ],
        &['😢', '😭', '😞'],
    ),
    (
        "worry",
        [
            &["worried", "worry", "afraid", "nervous", "anxious", "scared"],
            &["心配", "不安", "怖"],
            &["กังวล", "เป็นห่วง", "กลัว"],
        ],
        &['😟', '😰', '😨'],
    ),
    (
        "frustration",
        [
            &[
                "frustrated",
                "disappointed",
                "still waiting",
                "not working",
                "doesn't work",
                "stuck",
                "tired of",
            ],
            &["困って", "困り", "がっかり", "まだ届"],
            &["ผิดหวัง", "หงุดหงิด", "รอนาน", "เบื่อ"],
        ],
        &['😤', '😩'],
    ),
    (
        "regret",
        [
            &["sorry", "apologize", "apologise", "apologies", "my fault"],
            &["申し訳", "ごめん", "すみません", "お詫び"],
            &["ขอโทษ", "ขออภัย"],
        ],
        &['🙇'],
    ),
];

/// Positive minus negative words of a piece, a negated one counted the other way round.
fn balance(piece: &Piece) -> i32 {
    let at = piece.language as usize;
    let mut sum = 0;
    if piece.language == Language::En {
        let words: Vec<&str> = piece.folded.split(' ').filter(|w| !w.is_empty()).collect();
        for (i, word) in words.iter().enumerate() {
            let value = i32::from(POSITIVE[0].contains(word)) - i32::from(NEGATIVE[0].contains(word));
            // "not good, I hate": the negation ends where another subject or judgement begins.
            let negated = words[i.saturating_sub(3)..i]
                .iter()
                .rev()
                .take_while(|w| {
                    !matches!(**w, "i" | "it" | "but" | "you")
                        && !POSITIVE[0].contains(w)
                        && !NEGATIVE[0].contains(w)
                })
                .any(|w| NEGATIONS[0].contains(w));
            sum += if negated { -value } else { value };
        }
    } else {
        for (list, value) in [(POSITIVE[at], 1), (NEGATIVE[at], -1)] {
            for cue in list {
                for (found, _) in piece.folded.match_indices(cue).take(5) {
                    sum += if negated(piece, found, found + cue.len()) { -value } else { value };
                }
            }
        }
    }
    sum + piece.text.chars().map(emoji).sum::<i32>()
}

/// Japanese negates behind a word, Thai in front of it.
fn negated(piece: &Piece, start: usize, end: usize) -> bool {
    match piece.language {
        Language::Th => {
            let before = &piece.folded[..start];
            NEGATIONS[2].iter().any(|n| before.ends_with(n) || before.ends_with(&format!("{n}ค่อย")))
        }
        _ => {
            let after: String = piece.folded[end..].chars().take(5).collect();
            NEGATIONS[1].iter().any(|n| after.contains(n)) && !after.contains("ないで")
        }
    }
}

fn emoji(c: char) -> i32 {
    match c {
        '😀'..='😍' | '🎉' | '🥰' | '🤩' | '👍' | '❤' | '🙏' | '😘' => 1,
        '😠'..='😩' | '😞'..='😟' | '😭' | '🤬' | '👎' | '💔' | '😰' | '😱' => -1,
        _ => 0,
    }
}

/// The tone of some pieces: their balance against how many there are.
pub(super) fn sentiment<'p>(pieces: impl Iterator<Item = &'p Piece>) -> Sentiment {
    let (mut sum, mut count, mut negative) = (0, 0, 0);
    for piece in pieces {
        let value = balance(piece).clamp(-2, 2);
        sum += value;
        negative += i32::from(value < 0);
        count += 1;
    }
    // One thank-you in a long complaint does not make it pleasant.
    if sum * 8 >= count && sum > 0 && negative * 3 <= sum + negative {
        Sentiment::Positive
    } else if -sum * 8 >= count && sum < 0 {
        Sentiment::Negative
    } else {
        Sentiment::Neutral
    }
}

/// Emotions that show, the strongest first, at most four.
pub(super) fn emotions(talk: &Talk<'_>) -> Vec<String> {
    let mut counts: Vec<(usize, &str)> = EMOTIONS
        .iter()
        .map(|(name, cues, signs)| {
            let count = talk
                .pieces
                .iter()
                .filter(|p| {
                    let said = cues[p.language as usize].iter().any(|cue| {
                        if p.language == Language::En {
                            p.folded.contains(&format!(" {cue} "))
                        } else {
                            p.folded.contains(cue)
                        }
                    });
                    said || p.text.chars().any(|c| signs.contains(&c))
                })
                .count();
            (count, *name)
        })
        .filter(|(count, _)| *count > 0)
        .collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    counts.into_iter().take(4).map(|(_, name)| name.to_owned()).collect()
}

/// How soon someone should look.
pub(super) fn urgency(talk: &Talk<'_>) -> Level {
    let urgent = talk.pieces.iter().any(is_urgent);
    let problems = talk.pieces.iter().filter(|p| p.act == Act::Problem).count();
    let soon = talk.pieces.iter().any(|p| matches!(p.act, Act::Request | Act::Problem));
    if urgent {
        Level::High
    } else if problems >= 1 && soon {
        Level::Medium
    } else {
        Level::Low
    }
}

/// Whether a piece says that it cannot wait.
pub(super) fn is_urgent(piece: &Piece) -> bool {
    Cues::any(cues::of(piece.language).urgent, &piece.folded)
}
