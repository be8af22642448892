//! Whether it was said who does something and until when. A provider may see better than the rules of
//! [`super::actions`] what is to be done, but whom it names and the day it gives must stand in a message
//! that its action item cites.

use std::collections::HashMap;

use jiff::civil::Date;
use matome_domain::dialogue::Dialogue;
use matome_domain::summary::ActionItem;

use super::act::Act;
use super::dates;
use super::exchange::{self, Polarity, REACH};
use super::talk::Talk;

/// Takes away assignees and deadlines that no cited message gives.
pub(crate) fn keep_what_was_said(actions: &mut [ActionItem], dialogue: &Dialogue) {
    if actions.iter().all(|a| a.assigned_to.is_none() && a.deadline.is_none()) {
        return;
    }
    let talk = Talk::read(dialogue);
    let mut pieces: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, piece) in talk.pieces.iter().enumerate() {
        pieces.entry(&dialogue.turns[piece.turn].id).or_default().push(at);
    }
    for action in actions {
        let cited: Vec<usize> =
            action.sources.iter().filter_map(|id| pieces.get(id.as_str())).flatten().copied().collect();
        action.assigned_to.take_if(|name| !is_assigned(&talk, &cited, name));
        action.deadline.take_if(|day| !day.parse::<Date>().is_ok_and(|day| is_due(&talk, &cited, day)));
    }
}

/// Whether one of the cited sentences names the day.
fn is_due(talk: &Talk<'_>, cited: &[usize], day: Date) -> bool {
    cited.iter().map(|at| &talk.pieces[*at]).any(|piece| {
        let at = talk.dialogue.turns[piece.turn].at;
        let today = at.and_then(|at| dates::day_of(at, talk.dialogue.utc_offset_minutes));
        dates::allows(&piece.text, piece.language, today, day)
    })
}

/// Whether one of the cited sentences names the person or is the person's promise, or is, or asks for,
/// the person's agreement to a request.
fn is_assigned(talk: &Talk<'_>, cited: &[usize], name: &str) -> bool {
    let speaks = |at: usize| talk.dialogue.turns[talk.pieces[at].turn].speaker.name == name;
    cited.iter().any(|&at| {
        let piece = &talk.pieces[at];
        names(&piece.text, name)
            || (piece.act == Act::Commitment && speaks(at))
            || agreed(talk, at).into_iter().any(speaks)
    })
}

/// The agreement to a request, where the piece at `at` is one of the two: by the index of its first piece.
fn agreed(talk: &Talk<'_>, at: usize) -> Option<usize> {
    let turn = talk.pieces[at].turn;
    (0..=at).rev().take_while(|other| talk.pieces[*other].turn + REACH >= turn).find_map(|other| {
        let reply =
            (talk.pieces[other].act == Act::Request).then(|| exchange::reply_to(talk, other)).flatten()?;
        let agrees = reply.polarity == Some(Polarity::Yes) && !reply.deferred;
        let is_one = other == at || talk.pieces[reply.first].turn == turn;
        (agrees && is_one).then_some(reply.first)
    })
}

/// Whether a text has somebody's name in it, all of it or a word ("Tom" of "Tom Smith").
fn names(text: &str, name: &str) -> bool {
    let words = name.split_whitespace().filter(|word| word.chars().count() > 1);
    std::iter::once(name).chain(words).any(|name| {
        text.match_indices(name).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + name.len()..].chars().next();
            // "Ann" is not in "Annual"; トム is in トムさん.
            let goes_on = |a: Option<char>, b: Option<char>| {
                a.zip(b).is_some_and(|(a, b)| a.is_ascii_alphanumeric() && b.is_ascii_alphanumeric())
            };
            !goes_on(before, name.chars().next()) && !goes_on(name.chars().next_back(), after)
        })
    })
}

#[cfg(test)]
mod tests {
    use matome_domain::clock::Timestamp;
    use matome_domain::dialogue::{Speaker, Turn, TurnContent};
    use matome_domain::summary::Level;

    use super::*;

    /// Lines with the ids 1, 2, …, all said on Tuesday, 2024-03-05.
    fn talk(lines: &[(&str, &str)]) -> Dialogue {
        let turn = |(at, (name, text)): (usize, &(&str, &str))| Turn {
            id: (at + 1).to_string(),
            speaker: Speaker { id: (*name).to_owned(), name: (*name).to_owned() },
            at: Some(Timestamp(1_709_600_400_000)),
            content: TurnContent::Text { text: (*text).to_owned() },
        };
        Dialogue { turns: lines.iter().enumerate().map(turn).collect(), utc_offset_minutes: 540 }
    }

    fn kept(dialogue: &Dialogue, sources: &[&str], who: &str, day: &str) -> (bool, bool) {
        let mut actions = [ActionItem {
            item: "Do it.".to_owned(),
            assigned_to: Some(who.to_owned()),
            priority: Level::Low,
            deadline: Some(day.to_owned()),
            sources: sources.iter().map(|s| (*s).to_owned()).collect(),
        }];
        keep_what_was_said(&mut actions, dialogue);
        (actions[0].assigned_to.is_some(), actions[0].deadline.is_some())
    }

    #[test]
    fn whoever_promised_agreed_or_was_named_is_the_assignee_and_nobody_else() {
        let dialogue = talk(&[
            ("Emma", "Can you send the menu by Friday?"),
            ("Tom Smith", "Sure."),
            ("Emma", "The printer is broken."),
            ("Tom Smith", "I'll order the paper."),
            ("Emma", "Okay."),
            ("Emma", "Ken, please water the plants."),
            ("Emma", "Annual report is late, Tom should know."),
        ]);
        for (sources, who, said) in [
            (&["1"][..], "Tom Smith", true),
            (&["2"], "Tom Smith", true),
            (&["1", "2"], "Emma", false),
            (&["3"], "Emma", false),
            (&["3"], "Tom Smith", false),
            (&["4"], "Tom Smith", true),
            (&["4", "5"], "Emma", false),
            (&["6"], "Ken", true),
            (&["6"], "Emma", false),
            (&["7"], "Ann", false),
            (&["7"], "Tom Smith", true),
            (&["1"], "Ken", false),
        ] {
            assert_eq!(kept(&dialogue, sources, who, "2024-03-08").0, said, "{who} of {sources:?}");
        }
    }

    #[test]
    fn promises_and_names_in_japanese_and_thai_count_as_well() {
        let dialogue = talk(&[
            ("田中", "請求書を明日送ります。"),
            ("佐藤", "ありがとうございます。鈴木さん、鍵をお願いします。"),
            ("สมชาย", "เดี๋ยวผมจะส่งใบเสร็จให้ครับ"),
        ]);
        assert_eq!(kept(&dialogue, &["1"], "田中", "2024-03-06"), (true, true));
        assert_eq!(kept(&dialogue, &["1"], "佐藤", "2024-04-06"), (false, false));
        assert_eq!(kept(&dialogue, &["2"], "鈴木", "2024-03-06"), (true, false));
        assert_eq!(kept(&dialogue, &["3"], "สมชาย", "2024-03-06"), (true, false));
    }

    #[test]
    fn a_deadline_stands_in_a_message_that_is_cited() {
        let dialogue = talk(&[("Emma", "Please pay by Friday."), ("Tom", "I'll pay."), ("Emma", "Thanks.")]);
        assert!(kept(&dialogue, &["1", "2"], "Tom", "2024-03-08").1);
        assert!(!kept(&dialogue, &["2"], "Tom", "2024-03-08").1, "said elsewhere");
        assert!(!kept(&dialogue, &["1"], "Tom", "2024-05-08").1, "another day was said");
    }
}
