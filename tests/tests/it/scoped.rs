//! A session for one tenant reaches that tenant only, with IAM evaluation on.
//!
//! As far as the emulator goes: it evaluates the session's own policy for S3 (prefixes included), and
//! which actions on which tables and keys; not `dynamodb:LeadingKeys` and not the encryption context.
//! That those conditions stand in the policies is checked on their text (`xtask/tests/it/tenants.rs`,
//! `shared/runtime/src/scoped.rs`).

use std::sync::Arc;

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::types::CreateBucketConfiguration;
use bytes::Bytes;
use matome_domain::ids::{DocumentId, TenantId};
use matome_domain::rate::Class;
use matome_domain::tier::Tier;
use matome_local_stack::REGION;
use matome_runtime::api_calls::ApiCalls;
use matome_runtime::blobs::{BlobKey, Blobs, MediaPart};
use matome_runtime::clock::SystemClock;
use matome_runtime::ephemeral::{Ephemeral, Scope};
use matome_runtime::idempotency::{Begun, Fingerprint, Idempotency, IdempotencyKey, Request};
use matome_runtime::keys::DataKeys;
use matome_runtime::random::SystemRandom;
use matome_runtime::rate_limit::{RateLimits, Who, Window};
use matome_runtime::scoped::TenantAccess;
use secrecy::ExposeSecret;

use crate::permissions::{REFUSED, refused};
use crate::stage::Stage;

fn key(tenant: &TenantId) -> BlobKey {
    BlobKey::media(tenant, &DocumentId::new("m1").unwrap(), MediaPart::Original)
}

