//! The audit trail's arithmetic: entries that hang together by their hashes, so that one that is removed,
//! changed or put elsewhere shows; and what of a change may be written into it ([`redact`]).
//!
//! What a chain cannot show by itself is that its *newest* entries are gone: whoever wants to know that
//! remembers a [`Tail`] elsewhere (an export, a log) and gives it to [`verify`].

mod redact;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::clock::Timestamp;

pub use redact::{REDACTED, redact};

/// The previous hash of a chain's first entry.
pub const NO_HASH: &str = "";

/// An entry of a chain.
pub trait Chained {
    /// Its place, from 1.
    fn seq(&self) -> i64;
    /// Its own hash, in hexadecimal.
    fn hash(&self) -> &str;
    /// The hash of the entry before; [`NO_HASH`] for the first.
    fn previous_hash(&self) -> &str;
    /// When the entry before was written; absent for the first.
    fn previous_at(&self) -> Option<Timestamp>;
    /// Everything that its hash is over: all its fields but the hash itself, which is left out if there.
    fn content(&self) -> Value;
}

/// JSON with the keys of every object sorted and no white space: one text for one meaning, whatever the
/// database did with the order.
#[must_use]
pub fn canonical(value: &Value) -> String {
    sorted(value).to_string()
}

fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_by_key(|(key, _)| *key);
            Value::Object(
                fields.into_iter().map(|(key, value)| (key.clone(), sorted(value))).collect::<Map<_, _>>(),
            )
        }
        Value::Array(items) => Value::Array(items.iter().map(sorted).collect()),
        plain => plain.clone(),
    }
}

/// The hash that an entry with this content has after one with that hash: SHA-256 over the previous hash,
/// a line feed, and the canonical form of the content without `hash`; hexadecimal, lower case.
#[must_use]
pub fn chain_hash(previous_hash: &str, content: &Value) -> String {
    let mut content = content.clone();
    if let Some(fields) = content.as_object_mut() {
        fields.remove("hash");
    }
    let mut hasher = Sha256::new();
    hasher.update(previous_hash.as_bytes());
    hasher.update(b"\n");
    hasher.update(canonical(&content).as_bytes());
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The end of a chain, as somebody remembers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tail {
    /// Place of the entry.
    pub seq: i64,
    /// Its hash.
    pub hash: String,
}

/// The newest entry, remembered when retention was about to take it: what is written next comes after it,
/// though it is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    /// The entry.
    pub tail: Tail,
    /// When it was written.
    pub written_at: Timestamp,
}

/// What is known about a chain from elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Entries written before may have gone by retention, that of today or one of before; none may if absent.
    pub kept_since: Option<Timestamp>,
    /// An entry that was there once, the newest somebody remembers.
    pub tail: Option<Tail>,
    /// The end of what retention has taken, as far as that was the chain's end.
    pub expiring: Option<Expiring>,
}

impl Known {
    /// Whether what was written then may have gone.
    fn may_be_gone(&self, at: Timestamp) -> bool {
        self.kept_since.is_some_and(|since| at < since)
    }

    /// The end of what has gone.
    fn gone(&self) -> Option<&Tail> {
        let gone = self.expiring.as_ref().filter(|expiring| self.may_be_gone(expiring.written_at));
        gone.map(|expiring| &expiring.tail)
    }
}

/// Why a chain is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// Its content is not what was hashed.
    #[error("the entry was changed")]
    Changed,
    /// Those between the entry before and this one are missing.
    #[error("entries before it were removed")]
    Removed,
    /// It does not come after the entry before it: in another place, twice, or of another chain.
    #[error("the entry is out of order")]
    Reordered,
    /// The chain begins with it, though what came before was to be kept still.
    #[error("entries at the beginning were removed before their time")]
    HeadRemoved,
    /// The newest ones are missing: the remembered end is not there.
    #[error("entries at the end were removed")]
    TailRemoved,
    /// The remembered end is there with another hash: all from somewhere on was written anew.
    #[error("the chain was written anew")]
    Rewritten,
}

/// What going through a chain has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Nothing is wrong with it.
    pub intact: bool,
    /// Entries seen.
    pub entries: u64,
    /// The first entry that something is wrong with.
    pub broken_at: Option<i64>,
    /// What.
    pub reason: Option<Reason>,
    /// Its beginning has gone by retention.
    pub head_gone: bool,
    /// Its end, to be remembered; none if there is no entry.
    pub tail: Option<Tail>,
    /// Whether the end was compared with a remembered one. If not, nobody knows whether entries are
    /// missing there.
    pub tail_known: bool,
}

