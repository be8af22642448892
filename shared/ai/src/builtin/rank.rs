//! Ranks what could be told: central to the talk, said by those who carry it, decided, promised,
//! asked and answered. Linear in the length of the talk but for a capped redundancy check.

use std::cmp::Ordering;

use matome_domain::language::Language;

use super::act::Act;
use super::cues::{self, Cues};
use super::exchange::{Item, Polarity};
use super::talk::{Piece, Talk};

/// Items among which redundancy is looked for.
const CANDIDATES: usize = 240;

/// Scores every item of `items`.
pub(super) fn score(talk: &Talk<'_>, items: &mut [Item]) {
    let most = f64::from(talk.frequency.iter().copied().max().unwrap_or(1).max(1));
    let loudest = f64::from(talk.people.iter().map(|p| p.turns).max().unwrap_or(1).max(1));
    let turns = talk.dialogue.turns.len().max(1) as f64;
    let pieces: Vec<f64> = talk.pieces.iter().map(|p| piece_score(talk, p, most, loudest, turns)).collect();
    let opening = items.iter().map(|i| i.piece).find(|p| !greets(&talk.pieces[*p]));
    for item in items.iter_mut() {
        let own = pieces[item.piece];
        item.score = match &item.reply {
            None => own,
            Some(reply) => {
                let answer = reply.content.map_or(0.0, |c| pieces[c]);
                let settled = if reply.polarity == Some(Polarity::Yes) { 0.4 } else { -0.15 };
                own.max(answer) + 0.2 * own.min(answer) + settled
            }
        };
        if opening == Some(item.piece) {
            item.score += 0.8;
        }
    }
}

/// Whether a sentence opens with a greeting: "Good afternoon, Dr. Anderson's office".
fn greets(piece: &Piece) -> bool {
    let greetings: &[&str] = match piece.language {
        Language::En => &[
            " hello ",
            " hi ",
            " hey ",
            " good morning ",
            " good afternoon ",
            " good evening ",
            " welcome ",
            " happy birthday ",
        ],
        Language::Ja => &["こんにちは", "おはよう", "こんばんは", "お世話になっ", "お疲れ", "はじめまして"],
        Language::Th => &["สวัสดี", "หวัดดี"],
    };
    // A greeting in front of something to say is only an opening.
    Cues::starts(greetings, &piece.folded) && (piece.words.len() <= 3 && piece.act == Act::Statement)
}

fn piece_score(talk: &Talk<'_>, piece: &Piece, most: f64, loudest: f64, turns: f64) -> f64 {
    let words = piece.words.len() as f64;
    if piece.words.is_empty() {
        return 0.0;
    }
    // Centrality: how much of the talk's vocabulary a sentence carries, damped by its length.
    let carried: f64 = piece.words.iter().map(|w| (1.0 + f64::from(talk.frequency[*w as usize])).ln()).sum();
    let central = carried / (1.0 + most).ln() / words.sqrt().max(1.0);
    // Long enough to say something, short enough to say one thing.
    let length = match words {
        w if w < 2.0 => 0.0,
        w if w <= 12.0 => (w - 1.0) / 11.0,
        w => (12.0 / w).max(0.4),
    };
    let act = match piece.act {
        Act::Decision => 0.9,
        Act::Commitment => 0.8,
        Act::Request => 0.35,
        Act::Proposal => 0.6,
        Act::Problem => 0.4,
        Act::Statement => 0.2,
        Act::Question => -0.25,
        Act::Filler | Act::Yes | Act::No => -1.0,
    };
    let concrete = if piece.text.chars().any(|c| c.is_ascii_digit()) { 0.12 } else { 0.0 };
    let thanks =
        if Cues::any(cues::of(piece.language).thanks, &piece.folded) || greets(piece) { 0.35 } else { 0.0 };
    let salience = 0.1 * f64::from(talk.people[piece.person].turns) / loudest;
    let at = piece.turn as f64 / turns;
    let position = if at < 0.25 {
        0.25 * (1.0 - at * 4.0)
    } else if at > 0.75 {
        0.1
    } else {
        0.0
    };
    // "Books", "good decision": too thin to stand alone.
    let thin = if words < 2.0 && !matches!(piece.act, Act::Problem | Act::Commitment) && piece.media.is_none()
    {
        0.6
    } else {
        0.0
    };
    let shared = if piece.media.is_some() { -0.2 } else { 0.0 };
    0.4 * central + 0.6 * length + act + concrete + salience + position + shared - thanks - thin
}

