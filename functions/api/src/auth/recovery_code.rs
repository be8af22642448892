//! Recovery codes: ten, each good for one log-in without the second factor. Shown once, kept as tags.

use matome_runtime::random::Random;
use matome_store::Id;
use zeroize::Zeroizing;

use super::mac::{MacKey, Purpose, Tag};

/// How many an account gets.
pub const COUNT: usize = 10;
/// Characters of a code, the hyphen apart: 50 bits.
const LEN: usize = 10;
/// 32 characters without those that are mistaken for each other when read from paper.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Ten new codes, `xxxxx-xxxxx`.
#[must_use]
pub fn generate(random: &dyn Random) -> Vec<Zeroizing<String>> {
    (0..COUNT).map(|_| one(random)).collect()
}

fn one(random: &dyn Random) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0; LEN]);
    random.fill(&mut *bytes);
    let mut code = Zeroizing::new(String::with_capacity(LEN + 1));
    for (at, byte) in bytes.iter().enumerate() {
        if at == LEN / 2 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte & 31)]));
    }
    code
}

/// What is stored of a code of an account; case, spaces and hyphens do not matter. `None` when it has not
/// the form of a code.
#[must_use]
pub fn tag(key: &MacKey, account: Id, code: &str) -> Option<Tag> {
    let mut plain = Zeroizing::new(String::with_capacity(LEN));
    for c in code.chars().filter(|c| !matches!(c, ' ' | '-')) {
        plain.push(c.to_ascii_lowercase());
        if plain.len() > LEN {
            return None;
        }
    }
    let fits = plain.len() == LEN && plain.bytes().all(|b| ALPHABET.contains(&b));
    fits.then(|| key.tag(Purpose::RecoveryCode, &format!("{account}:{}", *plain)))
}

#[cfg(test)]
mod tests {
    use matome_runtime::random::SystemRandom;

    use super::*;

    #[test]
    fn ten_different_codes_are_made_and_found_again_however_they_are_typed() {
        let (key, account) = (MacKey::new(&[1; 32]), "0123456789abcdef01234567".parse().unwrap());
        let codes = generate(&SystemRandom);
        let tags: std::collections::BTreeSet<_> =
            codes.iter().map(|code| String::from(tag(&key, account, code).unwrap())).collect();
        assert_eq!(tags.len(), COUNT);
        let code = codes[0].to_string();
        assert_eq!((code.len(), code.find('-')), (11, Some(5)));
        for typed in [code.to_uppercase(), code.replace('-', ""), format!(" {} ", code.replace('-', " "))] {
            assert_eq!(tag(&key, account, &typed), tag(&key, account, &code), "{typed}");
        }
    }

    #[test]
    fn a_code_is_of_one_account_only() {
        let key = MacKey::new(&[1; 32]);
        let of = |id: &str| tag(&key, id.parse().unwrap(), "aaaaa-aaaaa");
        assert_ne!(of("0123456789abcdef01234567"), of("0123456789abcdef01234568"));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        let (key, account) = (MacKey::new(&[1; 32]), "0123456789abcdef01234567".parse().unwrap());
        for bad in
            ["", "-", "aaaaa-aaaa", "aaaaa-aaaaaa", "aaaaa-aaaa0", "aaaaa-aaaa1", "あ", &"a".repeat(9999)]
        {
            assert!(tag(&key, account, bad).is_none(), "{bad}");
        }
    }
}
