//! A dialogue read for summarizing: who is in it, and what each sentence does and is about.

use std::collections::{HashMap, HashSet};

use matome_domain::dialogue::{Dialogue, Turn, TurnContent};
use matome_domain::language::Language;

use super::act::{Act, act_of, folded};
use super::segment::{Segmenter, language_of};
use super::words::content_words;

/// Sentences of one message that are looked at; LINE's own limit is 5,000 characters a message.
const SENTENCES_A_TURN: usize = 120;
/// Bytes of one message that are looked at.
const BYTES_A_TURN: usize = 24_000;

/// Someone in the talk.
pub(super) struct Person {
    /// Index-stable id as in the dialogue.
    pub(super) id: String,
    /// Display name on one line; never empty.
    pub(super) name: String,
    /// Turns by this person.
    pub(super) turns: u32,
}

/// What was sent instead of words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Media {
    Picture,
    Video,
    Voice,
    File,
    Sticker,
    Place,
}

/// One sentence, or one shared thing with a label.
pub(super) struct Piece {
    /// Index into the dialogue's turns.
    pub(super) turn: usize,
    /// Index into [`Talk::people`].
    pub(super) person: usize,
    /// As said.
    pub(super) text: String,
    /// Ready for cue search.
    pub(super) folded: String,
    /// Language of the sentence; the talk's when it has no letters.
    pub(super) language: Language,
    /// What it does.
    pub(super) act: Act,
    /// Content words in order, as ids of the vocabulary, each once.
    pub(super) words: Vec<u32>,
    /// Set for a shared file, place or described picture: `text` is its label.
    pub(super) media: Option<Media>,
}

/// A dialogue read for summarizing.
pub(super) struct Talk<'d> {
    pub(super) dialogue: &'d Dialogue,
    pub(super) people: Vec<Person>,
    pub(super) names: Vec<String>,
    /// Person of each turn.
    pub(super) speakers: Vec<usize>,
    pub(super) pieces: Vec<Piece>,
    /// In how many turns each word stands.
    pub(super) frequency: Vec<u32>,
    /// How often each kind of thing was sent.
    pub(super) media: Vec<(Media, usize)>,
    /// The language most of it is in; `None` without any words.
    pub(super) language: Option<Language>,
    pub(super) segmenter: Segmenter,
    vocabulary: HashMap<String, u32>,
    /// The names in lower case.
    called: HashSet<String>,
}

impl<'d> Talk<'d> {
    pub(super) fn read(dialogue: &'d Dialogue) -> Self {
        let segmenter = Segmenter::new();
        let mut reader = Reader {
            segmenter: &segmenter,
            vocabulary: HashMap::new(),
            frequency: Vec::new(),
            letters: [0; 3],
            media: HashMap::new(),
        };
        let (people, speakers) = people(dialogue);
        let names: Vec<String> = people.iter().map(|p| p.name.clone()).collect();
        let called: HashSet<String> = names.iter().map(|n| n.to_lowercase()).collect();
        let mut pieces = Vec::new();
        for (turn, person) in speakers.iter().enumerate() {
            reader.read(&dialogue.turns[turn], turn, *person, &called, &mut pieces);
        }
        let language = reader.majority();
        let mut media: Vec<(Media, usize)> = reader.media.into_iter().collect();
        media.sort_unstable();
        let (frequency, vocabulary) = (reader.frequency, reader.vocabulary);
        Self {
            dialogue,
            people,
            names,
            speakers,
            pieces,
            frequency,
            media,
            language,
            segmenter,
            vocabulary,
            called,
        }
    }

    /// Whether a word is someone's name.
    pub(super) fn is_called(&self, word: &str) -> bool {
        self.called.contains(&word.to_lowercase())
    }

    /// Names that a line may call someone by. In a crowd nobody is: looking for every name in every
    /// line is not linear when everyone speaks once.
    pub(super) fn callable(&self) -> &[String] {
        const CROWD: usize = 200;
        if self.names.len() <= CROWD { &self.names } else { &[] }
    }

    /// Whether a content word occurs in the talk.
    pub(super) fn knows(&self, word: &str) -> bool {
        self.vocabulary.contains_key(word)
    }

