//! Makes a chat line readable: chat spellings written out, openers, closers, emoticons and
//! placeholders taken off. The words that carry meaning stay as they were.

/// Words that open a line and can go.
const OPENERS: [&str; 72] = [
    "yo", "ma'am", "mam", "madam", "sir", "babe", "honey", "darling", "sweetie", "guys", "mom", "dad",
    "phew", "anyways", "well", "oh", "ah", "hey", "hi", "hello", "ok", "okay", "so", "yeah", "yes", "yep",
    "yup", "um", "umm", "uh", "hmm", "hm", "haha", "hahaha", "lol", "btw", "and", "but", "anyway", "wow",
    "omg", "man", "dude", "sorry", "thanks", "thx", "no", "nope", "nah", "sure", "right", "alright", "ooh",
    "aww", "gosh", "god", "honestly", "tbh", "actually", "ya", "yea", "cool", "great", "nice", "hahah", "ha",
    "then", "look", "listen", "huh", "gah", "plus",
];

/// Words that close a line and can go.
const CLOSERS: [&str; 30] = [
    "lol", "haha", "hahaha", "xd", "xx", "xxx", "xoxo", "though", "tho", "btw", "ok", "okay", "right", "huh",
    "man", "dude", "mate", "babe", "honey", "bro", "sir", "dear", "love", "hahah", "hehe", "guys", "please",
    "pls", "ma'am", "madam",
];

/// A chat spelling and what it stands for.
fn spelled_out(word: &str) -> Option<&'static str> {
    Some(match word {
        "u" => "you",
        "ur" => "your",
        "r" => "are",
        "i" => "I",
        "im" | "i'm" => "I'm",
        "ive" | "i've" => "I've",
        "i'll" => "I'll",
        "i'd" => "I'd",
        "dont" => "don't",
        "didnt" => "didn't",
        "doesnt" => "doesn't",
        "cant" => "can't",
        "wont" => "won't",
        "isnt" => "isn't",
        "wasnt" => "wasn't",
        "couldnt" => "couldn't",
        "wouldnt" => "wouldn't",
        "havent" => "haven't",
        "thats" => "that's",
        "whats" => "what's",
        "youre" => "you're",
        "theyre" => "they're",
        "gonna" => "going to",
        "wanna" => "want to",
        "gotta" => "have to",
        "pls" | "plz" => "please",
        "thx" => "thanks",
        "tmrw" | "tmr" | "tomoz" | "2moro" => "tomorrow",
        "idk" | "dunno" => "I don't know",
        "cuz" | "coz" | "cos" | "bc" => "because",
        "sth" => "something",
        "sb" => "somebody",
        "ppl" => "people",
        "gr8" => "great",
        "b4" => "before",
        "abt" => "about",
        "y'all" => "you all",
        "lemme" => "let me",
        "gimme" => "give me",
        "w/" => "with",
        "asap" => "ASAP",
        _ => return None,
    })
}

/// A word apart from the punctuation around it.
pub(super) fn parts(word: &str) -> (&str, &str, &str) {
    let start = word.find(|c: char| c.is_alphanumeric() || c == '#' || c == '@').unwrap_or(word.len());
    let tail = &word[start..];
    let len = tail
        .rfind(|c: char| c.is_alphanumeric() || c == '#' || c == '%')
        .map_or(0, |at| at + tail[at..].chars().next().map_or(0, char::len_utf8));
    (&word[..start], &tail[..len], &tail[len..])
}

/// Straight apostrophes, none with spaces around ("haven ' t" of some corpora), no emoji.
fn plain(text: &str) -> String {
    let text = text.replace(['’', '‘', '`'], "'").replace(" ' ", "'").replace(" '", "'");
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{2190}'..='\u{2BFF}' | '\u{FE00}'..='\u{FE0F}' | '\u{1F000}'..='\u{1FAFF}' | '\u{200D}' => {
                out.push(' ')
            }
            c => out.push(c),
        }
    }
    out
}

