//! When something was said in a session and how fast it was answered, quarter-hour by quarter-hour.
//!
//! Analytics add up quarter-hours, not messages: days of every time zone of today begin with one, so they
//! need nothing finer, and a session of fifty messages is a few of them.
//!
//! **Answer time.** A *turn* is a run of messages of one person (people whom LINE does not identify count as
//! one). A turn is answered by the first message of anybody else, and its answer time counts from its *first*
//! message: somebody who asks in three messages has waited since the first. It belongs to the quarter-hour
//! of the answer. The last turn of a session is not answered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;

/// Milliseconds.
const QUARTER_HOUR: i64 = 15 * 60 * 1000;

/// How much longer the answers of a class took than those of the class before.
const STEP: f64 = 1.1;

/// A message, as far as it counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said<'m, W> {
    /// When.
    pub at: Timestamp,
    /// By whom; `None` for whom LINE does not identify.
    pub who: Option<W>,
    /// `messageType`.
    pub kind: &'m str,
}

/// What was said in a quarter of an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuarterHour {
    /// When it begins.
    pub from: Timestamp,
    /// Messages by `messageType`.
    pub kinds: BTreeMap<String, u64>,
    /// Answers by how long they took.
    pub answers: Answers,
}

/// Answers in classes of a width of a tenth of their own length: a handful of numbers, however many answers
/// there are, and percentiles come out exact to five parts in a hundred.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers(BTreeMap<i32, Took>);

/// Answers of one class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Took {
    /// Logarithm of `1 + milliseconds` to the base 1.1, without fraction.
    pub class: i32,
    /// How many.
    pub count: u64,
    /// Milliseconds, of all of them together.
    pub milliseconds: u64,
}

/// The quarter-hours in which something was said, in order. `said` is what a session holds, by time.
pub fn quarter_hours<'m, W: PartialEq>(said: impl IntoIterator<Item = Said<'m, W>>) -> Vec<QuarterHour> {
    let mut found: BTreeMap<Timestamp, QuarterHour> = BTreeMap::new();
    // Whose turn it is, and since when.
    let mut turn: Option<(Option<W>, Timestamp)> = None;
    for Said { at, who, kind } in said {
        let from = Timestamp(at.0 - at.0.rem_euclid(QUARTER_HOUR));
        let quarter = found.entry(from).or_insert_with(|| QuarterHour {
            from,
            kinds: BTreeMap::new(),
            answers: Answers::default(),
        });
        match quarter.kinds.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                quarter.kinds.insert(kind.to_owned(), 1);
            }
        }
        match &turn {
            Some((speaker, _)) if *speaker == who => {}
            asked => {
                if let Some((_, since)) = asked {
                    quarter.answers.add(Took::of(u64::try_from(at.0 - since.0).unwrap_or_default()));
                }
                turn = Some((who, at));
            }
        }
    }
    found.into_values().collect()
}

impl Took {
    /// One answer.
    fn of(milliseconds: u64) -> Self {
        // Below 2^52 milliseconds are exact, and a class is below a thousand.
        let class = ((milliseconds + 1) as f64).log(STEP).floor() as i32;
        Self { class, count: 1, milliseconds }
    }
}

impl Answers {
    /// Adds what is of the same class.
    pub fn add(&mut self, more: Took) {
        let took = self.0.entry(more.class).or_insert(Took { class: more.class, ..Took::default() });
        took.count += more.count;
        took.milliseconds += more.milliseconds;
    }

    /// Class by class, the fastest first.
    pub fn iter(&self) -> impl Iterator<Item = Took> + '_ {
        self.0.values().copied()
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.iter().map(|took| took.count).sum()
    }

    /// Milliseconds on average; `None` without answers.
    #[must_use]
    pub fn average(&self) -> Option<u64> {
        self.iter().map(|took| took.milliseconds).sum::<u64>().checked_div(self.count())
    }

    /// Milliseconds that `percent` of a hundred answers took at most; `None` without answers.
    #[must_use]
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        let wanted = (self.count() * percent).div_ceil(100);
        let mut passed = 0;
        let class = self.iter().find(|took| {
            passed += took.count;
            passed >= wanted
        })?;
        // What those of its class took on average is nearer than either end of it.
        class.milliseconds.checked_div(class.count)
    }
}

impl FromIterator<Took> for Answers {
    fn from_iter<I: IntoIterator<Item = Took>>(classes: I) -> Self {
        let mut answers = Self::default();
        classes.into_iter().for_each(|took| answers.add(took));
        answers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: i64 = 60_000;

    fn said(minute: i64, who: &str) -> Said<'static, String> {
        let who = (!who.is_empty()).then(|| who.to_owned());
        Said { at: Timestamp(minute * MINUTE), who, kind: "text" }
    }

    #[test]
    fn a_turn_is_answered_by_the_first_message_of_anybody_else_and_waits_since_its_first() {
        let talk = [said(0, "a"), said(1, "a"), said(3, "b"), said(4, "b"), said(20, ""), said(21, "")];
        let found = quarter_hours(talk);
        let all: Vec<_> = found
            .iter()
            .map(|quarter| {
                let took: Vec<u64> = quarter.answers.iter().map(|took| took.milliseconds).collect();
                (quarter.from.0 / MINUTE, quarter.kinds["text"], took)
            })
            .collect();
        let minutes = |minutes: i64| u64::try_from(minutes * MINUTE).unwrap();
        assert_eq!(all, [(0, 4, vec![minutes(3)]), (15, 2, vec![minutes(17)])]);
    }

    #[test]
    fn kinds_are_counted_apart_and_nothing_said_is_nothing() {
        let mut picture = said(2, "a");
        picture.kind = "image";
        let [quarter] = quarter_hours([said(1, "a"), picture, said(3, "a")]).try_into().unwrap();
        let counted = BTreeMap::from([("image".to_owned(), 1), ("text".to_owned(), 2)]);
        assert_eq!((quarter.kinds, quarter.answers.count()), (counted, 0));
        assert_eq!(quarter_hours::<u8>([]), []);
    }

    #[test]
    fn times_before_the_epoch_have_quarter_hours_too() {
        let [quarter] = quarter_hours([said(-1, "a")]).try_into().unwrap();
        assert_eq!(quarter.from.0, -15 * MINUTE);
    }

    #[test]
    fn percentiles_are_near_the_truth() {
        let answers: Answers = (1..=1_000).map(Took::of).collect();
        assert_eq!((answers.count(), answers.average()), (1_000, Some(500)));
        let near = |found: Option<u64>, truth: f64| (found.unwrap() as f64 / truth - 1.0).abs() < 0.05;
        assert!(near(answers.percentile(50), 500.0) && near(answers.percentile(90), 900.0), "{answers:?}");
        assert_eq!((Answers::default().average(), Answers::default().percentile(50)), (None, None));
    }

    #[test]
    fn what_is_added_up_is_what_was_said_in_one_go() {
        let (some, others): (Vec<u64>, Vec<u64>) = (0..500).map(|n| n * n).partition(|n| n % 3 == 0);
        let of = |times: &[u64]| times.iter().copied().map(Took::of).collect::<Answers>();
        let apart: Answers = of(&some).iter().chain(of(&others).iter()).collect();
        assert_eq!(apart, of(&[some, others].concat()));
    }
}