/// Goes through a chain from its oldest entry on, as by its index, with one entry in memory at a time.
#[derive(Debug, Clone)]
pub struct Verifier {
    known: Known,
    verdict: Verdict,
    seen_tail: bool,
}

impl Verifier {
    /// Nothing is seen yet.
    #[must_use]
    pub fn new(known: Known) -> Self {
        let verdict = Verdict {
            intact: true,
            entries: 0,
            broken_at: None,
            reason: None,
            head_gone: false,
            tail: None,
            tail_known: known.tail.is_some(),
        };
        Self { known, verdict, seen_tail: false }
    }

    fn broken(&mut self, seq: i64, reason: Reason) {
        if self.verdict.intact {
            self.verdict.intact = false;
            (self.verdict.broken_at, self.verdict.reason) = (Some(seq), Some(reason));
        }
    }

    /// The next entry, in the order of places.
    pub fn see(&mut self, entry: &impl Chained) {
        let seq = entry.seq();
        match &self.verdict.tail {
            None => self.first(entry),
            Some(before) if seq <= before.seq => self.broken(seq, Reason::Reordered),
            Some(before) if seq > before.seq + 1 => self.missing_before(entry, Reason::Removed),
            Some(before) if before.hash != entry.previous_hash() => self.broken(seq, Reason::Reordered),
            Some(_) => {}
        }
        if let Some(Expiring { tail, .. }) = &self.known.expiring
            && (seq == tail.seq + 1 && entry.previous_hash() != tail.hash
                || seq == tail.seq && entry.hash() != tail.hash)
        {
            self.broken(seq, Reason::Rewritten);
        }
        if chain_hash(entry.previous_hash(), &entry.content()) != entry.hash() {
            self.broken(seq, Reason::Changed);
        }
        if let Some(tail) = self.known.tail.as_ref().filter(|tail| tail.seq == seq) {
            self.seen_tail = true;
            if tail.hash != entry.hash() {
                self.broken(seq, Reason::Rewritten);
            }
        }
        self.verdict.entries += 1;
        self.verdict.tail = Some(Tail { seq, hash: entry.hash().to_owned() });
    }

    fn first(&mut self, entry: &impl Chained) {
        if entry.seq() == 1 {
            if entry.previous_hash() != NO_HASH {
                self.broken(1, Reason::Reordered);
            }
            return;
        }
        self.verdict.head_gone = true;
        self.missing_before(entry, Reason::HeadRemoved);
    }

    /// What came right before is not there: fine when it was not to be kept any longer. In the middle, too:
    /// under a retention that was made shorter, newer entries go before older ones.
    fn missing_before(&mut self, entry: &impl Chained, reason: Reason) {
        if !entry.previous_at().is_some_and(|at| self.known.may_be_gone(at)) {
            self.broken(entry.seq(), reason);
        }
    }

    /// What was seen. A remembered end that lies before the first entry has gone by retention; so has one that
    /// is not behind the end of what has gone.
    #[must_use]
    pub fn verdict(mut self) -> Verdict {
        if let Some(tail) = self.known.tail.clone()
            && !self.seen_tail
        {
            let end =
                self.verdict.tail.as_ref().into_iter().chain(self.known.gone()).max_by_key(|end| end.seq);
            match end {
                Some(end) if end.seq > tail.seq => {}
                Some(end) if end.seq == tail.seq && end.hash == tail.hash => {}
                Some(end) if end.seq == tail.seq => self.broken(tail.seq, Reason::Rewritten),
                end => {
                    let last = end.map_or(0, |end| end.seq);
                    self.broken(last + 1, Reason::TailRemoved);
                }
            }
        }
        self.verdict
    }
}

