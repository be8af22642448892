//! A document of every entity, as Rust writes it: what serde needs is given, the rest is its default.

use bson::oid::ObjectId;
use bson::{DateTime, Document, doc};
use matome_domain::ids::TenantId;
use matome_domain::plan::Terms;
use matome_domain::tier::Tier;
use matome_store::create_organization::default_room;
use matome_store::entities::{
    Account, AccountAuditEntry, AiUsage, ApiKey, AuditEntry, Channel, Credentials, Device,
    ErasureCertificate, ExposedVisitor, InboundEventRecord, Invitation, IpRule, LoginSession, Member,
    Message, MonthlyUsage, NewOrganization, Notice, Operation, Organization, OutboxEntry, Owner, Plan,
    PlatformSecret, PushLedger, Room, RoomMember, SecurityPolicy, Session, Summary, UsedIdToken, User,
    visit_plain_entities,
};
use matome_store::exposed::{Exposed, NewContext};
use matome_store::id::derived;
use matome_store::{Entity, collection};

/// 2026-11-20T09:00:00Z.
pub(crate) const NOW: DateTime = DateTime::from_millis(1_795_165_200_000);

/// Ids that differ by kind and number and are the same in every run.
pub(crate) fn id(kind: u8, number: u32) -> ObjectId {
    let mut bytes = [kind; 12];
    // Ids are derived from hashes, and so are in no order of time.
    bytes[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    ObjectId::from_bytes(bytes)
}

fn sample<E: Entity>(tenant: &str, id: ObjectId, fields: Document) -> (&'static str, Document) {
    let mut document = doc! {
        "_id": id, "tenantId": tenant, "createdAt": NOW, "updatedAt": NOW, "__v": 0_i64,
    };
    document.extend(fields);
    let entity: E =
        bson::deserialize_from_document(document).unwrap_or_else(|e| panic!("{}: {e}", E::COLLECTION));
    (E::COLLECTION, collection::encode(&entity).expect("can be written"))
}

/// A message of the tenant, unlike those with other numbers.
pub(crate) fn message(tenant: &str, number: u32) -> Message {
    let (_, message) = sample::<Message>(
        tenant,
        id(5, number),
        doc! {
            "channelId": "c", "sessionId": id(4, 0), "roomId": id(1, 0), "lineMessageId": number.to_string(),
            "messageType": "a kind LINE invents tomorrow", "status": "delivered", "timestamp": NOW,
            "content": "まとめ".repeat(1 + (number % 40) as usize),
        },
    );
    bson::deserialize_from_document(message).expect("was one before")
}

/// A session of room 0.
pub(crate) fn session(tenant: &str, number: u32, status: &str) -> Document {
    let fields = doc! {
        "roomId": id(1, 0), "channelId": "c", "conversationId": "r", "sessionNumber": i64::from(number),
        "participants": [], "status": status, "openedAt": NOW, "closesAt": NOW, "startTime": NOW,
        "lastMessageAt": NOW, "revision": 0_i64, "metadata": { "platform": "line" },
        "statistics": { "messageCount": 0_i64, "imageCount": 0_i64, "participantCount": 0_i64 },
    };
    sample::<Session>(tenant, id(4, number), fields).1
}

/// One document of each of the tenant's collections, unlike those with other numbers.
pub(crate) fn of_tenant(tenant: &str, number: u32) -> Vec<(&'static str, Document)> {
    let text = number.to_string();
    let room = Room { id: id(1, number), conversation_id: text.clone(), ..default_room(tenant, NOW) };
    let mut samples = vec![
        (Room::COLLECTION, collection::encode(&room).expect("can be written")),
        sample::<RoomMember>(
            tenant,
            id(2, number),
            doc! {
                "roomId": id(1, number), "userId": id(3, number), "role": "member", "joinedAt": NOW,
                "lastActiveAt": NOW, "status": "active", "statusAt": NOW,
                "permissions": {
                    "canSendMessage": true, "canViewHistory": true, "canExportData": false, "canManageSettings": false,
                },
                "statistics": { "messagesSent": 0_i64, "sessionsParticipated": 0_i64 },
            },
        ),
        sample::<User>(
            tenant,
            id(3, number),
            doc! {
                "lineUserId": &text, "metadata": {}, "status": "active", "refreshAt": NOW,
                "statistics": {
                    "totalMessages": 0_i64, "totalSessions": 0_i64, "totalRooms": 0_i64, "lastActiveAt": NOW,
                },
            },
        ),
        (Session::COLLECTION, session(tenant, number, if number == 0 { "active" } else { "closed" })),
        (Message::COLLECTION, collection::encode(&message(tenant, number)).expect("can be written")),
        sample::<Summary>(
            tenant,
            id(6, number),
            doc! {
                "sessionId": id(4, number), "roomId": id(1, number), "channelId": "c", "revision": 0_i64,
                "generatedBy": "system", "content": {}, "analysis": {}, "participants": [], "citations": [],
                "aiMetadata": {
                    "provider": "builtin", "model": "builtin", "tokensUsed": 0_i64, "inputTokens": 0_i64,
                    "outputTokens": 0_i64, "processingTime": 0_i64, "requests": 0_i64,
                },
                "language": "ja", "visibility": "room", "status": "completed",
            },
        ),
        sample::<InboundEventRecord>(
            tenant,
            id(7, number),
            doc! {
                "channelId": "c", "webhookEventId": &text, "type": "follow", "timestamp": NOW,
                "expiresAt": DateTime::from_millis(NOW.timestamp_millis() * 2),
            },
        ),
        sample::<OutboxEntry>(
            tenant,
            id(8, number),
            doc! {
                "channelId": "c", "conversationId": &text, "purpose": { "type": "welcome" }, "state": "queued",
                "retryKey": &text,
            },
        ),
        sample::<PushLedger>(
            tenant,
            id(9, number),
            doc! {
                "channelId": &text, "month": "2026-11", "booked": 0_i64, "settled": 0_i64, "consumed": 0_i64,
                "settledAtReading": 0_i64, "readAt": NOW,
            },
        ),
        sample::<AiUsage>(
            tenant,
            id(10, number),
            doc! {
                "month": format!("{:04}-11", 2026 + number), "summaries": 0_i64, "tokensUsed": 0_i64, "cost": 0.0,
            },
        ),
        sample::<MonthlyUsage>(
            tenant,
            id(11, number),
            doc! { "month": format!("{:04}-11", 2026 + number), "computedAt": NOW },
        ),
        sample::<Notice>(
            tenant,
            id(12, number),
            doc! {
                "month": format!("{:04}-11", 2026 + number), "limit": "storage", "level": "notice",
                "used": 80_i64, "allowed": 100_i64,
            },
        ),
        sample::<AuditEntry>(tenant, id(13, number), audit(number)),
    ];
    samples.extend(of_plain(tenant, number));
    samples
}

/// One document of each plain entity, made from its own example.
fn of_plain(tenant: &str, number: u32) -> Vec<(&'static str, Document)> {
    struct Samples {
        tenant: TenantId,
        number: u32,
        all: Vec<(&'static str, Document)>,
    }

    impl ExposedVisitor for Samples {
        fn visit<E: Exposed>(&mut self) {
            let new = NewContext {
                id: derived(&[E::COLLECTION, &self.number.to_string()]),
                tenant: Some(self.tenant.clone()),
                by: None,
                now: NOW,
            };
            let made = E::examples().document(&new, self.number).expect("an example is right");
            self.all.push((E::COLLECTION, made.expect("a plain entity is made by the API")));
        }
    }

    let mut samples = Samples { tenant: TenantId::new(tenant).expect("valid"), number, all: Vec::new() };
    visit_plain_entities(&mut samples);
    samples.all
}

/// What an audit entry says.
fn audit(number: u32) -> Document {
    doc! {
        "seq": i64::from(number) + 1, "previousHash": "", "hash": "00", "phase": "ended",
        "operation": "rooms.update", "actor": { "kind": "account", "id": id(30, 0) }, "requestId": "r",
        "target": { "kind": "room", "id": id(1, number).to_hex() }, "status": 200,
        "before": { "name": "A room" }, "after": { "name": "Another" },
        "expiresAt": DateTime::from_millis(NOW.timestamp_millis() * 2),
    }
}

/// One document of each kind that the platform's database has of a tenant.
pub(crate) fn of_tenant_on_platform(tenant: &str, number: u32) -> Vec<(&'static str, Document)> {
    let (text, later) = (number.to_string(), DateTime::from_millis(NOW.timestamp_millis() * 2));
    vec![
        sample::<Member>(
            tenant,
            id(31, number),
            doc! {
                "accountId": id(30, number), "role": "agent", "status": "active", "joinedAt": NOW,
                "permissions": { "canCreateRooms": true, "deny": ["rooms:delete"] },
            },
        ),
        sample::<Invitation>(
            tenant,
            id(32, number),
            doc! {
                "email": format!("{text}@example.com"), "role": "viewer", "tag": format!("{tenant} {text}"),
                "status": "pending", "expiresAt": later,
            },
        ),
        sample::<ApiKey>(
            tenant,
            id(33, number),
            doc! {
                "name": "A machine", "prefix": format!("{tenant} {text}"), "tag": "tag", "scopes": ["rooms:read"],
            },
        ),
        sample::<SecurityPolicy>(tenant, id(34, number), doc! { "secondFactorRequired": true }),
        sample::<IpRule>(
            tenant,
            id(35, number),
            doc! { "kind": "allow", "network": format!("203.0.113.{text}/32"), "expiresAt": later },
        ),
    ]
}

/// One document of each of the platform's collections.
pub(crate) fn of_platform() -> Vec<(&'static str, Document)> {
    let organization = NewOrganization {
        id: id(20, 0),
        owner_id: id(21, 0),
        name: "A shop".to_owned(),
        tier: Tier::Free,
        limits: Terms::of(Tier::Free).limits,
        placement: Tier::Free.placement(),
    };
    let organization = organization.provisioning(NOW);
    let later = DateTime::from_millis(NOW.timestamp_millis() * 2);
    let mut samples = of_tenant_on_platform("t", 0);
    samples.extend([
        sample::<Account>(
            "t",
            id(30, 0),
            doc! {
                "email": "someone@example.com", "name": "Someone", "status": "active", "platformRole": "super_admin",
                "identities": [{ "provider": "line", "issuer": "i", "subject": "s", "linkedAt": NOW }],
            },
        ),
        sample::<Credentials>("t", id(30, 0), doc! { "passwordHash": "hash", "recoveryCodes": ["tag"] }),
        sample::<Device>(
            "t",
            id(36, 0),
            doc! {
                "accountId": id(30, 0), "fingerprint": "tag", "name": "A browser", "firstSeenAt": NOW,
                "lastSeenAt": NOW,
            },
        ),
        sample::<LoginSession>(
            "t",
            id(37, 0),
            doc! {
                "accountId": id(30, 0), "refreshTag": "tag", "rotatedAt": NOW, "amr": ["pwd"], "authTime": NOW,
                "lastUsedAt": NOW, "expiresAt": later,
            },
        ),
        sample::<AccountAuditEntry>("t", id(38, 0), {
            let mut fields = audit(0);
            fields.insert("accountId", id(30, 0));
            fields
        }),
        (
            PlatformSecret::COLLECTION,
            doc! {
                "_id": "mac-key", "kind": "macKey", "sealed": "sealed", "createdAt": NOW, "updatedAt": NOW,
                "__v": 0_i64,
            },
        ),
    ]);
    samples.push((
        UsedIdToken::COLLECTION,
        doc! { "_id": "the tag of an ID token", "expiresAt": later, "createdAt": NOW },
    ));
    samples.extend([
        (Organization::COLLECTION, collection::encode(&organization).expect("can be written")),
        sample::<Owner>(
            "t",
            id(21, 0),
            doc! {
                "email": "someone@example.com", "name": "Someone", "plan": "free",
                "subscription": { "status": "active", "startDate": NOW },
            },
        ),
        sample::<Channel>(
            "t",
            id(22, 0),
            doc! {
                "ownerId": id(21, 0), "kind": "line", "channelId": "1650000001", "botUserId": "U1",
                "channelSecret": "sealed", "name": "A shop", "webhookUrl": "https://example.com/line/1650000001",
                "status": "active",
            },
        ),
        sample::<Operation>(
            "t",
            id(23, 0),
            doc! {
                "kind": "create", "input": {}, "state": "queued", "requestedBy": "operator",
            },
        ),
        sample::<ErasureCertificate>(
            "t",
            id(24, 0),
            doc! {
                "operationId": id(23, 0), "requestedBy": "operator", "reason": "asked for", "requestedAt": NOW,
                "erased": {
                    "documents": { "messages": 1_i64 }, "objects": 0_i64, "versions": 0_i64, "bytes": 0_i64,
                    "keyVersion": 1_i64,
                },
                "steps": {}, "kept": [], "sha256": "00",
            },
        ),
        (Plan::COLLECTION, collection::encode(&Plan::initial(Tier::Pro, NOW)).expect("can be written")),
    ]);
    samples
}
