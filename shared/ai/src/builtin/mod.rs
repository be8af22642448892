//! The built-in summarizer, `extractive-1`: the default without a provider and the fallback when
//! one fails. Pure and deterministic; nothing it says has not been said, apart from the frame.

mod act;
mod actions;
mod compose;
mod cues;
pub(crate) mod dates;
mod english;
mod exchange;
mod frames;
mod rank;
mod said;
mod segment;
mod talk;
mod tone;
mod topics;
mod words;

use matome_domain::dialogue::Dialogue;
use matome_domain::language::Language;
use matome_domain::summary::{ParticipantPoints, Statement, SummaryDraft, SummaryRequest, SummaryStyle};

pub(crate) use self::said::keep_what_was_said;

use self::act::Act;
use self::exchange::Item;
use self::talk::{Media, Talk};

/// The provider's name in a summary's provenance.
pub const PROVIDER: &str = "builtin";

/// The model's name in a summary's provenance.
pub const MODEL: &str = "extractive-1";

/// Writes a summary of `dialogue` from its own words.
///
/// Works for every dialogue, empty ones included, in time near-linear in its length. The language
/// asked for decides the words around what was said; what was said stays as it is. One that Matome
/// does not write (`fr`) falls back to the language of the talk.
#[must_use]
pub fn summarize_builtin(dialogue: &Dialogue, request: &SummaryRequest) -> SummaryDraft {
    let talk = Talk::read(dialogue);
    let language =
        request.language.as_deref().and_then(Language::from_tag).or(talk.language).unwrap_or_default();
    let mut items = exchange::items(&talk);
    rank::score(&talk, &mut items);

    let brief = brief(&talk, &items, language);
    let topics = topics::topics(&talk);
    let category = topics::category(&talk);
    let (accounts, bullets) = lengths(request.style, items.len());
    let draft = SummaryDraft {
        language: language.tag().to_owned(),
        brief_sources: sources(&brief),
        brief: if brief.is_empty() {
            frames::wordless(language, &talk.names, &talk.media, dialogue.turns.len())
        } else {
            compose::fluent(language, &brief, &talk.names)
        },
        detailed: chronological(&talk, &items, accounts, language),
        bullet_points: chronological(&talk, &items, bullets, language),
        action_items: actions::action_items(&talk, &items, language),
        decisions: decisions(&talk, &items, language),
        open_questions: open_questions(&talk, language),
        key_topics: topics.clone(),
        sentiment: tone::sentiment(talk.pieces.iter()),
        emotions: tone::emotions(&talk),
        urgency: tone::urgency(&talk),
        tags: topics::tags(&talk, category.as_deref(), &topics),
        category,
        image_insights: image_insights(&talk),
        participants: participants(&talk, &items, language),
    };
    found_wordless(draft, &talk)
}

/// Whether a draft that someone else wrote in the language of the talk is about this talk: some of
/// its content words, or the name of someone in it, occur there.
pub(crate) fn shares_words(draft: &SummaryDraft, dialogue: &Dialogue) -> bool {
    const FEW: usize = 3;
    let talk = Talk::read(dialogue);
    let Some(language) = talk.language.filter(|l| l.tag() == draft.language) else { return true };
    if draft.brief.len() > 20_000
        || talk.names.iter().any(|n| n.chars().count() > 1 && draft.brief.contains(n.as_str()))
    {
        return draft.brief.len() <= 20_000;
    }
    let words = words::content_words(&talk.segmenter, &draft.brief, language);
    words.len() < FEW || words.iter().any(|w| talk.knows(w))
}

/// "Amanda sent 3 stickers" rests on the messages it counts; a few of them are enough.
fn found_wordless(mut draft: SummaryDraft, talk: &Talk<'_>) -> SummaryDraft {
    const CITED: usize = 20;
    if draft.brief_sources.is_empty() {
        draft.brief_sources = talk.dialogue.turns.iter().take(CITED).map(|t| t.id.clone()).collect();
    }
    if draft.detailed.is_empty() && !draft.brief_sources.is_empty() {
        draft.detailed.push(Statement { text: draft.brief.clone(), sources: draft.brief_sources.clone() });
    }
    if draft.bullet_points.is_empty() {
        draft.bullet_points.clone_from(&draft.detailed);
    }
    draft
}

/// Statements of the account and of the bullet points, by style and by what there is to tell.
fn lengths(style: SummaryStyle, items: usize) -> (usize, usize) {
    // Grows slowly: 4 for a short chat, 12 for a long one.
    let grown = 2 + (items as f64).sqrt().round() as usize;
    match style {
        SummaryStyle::Brief => (grown.clamp(1, 4), 3),
        SummaryStyle::Detailed => (grown.clamp(1, 12), grown.clamp(3, 5)),
        SummaryStyle::BulletPoints => (grown.clamp(1, 6), grown.clamp(3, 7)),
    }
}

