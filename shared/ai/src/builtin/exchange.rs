//! Puts what belongs together together: a question with its answer, a request with the "sure"
//! that it got. A bare "yes" says nothing; with its question it says a lot.

use super::act::Act;
use super::cues::{self, Cues};
use super::talk::{Piece, Talk};

/// Whether an answer agrees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Polarity {
    Yes,
    No,
}

/// Something to tell: a piece, with the answer to it.
#[derive(Debug, Clone)]
pub(super) struct Item {
    /// Index of the piece.
    pub(super) piece: usize,
    /// The answer, for one that calls for it.
    pub(super) reply: Option<Reply>,
    /// How much it matters; set by [`super::rank`].
    pub(super) score: f64,
}

/// An answer.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    /// Index of its first piece.
    pub(super) first: usize,
    /// Agrees or refuses, where it says so.
    pub(super) polarity: Option<Polarity>,
    /// The piece with something to tell.
    pub(super) content: Option<usize>,
    /// Only promises an answer.
    pub(super) deferred: bool,
}

/// Turns in which an answer is looked for.
pub(super) const REACH: usize = 8;

/// All items in order of appearance.
pub(super) fn items(talk: &Talk<'_>) -> Vec<Item> {
    let mut items = Vec::new();
    for (at, piece) in talk.pieces.iter().enumerate() {
        if piece.act.is_bare() {
            continue;
        }
        let reply = if piece.act.opens() { reply_to(talk, at) } else { None };
        items.push(Item { piece: at, reply, score: 0.0 });
    }
    items
}

/// The answer that the piece at `at` got from someone else.
pub(super) fn reply_to(talk: &Talk<'_>, at: usize) -> Option<Reply> {
    let opener = &talk.pieces[at];
    let mut next = at + 1;
    while let Some(piece) = talk.pieces.get(next) {
        if piece.turn > opener.turn + REACH {
            return None;
        }
        if piece.person != opener.person {
            break;
        }
        // Asked on: the answer belongs to the later question.
        if piece.act.opens() && piece.turn > opener.turn + 1 {
            return None;
        }
        next += 1;
    }
    let first = talk.pieces.get(next)?;
    let run: Vec<usize> = (next..talk.pieces.len())
        .take_while(|i| {
            let p = &talk.pieces[*i];
            p.turn <= first.turn + REACH
                && (p.person == first.person || (p.person == opener.person && p.act == Act::Filler))
        })
        .filter(|i| talk.pieces[*i].person == first.person)
        .take(6)
        .collect();
    let told = |i: &&usize| {
        let p = &talk.pieces[**i];
        // "Ask Larry", 月末までにお願いします: a request can be the answer to a question.
        let asks_back = p.act.opens()
            && (opener.act != Act::Question || p.act == Act::Question || p.text.contains(['?', '？']));
        !p.act.is_bare() && !asks_back && p.media.is_none()
    };
    let shares = |i: &usize| talk.pieces[*i].words.iter().any(|w| opener.words.contains(w));
    let content = run.iter().filter(told).max_by_key(|i| (shares(i), std::cmp::Reverse(**i))).copied();
    let polarity = polarity(first);
    let counter = first.act.opens() && content.is_none() && polarity.is_none();
    if counter && opener.act == Act::Question {
        return None;
    }
    let deferred = run.iter().all(|i| {
        let p = &talk.pieces[*i];
        Cues::any(cues::of(p.language).deferral, &p.folded) || p.act == Act::Filler || p.act == Act::Yes
    }) && run
        .iter()
        .any(|i| Cues::any(cues::of(talk.pieces[*i].language).deferral, &talk.pieces[*i].folded));
    (polarity.is_some() || content.is_some()).then_some(Reply { first: next, polarity, content, deferred })
}

/// Whether a piece starts by agreeing or refusing.
fn polarity(piece: &Piece) -> Option<Polarity> {
    let cues = cues::of(piece.language);
    match piece.act {
        Act::Yes => return Some(Polarity::Yes),
        Act::No => return Some(Polarity::No),
        _ => {}
    }
    if Cues::starts(cues.no, &piece.folded) {
        Some(Polarity::No)
    } else if Cues::starts(cues.yes, &piece.folded) {
        Some(Polarity::Yes)
    } else {
        None
    }
}

/// Questions that nobody answered, as indexes of their pieces.
pub(super) fn open_questions(talk: &Talk<'_>) -> Vec<usize> {
    let mut open: Vec<usize> = Vec::new();
    for (at, piece) in talk.pieces.iter().enumerate() {
        if piece.act != Act::Question || piece.words.is_empty() {
            continue;
        }
        let answered = match reply_to(talk, at) {
            Some(reply) if reply.deferred => later_word(talk, reply.first, piece.person),
            Some(_) => true,
            None => engaged(talk, at),
        };
        if !answered && !open.iter().any(|o| talk.pieces[*o].words == piece.words) {
            open.push(at);
        }
    }
    open
}

/// Whether someone else says anything of substance soon after.
fn engaged(talk: &Talk<'_>, at: usize) -> bool {
    let piece = &talk.pieces[at];
    talk.pieces[at + 1..]
        .iter()
        .take_while(|p| p.turn <= piece.turn + REACH)
        .any(|p| p.person != piece.person && !p.act.opens() && p.act != Act::Filler)
        || talk.dialogue.turns[piece.turn + 1..].iter().take(2).zip(&talk.speakers[piece.turn + 1..]).any(
            |(turn, speaker)| {
                *speaker != piece.person
                    && turn.content.text().is_none()
                    && !matches!(turn.content, matome_domain::dialogue::TurnContent::Sticker { .. })
            },
        )
}

/// Whether whoever promised to find out came back with something.
fn later_word(talk: &Talk<'_>, promise: usize, asker: usize) -> bool {
    let promised = &talk.pieces[promise];
    talk.pieces[promise + 1..].iter().take_while(|p| p.turn <= promised.turn + 2 * REACH).any(|p| {
        p.person != asker
            && p.turn > promised.turn
            && matches!(p.act, Act::Statement | Act::Problem | Act::Decision | Act::No)
            && !Cues::any(cues::of(p.language).deferral, &p.folded)
    })
}
