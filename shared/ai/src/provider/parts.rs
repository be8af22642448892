//! Cuts a long talk into parts that fit one request each.

use std::ops::Range;

use super::envelope::tokens;

/// Consecutive ranges of items whose sizes sum to at most `room` each; an item larger than `room`
/// stands alone. A part may take up to a tenth less, so that the last one is not a crumb.
pub(super) fn split(sizes: &[u64], room: u64) -> Vec<Range<usize>> {
    let total: u64 = sizes.iter().sum();
    let parts = total.div_ceil(room.max(1)).max(1);
    // Even parts read better than full ones and a rest.
    let even = total.div_ceil(parts).saturating_add(room / 10).min(room);
    let mut ranges = Vec::new();
    let (mut start, mut sum) = (0, 0_u64);
    for (at, size) in sizes.iter().enumerate() {
        if at > start && sum + size > even {
            ranges.push(start..at);
            (start, sum) = (at, 0);
        }
        sum += size;
    }
    if start < sizes.len() {
        ranges.push(start..sizes.len());
    }
    ranges
}

/// The size of each value as JSON, in tokens.
pub(super) fn sizes(values: &[serde_json::Value]) -> Vec<u64> {
    values.iter().map(|v| tokens(&v.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn parts_cover_everything_in_order_and_fit(sizes in prop::collection::vec(1_u64..300, 0..80), room in 50_u64..400) {
            let parts = split(&sizes, room);
            let covered: Vec<usize> = parts.iter().cloned().flatten().collect();
            prop_assert_eq!(covered, (0..sizes.len()).collect::<Vec<_>>());
            for part in parts {
                let sum: u64 = sizes[part.clone()].iter().sum();
                prop_assert!(sum <= room || part.len() == 1);
            }
        }
    }
}
