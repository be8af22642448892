//! Retells an English chat line in the third person: "I'll bring you some" becomes "Amanda will
//! bring Jerry some". Rules only; where they do not reach, the line is quoted word for word.

mod declare;
mod question;
mod tidy;
mod verbs;

pub(in crate::builtin) use tidy::tidy as tidy_words;

/// Who speaks to whom.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cast<'t> {
    /// The speaker's name.
    pub(super) speaker: &'t str,
    /// Whom "you" means, when that is certain.
    pub(super) addressee: Option<&'t str>,
    /// Names of everyone in the talk.
    pub(super) names: &'t [String],
}

/// Whether the line tells someone to do something by starting with a bare verb.
pub(super) fn is_imperative(text: &str) -> bool {
    let words = tidy::tidy(text, &[]);
    command_at(&words).is_some()
}

/// Whether `word` is a listed verb in its base form.
pub(super) fn is_verb(word: &str) -> bool {
    verbs::is_base(word)
}

/// Where the bare verb of a command stands, after "please", "just", "don't".
fn command_at(words: &[String]) -> Option<usize> {
    let lower: Vec<String> = words.iter().take(4).map(|w| tidy::parts(w).1.to_lowercase()).collect();
    if words.last().is_some_and(|w| w.contains('?')) {
        return None;
    }
    let mut at = 0;
    while lower.get(at).is_some_and(|w| {
        matches!(w.as_str(), "please" | "just" | "don't" | "do" | "never" | "always" | "then" | "first")
            && lower.len() > at + 1
    }) {
        at += 1;
    }
    let verb = lower.get(at)?;
    // "Don't know if he'll agree" leaves out "I", it forbids nothing; "wait, no" is a thought.
    if (verbs::drops_subject(verb) && lower[..at].iter().any(|w| w == "don't") && verb != "forget")
        || (verb == "wait" && words[at].ends_with(','))
    {
        return None;
    }
    let forced = at > 0 && (verbs::is_base(verb) || verb == "be");
    let plain = verbs::is_command(verb)
        && words.len() > 1
        && !lower.get(at + 1).is_some_and(|w| matches!(w.as_str(), "is" | "are" | "was" | "on" if w != "on"));
    (forced || plain).then_some(at)
}

/// The line as a sentence of its own, without a full stop: third person where the rules reach,
/// else `Name says: "…"`. `None` when nothing is left of it.
pub(super) fn retell(text: &str, cast: Cast<'_>) -> Option<String> {
    let words = tidy::tidy(text, cast.names);
    if words.is_empty() {
        return None;
    }
    let asks = words.last().is_some_and(|w| w.contains('?'));
    let told = if asks || question::is_inverted(&words) {
        question::retell(&words, cast)
    } else if let Some(at) = command_at(&words) {
        command(&words, at, cast)
    } else {
        declare::retell(&words, cast)
    };
    Some(told.unwrap_or_else(|| {
        let verb = if asks { "asks" } else { "says" };
        let words = finish(&words.join(" "));
        format!("{} {verb}: \"{words}{}\"", cast.speaker, if asks { "?" } else { "" })
    }))
}

/// "tells Jerry to ask Larry"; needs someone to tell.
fn command(words: &[String], at: usize, cast: Cast<'_>) -> Option<String> {
    let negative =
        words[..at].iter().any(|w| matches!(tidy::parts(w).1.to_lowercase().as_str(), "don't" | "never"));
    let polite = words[..at].iter().any(|w| tidy::parts(w).1.eq_ignore_ascii_case("please"));
    let mut rest: Vec<String> = words[at..].to_vec();
    rest[0] = rest[0].to_lowercase();
    let rest = declare::shift(&rest, cast, declare::Voice::They)?;
    let addressee = cast.addressee.unwrap_or("the others");
    let verb = if polite { "asks" } else { "tells" };
    Some(format!(
        "{} {verb} {addressee} {}to {}",
        cast.speaker,
        if negative { "not " } else { "" },
        finish(&rest)
    ))
}

