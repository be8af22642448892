//! Questions, told indirectly: "Do you have …?" becomes "asks if Jerry has …".

use super::declare::{Voice, is_subject, lower, lower_start, shift};
use super::{Cast, finish, verbs};

const AUXILIARIES: [&str; 28] = [
    "do", "does", "did", "is", "are", "was", "were", "am", "can", "could", "will", "would", "should", "have",
    "has", "had", "may", "shall", "don't", "didn't", "doesn't", "isn't", "aren't", "can't", "won't",
    "haven't", "couldn't", "wouldn't",
];
const ASKING: [&str; 13] = [
    "what", "where", "when", "who", "why", "how", "which", "whose", "what's", "where's", "how's", "who's",
    "when's",
];

/// Whether the line is a question by its word order, though nobody typed a question mark.
pub(super) fn is_inverted(words: &[String]) -> bool {
    let first = lower(&words[0]);
    let pronoun = |at: usize| {
        words
            .get(at)
            .is_some_and(|w| matches!(lower(w).as_str(), "you" | "we" | "he" | "she" | "they" | "it" | "i"))
    };
    if ASKING.contains(&first.as_str())
        && words.get(1).is_some_and(|w| AUXILIARIES.contains(&lower(w).as_str()))
        && pronoun(2)
    {
        return true;
    }
    let second = words.get(1).map(|w| lower(w)).unwrap_or_default();
    matches!(
        first.as_str(),
        "do" | "does" | "did" | "is" | "are" | "was" | "were" | "can" | "could" | "will" | "would" | "should"
    ) && matches!(second.as_str(), "you" | "we" | "he" | "she" | "they" | "it" | "i" | "there")
}

/// The question told indirectly, `None` where the rules do not reach.
pub(super) fn retell(words: &[String], cast: Cast<'_>) -> Option<String> {
    let name = cast.speaker;
    let low: Vec<String> = words.iter().map(|w| lower(w)).collect();
    let rest_from = |at: usize| -> Option<String> {
        Some(finish(&shift(words.get(at..).filter(|r| !r.is_empty())?, cast, Voice::They)?))
    };
    match (low[0].as_str(), low.get(1).map(String::as_str)) {
        ("let's" | "lets", Some(_)) => return Some(format!("{name} suggests they {}", rest_from(1)?)),
        ("how", Some("about"))
            if low.get(2).is_some_and(|w| matches!(w.as_str(), "the" | "your" | "you" | "his" | "her")) =>
        {
            return Some(format!("{name} asks about {}", rest_from(2)?));
        }
        ("how", Some("about")) => return Some(format!("{name} suggests {}", rest_from(2)?)),
        ("what", Some("about")) => return Some(format!("{name} asks about {}", rest_from(2)?)),
        ("shall", Some("we")) => return Some(format!("{name} suggests they {}", rest_from(2)?)),
        ("why", Some("don't")) if low.get(2).is_some_and(|w| w == "we") => {
            return Some(format!("{name} suggests they {}", rest_from(3)?));
        }
        ("why", Some("don't")) if low.get(2).is_some_and(|w| w == "you") && verbs::is_base(low.get(3)?) => {
            return Some(
                format!(
                    "{name} suggests {} {} {}",
                    cast.addressee?,
                    third(low.get(3)?)?,
                    rest_from(4).unwrap_or_default()
                )
                .trim_end()
                .to_owned(),
            );
        }
        ("can" | "could" | "will" | "would", Some("you")) if low.len() > 3 => {
            let mut verb = 2;
            while low.get(verb).is_some_and(|w| {
                matches!(w.as_str(), "please" | "just" | "kindly" | "possibly" | "maybe" | "also" | "all")
            }) {
                verb += 1;
            }
            let favour = low.iter().any(|w| matches!(w.as_str(), "me" | "please" | "us" | "my"));
            if low.get(verb).is_some_and(|w| w == "mind") {
                return None;
            }
            if favour
                && low.get(verb).is_some_and(|w| {
                    verbs::is_base(w) && !matches!(w.as_str(), "be" | "have" | "like" | "love")
                })
            {
                return Some(format!("{name} asks {} to {}", cast.addressee?, rest_from(verb)?));
            }
        }
        _ => {}
    }
    if matches!(low[0].as_str(), "maybe" | "perhaps" | "so" | "and" | "but" | "or" | "then") && low.len() > 3
    {
        return retell(&words[1..], cast);
    }
    // A statement with a question mark behind.
    if (is_subject(&low[0]) || low[0].contains('\''))
        && !ASKING.contains(&low[0].as_str())
        && !AUXILIARIES.contains(&low[0].as_str())
        && low.len() > 2
    {
        let mut words = words.to_vec();
        words[0] = lower_start(&words[0]);
        return Some(format!("{name} asks if {}", finish(&shift(&words, cast, Voice::They)?)));
    }
    let (asking, aux) = if ASKING.contains(&low[0].as_str()) {
        if low[0].ends_with("'s") {
            return contracted(words, &low, cast);
        }
        // "what time will", "how many people did", "which one are"
        let aux = (1..low.len().min(5)).find(|at| AUXILIARIES.contains(&low[*at].as_str()))?;
        (words[..aux].iter().map(|w| w.to_lowercase()).collect::<Vec<_>>().join(" "), aux)
    } else if AUXILIARIES.contains(&low[0].as_str()) {
        ("if".to_owned(), 0)
    } else {
        return None;
    };
    if aux > 0
        && matches!(low[aux].as_str(), "is" | "are" | "was" | "were")
        && let Some(phrase) = noun_phrase(words, &low, aux + 1, cast)
    {
        return Some(format!("{name} asks {asking} {phrase} {}", low[aux]));
    }
    if let Some(tail) = with_noun(words, &low, aux, cast) {
        return Some(format!("{name} asks {asking} {tail}"));
    }
    let tail = after_auxiliary(words, &low, aux, cast)?;
    Some(format!("{name} asks {asking} {tail}"))
}

