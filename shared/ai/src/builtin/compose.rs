//! Turns chosen items into sentences.

use matome_domain::language::Language;
use matome_domain::summary::Statement;

use super::act::Act;
use super::english::{self, Cast};
use super::exchange::{Item, Polarity};
use super::frames;
use super::talk::{Piece, Talk, is_thai_mark};

/// Characters of one quote; longer ones are cut between words.
const QUOTE_CHARS: usize = 160;

/// One item as a statement with the turns it rests on.
pub(super) fn statement(talk: &Talk<'_>, item: &Item, language: Language) -> Option<Statement> {
    let piece = &talk.pieces[item.piece];
    let told = tell(talk, piece, language)?;
    let mut sources = vec![piece.turn];
    let mut text = told;
    if let Some(reply) = &item.reply {
        let first = &talk.pieces[reply.first];
        let who = talk.speaker(first);
        match (reply.content.map(|c| &talk.pieces[c]), reply.polarity) {
            (Some(answer), polarity) => {
                if let Some(answer_told) = tell_answer(talk, answer, language) {
                    sources.push(answer.turn);
                    text = join_answer(language, &text, &answer_told, polarity);
                }
            }
            (None, Some(polarity)) => {
                sources.push(first.turn);
                let reaction = frames::reacting(language, who, piece.act, polarity);
                text = frames::joined(language, &text, &reaction);
            }
            (None, None) => {}
        }
    }
    sources.dedup();
    Some(Statement {
        text: frames::sentence(language, &text),
        sources: sources.into_iter().map(|t| talk.id(t)).collect(),
    })
}

/// A piece as a clause about its speaker.
pub(super) fn tell(talk: &Talk<'_>, piece: &Piece, language: Language) -> Option<String> {
    let name = talk.speaker(piece);
    if let Some(media) = piece.media {
        return Some(frames::sharing(language, name, media, &shortened(&piece.text)));
    }
    if language == Language::En && piece.language == Language::En {
        let cast = Cast { speaker: name, addressee: talk.addressee(piece), names: talk.callable() };
        return english::retell(&shortened(&piece.text), cast);
    }
    let quote = quote(piece);
    (!quote.is_empty()).then(|| frames::telling(language, name, piece.act, &quote, piece.language))
}

fn tell_answer(talk: &Talk<'_>, piece: &Piece, language: Language) -> Option<String> {
    if language == Language::En && piece.language == Language::En {
        return tell(talk, piece, language);
    }
    let quote = quote(piece);
    (!quote.is_empty()).then(|| frames::answering(language, talk.speaker(piece), &quote, piece.language))
}

fn join_answer(language: Language, question: &str, answer: &str, polarity: Option<Polarity>) -> String {
    if language != Language::En {
        return frames::joined(language, question, answer);
    }
    let words = question.split(' ').count() + answer.split(' ').count();
    if words > 34 || question.ends_with('"') || answer.ends_with('"') {
        return format!("{}. {answer}", question.trim_end_matches('.'));
    }
    format!("{question}, {} {answer}", if polarity == Some(Polarity::No) { "but" } else { "and" })
}

/// What was said, without emoji, openers and sentence-final particles, cut to a readable length.
pub(super) fn quote(piece: &Piece) -> String {
    let text: String = piece
        .text
        .chars()
        .filter(|c| !matches!(c, '\u{2190}'..='\u{2BFF}' | '\u{FE00}'..='\u{FE0F}' | '\u{1F000}'..='\u{1FAFF}' | '\u{200D}'))
        .map(|c| match c {
            '「' => '『',
            '」' => '』',
            '“' | '”' => '"',
            c => c,
        })
        .collect();
    let mut text = text.trim();
    let question =
        matches!(piece.act, Act::Question | Act::Proposal | Act::Request) && text.ends_with(['?', '？']);
    match piece.language {
        Language::Ja => {
            text = text
                .trim_end_matches(['。', '！', '!', '～', '〜', '♪', 'w', 'ｗ', ' ', '　', '…', '.', '笑']);
            for opener in [
                "はい、",
                "はい。",
                "ええ、",
                "うん、",
                "あ、",
                "あっ、",
                "えっと、",
                "すみません、",
                "すみませんが、",
                "了解です。",
                "では、",
                "じゃあ、",
                "じゃあ",
                "あと、",
                "なるほど、",
                "いえ、",
                "いいね、",
                "そうですね、",
            ] {
                text = text.strip_prefix(opener).unwrap_or(text);
            }
        }
        Language::Th => return shortened(&thai_reported(text)),
        Language::En => text = text.trim_end_matches(['.', ' ']),
    }
    let text = text.trim_matches(|c: char| c == '、' || c == ',' || c.is_whitespace());
    let text = shortened(text);
    if question && piece.language == Language::Ja && !text.ends_with(['?', '？']) {
        format!("{text}？")
    } else {
        text
    }
}

