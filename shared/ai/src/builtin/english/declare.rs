//! Statements: shifts I, you and we to the people they stand for, with the verbs agreeing.

use super::tidy::parts;
use super::verbs;
use super::{Cast, finish};

/// How the speaker is called where the line says "I".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// By name the first time, as the subject of the sentence.
    Name,
    /// "they": the name stands before, as in "Amanda says they …".
    They,
}

/// The statement in the third person, `None` where the rules do not reach.
pub(super) fn retell(words: &[String], cast: Cast<'_>) -> Option<String> {
    let first = lower(words.first()?);
    let name = cast.speaker;
    if matches!(first.as_str(), "i" | "i'm" | "i'll" | "i've" | "i'd")
        && let Some(told) = shift(words, cast, Voice::Name)
    {
        return Some(finish(&told));
    }
    if matches!(first.as_str(), "let's" | "lets") && words.len() > 1 {
        let rest = shift(&words[1..], cast, Voice::They)?;
        return Some(match rest.strip_prefix("not ") {
            Some(rest) => format!("{name} suggests they don't {}", finish(rest)),
            None => format!("{name} suggests they {}", finish(&rest)),
        });
    }
    if first == "let" && words.get(1).is_some_and(|w| lower(w) == "me") && words.len() > 3 {
        let rest = shift(&words[2..], cast, Voice::They)?;
        return Some(format!("{name} will {}", finish(&rest)));
    }
    // "Can't find it", "need some help", "just rewatching it": the subject was left out.
    let adverbs = words.iter().take_while(|w| is_adverb(&lower(w))).count();
    if let Some(verb) = words.get(adverbs).map(|w| lower(w))
        && words.len() > adverbs + 1
    {
        let next = lower(&words[adverbs + 1]);
        let modal = matches!(
            verb.as_str(),
            "can't" | "couldn't" | "won't" | "will" | "can" | "might" | "didn't" | "haven't"
        );
        let subject_follows =
            modal && matches!(next.as_str(), "i" | "you" | "he" | "she" | "it" | "we" | "they" | "there");
        // "Listening to music would suit me": the gerund is the subject itself.
        let finite = words[adverbs + 1..].iter().map(|w| lower(w)).any(|w| {
            is_auxiliary(&w)
                || matches!(
                    w.as_str(),
                    "is" | "are" | "isn't" | "aren't" | "let's" | "makes" | "sounds" | "has" | "helps"
                )
        });
        let gerund = verb.len() > 5 && verb.ends_with("ing") && !finite && verbs_gerund(&verb);
        if !subject_follows
            && (modal
                || gerund
                || verbs::drops_subject(&verb)
                || (verb == "don't" && verbs::drops_subject(&next)))
        {
            let mut full: Vec<String> = vec![if gerund { "I'm" } else { "I" }.to_owned()];
            full.extend(words.iter().cloned());
            full[1] = full[1].to_lowercase();
            if let Some(told) = shift(&full, cast, Voice::Name) {
                return Some(finish(&told));
            }
        }
    }
    let mut words = words.to_vec();
    words[0] = lower_start(&words[0]);
    let told = shift(&words, cast, Voice::They)?;
    Some(format!("{name} says {}", finish(&told)))
}

fn verbs_gerund(verb: &str) -> bool {
    let stem = &verb[..verb.len() - 3];
    let undoubled = &stem[..stem.len() - stem.chars().next_back().map_or(0, char::len_utf8)];
    let bare = stem.strip_prefix("re").unwrap_or(stem);
    verbs::is_base(stem)
        || verbs::is_base(bare)
        || verbs::is_base(undoubled)
        || verbs::is_base(&format!("{stem}e"))
}

pub(super) fn lower(word: &str) -> String {
    parts(word).1.to_lowercase()
}

/// The first word without its capital, unless it is a name.
pub(super) fn lower_start(word: &str) -> String {
    let core = parts(word).1;
    let lower = core.to_lowercase();
    let before_apostrophe = lower.split('\'').next().unwrap_or_default();
    let common = crate::builtin::words::is_stop(&lower, matome_domain::language::Language::En)
        || crate::builtin::words::is_stop(before_apostrophe, matome_domain::language::Language::En)
        || verbs::is_base(&lower)
        || lower.ends_with("ing")
        || (lower.ends_with("ly") && lower.len() > 5);
    if common && core != "I" && !core.starts_with("I'") {
        word.replacen(core, &lower, 1)
    } else {
        word.to_owned()
    }
}

fn is_adverb(word: &str) -> bool {
    matches!(
        word,
        "just"
            | "really"
            | "also"
            | "already"
            | "still"
            | "never"
            | "always"
            | "probably"
            | "actually"
            | "usually"
            | "totally"
            | "only"
            | "even"
            | "definitely"
            | "currently"
            | "simply"
            | "often"
            | "finally"
            | "recently"
            | "honestly"
            | "absolutely"
            | "kinda"
            | "truly"
            | "sometimes"
            | "barely"
            | "rarely"
            | "certainly"
    )
}

fn is_auxiliary(word: &str) -> bool {
    matches!(
        word,
        "can"
            | "can't"
            | "cannot"
            | "could"
            | "couldn't"
            | "will"
            | "won't"
            | "would"
            | "wouldn't"
            | "should"
            | "shouldn't"
            | "may"
            | "might"
            | "must"
            | "had"
            | "hadn't"
            | "did"
            | "didn't"
            | "was"
            | "wasn't"
            | "used"
            | "ought"
    )
}

pub(super) fn is_subject(word: &str) -> bool {
    matches!(
        word,
        "i" | "you"
            | "he"
            | "she"
            | "it"
            | "we"
            | "they"
            | "this"
            | "that"
            | "there"
            | "the"
            | "a"
            | "my"
            | "your"
            | "our"
            | "their"
            | "his"
            | "her"
    )
}