fn chronological(talk: &Talk<'_>, items: &[Item], count: usize, language: Language) -> Vec<Statement> {
    let mut chosen = rank::choose(talk, items, count);
    chosen.sort_by_key(|i| i.piece);
    chosen.into_iter().filter_map(|i| compose::statement(talk, i, language)).collect()
}

/// The one or two best statements that fit a brief.
fn brief(talk: &Talk<'_>, items: &[Item], language: Language) -> Vec<Statement> {
    /// Words (signs, for scripts without spaces) of a brief.
    const ROOM: [usize; 3] = [40, 120, 160];
    let mut taken: Vec<(usize, Statement)> = Vec::new();
    let mut used = 0;
    for item in rank::choose(talk, items, 4) {
        let Some(statement) = compose::statement(talk, item, language) else { continue };
        let length = if language == Language::En {
            statement.text.split(' ').count()
        } else {
            statement.text.chars().count()
        };
        if !taken.is_empty() && used + length > ROOM[language as usize] {
            continue;
        }
        used += length;
        taken.push((item.piece, statement));
        if taken.len() == 2 {
            break;
        }
    }
    taken.sort_by_key(|(piece, _)| *piece);
    taken.into_iter().map(|(_, s)| s).collect()
}

fn sources(statements: &[Statement]) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in statements.iter().flat_map(|s| &s.sources) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

/// What was settled: said so, or proposed and agreed to.
fn decisions(talk: &Talk<'_>, items: &[Item], language: Language) -> Vec<Statement> {
    const MOST: usize = 8;
    let mut settled: Vec<&Item> = items
        .iter()
        .filter(|i| {
            let piece = &talk.pieces[i.piece];
            let agreed =
                i.reply.as_ref().is_some_and(|r| r.polarity == Some(exchange::Polarity::Yes) && !r.deferred);
            !piece.words.is_empty() && (piece.act == Act::Decision || (piece.act == Act::Proposal && agreed))
        })
        .collect();
    settled.sort_by(|a, b| {
        b.score.partial_cmp(&a.score).unwrap_or(std::cmp::Ordering::Equal).then(a.piece.cmp(&b.piece))
    });
    settled.truncate(MOST);
    settled.sort_by_key(|i| i.piece);
    settled.into_iter().filter_map(|i| compose::statement(talk, i, language)).collect()
}

fn open_questions(talk: &Talk<'_>, language: Language) -> Vec<Statement> {
    const MOST: usize = 8;
    let open = exchange::open_questions(talk);
    // The latest are the ones still waited for.
    open[open.len().saturating_sub(MOST)..]
        .iter()
        .filter_map(|at| compose::statement(talk, &Item { piece: *at, reply: None, score: 0.0 }, language))
        .collect()
}

fn image_insights(talk: &Talk<'_>) -> Vec<Statement> {
    talk.pieces
        .iter()
        .filter(|p| p.media == Some(Media::Picture))
        .map(|p| Statement { text: p.text.clone(), sources: vec![talk.id(p.turn)] })
        .collect()
}

fn participants(talk: &Talk<'_>, items: &[Item], language: Language) -> Vec<ParticipantPoints> {
    const POINTS: usize = 3;
    let mut best: Vec<Vec<&Item>> = vec![Vec::new(); talk.people.len()];
    let mut own: Vec<Vec<&talk::Piece>> = talk.people.iter().map(|_| Vec::new()).collect();
    for piece in &talk.pieces {
        own[piece.person].push(piece);
    }
    let mut order: Vec<&Item> = items.iter().filter(|i| i.score > 0.0).collect();
    order.sort_by(|a, b| {
        b.score.partial_cmp(&a.score).unwrap_or(std::cmp::Ordering::Equal).then(a.piece.cmp(&b.piece))
    });
    for item in order {
        let points = &mut best[talk.pieces[item.piece].person];
        if points.len() < POINTS {
            points.push(item);
        }
    }
    talk.people
        .iter()
        .zip(best)
        .zip(own)
        .map(|((person, mut points), own)| {
            points.sort_by_key(|i| i.piece);
            let mut key_points: Vec<Statement> = Vec::new();
            for point in points {
                let piece = &talk.pieces[point.piece];
                let told = compose::tell(talk, piece, language).map(|t| frames::sentence(language, &t));
                let new = told.filter(|t| key_points.iter().all(|k| k.text != *t));
                key_points.extend(new.map(|text| Statement { text, sources: vec![talk.id(piece.turn)] }));
            }
            ParticipantPoints {
                speaker_id: person.id.clone(),
                message_count: person.turns,
                sentiment: tone::sentiment(own.into_iter()),
                key_points,
            }
        })
        .collect()
}