/// The best `count` items that say different things, best first. An item's answer is not told
/// again on its own.
pub(super) fn choose<'i>(talk: &Talk<'_>, items: &'i [Item], count: usize) -> Vec<&'i Item> {
    let mut order: Vec<&Item> = items.iter().filter(|i| i.score > 0.0).collect();
    if order.is_empty() {
        order = items.iter().collect();
    }
    let better = |a: &&Item, b: &&Item| {
        b.score.partial_cmp(&a.score).unwrap_or(Ordering::Equal).then(a.piece.cmp(&b.piece))
    };
    if order.len() > CANDIDATES {
        order.select_nth_unstable_by(CANDIDATES, better);
        order.truncate(CANDIDATES);
    }
    order.sort_by(better);
    let mut chosen: Vec<&Item> = Vec::new();
    while chosen.len() < count {
        let best = order
            .iter()
            .filter(|i| !chosen.iter().any(|c| touches(c, i)))
            .map(|i| (*i, i.score - 1.15 * redundancy(talk, &chosen, i)))
            .max_by(|a, b| a.1.partial_cmp(&b.1).unwrap_or(Ordering::Equal).then(b.0.piece.cmp(&a.0.piece)));
        match best {
            Some((item, value)) if value > 0.0 || chosen.is_empty() => chosen.push(item),
            _ => break,
        }
    }
    chosen
}

fn touches(a: &Item, b: &Item) -> bool {
    let parts = |i: &Item| [Some(i.piece), i.reply.as_ref().and_then(|r| r.content)];
    parts(a).into_iter().flatten().any(|x| parts(b).into_iter().flatten().any(|y| x == y))
}

/// 0 to 1: the largest share of its words that an item has in common with one chosen before.
fn redundancy(talk: &Talk<'_>, chosen: &[&Item], item: &Item) -> f64 {
    let words = &talk.pieces[item.piece].words;
    if words.is_empty() {
        return 1.0;
    }
    chosen
        .iter()
        .map(|c| {
            let other = &talk.pieces[c.piece].words;
            let common = words.iter().filter(|w| other.contains(w)).count() as f64;
            common / (words.len() + other.len()) as f64 * 2.0
        })
        .fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use matome_domain::dialogue::{Dialogue, Speaker, Turn, TurnContent};

    use super::*;

    #[test]
    fn what_was_said_before_is_not_chosen_again() {
        let turn = |(at, text): (usize, &&str)| Turn {
            id: at.to_string(),
            speaker: Speaker { id: at.to_string(), name: format!("Person {at}") },
            at: None,
            content: TurnContent::Text { text: (*text).to_owned() },
        };
        let lines = [
            "The truck brings the crates to the harbour warehouse.",
            "To the harbour warehouse the truck brings the crates.",
            "Our printer needs new paper.",
        ];
        let dialogue =
            Dialogue { turns: lines.iter().enumerate().map(turn).collect(), utc_offset_minutes: 0 };
        let talk = Talk::read(&dialogue);
        // The repetition is nearly as good as what it repeats, and better than anything else.
        let scores = [1.0, 0.95, 0.4];
        let items: Vec<Item> =
            (0..).zip(scores).map(|(piece, score)| Item { piece, reply: None, score }).collect();
        let chosen = |count| choose(&talk, &items, count).iter().map(|i| i.piece).collect::<Vec<_>>();
        assert_eq!(chosen(2), [0, 2]);
        assert_eq!(chosen(3), [0, 2], "a repetition is left out even where there is room");
    }
}
