//! What an answer of LINE means for the entry. Pure.
//!
//! Everything hangs on one question: can the message be out already? `begun_before` says that an
//! earlier call was begun whose outcome nobody knows: the answer was lost, or we died.

use matome_line::client::SendOutcome;

/// See [`of_reply`] and [`of_push`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// LINE took it, under this request id.
    Accepted(Option<String>),
    /// The token is of no use, and nothing went out with it.
    TokenDead,
    /// The month's quota is spent, and nothing went out.
    QuotaSpent,
    /// It may be out or not, and sending it again could say it twice.
    Ambiguous(String),
    /// LINE will never take it, and nothing went out.
    Refused(String),
    /// To be tried again.
    Again {
        /// Why.
        code: String,
        /// Nothing went out, in this call or an earlier one.
        unsent: bool,
    },
}

/// After a reply. A token works once: if it is refused after a call whose outcome is unknown, that
/// call may be what used it up; if it is accepted, that call had not.
#[must_use]
pub fn of_reply(outcome: SendOutcome, begun_before: bool) -> Verdict {
    match outcome {
        SendOutcome::InvalidReplyToken if begun_before => ambiguous("reply_unknown"),
        SendOutcome::InvalidReplyToken => Verdict::TokenDead,
        // Replies cost nothing: whatever LINE calls it, it is a matter of time.
        SendOutcome::QuotaExhausted => again("rate_limited", !begun_before),
        other => of_any(other, begun_before),
    }
}

/// After a push. The retry key makes a repeat harmless, and LINE answers 409 to one it has taken
/// before: then it does not speak of a spent quota.
#[must_use]
pub fn of_push(outcome: SendOutcome, begun_before: bool) -> Verdict {
    match outcome {
        SendOutcome::QuotaExhausted => Verdict::QuotaSpent,
        SendOutcome::InvalidReplyToken => final_refusal("rejected_400".to_owned(), begun_before),
        other => of_any(other, begun_before),
    }
}

fn of_any(outcome: SendOutcome, begun_before: bool) -> Verdict {
    match outcome {
        SendOutcome::Accepted { request_id, .. } => Verdict::Accepted(request_id),
        SendOutcome::AlreadyAccepted { accepted_request_id, .. } => Verdict::Accepted(accepted_request_id),
        SendOutcome::Rejected { status, .. } => final_refusal(format!("rejected_{status}"), begun_before),
        SendOutcome::Unauthorized => final_refusal("unauthorized".to_owned(), begun_before),
        SendOutcome::Forbidden => final_refusal("forbidden".to_owned(), begun_before),
        SendOutcome::InvalidReplyToken | SendOutcome::QuotaExhausted | SendOutcome::RateLimited { .. } => {
            again("rate_limited", !begun_before)
        }
        // LINE does not say that a 5xx did nothing.
        SendOutcome::Unavailable { status: Some(status) } => again(&format!("unavailable_{status}"), false),
        SendOutcome::Unavailable { status: None } => again("unreachable", !begun_before),
        SendOutcome::Unknown => again("no_answer", false),
    }
}

fn final_refusal(code: String, begun_before: bool) -> Verdict {
    if begun_before { Verdict::Ambiguous(code) } else { Verdict::Refused(code) }
}

fn ambiguous(code: &str) -> Verdict {
    Verdict::Ambiguous(code.to_owned())
}

fn again(code: &str, unsent: bool) -> Verdict {
    Verdict::Again { code: code.to_owned(), unsent }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes() -> Vec<SendOutcome> {
        vec![
            SendOutcome::InvalidReplyToken,
            SendOutcome::QuotaExhausted,
            SendOutcome::RateLimited { retry_after: None },
            SendOutcome::Rejected { status: 400, details: Vec::new() },
            SendOutcome::Unauthorized,
            SendOutcome::Forbidden,
            SendOutcome::Unavailable { status: Some(500) },
            SendOutcome::Unavailable { status: None },
            SendOutcome::Unknown,
        ]
    }

    #[test]
    fn after_a_call_of_unknown_outcome_a_reply_is_never_called_unsent() {
        for outcome in outcomes() {
            let verdict = of_reply(outcome.clone(), true);
            assert!(
                matches!(verdict, Verdict::Ambiguous(_) | Verdict::Again { unsent: false, .. }),
                "{outcome:?}: {verdict:?}"
            );
        }
    }

    #[test]
    fn a_first_call_without_an_answer_is_never_called_unsent() {
        for outcome in [SendOutcome::Unknown, SendOutcome::Unavailable { status: Some(503) }] {
            for verdict in [of_reply(outcome.clone(), false), of_push(outcome, false)] {
                assert!(matches!(verdict, Verdict::Again { unsent: false, .. }), "{verdict:?}");
            }
        }
    }

    #[test]
    fn a_token_refused_at_first_is_dead_and_refused_later_ambiguous() {
        assert_eq!(of_reply(SendOutcome::InvalidReplyToken, false), Verdict::TokenDead);
        assert_eq!(of_reply(SendOutcome::InvalidReplyToken, true), ambiguous("reply_unknown"));
    }

    #[test]
    fn a_push_that_line_has_taken_before_is_accepted_under_its_first_request() {
        let repeat = SendOutcome::AlreadyAccepted {
            accepted_request_id: Some("first".to_owned()),
            sent_messages: Vec::new(),
        };
        assert_eq!(of_push(repeat, true), Verdict::Accepted(Some("first".to_owned())));
    }

    #[test]
    fn a_spent_quota_is_final_for_a_push_only() {
        assert_eq!(of_push(SendOutcome::QuotaExhausted, true), Verdict::QuotaSpent);
        assert_eq!(of_reply(SendOutcome::QuotaExhausted, false), again("rate_limited", true));
    }
}