    /// The id of a turn.
    pub(super) fn id(&self, turn: usize) -> String {
        self.dialogue.turns[turn].id.clone()
    }

    /// The name of a piece's speaker.
    pub(super) fn speaker(&self, piece: &Piece) -> &str {
        &self.people[piece.person].name
    }

    /// Whom "you" means in a piece: the other one of two, whoever is named, or the only other
    /// one who speaks around it. `None` when that is not certain.
    pub(super) fn addressee(&self, piece: &Piece) -> Option<&str> {
        if self.people.len() < 2 {
            return None;
        }
        if self.people.len() == 2 {
            return Some(&self.people[1 - piece.person].name);
        }
        if let Some(named) = self.named(piece) {
            return Some(&self.people[named].name);
        }
        let around = piece.turn.saturating_sub(3)..(piece.turn + 4).min(self.speakers.len());
        let mut other = None;
        for person in &self.speakers[around] {
            if *person != piece.person && *other.get_or_insert(*person) != *person {
                return None;
            }
        }
        other.map(|o| self.people[o].name.as_str())
    }

    /// The participant whom a piece addresses by name: "@Tom", "Tom, …", "…, Tom?", トムさん.
    pub(super) fn named(&self, piece: &Piece) -> Option<usize> {
        // Looking for every name in every line is not linear when everyone speaks once.
        const MOST: usize = 200;
        let text = piece.text.trim_end_matches(|c: char| !c.is_alphanumeric() && !is_thai_mark(c));
        self.people.iter().take(MOST).position(|p| {
            let name = p.name.trim_start_matches('@');
            if p.id == self.people[piece.person].id || name.is_empty() {
                return false;
            }
            let mentioned = |sign: &str| piece.text.contains(&format!("{sign}{name}"));
            if mentioned("@") || mentioned("＠") {
                return true;
            }
            match piece.language {
                Language::En => {
                    piece.text.strip_prefix(name).is_some_and(|rest| rest.starts_with([',', ':']))
                        || text.strip_suffix(name).is_some_and(|rest| rest.trim_end().ends_with(','))
                }
                Language::Ja => ["さん、", "さん ", "さん，", "くん、", "ちゃん、", "様、", "、"]
                    .iter()
                    .any(|end| piece.text.strip_prefix(name).is_some_and(|rest| rest.starts_with(end))),
                Language::Th => ["", "คุณ", "พี่", "น้อง"].iter().any(|title| {
                    piece
                        .text
                        .strip_prefix(title)
                        .and_then(|t| t.strip_prefix(name))
                        .is_some_and(|rest| rest.starts_with([' ', ',']) || rest.starts_with("ช่วย"))
                }),
            }
        })
    }
}

pub(super) fn is_thai_mark(c: char) -> bool {
    matches!(c, '\u{0E31}' | '\u{0E34}'..='\u{0E3A}' | '\u{0E47}'..='\u{0E4E}')
}

fn people(dialogue: &Dialogue) -> (Vec<Person>, Vec<usize>) {
    let mut people: Vec<Person> = Vec::new();
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut speakers = Vec::with_capacity(dialogue.turns.len());
    for turn in &dialogue.turns {
        let person = *index.entry(turn.speaker.id.as_str()).or_insert_with(|| {
            let name: String =
                turn.speaker.name.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(60).collect();
            let name = if name.is_empty() { "?".to_owned() } else { name };
            people.push(Person { id: turn.speaker.id.clone(), name, turns: 0 });
            people.len() - 1
        });
        people[person].turns += 1;
        speakers.push(person);
    }
    (people, speakers)
}

struct Reader<'s> {
    segmenter: &'s Segmenter,
    vocabulary: HashMap<String, u32>,
    frequency: Vec<u32>,
    letters: [usize; 3],
    media: HashMap<Media, usize>,
}

