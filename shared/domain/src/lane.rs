//! The lanes in which a tenant's conversations travel through `inbound.fifo`.
//!
//! SQS has one batch of a FIFO group in flight at a time, and which group comes next is its own
//! choice. Were each conversation a group, a tenant with hundreds of busy ones could have every
//! environment of the recorder to itself. With a few groups it has at most as many batches in flight,
//! whatever it sends; what is too much waits behind its own. See docs/tenancy.md, "Noisy neighbours".

use crate::ids::{ChannelId, ConversationId, TenantId};

/// A tenant's lanes: of the recorder's twenty environments (`MaximumConcurrency` in `template.yaml`) it
/// has four at most. Together they still take more messages a second than one cluster records.
pub const LANES: u64 = 4;

/// The lane of a conversation, always the same, so that what is said there stays in order.
#[must_use]
pub fn lane(channel: &ChannelId, conversation: &ConversationId) -> u64 {
    // FNV-1a, folded; every version of the code must come to the same number. Nobody gains by choosing
    // ids that meet: they are LINE's, and the lane is the tenant's own.
    let parts = [channel.as_str(), "#", conversation.as_str()];
    let hash = parts.iter().flat_map(|part| part.bytes()).fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    (hash ^ (hash >> 32)) % LANES
}

/// The FIFO group: no tenant is in another's.
#[must_use]
pub fn group(tenant: &TenantId, channel: &ChannelId, conversation: &ConversationId) -> String {
    format!("{tenant}#{}", lane(channel, conversation))
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn conversation(n: u32) -> ConversationId {
        ConversationId::new(format!("U{:032x}", u128::from(n) * 0x9e37_79b9)).unwrap()
    }

    fn ids() -> (TenantId, ChannelId) {
        (TenantId::new("tenant").unwrap(), ChannelId::new("1650000001").unwrap())
    }

    #[test]
    fn a_tenant_has_so_many_groups_whatever_it_sends_and_all_are_used_alike() {
        let (tenant, channel) = ids();
        let mut groups: BTreeMap<String, u32> = BTreeMap::new();
        for n in 0..10_000 {
            *groups.entry(group(&tenant, &channel, &conversation(n))).or_default() += 1;
        }
        assert_eq!(groups.len() as u64, LANES);
        assert!(groups.values().all(|n| (2_000..3_000).contains(n)), "{groups:?}");
    }

    #[test]
    fn channels_of_a_tenant_share_its_lanes_and_tenants_share_none() {
        let (tenant, channel) = ids();
        let other_channel = ChannelId::new("1650000002").unwrap();
        let other_tenant = TenantId::new("other").unwrap();
        let of = |tenant: &TenantId, channel: &ChannelId| -> BTreeSet<String> {
            (0..100).map(|n| group(tenant, channel, &conversation(n))).collect()
        };
        assert_eq!(of(&tenant, &channel), of(&tenant, &other_channel));
        assert!(of(&tenant, &channel).is_disjoint(&of(&other_tenant, &channel)));
    }

    /// Messages of one conversation must not be in two groups at once because two versions of the code run.
    #[test]
    fn the_lanes_of_known_conversations_never_change() {
        let (_, channel) = ids();
        let lanes: Vec<u64> = (0..8).map(|n| lane(&channel, &conversation(n))).collect();
        assert_eq!(lanes, [0, 2, 3, 2, 0, 1, 0, 2]);
    }
}
