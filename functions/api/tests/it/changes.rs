//! No route that changes something reads a whole collection to find it, as MongoDB itself counts: each is sent its
//! example by somebody who may, over documents that are there.

use std::collections::BTreeMap;

use matome_api::guard::Access;

use crate::operations::operations;
use crate::s3;
use crate::scans::{read_whole_since, scans};
use crate::seeded::Seeded;

/// What their examples do not come to: codes, tokens and passwords that nobody has; what is in no state for it. Some of
/// what they read is not read then; tests of their own have them succeed.
const REFUSED: [&str; 30] = [
    "abortOperation",
    "acceptInvitation",
    "archiveRoom",
    "beginSecondFactor",
    "changePassword",
    "closeActiveSession",
    "confirmSecondFactor",
    "createIpRule",
    "createOrganization",
    "createRoomMember",
    "disableSecondFactor",
    "leaveOrganization",
    "linkIdentity",
    "logIn",
    "logInWithLine",
    "logInWithProvider",
    "logInWithSecondFactor",
    "openSession",
    "refreshTokens",
    "regenerateSummary",
    "renewRecoveryCodes",
    "resetPassword",
    "restoreAccount",
    "retryOperation",
    "rotateDataKey",
    "summarizeSession",
    "unlinkIdentity",
    "unlockAccount",
    "updateSecurityPolicy",
    "verifyEmail",
];

#[tokio::test]
async fn no_route_that_changes_something_reads_a_whole_collection() {
    let (world, _bucket) = s3::world().await;
    let mut wrong = Vec::new();
    let mut refused = BTreeMap::new();
    for operation in operations().iter().filter(|operation| operation.rule.changes()) {
        // Of its own: what one takes away, the next would not find.
        let seeded = Seeded::start(&world, 3).await;
        let operator = world.super_admin().await;
        let path = seeded.path(&operation.rule.path);
        let caller = match operation.rule.access {
            Access::Public => None,
            Access::Platform(_) => Some(&operator),
            Access::Tenant(permission) | Access::Room(permission) if permission.is_platform() => {
                Some(&operator)
            }
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
            refused.insert(id.to_owned(), format!("{} {}", reply.status, reply.code()));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(refused.keys().map(String::as_str).eq(REFUSED), "{refused:#?}");
}
