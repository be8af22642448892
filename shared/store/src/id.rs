//! Ids derived from what a document is about, so that a step done twice writes the same document
//! and needs no look-up first. Unique indexes stay the authority; a collision of 64 or 96 hash bits
//! would surface there as a refused write, not as a mix-up, because every filter carries `tenantId`.

use aws_lc_rs::digest;
use bson::oid::ObjectId;
use matome_domain::clock::Timestamp;
use matome_domain::ids::DocumentId;

/// The id of the document that `parts` name, e.g. `["room", tenant, channel, conversation]`.
#[must_use]
pub fn derived(parts: &[&str]) -> ObjectId {
    let mut bytes = [0; 12];
    bytes.copy_from_slice(&hash(parts)[..12]);
    ObjectId::from_bytes(bytes)
}

/// The same, but in time order like MongoDB's own: four bytes of seconds, then the hash. Only for
/// documents whose `at` never changes between repeats.
#[must_use]
pub fn derived_at(at: Timestamp, parts: &[&str]) -> ObjectId {
    let seconds = u32::try_from(at.0.div_euclid(1000)).unwrap_or(0);
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&seconds.to_be_bytes());
    bytes[4..].copy_from_slice(&hash(parts)[..8]);
    ObjectId::from_bytes(bytes)
}

/// As it travels in queues and URLs.
#[must_use]
pub fn document_id(id: ObjectId) -> DocumentId {
    DocumentId::new(id.to_hex()).expect("24 hexadecimal digits are a valid id")
}

/// Back from a queue or URL; `None` when it is no ObjectId.
#[must_use]
pub fn object_id(id: &DocumentId) -> Option<ObjectId> {
    ObjectId::parse_str(id.as_str()).ok()
}

fn hash(parts: &[&str]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part.as_bytes());
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_parts_give_the_same_id_and_boundaries_count() {
        assert_eq!(derived(&["a", "b"]), derived(&["a", "b"]));
        assert_ne!(derived(&["ab", ""]), derived(&["a", "b"]));
        assert_eq!(derived_at(Timestamp(5_000), &["m"]).bytes()[..4], [0, 0, 0, 5]);
        let id = derived(&["x"]);
        assert_eq!(object_id(&document_id(id)), Some(id));
    }
}
