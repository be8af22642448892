//! No route that changes something reads a whole collection to find it, as MongoDB itself counts: each is sent its
//! example by somebody who may, over documents that are there.

use std::collections::BTreeSet;

use matome_api::guard::Access;

use crate::operations::operations;
use crate::s3;
use crate::scans::{read_whole_since, scans};
use crate::seeded::Seeded;

/// What their examples do not come to: tokens and passwords that nobody has, who is a member already, what is in no
/// state for it. Some of what they read is not read then; tests of their own have them succeed.
const REFUSED: [&str; 0] = [];

#[tokio::test]
async fn no_route_that_changes_something_reads_a_whole_collection() {
    let (world, _bucket) = s3::world().await;
    let mut wrong = Vec::new();
    let mut refused = BTreeSet::new();
    for operation in operations().iter().filter(|operation| operation.rule.changes()) {
        // Of its own: what one takes away, the next would not find.
        let seeded = Seeded::start(&world, 3).await;
        let operator = world.super_admin().await;
        let path = seeded.path(&operation.rule.path);
        let caller = match operation.rule.access {
            Access::Public => None,
            Access::Platform(_) => Some(&operator),
            Access::Account | Access::Tenant(_) | Access::Room(_) => Some(&seeded.owner),
        };
        if let Some(there) = path.strip_suffix("/restore") {
            world.delete(there).by(&seeded.owner).send().await;
        }
        let before = scans(&world).await;
        let call = operation.call(&world, &path);
        let reply = if let Some(caller) = caller { call.by(caller) } else { call }.send().await;
        let id = operation.id();
        wrong.extend(
            read_whole_since(&before, &scans(&world).await).iter().map(|what| format!("{id}: {what}")),
        );
        assert!(!reply.status.is_server_error(), "{id}: {} {}", reply.status, reply.body);
        if !reply.status.is_success() {
            refused.insert(format!("{id}: {} {}", reply.status, reply.code()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let known: BTreeSet<String> = REFUSED.iter().map(ToString::to_string).collect();
    assert_eq!(refused, known);
}
