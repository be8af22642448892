//! Action items: requests and promises, with whoever promised and the day that was said.

use matome_domain::dialogue::Turn;
use matome_domain::language::Language;
use matome_domain::summary::{ActionItem, Level};

use super::act::Act;
use super::compose::{quote, tell};
use super::dates;
use super::exchange::{Item, Polarity};
use super::talk::{Piece, Talk};
use super::{frames, tone};

/// Items that are kept; more would hide the important ones.
const ACTIONS: usize = 12;

/// The action items of a talk in order of appearance.
pub(super) fn action_items(talk: &Talk<'_>, items: &[Item], language: Language) -> Vec<ActionItem> {
    let mut found: Vec<(f64, usize, ActionItem)> = Vec::new();
    for item in items {
        let piece = &talk.pieces[item.piece];
        let reply = item.reply.as_ref();
        let refused = reply.is_some_and(|r| r.polarity == Some(Polarity::No));
        let (act, assignee) = match piece.act {
            Act::Commitment if is_promise(piece) => (Act::Commitment, Some(piece.person)),
            // A request is its addressee's once that one agrees, or is called by name.
            Act::Request if !refused => {
                let agreed = reply
                    .filter(|r| r.polarity == Some(Polarity::Yes) && !r.deferred)
                    .map(|r| talk.pieces[r.first].person);
                (Act::Request, talk.named(piece).or(agreed))
            }
            _ => continue,
        };
        if piece.words.is_empty() {
            continue;
        }
        let answer = reply.and_then(|r| r.content).map(|c| &talk.pieces[c]);
        let deadline = deadline(talk, piece)
            .or_else(|| answer.filter(|a| a.act == Act::Commitment).and_then(|a| deadline(talk, a)));
        let Some(text) = wording(talk, piece, language) else { continue };
        let mut sources = vec![talk.id(piece.turn)];
        if act == Act::Request
            && let Some(reply) = reply
        {
            let turn = reply.content.map_or(talk.pieces[reply.first].turn, |c| talk.pieces[c].turn);
            sources.push(talk.id(turn));
        }
        sources.dedup();
        let priority = if tone::is_urgent(piece) {
            Level::High
        } else if deadline.is_some() {
            Level::Medium
        } else {
            Level::Low
        };
        found.push((
            item.score,
            item.piece,
            ActionItem {
                item: text,
                assigned_to: assignee.map(|p| talk.people[p].name.clone()),
                priority,
                deadline: deadline.map(|d| d.to_string()),
                sources,
            },
        ));
    }
    // A request and the promise that answers it are one thing to do.
    let answered: Vec<usize> = items
        .iter()
        .filter(|i| talk.pieces[i.piece].act == Act::Request)
        .filter_map(|i| i.reply.as_ref().and_then(|r| r.content))
        .collect();
    found.retain(|(_, piece, _)| !answered.contains(piece));
    found.sort_by(|a, b| b.0.partial_cmp(&a.0).unwrap_or(std::cmp::Ordering::Equal).then(a.1.cmp(&b.1)));
    found.truncate(ACTIONS);
    found.sort_by_key(|(_, piece, _)| *piece);
    found.into_iter().map(|(_, _, action)| action).collect()
}

/// "I'll be late" and "I'll be there at six" promise a presence, not a piece of work.
fn is_promise(piece: &Piece) -> bool {
    match piece.language {
        Language::En => {
            !piece.folded.contains(" i'll be ")
                && !piece.folded.contains(" i will be ")
                && !piece.folded.contains(" i'll see ")
                && !piece.folded.contains(" i'll never ")
        }
        Language::Ja => {
            !piece.folded.contains("楽しみに")
                && !piece.folded.contains("失礼")
                && !piece.folded.contains("お待ち")
        }
        // จะ alone is only a future.
        Language::Th => [
            "เดี๋ยว",
            "จะส่ง",
            "จะทำ",
            "จะโทร",
            "จะจอง",
            "จะซื้อ",
            "จะเอา",
            "จะแจ้ง",
            "จะติดต่อ",
            "จะดำเนินการ",
            "จะรีบ",
            "จะตรวจสอบ",
            "จะเช็ค",
            "ให้นะ",
            "จัดการให้",
            "ทางร้านจะ",
            "ให้ครับ",
            "ให้ค่ะ",
        ]
        .iter()
        .any(|cue| piece.folded.contains(cue)),
    }
}

fn wording(talk: &Talk<'_>, piece: &Piece, language: Language) -> Option<String> {
    if language == Language::En && piece.language == Language::En {
        return tell(talk, piece, language).map(|t| frames::sentence(language, &t));
    }
    let quote = quote(piece);
    (!quote.is_empty()).then_some(quote)
}

/// The day that a piece names, counted from when it was said.
fn deadline(talk: &Talk<'_>, piece: &Piece) -> Option<jiff::civil::Date> {
    let turn: &Turn = &talk.dialogue.turns[piece.turn];
    let today = turn.at.and_then(|at| dates::day_of(at, talk.dialogue.utc_offset_minutes));
    dates::said(&piece.text, piece.language, today)
}
