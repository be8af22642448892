//! What our buttons mean. Encoded and parsed here alone; short, as LINE allows 300 characters.

use matome_domain::ids::DocumentId;

/// What a tapped button asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostbackAction {
    /// `m=show&s=ID`: send the summary ("summary ready" was tapped).
    ShowSummary {
        /// The summary.
        summary_id: DocumentId,
    },
    /// `m=details&s=ID`: send the full account.
    ShowDetails {
        /// The summary.
        summary_id: DocumentId,
    },
    /// `m=rate&s=ID&r=N`: rate the summary.
    RateSummary {
        /// The summary.
        summary_id: DocumentId,
        /// How many stars.
        rating: Rating,
    },
    /// `m=summarize`: close the session and summarize it now.
    Summarize,
    /// Not ours, or damaged.
    Unknown {
        /// The data as tapped.
        data: String,
    },
}

/// One to five stars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rating(u8);

impl Rating {
    /// All of them.
    pub const ALL: [Self; 5] = [Self(1), Self(2), Self(3), Self(4), Self(5)];

    /// A rating; `None` outside 1–5.
    #[must_use]
    pub fn new(stars: u8) -> Option<Self> {
        (1..=5).contains(&stars).then_some(Self(stars))
    }

    /// How many stars, 1–5.
    #[must_use]
    pub fn stars(self) -> u8 {
        self.0
    }
}

impl PostbackAction {
    /// The `data` of a button.
    #[must_use]
    pub fn encode(&self) -> String {
        match self {
            Self::ShowSummary { summary_id } => format!("m=show&s={summary_id}"),
            Self::ShowDetails { summary_id } => format!("m=details&s={summary_id}"),
            Self::RateSummary { summary_id, rating } => format!("m=rate&s={summary_id}&r={}", rating.0),
            Self::Summarize => "m=summarize".to_owned(),
            Self::Unknown { data } => data.clone(),
        }
    }

    /// Reads the `data` of a tapped button. Anyone can make a client send anything, so whatever
    /// is not exactly ours is [`PostbackAction::Unknown`].
    #[must_use]
    pub fn parse(data: &str) -> Self {
        Self::known(data).unwrap_or_else(|| Self::Unknown { data: data.to_owned() })
    }

    fn known(data: &str) -> Option<Self> {
        let fields: Vec<_> = data.split('&').map(|f| f.split_once('=')).collect::<Option<_>>()?;
        let id = |text: &str| DocumentId::new(text).ok();
        Some(match fields[..] {
            [("m", "show"), ("s", s)] => Self::ShowSummary { summary_id: id(s)? },
            [("m", "details"), ("s", s)] => Self::ShowDetails { summary_id: id(s)? },
            [("m", "rate"), ("s", s), ("r", r)] => {
                let &[digit @ b'1'..=b'5'] = r.as_bytes() else {
                    return None;
                };
                Self::RateSummary { summary_id: id(s)?, rating: Rating(digit - b'0') }
            }
            [("m", "summarize")] => Self::Summarize,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn action() -> impl Strategy<Value = PostbackAction> {
        let id = || "[0-9a-f]{24}".prop_map(|s| DocumentId::new(s).unwrap());
        prop_oneof![
            id().prop_map(|summary_id| PostbackAction::ShowSummary { summary_id }),
            id().prop_map(|summary_id| PostbackAction::ShowDetails { summary_id }),
            (id(), 1_u8..=5).prop_map(|(summary_id, stars)| PostbackAction::RateSummary {
                summary_id,
                rating: Rating::new(stars).unwrap(),
            }),
            Just(PostbackAction::Summarize),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_parsed_back(action in action()) {
            let data = action.encode();
            prop_assert!(data.len() <= 300);
            prop_assert_eq!(PostbackAction::parse(&data), action);
        }

        #[test]
        fn any_data_is_parsed_and_kept(data in "\\PC{0,60}") {
            prop_assert_eq!(PostbackAction::parse(&data).encode(), data);
        }
    }

    #[test]
    fn what_is_not_exactly_ours_is_unknown() {
        for data in [
            "",
            "m=details",
            "m=details&s=",
            "m=details&s=a.b",
            "m=details&s=0123456789abcdef012345678",
            "m=rate&s=0123456789abcdef01234567&r=6",
            "m=rate&s=0123456789abcdef01234567&r=0",
            "m=rate&s=0123456789abcdef01234567&r=55",
            "m=rate&s=0123456789abcdef01234567&r=+1",
            "m=summarize&s=1",
            "s=0123456789abcdef01234567&m=show",
            "M=summarize",
        ] {
            assert_eq!(PostbackAction::parse(data), PostbackAction::Unknown { data: data.to_owned() });
        }
        assert_eq!((Rating::new(0), Rating::new(6)), (None, None));
    }
}