fn is_noise(token: &str) -> bool {
    let (_, core, _) = parts(token);
    (core.is_empty()
        && token.chars().any(|c| !matches!(c, '.' | ',' | '!' | '?' | '-' | '–' | '—' | '&' | '"' | '…')))
        || (token.starts_with('<') && token.ends_with('>'))
        || matches!(
            token,
            ":D" | ":P"
                | ":p"
                | ";P"
                | ";p"
                | "XD"
                | "xD"
                | ":d"
                | ":O"
                | ":o"
                | "D:"
                | ":3"
                | "<3"
                | ":s"
                | ":S"
                | ":-D"
                | ":-P"
        )
}

/// The words of a line, readable. `names` are taken off the ends: whom a line is said to, the
/// retelling says itself.
pub(in crate::builtin) fn tidy(text: &str, names: &[String]) -> Vec<String> {
    let text = plain(text);
    let mut words: Vec<String> = Vec::new();
    for token in text.split_whitespace() {
        if is_noise(token) {
            continue;
        }
        let (before, core, after) = parts(token);
        if core.is_empty() {
            match words.last_mut() {
                Some(last) if !token.contains(['-', '–', '—', '&', '"']) => last.push_str(token),
                _ => words.push(token.to_owned()),
            }
            continue;
        }
        let lower = core.to_lowercase();
        let core = spelled_out(&lower).map_or_else(|| calm(core), str::to_owned);
        words.extend(format!("{before}{core}{after}").split(' ').map(str::to_owned));
    }
    let is_name = |core: &str| names.iter().any(|n| n.eq_ignore_ascii_case(core));
    let mut start = 0;
    while start + 1 < words.len() {
        if start + 2 < words.len() && opens_in_two(&words[start], &words[start + 1]) {
            start += 2;
            continue;
        }
        let spoken = |at: usize| parts(&words[at]).1.to_lowercase();
        if start + 4 < words.len()
            && spoken(start) == "i"
            && spoken(start + 1) == "know"
            && spoken(start + 2) == "but"
        {
            start += 3;
            continue;
        }
        if start == 0 && is_vocative(&words[0], &words[1]) {
            start = 1;
            continue;
        }
        let (_, core, after) = parts(&words[start]);
        let lower = core.to_lowercase();
        let parted = after.contains([',', '!', '.', '?', '…']);
        let opener = OPENERS.contains(&lower.as_str()) && may_open(&lower, &words[start + 1], parted);
        if !(opener
            || core.is_empty()
            || (is_name(core) && parted)
            || lower == "thanks"
            || (start > 0 && is_name(core) && greeted(&words[start - 1])))
        {
            break;
        }
        start += 1;
    }
    words.drain(..start);
    while words.len() > 1 {
        let last = words.len() - 1;
        let (_, core, after) = parts(&words[last]);
        let lower = core.to_lowercase();
        let parted = words[last - 1].ends_with([',', '.', '!', '?']);
        let closer = CLOSERS.contains(&lower.as_str())
            && (parted
                || matches!(
                    lower.as_str(),
                    "lol" | "haha" | "hahaha" | "xd" | "xx" | "xxx" | "btw" | "please" | "pls" | "hehe"
                ));
        let tag = after.contains('?')
            && words.len() > 3
            && matches!(lower.as_str(), "right" | "yeah" | "ok" | "okay" | "huh");
        if !(closer || tag || core.is_empty() || (is_name(core) && parted)) {
            break;
        }
        let question = after.contains('?');
        words.pop();
        let end = words[last - 1].trim_end_matches([',', '-', '–']).to_owned();
        words[last - 1] = if question && !end.ends_with('?') { format!("{end}?") } else { end };
    }
    words
}

/// "Excuse me,", "of course,": two words that open a line and can go.
fn opens_in_two(first: &str, second: &str) -> bool {
    let (_, core, after) = parts(second);
    let pair = format!("{} {}", parts(first).1.to_lowercase(), core.to_lowercase());
    after.contains([',', '.', '!'])
        && matches!(
            pair.as_str(),
            "excuse me"
                | "of course"
                | "no problem"
                | "thank you"
                | "good morning"
                | "good afternoon"
                | "good evening"
                | "come on"
                | "i see"
                | "you know"
                | "you see"
                | "i mean"
                | "all right"
                | "got it"
                | "oh yes"
                | "oh no"
                | "guess what"
                | "no worries"
                | "my god"
                | "thanks anyway"
                | "i know"
                | "sounds good"
                | "sounds great"
                | "not really"
                | "good idea"
                | "great idea"
        )
}

