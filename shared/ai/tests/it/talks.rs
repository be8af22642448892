//! Dialogues for the tests.

use matome_domain::clock::Timestamp;
use matome_domain::dialogue::{Dialogue, Speaker, Turn, TurnContent};

/// A dialogue of `(speaker, text)` lines with ids `m1`, `m2`, …, a minute apart on 2024-03-05 (a
/// Tuesday) from 10:00 in Tokyo.
pub(crate) fn talk(lines: &[(&str, &str)]) -> Dialogue {
    let turns = lines
        .iter()
        .enumerate()
        .map(|(at, (name, text))| Turn {
            id: format!("m{}", at + 1),
            speaker: Speaker { id: format!("u-{name}"), name: (*name).to_owned() },
            at: Some(Timestamp(1_709_600_400_000 + at as i64 * 60_000)),
            content: TurnContent::Text { text: (*text).to_owned() },
        })
        .collect();
    Dialogue { turns, utc_offset_minutes: 540 }
}

/// A short talk with something to decide.
pub(crate) fn cookies() -> Dialogue {
    talk(&[
        ("Amanda", "I baked cookies. Do you want some?"),
        ("Jerry", "Sure!"),
        ("Amanda", "I'll bring you some tomorrow :-)"),
    ])
}
