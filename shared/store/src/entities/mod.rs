//! The entities: one file each, field names as stored (camelCase).
//!
//! Compared with the seeds: `tenantId` stands for `organizationId`/`projectId`/`companyId`
//! everywhere; arrays of references that grow without end (`owner.organizations`, `room.members`,
//! `user.rooms`, …) are indexes on the other side instead; `gemini*` fields are provider-neutral.

/// Entities of which everything is declared in their own file: a line here is all that is done for one.
/// Its file is a module, its types are exported, and every walk over entities comes by it.
macro_rules! plain_entities {
    ($($module:ident::$entity:ident;)*) => {
        $(
            mod $module;
            pub use $module::*;
            const _: () = crate::exposed::is_plain::<$entity>();
        )*

        /// Every plain entity: the one list.
        pub fn visit_plain_entities(visitor: &mut impl ExposedVisitor) {
            $(visitor.visit::<$entity>();)*
        }
    };
}

plain_entities! {
    knowledge_entry::KnowledgeEntry;
}

mod account;
mod account_audit_view;
mod account_view;
mod activity;
mod ai_usage;
mod api_key;
mod audit_entry;
mod business_hours;
mod channel;
mod credentials;
mod device;
mod erasure_certificate;
mod event;
mod invitation;
mod ip_rule;
mod login_session;
mod member;
mod message;
mod notice;
mod operation;
mod organization;
mod outbox;
mod owner;
mod plan;
mod platform_secret;
mod push_ledger;
mod room;
mod room_member;
mod security_policy;
mod session;
mod summary;
mod usage;
mod used_id_token;
mod user;

pub use account::{Account, AccountStatus, Identity, NotificationPreferences, Notifications};
pub use account_audit_view::AccountAuditEntryView;
pub use account_view::{
    AccountNotificationsPatch, AccountPatch, AccountView, NotificationPreferencesPatch, OwnAccountPatch,
};
pub use activity::{KindCount, StoredQuarterHour};
pub use ai_usage::AiUsage;
pub use api_key::{ApiKey, ApiKeyPatch, ApiKeyView};
pub use audit_entry::{
    AccountAuditEntry, ActorKind, AuditActor, AuditEntry, AuditEntryView, AuditPhase, AuditRecord, AuditTail,
    AuditTarget,
};
pub use business_hours::{BusinessHours, BusinessHoursPatch, Hours, HoursPatch};
pub use channel::{
    Channel, ChannelError, ChannelErrorView, ChannelFeatures, ChannelFeaturesPatch, ChannelHealth,
    ChannelHealthView, ChannelPatch, ChannelQuota, ChannelQuotaView, ChannelStatistics, ChannelStatus,
    ChannelView, Connection, LineConnection, TokenState,
};
pub use credentials::{Credentials, PendingRegistration, SentToken, Totp};
pub use device::{Device, DevicePatch, DeviceView};
pub use erasure_certificate::{Erased, ErasureCertificate, Kept};
pub use event::InboundEventRecord;
pub use invitation::{Invitation, InvitationStatus, InvitationView};
pub use ip_rule::{IpRule, IpRulePatch, IpRuleState, IpRuleView, MAX_IP_RULES, NewIpRule};
pub use login_session::{LoginSession, LoginSessionView, RevokedBecause};
pub use member::{Member, MemberPatch, MemberPresence, MemberStatus, MemberView, OverridesPatch};
pub use message::{
    Dimensions, Edit, EditView, Emoji, FileData, ImageSet, LocationData, Media, MediaAnalysisView,
    MediaStatus, MediaView, Message, MessageMetadata, MessageMetadataView, MessageStatus, MessageView,
    StickerData,
};
pub use notice::Notice;
pub use operation::{
    Operation, OperationKind, OperationState, OperationStep, OperationStepView, OperationView,
};
pub use organization::{
    AiSettings, AiSettingsPatch, Billing, Delivery, DeliveryPatch, DeliveryTarget, Escalation,
    EscalationPatch, NewOrganization, Organization, OrganizationMetadata, OrganizationMetadataPatch,
    OrganizationPatch, OrganizationSettings, OrganizationSettingsPatch, OrganizationSize, OrganizationStatus,
    OrganizationType, OrganizationView, Personality, PersonalityPatch, StatusReason, StatusReasonView,
    TrialNotice, default_data_region,
};
pub use outbox::{NewOutboxEntry, OutboxEntry, OutboxKind, OutboxState, Purpose};
pub use owner::{
    NewOwner, Owner, OwnerLimitsPatch, OwnerPatch, OwnerSettings, OwnerSettingsPatch, OwnerUsage, OwnerView,
    PayerPatch, Subscription, SubscriptionPatch, SubscriptionStatus, SubscriptionView,
};
pub use plan::Plan;
pub use platform_secret::{PlatformSecret, PlatformSecretKind};
pub use push_ledger::PushLedger;
pub use room::{
    NewRoom, NewRoomMetadata, Presence, Privacy, Room, RoomMetadata, RoomMetadataPatch, RoomMetadataView,
    RoomMode, RoomPatch, RoomSettings, RoomSettingsPatch, RoomStatistics, RoomStatisticsView, RoomType,
    RoomUsage, RoomView, SessionTriggersPatch,
};
pub use room_member::{
    NewRoomMember, RoomMember, RoomMemberKind, RoomMemberPatch, RoomMemberStatistics, RoomMemberView,
    RoomPermissions, RoomPermissionsPatch, RoomRole,
};
pub use security_policy::{LoginMethod, SecurityPolicy, SecurityPolicyPatch, SecurityPolicyView};
pub use session::{
    AiAnalysis, ReplyToken, Session, SessionStatistics, SessionStatus, SessionView, SummaryWish,
};
pub use summary::{
    AiMetadata, Citation, CitationView, Feedback, FeedbackView, StoredActionItem, Summary, SummaryAnalysis,
    SummaryContent, SummaryExport, SummaryExportView, SummaryOrigin, SummaryParticipant,
    SummaryParticipantView, SummaryPatch, SummaryStatus, SummaryView, Visibility,
};
pub use usage::{LastUsage, MonthlyUsage, UsageTotals, usage_id};
pub use used_id_token::UsedIdToken;
pub use user::{
    NewUser, NewUserMetadata, NewUserProfile, User, UserMetadata, UserMetadataPatch, UserMetadataView,
    UserNotificationsPatch, UserNotificationsView, UserPatch, UserPreferences, UserPreferencesPatch,
    UserPreferencesView, UserProfile, UserProfilePatch, UserSharingPatch, UserSharingView, UserStatistics,
    UserStatisticsView, UserView,
};