impl Reader<'_> {
    fn read(
        &mut self,
        turn: &Turn,
        at: usize,
        person: usize,
        names: &HashSet<String>,
        pieces: &mut Vec<Piece>,
    ) {
        let (media, label) = match &turn.content {
            TurnContent::Text { text } => return self.read_text(text, at, person, names, pieces),
            TurnContent::Image { description, .. } => (Media::Picture, description.as_deref()),
            TurnContent::Video => (Media::Video, None),
            TurnContent::Audio => (Media::Voice, None),
            TurnContent::File { name } => (Media::File, Some(name.as_str())),
            TurnContent::Sticker { .. } => (Media::Sticker, None),
            TurnContent::Location { label } => (Media::Place, Some(label.as_str())),
        };
        *self.media.entry(media).or_default() += 1;
        let label = label.map(one_line).unwrap_or_default();
        if !label.is_empty() {
            let language = language_of(&label).or_else(|| self.majority()).unwrap_or_default();
            let words = self.ids(&content_words(self.segmenter, &label, language));
            self.count(&words);
            pieces.push(Piece {
                turn: at,
                person,
                folded: folded(&label, language),
                text: label,
                language,
                act: Act::Statement,
                words,
                media: Some(media),
            });
        }
    }

    fn read_text(
        &mut self,
        text: &str,
        at: usize,
        person: usize,
        names: &HashSet<String>,
        pieces: &mut Vec<Piece>,
    ) {
        let text = without_placeholders(prefix(text, BYTES_A_TURN), &mut self.media);
        let mut seen: Vec<u32> = Vec::new();
        for sentence in self.segmenter.sentences(&text).into_iter().take(SENTENCES_A_TURN) {
            let own = language_of(sentence);
            if let Some(language) = own {
                self.letters[language as usize] += sentence.chars().count();
            }
            let language = own.or_else(|| self.majority()).unwrap_or_default();
            let folded = folded(sentence, language);
            let mut content = content_words(self.segmenter, sentence, language);
            let spoken = content.len();
            content.retain(|w| !names.contains(w));
            let without_names = content.len();
            let act = act_of(
                sentence,
                &folded,
                language,
                if spoken > without_names + 1 { spoken } else { without_names },
            );
            let words = self.ids(&content);
            seen.extend(&words);
            pieces.push(Piece {
                turn: at,
                person,
                text: one_line(sentence),
                folded,
                language,
                act,
                words,
                media: None,
            });
        }
        seen.sort_unstable();
        seen.dedup();
        self.count(&seen);
    }

    fn ids(&mut self, words: &[String]) -> Vec<u32> {
        let mut ids = Vec::with_capacity(words.len());
        for word in words {
            let next = u32::try_from(self.vocabulary.len()).unwrap_or(u32::MAX);
            let id = *self.vocabulary.entry(word.clone()).or_insert(next);
            if !ids.contains(&id) || ids.len() > 200 {
                ids.push(id);
            }
        }
        ids
    }

    fn count(&mut self, words: &[u32]) {
        for word in words {
            let at = *word as usize;
            if at >= self.frequency.len() {
                self.frequency.resize(at + 1, 0);
            }
            self.frequency[at] += 1;
        }
    }

    fn majority(&self) -> Option<Language> {
        // Japanese and Thai say more with a sign than English with a letter.
        let weigh = |l: &Language| self.letters[*l as usize] * if *l == Language::Ja { 2 } else { 1 };
        Language::ALL.into_iter().max_by_key(weigh).filter(|l| weigh(l) > 0)
    }
}

/// `<file_photo>` and its kin, as corpora and other exports write shared things.
fn without_placeholders(text: &str, media: &mut HashMap<Media, usize>) -> String {
    if !text.contains("<file_") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("<file_") {
        let Some(end) = rest[start..].find('>') else { break };
        let kind = match &rest[start + 6..start + end] {
            "photo" | "gif" | "picture" => Media::Picture,
            "video" => Media::Video,
            "sound" => Media::Voice,
            _ => Media::File,
        };
        *media.entry(kind).or_default() += 1;
        out.push_str(&rest[..start]);
        rest = &rest[start + end + 1..];
    }
    out.push_str(rest);
    out
}

/// At most `bytes` of a text, cut between characters.
fn prefix(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

/// White space and control characters become single spaces.
pub(super) fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|w| !w.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