#[tokio::test]
async fn a_session_for_one_tenant_reaches_nothing_of_another() {
    let stage = Stage::enter().await;
    let bucket = stage.output("Bucket");
    let [a, b] = ["scoped-a", "scoped-b"].map(|id| TenantId::new(id).unwrap());
    let api = stage.root.assume(&stage.root.role_of(&stage.function("api")).await).await;
    let role = stage.output("TenantAccessRoleArn").to_owned();
    let access = TenantAccess::new(&api, role.clone(), bucket.to_owned(), Arc::new(SystemClock));
    let (of_a, of_b) = (access.of(&a, None).await.unwrap(), access.of(&b, None).await.unwrap());

    let blobs = |aws: &matome_runtime::aws::Aws| Blobs::from_client(aws.s3(), bucket.to_owned());
    blobs(&of_b).put(&key(&b), "text/plain", Bytes::from_static(b"of b")).await.unwrap();
    assert_eq!(blobs(&of_b).get(&key(&b)).await.unwrap().unwrap(), "of b");
    assert_eq!(blobs(&of_a).get(&key(&a)).await.unwrap(), None, "its own it may look for");

    let object = key(&b);
    refused!("a", of_a.s3().get_object().bucket(bucket).key(object.as_str()));
    refused!("a", of_a.s3().put_object().bucket(bucket).key(object.as_str()));
    refused!("a", of_a.s3().delete_object().bucket(bucket).key(object.as_str()));
    refused!("a", of_a.s3().list_objects_v2().bucket(bucket).prefix("tenants/scoped-b/"));
    refused!("a", of_a.s3().list_objects_v2().bucket(bucket));
    refused!("a", of_a.s3().list_object_versions().bucket(bucket).prefix("tenants/"));
    refused!("a", of_a.s3().get_object().bucket(bucket).key("code/0/tenant.yaml"));
    of_a.s3().list_objects_v2().bucket(bucket).prefix("tenants/scoped-a/").send().await.unwrap();
    blobs(&of_b).erase(&object).await.unwrap();

    // A bucket of its own is reached like the platform's, and no bucket that only claims to be one.
    let own = format!("{}-tenant-scoped-a-bucket", stage.platform());
    for name in [&own, "scoped-a-bucket"] {
        let place = CreateBucketConfiguration::builder().location_constraint(REGION.into()).build();
        let create = stage.aws().s3().create_bucket().bucket(name).create_bucket_configuration(place);
        create.send().await.unwrap();
    }
    let of_own = access.blobs(&a, Some(&own)).await.unwrap();
    of_own.put(&key(&a), "text/plain", Bytes::from_static(b"of a")).await.unwrap();
    assert_eq!(of_own.get(&key(&a)).await.unwrap().unwrap(), "of a");
    refused!("a", of_a.s3().get_object().bucket(&own).key(key(&a).as_str()));
    let of_b_there = access.of(&b, Some(&own)).await.unwrap();
    refused!("b", of_b_there.s3().get_object().bucket(&own).key(key(&a).as_str()));
    let elsewhere = access.of(&a, Some("scoped-a-bucket")).await.unwrap();
    refused!("a", elsewhere.s3().get_object().bucket("scoped-a-bucket").key(key(&a).as_str()));
    for name in [&own, "scoped-a-bucket"] {
        stage.aws().s3().delete_object().bucket(name).key(key(&a).as_str()).send().await.unwrap();
        stage.aws().s3().delete_bucket().bucket(name).send().await.unwrap();
    }

    // What the role has no right to at all.
    let directory = stage.output("DirectoryTable");
    refused!("a", of_a.dynamodb().scan().table_name(directory));
    refused!("a", of_a.sqs().receive_message().queue_url(stage.output("InboundQueueUrl")));
    let kms_key = stage.output("TenantKeyArn");
    let data_key = of_a.kms().generate_data_key().key_id(kms_key);
    refused!("a", data_key.key_spec(aws_sdk_kms::types::DataKeySpec::Aes256));

    // B's data key opens for A's session as little as A's own would under B's name.
    let keys = |aws: &matome_runtime::aws::Aws, id: Option<&str>| {
        let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        DataKeys::from_client(aws.kms(), id.map(str::to_owned), clock, random)
    };
    let root = keys(stage.aws(), Some(kms_key));
    let wrapped = root.generate(&a, 1).await.unwrap();
    let sealed = root.seal(&a, &wrapped, "field", "secret").await.unwrap();
    let opened = keys(&of_a, None).open(&a, &wrapped, "field", &sealed).await.unwrap();
    assert_eq!(opened.expose_secret(), "secret");
    assert!(keys(&of_b, None).open(&b, &wrapped, "field", &sealed).await.is_err());

    // Who has no right to table and key reaches a tenant's items and key by the session alone.
    let powerless = stage.root.assume(&stage.root.role_of(&stage.function("summarizer")).await).await;
    let access = Arc::new(access);
    let by_session = keys(&powerless, None).per_tenant(Arc::clone(&access));
    let opened = by_session.open(&a, &wrapped, "field", &sealed).await.unwrap();
    assert_eq!(opened.expose_secret(), "secret");
    assert!(keys(&powerless, None).open(&a, &wrapped, "field", &sealed).await.is_err());
    let table = Ephemeral::from_client(powerless.dynamodb(), stage.output("EphemeralTable").to_owned());
    let (clock, random) = (Arc::new(SystemClock), Arc::new(SystemRandom));
    let kept = |table: &Ephemeral| {
        let keys = Arc::new(keys(&powerless, None));
        Idempotency::new(table.clone(), keys, clock.clone(), random.clone())
    };
    let ours = table.clone().per_tenant(access);
    let window = |scope: &Scope| match scope {
        Scope::Tenant(tenant) => Window::in_tenant(tenant.clone(), Tier::Free, Class::Auth, Who::Tenant),
        Scope::Platform => Window::on_platform(Class::Auth, Who::Tenant),
    };
    let key = IdempotencyKey::parse("scoped").unwrap();
    let of_tenant = Scope::Tenant(a.clone());
    for (table, scope, may) in
        [(&ours, &of_tenant, true), (&ours, &Scope::Platform, false), (&table, &of_tenant, false)]
    {
        let limits = RateLimits::new(table.clone(), clock.clone());
        assert_eq!(limits.take(&[window(scope)]).await.is_ok(), may, "{scope}");
        let fingerprint = Fingerprint::of(&key, "POST", "/", b"");
        let request = Request { scope, caller: "c", key: &key, fingerprint, sealing: None };
        let begun = kept(table).begin(request).await;
        assert_eq!(begun.is_ok(), may, "{scope}");
        if let Ok(Begun::New(attempt)) = begun {
            kept(table).abandon(attempt).await.unwrap();
        }
    }
    ApiCalls::new(ours, clock.clone()).count(&a, None).await.unwrap();
    ApiCalls::new(table, clock).count(&a, None).await.unwrap_err();

    // Nobody else becomes a tenant.
    for function in ["webhook", "recorder", "media", "summarizer", "scheduler", "provisioner"] {
        let other = stage.root.assume(&stage.root.role_of(&stage.function(function)).await).await;
        let access = TenantAccess::new(&other, role.clone(), bucket.to_owned(), Arc::new(SystemClock));
        let error =
            access.of(&a, None).await.err().unwrap_or_else(|| panic!("{function} may act for tenants"));
        let source = std::error::Error::source(&error).unwrap();
        let code = source.downcast_ref::<aws_sdk_sts::operation::assume_role::AssumeRoleError>().unwrap();
        assert!(REFUSED.contains(&code.code().unwrap_or_default()), "{function}: {code:?}");
    }
}