fn third(verb: &str) -> Option<String> {
    verbs::third_person(verb)
}

/// "what's the plan" → "what the plan is".
fn contracted(words: &[String], low: &[String], cast: Cast<'_>) -> Option<String> {
    let phrase = noun_phrase(words, low, 1, cast)?;
    Some(format!("{} asks {} {phrase} is", cast.speaker, low[0].trim_end_matches("'s")))
}

/// The rest of the line from `at` when all of it is one short noun phrase: "your new address", "Elsie".
fn noun_phrase(words: &[String], low: &[String], at: usize, cast: Cast<'_>) -> Option<String> {
    let rest = low.get(at..).filter(|r| !r.is_empty() && r.len() <= 4)?;
    let article =
        matches!(rest[0].as_str(), "the" | "your" | "his" | "her" | "my" | "their" | "our" | "this" | "that");
    let name = rest.len() == 1 && words[at].starts_with(char::is_uppercase) && low[at] != "i";
    let more = rest.iter().skip(1).any(|w| {
        w.ends_with("ing")
            || w.ends_with("ed")
            || AUXILIARIES.contains(&w.as_str())
            || matches!(
                w.as_str(),
                "with"
                    | "for"
                    | "in"
                    | "at"
                    | "on"
                    | "like"
                    | "now"
                    | "here"
                    | "about"
                    | "gone"
                    | "so"
                    | "then"
            )
    });
    if (article && rest.len() > 1 && !more) || name {
        Some(finish(&shift(&words[at..], cast, Voice::They)?))
    } else {
        None
    }
}

