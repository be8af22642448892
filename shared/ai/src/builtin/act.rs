//! What a sentence does in a talk: asks, requests, promises, agrees … found by cue phrases in
//! English, Japanese and Thai.

use matome_domain::language::Language;

use super::cues::{self, Cues};

/// What a sentence does. The order is the order of testing: the first that fits wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Act {
    /// Hello, bye, thanks, laughter, a nod: nothing to retell.
    Filler,
    /// "yes", "sure": meaningful only with what it answers.
    Yes,
    /// "no", "can't": likewise.
    No,
    /// Wants to know.
    Question,
    /// Wants someone to do something.
    Request,
    /// Suggests something to do together.
    Proposal,
    /// Says what was settled.
    Decision,
    /// The speaker will do something.
    Commitment,
    /// Something is wrong.
    Problem,
    /// Anything else.
    Statement,
}

impl Act {
    /// Whether it calls for an answer by someone else.
    pub(super) fn opens(self) -> bool {
        matches!(self, Self::Question | Self::Request | Self::Proposal)
    }

    /// Whether it says nothing on its own.
    pub(super) fn is_bare(self) -> bool {
        matches!(self, Self::Filler | Self::Yes | Self::No)
    }
}

/// A text made ready for cue search: English as ` lower case words `, others lower case.
pub(super) fn folded(text: &str, language: Language) -> String {
    if language != Language::En {
        return text.to_lowercase();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push(' ');
    for c in text.chars() {
        match c {
            '’' | '\'' => out.push('\''),
            '@' => out.push('@'),
            c if c.is_alphanumeric() => out.extend(c.to_lowercase()),
            _ if out.ends_with(' ') => {}
            _ => out.push(' '),
        }
    }
    if !out.ends_with(' ') {
        out.push(' ');
    }
    out
}

/// What `text` does; `folded` is [`folded`] of it, `content` the number of its content words.
pub(super) fn act_of(text: &str, folded: &str, language: Language, content: usize) -> Act {
    let cues = cues::of(language);
    let question = is_question(text, folded, language, cues);
    if !question && content <= 2 && Cues::starts(cues.no, folded) && !folded.starts_with(" no prob") {
        return Act::No;
    }
    // "Great, I'll bring a box" is more than its "great"; お願いします promises nothing.
    let promises = content >= 1
        && Cues::any(cues.commitment, folded)
        && !(language == Language::Ja && (folded.contains("お願い") || folded.contains("失礼")));
    let asks_for_more = promises || Cues::any(cues.request, folded) || Cues::any(cues.problem, folded);
    if !question && content <= 2 && !asks_for_more && Cues::any(cues.filler, folded) {
        if Cues::starts(cues.yes, folded) && !Cues::any(cues.thanks, folded) {
            return Act::Yes;
        }
        return Act::Filler;
    }
    if question && content <= 2 && Cues::any(cues.smalltalk_question, folded) {
        return Act::Filler;
    }
    if !question
        && !promises
        && content <= 2
        && (Cues::starts(cues.yes, folded)
            || (content <= 1 && language != Language::Th && Cues::any(cues.yes, folded)))
    {
        return Act::Yes;
    }
    if content == 0 && !question {
        return Act::Filler;
    }
    if Cues::any(cues.proposal, folded) {
        return Act::Proposal;
    }
    if Cues::any(cues.request, folded) || (language == Language::En && super::english::is_imperative(text)) {
        return Act::Request;
    }
    if question {
        return Act::Question;
    }
    if Cues::any(cues.decision, folded) && !Cues::any(cues.undecided, folded) {
        return Act::Decision;
    }
    if promises {
        return Act::Commitment;
    }
    if Cues::any(cues.problem, folded) {
        return Act::Problem;
    }
    Act::Statement
}

fn is_question(text: &str, folded: &str, language: Language, cues: &Cues) -> bool {
    let end = text.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '?' && c != '？');
    if end.ends_with(['?', '？']) {
        return true;
    }
    let tail = end.trim_end_matches(['。', '!', '！', '…', '.', '~', '～', ' ']);
    match language {
        Language::En => Cues::starts(cues.question, folded) && !text.contains('!'),
        Language::Ja => cues.question.iter().any(|q| tail.ends_with(q)),
        Language::Th => {
            let mut bare = tail;
            while let Some(rest) =
                ["ครับ", "ค่ะ", "คะ", "นะ", "จ๊ะ", "อะ", "อ่ะ"].iter().find_map(|p| bare.strip_suffix(p))
            {
                bare = rest.trim_end();
            }
            // คะ asks, นะคะ softens.
            let asks = tail.ends_with("คะ") && !tail.ends_with("นะคะ") && !tail.ends_with("เลยคะ");
            asks || cues.question.iter().any(|q| bare.ends_with(q) || tail.contains(&format!("{q} ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::builtin::segment::Segmenter;
    use crate::builtin::words::content_words;

    fn act(text: &str, language: Language) -> Act {
        let content = content_words(&Segmenter::new(), text, language).len();
        act_of(text, &folded(text, language), language, content)
    }

    #[test]
    fn english_acts() {
        for (text, expected) in [
            ("Hey!", Act::Filler),
            ("thanks a lot :)", Act::Filler),
            ("Sure!", Act::Yes),
            ("Nope, sorry", Act::No),
            ("Do you have Betty's number?", Act::Question),
            ("Could you send me the invoice?", Act::Request),
            ("Please call the supplier", Act::Request),
            ("Ask Larry", Act::Request),
            ("Let's meet at six", Act::Proposal),
            ("How about Friday?", Act::Proposal),
            ("I'll bring the cake", Act::Commitment),
            ("The date is confirmed by the mall", Act::Decision),
            ("The date is not confirmed by the mall", Act::Statement),
            ("The delivery is broken again", Act::Problem),
            ("He called her at the park", Act::Statement),
        ] {
            assert_eq!(act(text, Language::En), expected, "{text}");
        }
    }

    #[test]
    fn japanese_acts() {
        for (text, expected) in [
            ("お疲れ様です", Act::Filler),
            ("ありがとうございます！", Act::Filler),
            ("承知しました", Act::Yes),
            ("在庫はありますか？", Act::Question),
            ("会議室を予約してもらえますか", Act::Request),
            ("請求書を送ってください。", Act::Request),
            ("遅れないようにお願いします。", Act::Request),
            ("金曜日に飲みに行きませんか", Act::Proposal),
            ("では土曜日に決定ですね", Act::Decision),
            ("会場は駅前に決めたよ", Act::Decision),
            ("ポップアップ店のオープン日を決めたいです", Act::Statement),
            ("会場が決まり次第、地図を載せた案内です", Act::Statement),
            ("明日までに見積書を送ります", Act::Commitment),
            ("商品が壊れていました", Act::Problem),
            ("今日は雨が降っている", Act::Statement),
        ] {
            assert_eq!(act(text, Language::Ja), expected, "{text}");
        }
    }

    #[test]
    fn thai_acts() {
        for (text, expected) in [
            ("สวัสดีค่ะ", Act::Filler),
            ("ขอบคุณมากครับ", Act::Filler),
            ("ได้ครับ", Act::Yes),
            ("สินค้ามีของไหมคะ", Act::Question),
            ("ช่วยส่งใบเสร็จให้หน่อยค่ะ", Act::Request),
            ("ไปกินข้าวกันเถอะ", Act::Proposal),
            ("เดี๋ยวผมจะส่งเอกสารให้พรุ่งนี้", Act::Commitment),
            ("ตัดสินใจเปิดร้านวันศุกร์แล้ว", Act::Decision),
            ("รอยืนยันวันเปิดร้านจากห้าง", Act::Statement),
            ("สินค้าชำรุดค่ะ", Act::Problem),
            ("วันนี้ฝนตกหนักที่กรุงเทพ", Act::Statement),
        ] {
            assert_eq!(act(text, Language::Th), expected, "{text}");
        }
    }
}