/// The verb after a name: "am" → "is", "need" → "needs", "baked" as it is; `None` if unsure.
fn agreeing(verb: &str) -> Option<String> {
    Some(match verb {
        "am" | "are" => "is".to_owned(),
        "have" => "has".to_owned(),
        "do" => "does".to_owned(),
        "don't" => "doesn't".to_owned(),
        "haven't" => "hasn't".to_owned(),
        "aren't" => "isn't".to_owned(),
        "were" => "was".to_owned(),
        "weren't" => "wasn't".to_owned(),
        v if is_auxiliary(v) => v.to_owned(),
        v if verbs::is_base(v) => verbs::third_person(v)?,
        v if verbs::is_past(v) => v.to_owned(),
        _ => return None,
    })
}

/// The words with their persons shifted; `None` when a verb or a "you" cannot be placed.
pub(super) fn shift(words: &[String], cast: Cast<'_>, voice: Voice) -> Option<String> {
    let mut out: Vec<String> = Vec::with_capacity(words.len());
    // The next verb must agree with a name; set after a name took a pronoun's place.
    let mut agree = false;
    let mut named = voice == Voice::They;
    let mut present = false;
    let mut they = false;
    // Still the first clause: nobody else has become a subject.
    let mut simple = true;
    for (at, word) in words.iter().enumerate() {
        let (before, core, after) = parts(word);
        let low = core.to_lowercase();
        let previous = at.checked_sub(1).map(|p| lower(&words[p])).unwrap_or_default();
        let next = words.get(at + 1).map(|w| lower(w)).unwrap_or_default();
        let put = |text: &str| format!("{before}{text}{after}");
        let clause = matches!(
            low.as_str(),
            "they"
                | "he"
                | "she"
                | "it"
                | "we"
                | "you"
                | "there"
                | "that"
                | "which"
                | "who"
                | "because"
                | "if"
                | "when"
                | "but"
                | "so"
                | "since"
        );
        let one_clause = simple && !clause;
        simple = one_clause && !after.contains([',', '.', '!', '?', ';', ':']);
        if agree {
            if is_adverb(&low) {
                out.push(word.clone());
                continue;
            }
            let verb = agreeing(&low)?;
            present = verbs::is_base(&low);
            agree = false;
            out.push(put(&verb));
            continue;
        }
        if they && matches!(low.as_str(), "am" | "was" | "wasn't") {
            they = false;
            out.push(put(match low.as_str() {
                "am" => "are",
                "was" => "were",
                _ => "weren't",
            }));
            continue;
        }
        they = false;
        let contraction = |who: &str, named: bool| -> Option<String> {
            Some(match low.rsplit_once('\'')?.1 {
                "m" | "re" => {
                    if named {
                        format!("{who} is")
                    } else {
                        "they're".to_owned()
                    }
                }
                "ll" => {
                    if named {
                        format!("{who} will")
                    } else {
                        "they'll".to_owned()
                    }
                }
                "ve" => {
                    if named {
                        format!("{who} has")
                    } else {
                        "they've".to_owned()
                    }
                }
                "d" => {
                    if named {
                        format!("{who} {}", if next == "better" { "had" } else { "would" })
                    } else {
                        "they'd".to_owned()
                    }
                }
                _ => return None,
            })
        };
        let shifted = match low.as_str() {
            "i" if !named => {
                named = true;
                agree = true;
                put(cast.speaker)
            }
            // "has a fever and I won't come": one subject is enough.
            "i" if voice == Voice::Name && one_clause && previous == "and" && agreeing(&next).is_some() => {
                agree = true;
                continue;
            }
            "i" => {
                they = true;
                put("they")
            }
            "i'm" | "i'll" | "i've" if voice == Voice::Name && named && one_clause && previous == "and" => {
                put(match low.as_str() {
                    "i'm" => "is",
                    "i'll" => "will",
                    _ => "has",
                })
            }
            "i'm" | "i'll" | "i've" | "i'd" => {
                let text = contraction(cast.speaker, !named)?;
                named = true;
                put(&text)
            }
            "we're" | "we'll" | "we've" | "we'd" => put(&low.replacen("we", "they", 1)),
            "we" => put("they"),
            "me" | "us" => put("them"),
            "my" | "our" => put("their"),
            "mine" | "ours" => put("theirs"),
            "myself" | "ourselves" | "yourself" => put("themselves"),
            "you're" | "you'll" | "you've" | "you'd" => put(&contraction(cast.addressee?, true)?),
            "your" => put(&possessive(cast.addressee?)),
            "yours" => put(&possessive(cast.addressee?)),
            "you" => {
                let causative = matches!(
                    previous.as_str(),
                    "let"
                        | "make"
                        | "help"
                        | "see"
                        | "have"
                        | "hear"
                        | "watch"
                        | "to"
                        | "of"
                        | "for"
                        | "with"
                );
                let subject = !causative
                    && !after.contains([',', '.', '!', '?'])
                    && (agreeing(&next).is_some() && next != "back" || is_adverb(&next));
                agree = subject;
                put(cast.addressee?)
            }
            // "I wake up and drink coffee": the second verb agrees too.
            _ if present
                && matches!(previous.as_str(), "and" | "or" | "but")
                && verbs::is_base(&low)
                && voice == Voice::Name =>
            {
                put(&verbs::third_person(&low)?)
            }
            _ => word.clone(),
        };
        out.push(shifted);
    }
    if agree {
        return None;
    }
    Some(out.join(" "))
}

fn possessive(name: &str) -> String {
    format!("{name}'s")
}