/// "Adam, could you …": whom the line is said to, the retelling says itself.
fn is_vocative(first: &str, second: &str) -> bool {
    let (_, core, after) = parts(first);
    let next = parts(second).1.to_lowercase();
    after == ","
        && core.len() > 2
        && core.starts_with(char::is_uppercase)
        && core.chars().all(char::is_alphabetic)
        && !matches!(
            core,
            "However"
                | "Actually"
                | "Honestly"
                | "Maybe"
                | "First"
                | "Second"
                | "Finally"
                | "Unfortunately"
                | "Tomorrow"
                | "Today"
                | "Yesterday"
                | "Sometimes"
                | "Usually"
        )
        && matches!(
            next.as_str(),
            "could"
                | "can"
                | "would"
                | "will"
                | "do"
                | "did"
                | "does"
                | "are"
                | "is"
                | "have"
                | "what"
                | "where"
                | "when"
                | "how"
                | "why"
                | "who"
                | "please"
                | "let's"
                | "i"
                | "i'm"
                | "i'll"
                | "i've"
                | "you"
                | "we"
                | "don't"
                | "thank"
                | "thanks"
        )
}

fn greeted(word: &str) -> bool {
    matches!(
        parts(word).1.to_lowercase().as_str(),
        "hi" | "hey" | "hello" | "sorry" | "thanks" | "well" | "ok" | "no" | "yes"
    )
}

/// "So tired" and "no idea" keep their first word; "so, are you" does not.
fn may_open(word: &str, next: &str, parted: bool) -> bool {
    let next = parts(next).1.to_lowercase();
    match word {
        "no" | "nice" | "great" | "cool" | "right" | "man" | "god" | "sorry" | "thanks" | "look"
        | "listen" | "then" | "guys" | "mom" | "dad" | "babe" | "honey" | "darling" | "sweetie"
        | "actually" | "honestly" => parted,
        "so" | "well" | "but" | "and" | "plus" => {
            parted
                || matches!(
                    next.as_str(),
                    "i" | "i'm"
                        | "i'll"
                        | "i've"
                        | "i'd"
                        | "you"
                        | "you're"
                        | "we"
                        | "we're"
                        | "we'll"
                        | "he"
                        | "she"
                        | "it"
                        | "it's"
                        | "they"
                        | "the"
                        | "what"
                        | "where"
                        | "when"
                        | "how"
                        | "do"
                        | "did"
                        | "are"
                        | "is"
                        | "can"
                        | "could"
                        | "that"
                        | "that's"
                        | "there"
                        | "my"
                        | "your"
                        | "let's"
                        | "now"
                        | "if"
                        | "this"
                        | "why"
                        | "who"
                        | "will"
                        | "would"
                        | "have"
                )
        }
        _ => true,
    }
}

/// SHOUTING in lower case, letters repeated for effect cut; short capitals (TV, USA) stay.
fn calm(word: &str) -> String {
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let word = if letters > 4 && !word.chars().any(char::is_lowercase) {
        word.to_lowercase()
    } else {
        word.to_owned()
    };
    let mut out = String::with_capacity(word.len());
    let mut run = (None, 0);
    for c in word.chars() {
        run = if run.0 == Some(c) { (run.0, run.1 + 1) } else { (Some(c), 1) };
        if run.1 <= 2 || !c.is_alphabetic() {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(text: &str) -> String {
        tidy(text, &["Tom".to_owned()]).join(" ")
    }

    #[test]
    fn noise_goes_and_meaning_stays() {
        assert_eq!(tidied("Hey Tom, r u coming tmrw?? :D"), "are you coming tomorrow??");
        assert_eq!(tidied("Oh well, I dont know him 😂 lol"), "I don't know him");
        assert_eq!(tidied("No idea"), "No idea");
        assert_eq!(tidied("I haven ’ t had a cold, Tom."), "I haven't had a cold,".trim_end_matches(','));
        assert_eq!(tidied("That is sooooo GREAAAAT"), "That is soo greaat");
        assert_eq!(tidied("😀"), "");
    }
}