use crate::entity::Entity;
use crate::exposed::Exposed;
use crate::schema::Declaration;

/// Something that is done with every entity of a tenant.
pub trait EntityVisitor {
    /// With one of them.
    fn visit<E: Entity>(&mut self);
}

/// Everything that lives in a tenant's placement: the one list, and the plain ones.
pub fn visit_tenant_entities(visitor: &mut impl EntityVisitor) {
    visitor.visit::<Room>();
    visitor.visit::<RoomMember>();
    visitor.visit::<User>();
    visitor.visit::<Session>();
    visitor.visit::<Message>();
    visitor.visit::<Summary>();
    visitor.visit::<InboundEventRecord>();
    visitor.visit::<OutboxEntry>();
    visitor.visit::<PushLedger>();
    visitor.visit::<AiUsage>();
    visitor.visit::<MonthlyUsage>();
    visitor.visit::<Notice>();
    visitor.visit::<AuditEntry>();
    visit_plain_entities(&mut AsEntities(visitor));
}

/// Sees of what the API serves that it is stored.
struct AsEntities<'v, V>(&'v mut V);

impl<V: EntityVisitor> ExposedVisitor for AsEntities<'_, V> {
    fn visit<E: Exposed>(&mut self) {
        self.0.visit::<E>();
    }
}

/// Something that is done with every entity that the API serves.
pub trait ExposedVisitor {
    /// With one of them.
    fn visit<E: Exposed>(&mut self);
}

/// Everything that the API serves: the one list, and the plain ones.
pub fn visit_exposed_entities(visitor: &mut impl ExposedVisitor) {
    visitor.visit::<Owner>();
    visitor.visit::<Organization>();
    visitor.visit::<Channel>();
    visitor.visit::<Room>();
    visitor.visit::<RoomMember>();
    visitor.visit::<User>();
    visitor.visit::<Session>();
    visitor.visit::<Message>();
    visitor.visit::<Summary>();
    visitor.visit::<Member>();
    visitor.visit::<Invitation>();
    visitor.visit::<ApiKey>();
    visitor.visit::<SecurityPolicy>();
    visitor.visit::<IpRule>();
    visitor.visit::<AuditEntry>();
    visitor.visit::<Operation>();
    visitor.visit::<Account>();
    visitor.visit::<AccountAuditEntry>();
    visitor.visit::<Device>();
    visitor.visit::<LoginSession>();
    visit_plain_entities(visitor);
}

/// What the entities of a tenant declare.
#[must_use]
pub fn tenant_declarations() -> Vec<Declaration> {
    struct Declarations(Vec<Declaration>);

    impl EntityVisitor for Declarations {
        fn visit<E: Entity>(&mut self) {
            self.0.push(Declaration::of::<E>());
        }
    }

    let mut declarations = Declarations(Vec::new());
    visit_tenant_entities(&mut declarations);
    declarations.0
}

/// Everything that belongs to the platform.
#[must_use]
pub fn platform_declarations() -> Vec<Declaration> {
    vec![
        Declaration::of::<Plan>(),
        Declaration::of::<Owner>(),
        Declaration::of::<Organization>(),
        Declaration::of::<Channel>(),
        Declaration::of::<Operation>(),
        Declaration::of::<ErasureCertificate>(),
        Declaration::of::<Account>(),
        Declaration::of::<Credentials>(),
        Declaration::of::<Device>(),
        Declaration::of::<LoginSession>(),
        Declaration::of::<Member>(),
        Declaration::of::<Invitation>(),
        Declaration::of::<ApiKey>(),
        Declaration::of::<SecurityPolicy>(),
        Declaration::of::<IpRule>(),
        Declaration::of::<AccountAuditEntry>(),
        Declaration::of::<PlatformSecret>(),
        Declaration::of::<UsedIdToken>(),
    ]
}
