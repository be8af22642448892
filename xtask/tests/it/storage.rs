use serde_json::json;

use crate::privileges::statements;
use crate::template::{Template, list};

#[test]
fn the_bucket_is_encrypted_versioned_closed_and_tidied() {
    for (id, bucket) in Template::storing().iter().flat_map(|template| template.all("AWS::S3::Bucket")) {
        let rules = &bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"];
        assert!(rules[0]["ServerSideEncryptionByDefault"]["SSEAlgorithm"].is_string(), "{id}");
        assert_eq!(bucket["VersioningConfiguration"]["Status"], "Enabled", "{id}");
        for setting in ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"] {
            assert_eq!(bucket["PublicAccessBlockConfiguration"][setting], true, "{id}: {setting}");
        }
        let lifecycle = list(&bucket["LifecycleConfiguration"]["Rules"]);
        assert!(
            lifecycle.iter().any(|rule| rule["NoncurrentVersionExpiration"]["NoncurrentDays"].is_u64()),
            "{id}"
        );
        assert!(lifecycle.iter().any(|rule| rule["AbortIncompleteMultipartUpload"].is_object()), "{id}");
    }
}

/// A rule's prefix cannot have any tenant in its middle: the tag tells (`BlobKey::tagging`).
#[test]
fn what_was_exported_about_people_is_forgotten_after_a_week_in_all_versions() {
    for template in Template::storing() {
        for (id, bucket) in template.all("AWS::S3::Bucket") {
            let rules = list(&bucket["LifecycleConfiguration"]["Rules"]);
            let tag = json!([{ "Key": "matome:kind", "Value": "export" }]);
            let rule = rules.iter().find(|rule| rule["TagFilters"] == tag);
            let rule = rule.unwrap_or_else(|| panic!("{}: {id} keeps exports", template.name));
            assert_eq!((&rule["Status"], &rule["ExpirationInDays"]), (&json!("Enabled"), &json!(7)), "{id}");
            assert_eq!(rule["NoncurrentVersionExpiration"]["NoncurrentDays"], 1, "{id}");
            // S3 takes neither together with tags.
            for other in ["AbortIncompleteMultipartUpload", "ExpiredObjectDeleteMarker"] {
                assert!(rule[other].is_null(), "{id}: {other}");
            }
        }
    }
}

/// Whoever stores an export must be let tag it, or nothing is stored.
#[test]
fn who_acts_for_a_tenant_may_tag_what_it_stores() {
    let template = Template::platform();
    let mut storing = statements(&template).into_iter().filter(|(id, statement)| {
        *id == "TenantAccessRole"
            && list(&statement["Action"]).iter().any(|action| **action == "s3:PutObject")
    });
    let (_, statement) = storing.next().expect("it stores");
    assert!(list(&statement["Action"]).iter().any(|action| **action == "s3:PutObjectTagging"));
}

#[test]
fn the_bucket_refuses_connections_without_tls() {
    for template in Template::storing() {
        let policies = template.all("AWS::S3::BucketPolicy");
        for id in template.all("AWS::S3::Bucket").keys() {
            let refuses = policies.values().any(|policy| {
                let statement = &policy["PolicyDocument"]["Statement"][0];
                policy["Bucket"] == json!({ "Ref": id })
                    && statement["Effect"] == "Deny"
                    && statement["Principal"] == "*"
                    && statement["Condition"]["Bool"]["aws:SecureTransport"] == "false"
            });
            assert!(refuses, "{}: {id}", template.name);
        }
    }
}

#[test]
fn tables_are_paid_by_use_and_encrypted_and_the_lasting_one_can_go_back_in_time() {
    let template = Template::platform();
    let tables = template.all("AWS::DynamoDB::Table");
    for (id, table) in &tables {
        assert_eq!(table["BillingMode"], "PAY_PER_REQUEST", "{id}");
        assert_eq!(table["SSESpecification"]["SSEEnabled"], true, "{id}");
        assert_eq!(table["KeySchema"], json!([{ "AttributeName": "pk", "KeyType": "HASH" }]), "{id}");
    }
    let recovery = &tables["DirectoryTable"]["PointInTimeRecoverySpecification"];
    assert_eq!(recovery["PointInTimeRecoveryEnabled"], true);
    let sweep = &tables["EphemeralTable"]["TimeToLiveSpecification"];
    assert_eq!(*sweep, json!({ "AttributeName": "expiresAt", "Enabled": true }));
}

#[test]
fn the_keys_of_tenants_rotate() {
    for template in Template::storing() {
        for (id, key) in template.all("AWS::KMS::Key") {
            assert_eq!(key["EnableKeyRotation"], true, "{}: {id}", template.name);
        }
    }
}