#[tokio::test]
async fn media_and_pictures_are_reached_as_their_tenant_and_not_otherwise() {
    let stage = Stage::enter().await;
    let bucket = stage.output("Bucket");
    let [a, b] = ["scoped-c", "scoped-d"].map(|id| TenantId::new(id).unwrap());
    let object = key(&a);
    let (mut sessions, mut of_others) = (Vec::new(), Vec::new());
    for function in ["media", "summarizer"] {
        let name = stage.function(function);
        let own = stage.root.assume(&stage.root.role_of(&name).await).await;
        refused!(function, own.s3().get_object().bucket(bucket).key(object.as_str()));
        refused!(function, own.s3().put_object().bucket(bucket).key(object.as_str()));
        refused!(function, own.s3().delete_object().bucket(bucket).key(object.as_str()));
        refused!(function, own.s3().list_objects_v2().bucket(bucket).prefix("tenants/scoped-c/"));

        let role = stage.root.environment_of(&name).await[TenantAccess::SETTING].clone();
        let access = TenantAccess::new(&own, role, bucket.to_owned(), Arc::new(SystemClock));
        sessions.push(access.of(&a, None).await.unwrap());
        of_others.push(access.of(&b, None).await.unwrap());
    }
    let [media, summarizer] = &sessions[..] else { unreachable!("two functions") };
    let blobs = |aws: &matome_runtime::aws::Aws| Blobs::from_client(aws.s3(), bucket.to_owned());
    blobs(media).put(&object, "image/png", Bytes::from_static(b"of c")).await.unwrap();
    for session in &sessions {
        assert_eq!(blobs(session).get(&object).await.unwrap().unwrap(), "of c");
        // Neither has what the API's session has: what passes, and the key.
        let table = session.dynamodb().scan().table_name(stage.output("EphemeralTable"));
        refused!("a session for media", table);
        let blob = aws_sdk_kms::primitives::Blob::new([0; 64]);
        let decrypt = session.kms().decrypt().key_id(stage.output("TenantKeyArn"));
        refused!("a session for media", decrypt.ciphertext_blob(blob));
    }
    refused!("summarizer", summarizer.s3().put_object().bucket(bucket).key(object.as_str()));
    refused!("summarizer", summarizer.s3().delete_object().bucket(bucket).key(object.as_str()));
    refused!("summarizer", summarizer.s3().list_object_versions().bucket(bucket).prefix(object.as_str()));
    for other in &of_others {
        refused!("another tenant", other.s3().get_object().bucket(bucket).key(object.as_str()));
        refused!("another tenant", other.s3().list_objects_v2().bucket(bucket).prefix("tenants/scoped-c/"));
    }
    blobs(media).erase(&object).await.unwrap();
    assert_eq!(blobs(media).get(&object).await.unwrap(), None);
}