/// "does this bus go …" → "this bus goes …"; "are your students doing …" → "your students are doing …".
fn with_noun(words: &[String], low: &[String], aux: usize, cast: Cast<'_>) -> Option<String> {
    let first = low.get(aux + 1)?;
    if !matches!(
        first.as_str(),
        "the" | "this" | "that" | "these" | "those" | "your" | "his" | "her" | "my" | "their" | "our"
    ) {
        return None;
    }
    let told = |range: std::ops::Range<usize>| -> Option<String> {
        if range.is_empty() {
            Some(String::new())
        } else {
            Some(finish(&shift(&words[range], cast, Voice::They)?))
        }
    };
    // At least one noun stands between the article and the verb.
    let verb = (aux + 3..low.len().min(aux + 6)).find(|at| match low[aux].as_str() {
        "do" | "does" | "did" => verbs::is_base(&low[*at]),
        "is" | "are" | "was" | "were" => low[*at].ends_with("ing") && low[*at].len() > 4,
        _ => false,
    })?;
    let form = match low[aux].as_str() {
        "does" => verbs::third_person(&low[verb])?,
        "do" => low[verb].clone(),
        "did" => verbs::past(&low[verb])?,
        other => format!("{other} {}", low[verb]),
    };
    Some(format!("{} {form} {}", told(aux + 1..verb)?, told(verb + 1..words.len())?).trim_end().to_owned())
}

/// Subject, then the auxiliary where it still says something, then the rest.
fn after_auxiliary(words: &[String], low: &[String], aux: usize, cast: Cast<'_>) -> Option<String> {
    let auxiliary = low[aux].as_str();
    let subject = low.get(aux + 1)?;
    if words[aux + 1].contains(['?', ',']) && aux + 2 < words.len() {
        return None;
    }
    let (who, named, singular) = match subject.as_str() {
        "you" => (cast.addressee?.to_owned(), true, true),
        "i" | "we" | "they" => ("they".to_owned(), false, false),
        "he" | "she" | "it" | "this" | "that" | "there" => (subject.clone(), true, true),
        _ if cast.names.iter().any(|n| n.eq_ignore_ascii_case(subject)) => {
            (words[aux + 1].clone(), true, true)
        }
        _ => return None,
    };
    let rest = words.get(aux + 2..).unwrap_or_default();
    let rest_told = |from: usize| -> Option<String> {
        match rest.get(from..) {
            Some(tail) if !tail.is_empty() => Some(format!(" {}", finish(&shift(tail, cast, Voice::They)?))),
            _ => Some(String::new()),
        }
    };
    let (negative, plain) = match auxiliary {
        "don't" => (true, "do"),
        "didn't" => (true, "did"),
        "doesn't" => (true, "does"),
        other => (false, other),
    };
    match plain {
        "do" | "does" | "did" => {
            let adverbs = rest
                .iter()
                .take_while(|w| {
                    matches!(
                        lower(w).as_str(),
                        "really" | "still" | "even" | "usually" | "ever" | "also" | "just" | "already"
                    )
                })
                .count();
            let verb = lower(rest.get(adverbs)?);
            let adverb: String = rest[..adverbs].iter().map(|w| format!(" {}", w.to_lowercase())).collect();
            if negative {
                let not = match (plain, singular) {
                    ("did", _) => "didn't",
                    (_, true) => "doesn't",
                    _ => "don't",
                };
                return Some(format!("{who} {not}{}", rest_told(0)?));
            }
            let verb = match plain {
                "did" => verbs::past(&verb)?,
                _ if named && singular => verbs::third_person(&verb)?,
                _ if verbs::is_base(&verb) => verb,
                _ => return None,
            };
            Some(format!("{who}{adverb} {verb}{}", rest_told(adverbs + 1)?))
        }
        _ => {
            let auxiliary = match (plain, subject.as_str()) {
                ("are" | "am", "you") => "is",
                ("were", "you") => "was",
                ("have", "you") => "has",
                ("aren't", "you") => "isn't",
                ("haven't", "you") => "hasn't",
                ("am", _) => "are",
                ("was", "i") => "were",
                ("shall", _) => "should",
                (other, _) => other,
            };
            Some(format!("{who} {auxiliary}{}", rest_told(0)?))
        }
    }
}