/// Thai as it is reported: polite particles and openers are spoken, not told.
fn thai_reported(text: &str) -> String {
    const OPENERS: [&str; 12] = [
        "สวัสดี",
        "หวัดดี",
        "ขอโทษ",
        "ขออภัย",
        "ได้ค่ะ",
        "ได้ครับ",
        "ได้จ้า",
        "ได้เลย",
        "โอเค",
        "ไม่เป็นไร",
        "ขอบคุณ",
        "รับทราบ",
    ];
    let clauses: Vec<&str> = text.split(' ').filter(|c| !c.is_empty()).collect();
    let mut told: Vec<String> = Vec::new();
    for (at, clause) in clauses.iter().enumerate() {
        let opener = OPENERS.iter().any(|o| clause.starts_with(o));
        if opener && told.is_empty() && at + 1 < clauses.len() {
            continue;
        }
        let clause = without_particles(clause);
        if !clause.is_empty() {
            told.push(clause.to_owned());
        }
    }
    told.join(" ")
}

/// Without the particles at the end of a clause.
fn without_particles(clause: &str) -> &str {
    let mut text = clause;
    loop {
        let before = text;
        text = text.trim_end_matches(['.', '!', '~']);
        for particle in ["ครับผม", "ครับ", "ค่ะ", "คะ", "จ้า", "จ้ะ", "จ๊ะ", "นะ", "น้า", "555"]
        {
            // A particle is a word of its own, not the end of another (ชนะ, ขณะ).
            if let Some(rest) = text.strip_suffix(particle)
                && !rest.ends_with(['เ', 'แ', 'โ', 'ใ', 'ไ', '5'])
                && (particle != "นะ" || !rest.ends_with(['ช', 'ค', 'ข', 'ห']))
                && (particle != "น้า" || !rest.ends_with('ห'))
            {
                text = rest;
            }
        }
        if text == before {
            return text;
        }
    }
}

/// At most [`QUOTE_CHARS`], cut between words and marked.
fn shortened(text: &str) -> String {
    let Some((limit, _)) = text.char_indices().nth(QUOTE_CHARS) else {
        return text.to_owned();
    };
    let cut = &text[..limit];
    let end = cut.rfind([' ', '、', '。', ',', '，']).filter(|at| *at > limit / 2).unwrap_or_else(|| {
        // Never between a Thai consonant and its marks.
        if text[limit..].starts_with(is_thai_mark) {
            cut.rfind(|c: char| !is_thai_mark(c)).unwrap_or(limit)
        } else {
            limit
        }
    });
    format!("{}…", cut[..end].trim_end_matches([' ', '、', ',']))
}

/// "Amanda baked cookies. Amanda will bring …" in one breath: "Amanda baked cookies and will bring …".
pub(super) fn fluent(language: Language, statements: &[Statement], names: &[String]) -> String {
    let mut sentences: Vec<String> = Vec::new();
    for statement in statements {
        if language == Language::En
            && let Some(last) = sentences.last_mut()
            && let Some(merged) = merged(last, &statement.text, names)
        {
            *last = merged;
            continue;
        }
        sentences.push(statement.text.clone());
    }
    sentences.join(frames::gap(language))
}

fn merged(first: &str, second: &str, names: &[String]) -> Option<String> {
    let name = names
        .iter()
        .filter(|n| second.strip_prefix(n.as_str()).is_some_and(|rest| rest.starts_with(' ')))
        .max_by_key(|n| n.len())?;
    let begins = first.strip_prefix(name.as_str())?.starts_with(' ');
    // Another subject in between would take the second verb as its own.
    let simple = !first.contains([',', '"'])
        && !second.contains('"')
        && !first.contains(" says ")
        && !first.contains(" asks ")
        && !first.contains(" if ");
    let words = first.split(' ').count() + second.split(' ').count();
    (begins && simple && words <= 26)
        .then(|| format!("{} and{}", first.trim_end_matches('.'), &second[name.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thai_particles_go_and_words_that_end_alike_stay() {
        for (said, told) in [
            ("สวัสดีค่ะ อยากสอบถามคอร์สนวดหน้าค่ะ", "อยากสอบถามคอร์สนวดหน้า"),
            ("ได้ครับ ช่างจะเข้าไปบ่ายสองโมงครับ", "ช่างจะเข้าไปบ่ายสองโมง"),
            ("ทีมเราชนะ", "ทีมเราชนะ"),
            ("ค่ะ", ""),
        ] {
            assert_eq!(thai_reported(said), told);
        }
    }

    #[test]
    fn long_quotes_are_cut_between_words() {
        let cut = shortened(&"word ".repeat(100));
        assert!(cut.ends_with("word…") && cut.chars().count() <= QUOTE_CHARS + 1, "{cut}");
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn one_speakers_sentences_are_told_in_one_breath() {
        let names = ["Amanda".to_owned(), "Jerry".to_owned()];
        let statement = |text: &str| Statement { text: text.to_owned(), sources: vec!["m1".to_owned()] };
        let told = |a: &str, b: &str| fluent(Language::En, &[statement(a), statement(b)], &names);
        assert_eq!(
            told("Amanda baked cookies.", "Amanda will bring some."),
            "Amanda baked cookies and will bring some."
        );
        assert_eq!(told("Amanda baked cookies.", "Jerry is glad."), "Amanda baked cookies. Jerry is glad.");
        assert_eq!(told("Amanda says it rains.", "Amanda is sad."), "Amanda says it rains. Amanda is sad.");
    }
}
