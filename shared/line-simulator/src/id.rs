//! Ids and tokens in the forms LINE gives them. Random, because what receives them may outlive
//! the simulator and must not see an id twice.

use matome_domain::clock::Timestamp;
use uuid::Uuid;

/// `U`, `C` or `R` and 32 hexadecimal digits.
pub(crate) fn entity(prefix: char) -> String {
    format!("{prefix}{}", Uuid::new_v4().simple())
}

/// The id of a channel: ten digits.
pub(crate) fn channel() -> String {
    format!("20{:08}", Uuid::new_v4().as_u128() % 100_000_000)
}

/// An opaque token.
pub(crate) fn token() -> String {
    Uuid::new_v4().simple().to_string()
}

/// A message id: 18 digits that grow with time.
pub(crate) fn message(now: Timestamp, counter: u64) -> String {
    let noise = Uuid::new_v4().as_u128() % 100;
    format!("{:013}{:03}{noise:02}", now.0.max(0) % 10_000_000_000_000, counter % 1_000)
}

/// A `webhookEventId`: a ULID, 48 bits of time and 80 of chance in Crockford's base 32.
pub(crate) fn ulid(now: Timestamp) -> String {
    const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let time = u128::from(now.0.max(0).cast_unsigned()) << 80;
    let value = time | (Uuid::new_v4().as_u128() & ((1 << 80) - 1));
    (0..26).rev().map(|at| char::from(ALPHABET[((value >> (at * 5)) & 31) as usize])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ulids_start_with_their_time() {
        // The ULID specification's example: 1469918176385 ms.
        let id = ulid(Timestamp(1_469_918_176_385));
        assert_eq!((&id[..10], id.len()), ("01ARYZ6S41", 26));
    }

    #[test]
    fn message_ids_are_numeric_and_differ() {
        let ids: std::collections::HashSet<_> = (0..1_000).map(|n| message(Timestamp(5), n)).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(ids.iter().all(|i| i.len() == 18 && i.bytes().all(|b| b.is_ascii_digit())));
    }
}
