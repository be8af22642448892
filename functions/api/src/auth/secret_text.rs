//! The random part that our tokens share: 256 bits as 43 characters of base64url.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use matome_runtime::random::Random;
use zeroize::Zeroizing;

/// Characters of it.
pub(super) const LEN: usize = 43;

/// A new one.
pub(super) fn generate(random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; 32]);
    random.fill(&mut *bytes);
    Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))
}

/// Whether a text has the form of one. The decoder takes one spelling of each value only.
pub(super) fn is_one(text: &str) -> bool {
    text.len() == LEN && URL_SAFE_NO_PAD.decode(text).is_ok_and(|bytes| bytes.len() == 32)
}

#[cfg(test)]
mod tests {
    use matome_runtime::random::{SeededRandom, SystemRandom};

    use super::*;

    #[test]
    fn what_is_made_has_the_form_and_differs() {
        let (a, b) = (generate(&SystemRandom), generate(&SystemRandom));
        assert!(is_one(&a) && is_one(&b) && a != b);
    }

    #[test]
    fn other_spellings_and_lengths_are_refused() {
        let text = generate(&SeededRandom::new(1));
        for bad in ["", &text[..42], &format!("{}A", *text), &format!("{}=", &text[..42]), &"あ".repeat(43)]
        {
            assert!(!is_one(bad), "{bad}");
        }
        // 43 characters have two bits too many, which must be zero.
        assert!(is_one(&"A".repeat(43)) && !is_one(&format!("{}B", "A".repeat(42))));
    }
}