/// Goes through a whole chain; see [`Verifier`].
pub fn verify<E: Chained>(entries: impl IntoIterator<Item = E>, known: Known) -> Verdict {
    let mut verifier = Verifier::new(known);
    entries.into_iter().for_each(|entry| verifier.see(&entry));
    verifier.verdict()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[derive(Debug, Clone, PartialEq)]
    struct Entry {
        seq: i64,
        hash: String,
        previous_hash: String,
        at: i64,
        previous_at: Option<i64>,
        what: String,
    }

    impl Chained for Entry {
        fn seq(&self) -> i64 {
            self.seq
        }
        fn hash(&self) -> &str {
            &self.hash
        }
        fn previous_hash(&self) -> &str {
            &self.previous_hash
        }
        fn previous_at(&self) -> Option<Timestamp> {
            self.previous_at.map(Timestamp)
        }
        fn content(&self) -> Value {
            json!({
                "seq": self.seq, "previousHash": self.previous_hash, "at": self.at, "previousAt": self.previous_at,
                "what": self.what, "hash": self.hash,
            })
        }
    }

    fn chain(length: i64) -> Vec<Entry> {
        let mut chain: Vec<Entry> = Vec::new();
        for seq in 1..=length {
            let before = chain.last();
            let mut entry = Entry {
                seq,
                hash: String::new(),
                previous_hash: before.map_or(NO_HASH.to_owned(), |e| e.hash.clone()),
                at: seq * 10,
                previous_at: before.map(|e| e.at),
                what: format!("change {seq}"),
            };
            entry.hash = chain_hash(&entry.previous_hash, &entry.content());
            chain.push(entry);
        }
        chain
    }

    fn broken(entries: Vec<Entry>, known: Known) -> (Option<i64>, Option<Reason>) {
        let verdict = verify(entries, known);
        assert_eq!(verdict.intact, verdict.reason.is_none());
        (verdict.broken_at, verdict.reason)
    }

    #[test]
    fn a_chain_that_nobody_touched_is_intact() {
        for length in [0, 1, 5] {
            let verdict = verify(chain(length), Known::default());
            assert!(verdict.intact && !verdict.tail_known && !verdict.head_gone);
            assert_eq!(
                (verdict.entries, verdict.tail.map(|t| t.seq)),
                (length as u64, (length > 0).then_some(length))
            );
        }
    }

    #[test]
    fn what_is_done_to_an_entry_shows_at_its_place() {
        let none = Known::default;
        let mut removed = chain(5);
        removed.remove(2);
        assert_eq!(broken(removed, none()), (Some(4), Some(Reason::Removed)));
        let mut changed = chain(5);
        changed[2].what = "nothing".to_owned();
        assert_eq!(broken(changed.clone(), none()), (Some(3), Some(Reason::Changed)));
        // Hashed again, it no longer fits the next one.
        changed[2].hash = chain_hash(&changed[2].previous_hash, &changed[2].content());
        assert_eq!(broken(changed, none()), (Some(4), Some(Reason::Reordered)));
        let mut swapped = chain(5);
        swapped.swap(1, 2);
        assert_eq!(broken(swapped, none()), (Some(3), Some(Reason::Removed)));
        let mut renumbered = chain(5);
        renumbered.remove(2);
        renumbered[2].seq = 3;
        assert_eq!(broken(renumbered, none()), (Some(3), Some(Reason::Reordered)));
        let mut twice = chain(3);
        twice.push(twice[2].clone());
        assert_eq!(broken(twice, none()), (Some(3), Some(Reason::Reordered)));
    }

    #[test]
    fn a_head_may_go_by_retention_and_no_other_way() {
        let rest = || chain(5).split_off(2);
        let kept_since = |at| Known { kept_since: Some(Timestamp(at)), ..Known::default() };
        // The second entry was written at 20.
        let verdict = verify(rest(), kept_since(21));
        assert!(verdict.intact && verdict.head_gone);
        assert_eq!(broken(rest(), kept_since(20)), (Some(3), Some(Reason::HeadRemoved)));
        assert_eq!(broken(rest(), Known::default()), (Some(3), Some(Reason::HeadRemoved)));
        // So may those in the middle, when retention was longer once.
        let mut holed = chain(5);
        holed.remove(1);
        assert!(verify(holed.clone(), kept_since(21)).intact);
        assert_eq!(broken(holed, kept_since(20)), (Some(3), Some(Reason::Removed)));
        // Nobody gets round that by saying when: it is hashed.
        let mut forged = rest();
        forged[0].previous_at = Some(1);
        assert_eq!(broken(forged, kept_since(20)), (Some(3), Some(Reason::Changed)));
    }

    #[test]
    fn a_remembered_end_shows_what_is_missing_or_new_there() {
        let tail = |entry: &Entry| Known {
            tail: Some(Tail { seq: entry.seq, hash: entry.hash.clone() }),
            ..Known::default()
        };
        let whole = chain(5);
        let verdict = verify(whole.clone(), tail(&whole[3]));
        assert!(verdict.intact && verdict.tail_known);
        assert_eq!(broken(whole[..3].to_vec(), tail(&whole[4])), (Some(4), Some(Reason::TailRemoved)));
        assert_eq!(broken(vec![], tail(&whole[4])), (Some(1), Some(Reason::TailRemoved)));
        let mut other = whole[4].clone();
        other.hash = "another".to_owned();
        assert_eq!(broken(whole.clone(), tail(&other)), (Some(5), Some(Reason::Rewritten)));
        // The remembered entry itself has gone by retention.
        let known = Known { kept_since: Some(Timestamp(30)), ..tail(&whole[0]) };
        assert!(verify(whole[2..].to_vec(), known).intact);
    }

    #[test]
    fn an_end_that_retention_took_is_not_missed_and_what_comes_next_hangs_on_it() {
        let tail = |entry: &Entry| Tail { seq: entry.seq, hash: entry.hash.clone() };
        let whole = chain(6);
        let expiring = |entry: &Entry| Expiring { tail: tail(entry), written_at: Timestamp(entry.at) };
        let known = |kept_since, remembered: &Entry| Known {
            kept_since: Some(Timestamp(kept_since)),
            tail: Some(tail(remembered)),
            expiring: Some(expiring(&whole[3])),
        };
        // All of them have gone; whoever remembers one is not told that it was removed.
        assert!(verify(Vec::<Entry>::new(), known(41, &whole[3])).intact);
        assert!(verify(Vec::<Entry>::new(), known(41, &whole[1])).intact);
        // It was to be there still; it was another one; there was one more.
        assert_eq!(broken(vec![], known(40, &whole[3])), (Some(1), Some(Reason::TailRemoved)));
        assert_eq!(broken(vec![], known(41, &whole[4])), (Some(5), Some(Reason::TailRemoved)));
        let other = Entry { hash: "another".to_owned(), ..whole[3].clone() };
        assert_eq!(broken(vec![], known(41, &other)), (Some(4), Some(Reason::Rewritten)));
        // Under a retention that was made shorter the newest may go before older ones.
        assert!(verify(whole[..2].to_vec(), known(41, &whole[3])).intact);
        // The next one.
        assert!(verify(whole[4..].to_vec(), known(41, &whole[3])).intact);
        let mut forged = chain(5).split_off(4);
        forged[0].previous_hash = "another".to_owned();
        forged[0].hash = chain_hash(&forged[0].previous_hash, &forged[0].content());
        assert_eq!(broken(forged, known(41, &whole[3])), (Some(5), Some(Reason::Rewritten)));
        // Still there.
        assert!(verify(whole.clone(), known(0, &whole[5])).intact);
    }

    #[test]
    fn hashes_do_not_depend_on_the_order_of_fields_and_never_change() {
        let (a, b) = (
            json!({ "b": [1, { "d": 1.5, "c": "ま" }], "a": null }),
            json!({ "a": null, "b": [1, { "c": "ま", "d": 1.5 }] }),
        );
        assert_eq!(canonical(&a), r#"{"a":null,"b":[1,{"c":"ま","d":1.5}]}"#);
        assert_eq!(chain_hash("p", &a), chain_hash("p", &b));
        assert_ne!(chain_hash("p", &a), chain_hash("q", &a));
        // echo -en '\n{"a":1}' | sha256sum
        let known = chain_hash(NO_HASH, &json!({ "a": 1, "hash": "is left out" }));
        assert_eq!(known, "7395dc66860499cb2b8970e17094ec53ed1ff54e7067ad619f884917096166b0");
    }

    proptest! {
        #[test]
        fn no_entry_can_be_taken_out_changed_or_moved_unnoticed(
            length in 2_i64..12, at in any::<prop::sample::Index>(), to in any::<prop::sample::Index>(), how in 0..3,
        ) {
            let whole = chain(length);
            let last = whole.last().expect("two at least");
            let known = Known { tail: Some(Tail { seq: last.seq, hash: last.hash.clone() }), ..Known::default() };
            let (mut entries, at, to) = (whole.clone(), at.index(whole.len()), to.index(whole.len()));
            match how {
                0 => drop(entries.remove(at)),
                1 => entries[at].what.push('!'),
                _ => entries.swap(at, to),
            }
            prop_assert_eq!(verify(entries.clone(), known).intact, entries == whole);
        }
    }
}