/// Without the punctuation and blanks at the end.
fn finish(text: &str) -> String {
    text.trim_end_matches(|c: char| {
        !c.is_alphanumeric() && !matches!(c, ')' | '"' | '%' | '#' | '\'' | '+' | '€' | '$' | '£' | '¥')
    })
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> String {
        let names = ["Amanda".to_owned(), "Jerry".to_owned()];
        retell(text, Cast { speaker: "Amanda", addressee: Some("Jerry"), names: &names }).unwrap()
    }

    #[test]
    fn statements_are_told_in_the_third_person() {
        for (line, expected) in [
            ("I baked cookies.", "Amanda baked cookies"),
            ("I'll bring you some tomorrow :-)", "Amanda will bring Jerry some tomorrow"),
            ("I need my car", "Amanda needs their car"),
            ("I don't know him well", "Amanda doesn't know him well"),
            ("Sorry, can't find it.", "Amanda can't find it"),
            ("I'm late", "Amanda is late"),
            ("You are right", "Amanda says Jerry is right"),
            ("I'll let you know if I go", "Amanda will let Jerry know if they go"),
            ("We are going to the beach", "Amanda says they are going to the beach"),
            ("It's raining", "Amanda says it's raining"),
            ("I frobnicate daily", "Amanda says they frobnicate daily"),
            ("I have a fever and I won't come", "Amanda has a fever and won't come"),
            ("I think it works and I'm glad", "Amanda thinks it works and they're glad"),
            ("I know but my whole body aches", "Amanda says their whole body aches"),
            ("Unfortunately I'm busy", "Amanda says unfortunately they're busy"),
            ("Listening to music would suit me", "Amanda says listening to music would suit them"),
            ("Don't know if he'll agree", "Amanda doesn't know if he'll agree"),
            ("Just rewatching a series", "Amanda is just rewatching a series"),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }

    #[test]
    fn questions_are_told_indirectly() {
        for (line, expected) in [
            ("Hey, do you have Betty's number?", "Amanda asks if Jerry has Betty's number"),
            ("Can you call me?", "Amanda asks Jerry to call them"),
            ("Are you free on Friday?", "Amanda asks if Jerry is free on Friday"),
            ("What time will you be home?", "Amanda asks what time Jerry will be home"),
            ("Where did you park?", "Amanda asks where Jerry parked"),
            ("What do you want for dinner?", "Amanda asks what Jerry wants for dinner"),
            ("How about 3:30?", "Amanda suggests 3:30"),
            ("What about Johnny?", "Amanda asks about Johnny"),
            ("Is it far?", "Amanda asks if it is far"),
            ("so you're coming to the wedding?", "Amanda asks if Jerry is coming to the wedding"),
            ("Does this bus go to the library?", "Amanda asks if this bus goes to the library"),
            ("How are your students doing?", "Amanda asks how Jerry's students are doing"),
            ("What is your new address?", "Amanda asks what Jerry's new address is"),
            ("Excuse me, can you tell me the way?", "Amanda asks Jerry to tell them the way"),
            ("you're coming next week right?", "Amanda asks if Jerry is coming next week"),
            ("Is the new shop open?", "Amanda asks: \"Is the new shop open?\""),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }

    #[test]
    fn commands_name_whom_they_are_for() {
        assert_eq!(told("Ask Larry"), "Amanda tells Jerry to ask Larry");
        assert_eq!(told("Please send me your address!"), "Amanda asks Jerry to send them Jerry's address");
        assert_eq!(told("Don't be shy"), "Amanda tells Jerry not to be shy");
        assert_eq!(told("Let's meet at six"), "Amanda suggests they meet at six");
    }

    #[test]
    fn you_is_quoted_when_nobody_knows_who_it_is() {
        let names = ["A".to_owned(), "B".to_owned(), "C".to_owned()];
        let told = retell("You should come", Cast { speaker: "A", addressee: None, names: &names }).unwrap();
        assert_eq!(told, "A says: \"You should come\"");
    }
}
