//! What holds for the stack of a dedicated tenant, and for whoever acts for a tenant.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::privileges::{FOR_TENANTS, statements};
use crate::template::{Template, attribute, list};

const TAG: &str = "${aws:PrincipalTag/tenantId}";

fn actions(statement: &Value) -> Vec<&str> {
    list(&statement["Action"]).into_iter().map(|action| action.as_str().unwrap()).collect()
}

/// What AWS sees of a value that the emulator sees otherwise.
fn on_aws(value: &Value) -> Value {
    match value {
        Value::Object(fields) if fields.contains_key("Fn::If") && value["Fn::If"][0] == "OnAws" => {
            on_aws(&value["Fn::If"][1])
        }
        Value::Object(fields) => {
            Value::Object(fields.iter().map(|(name, value)| (name.clone(), on_aws(value))).collect())
        }
        Value::Array(items) => items.iter().map(on_aws).collect(),
        other => other.clone(),
    }
}

#[test]
fn a_dedicated_tenants_roles_reach_that_tenant_only() {
    let template = Template::tenant();
    let (mut items, mut objects, mut keys) = (0, 0, 0);
    for (id, statement) in statements(&template) {
        let statement = on_aws(statement);
        for action in actions(&statement) {
            let condition = &statement["Condition"];
            if action.starts_with("dynamodb:") {
                items += 1;
                assert_eq!(action, "dynamodb:GetItem", "{id}: no other carries a leading key always");
                let keys = &condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]["Fn::Split"];
                assert_eq!(keys[1]["Fn::Sub"][0], "TENANT#${TenantId},${Keys}", "{id}");
            } else if action.starts_with("s3:") && !action.starts_with("s3:List") {
                objects += 1;
                assert_eq!(statement["Resource"]["Fn::Sub"], "${Bucket.Arn}/tenants/${TenantId}/*", "{id}");
            } else if action.starts_with("kms:") {
                keys += 1;
                let tenant = &condition["StringEquals"]["kms:EncryptionContext:tenantId"];
                assert_eq!(*tenant, json!({ "Ref": "TenantId" }), "{id}");
            } else if action.starts_with("sqs:") {
                let own = |queue: &&Value| queue["Fn::GetAtt"][1] == "Arn";
                assert!(list(&statement["Resource"]).iter().all(own), "{id}");
            }
        }
    }
    assert!(items > 0 && objects > 0 && keys > 0);
    for (id, role) in template.all("AWS::IAM::Role") {
        assert_eq!(
            role["PermissionsBoundary"]["Fn::ImportValue"]["Fn::Sub"],
            "${PlatformStackName}-TenantBoundaryArn",
            "{id}"
        );
    }
}

/// A cell's functions work for all its tenants, and can do no more than the platform's own.
#[test]
fn a_cells_roles_may_do_what_the_platforms_may_on_the_cells_own_queues() {
    let (platform, cell) = (Template::platform(), Template::cell());
    // By itself, or as one tenant after the other: a cell's functions have no role for that (docs/security.md).
    let allowed = |template: &Template, role: &str| -> BTreeSet<String> {
        let for_tenants = FOR_TENANTS.iter().find(|(_, function)| *function == role).map(|(id, _)| *id);
        let its = |id: &str| id == role || Some(id) == for_tenants;
        let of_role = statements(template).into_iter().filter(|(id, _)| its(id));
        let actions = of_role.flat_map(|(_, statement)| actions(statement));
        actions.filter(|action| !action.starts_with("sts:")).map(ToOwned::to_owned).collect()
    };
    let mut keys = 0;
    for role in ["RecorderRole", "MediaRole", "SummarizerRole", "SenderRole"] {
        assert_eq!(allowed(&cell, role), allowed(&platform, role), "{role}");
    }
    for (id, statement) in statements(&cell) {
        for action in actions(statement) {
            if action.starts_with("sqs:") {
                let own = |queue: &&Value| queue["Fn::GetAtt"][1] == "Arn";
                assert!(list(&statement["Resource"]).iter().all(own), "{id}");
            } else if action.starts_with("kms:") {
                keys += 1;
                assert_eq!(on_aws(statement)["Condition"]["Null"]["kms:EncryptionContext:tenantId"], "false");
            }
        }
    }
    assert!(keys > 0);
    let stores = ["AWS::KMS::Key", "AWS::S3::Bucket"];
    assert!(cell.resources().all(|(_, resource)| !stores.contains(&resource["Type"].as_str().unwrap())));
}

#[test]
fn the_platform_uses_a_dedicated_tenants_key_for_that_tenant_only() {
    let template = Template::tenant();
    let key = template.all("AWS::KMS::Key")["Key"];
    let mut seen = 0;
    for statement in list(&key["KeyPolicy"]["Statement"]) {
        let statement = on_aws(statement);
        if statement["Sid"] != "AccountDecidesByIam" {
            seen += 1;
            assert_eq!(
                statement["Condition"]["StringEquals"]["kms:EncryptionContext:tenantId"],
                json!({ "Ref": "TenantId" })
            );
        }
    }
    assert_eq!(seen, 3, "the webhook, the provisioner and who acts for the tenant");
}

#[test]
fn who_acts_for_a_tenant_is_bound_by_the_sessions_tag() {
    let template = Template::platform();
    for (id, function) in FOR_TENANTS {
        let trust = &template.all("AWS::IAM::Role")[id]["AssumeRolePolicyDocument"]["Statement"];
        assert_eq!(list(trust).len(), 1);
        assert_eq!(
            trust[0]["Principal"]["AWS"],
            attribute(function, "Arn"),
            "{id}: whom tenants' work reaches"
        );
        let named = &trust[0]["Condition"]["Null"]["aws:RequestTag/tenantId"];
        assert_eq!(named, "false", "{id}: no session without a tenant");
        binds_every_action(&template, id);
    }
}

fn binds_every_action(template: &Template, role: &str) {
    let mut seen = 0;
    for (_, statement) in statements(template).into_iter().filter(|(id, _)| *id == role) {
        seen += 1;
        let aws = on_aws(statement);
        let condition = &aws["Condition"];
        for action in actions(statement) {
            match action.split(':').next().unwrap() {
                "s3" if action.starts_with("s3:List") => {
                    assert_eq!(condition["StringLike"]["s3:prefix"], format!("tenants/{TAG}/*"));
                }
                "s3" => {
                    // `${!` is how Fn::Sub leaves a policy variable alone.
                    for objects in list(&aws["Resource"]) {
                        let objects = objects["Fn::Sub"].as_str().unwrap();
                        assert!(objects.ends_with("/tenants/${!aws:PrincipalTag/tenantId}/*"), "{objects}");
                    }
                }
                "kms" => {
                    assert_eq!(condition["StringEquals"]["kms:EncryptionContext:tenantId"], TAG);
                }
                "dynamodb" => {
                    // A scan, and a batch of nothing, carry no leading key, and "for all" of none is true.
                    assert!(!["dynamodb:Scan", "dynamodb:PartiQLSelect"].contains(&action));
                    for key in list(&condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]) {
                        let rest = key.as_str().unwrap().strip_prefix(&format!("TENANT#{TAG}")).unwrap();
                        assert!(rest.is_empty() || rest == "#*", "{key}");
                    }
                    assert!(condition["ForAllValues:StringLike"]["dynamodb:LeadingKeys"].is_array());
                }
                other => panic!("nothing binds {other} to a tenant"),
            }
        }
    }
    assert!(seen > 0);
}

#[test]
fn what_cannot_be_made_again_is_kept_when_a_stack_goes() {
    for template in Template::each() {
        let mut kept = 0;
        for (id, resource) in template.resources() {
            let lasting = ["AWS::S3::Bucket", "AWS::KMS::Key"].contains(&resource["Type"].as_str().unwrap())
                || id == "DirectoryTable"
                || (template.name != "template.yaml" && resource["Type"] == "AWS::Logs::LogGroup");
            if lasting {
                kept += 1;
                assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{id}");
                assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{id}");
            }
        }
        assert!(kept >= 3, "{}", template.name);
    }
}

/// What is kept must not stand in the way of the tenant's return; everything else is the platform's
/// to manage by its name.
#[test]
fn names_in_a_tenants_stack_begin_with_the_stacks_or_are_left_to_cloudformation() {
    let template = Template::tenant();
    let mut named = 0;
    for (id, resource) in template.resources() {
        let properties = &resource["Properties"];
        for property in ["FunctionName", "QueueName", "RoleName", "AlarmName", "AliasName", "DashboardName"] {
            let is_name =
                resource["Type"] != "AWS::Lambda::EventSourceMapping" && !properties[property].is_null();
            if is_name {
                named += 1;
                let name = properties[property]["Fn::Sub"].as_str().unwrap_or("${AWS::StackName}");
                let name = name.strip_prefix("alias/").unwrap_or(name);
                assert!(name.starts_with("${AWS::StackName}"), "{id}: {name}");
            }
        }
        assert!(properties["BucketName"].is_null() && properties["LogGroupName"].is_null(), "{id}");
    }
    assert!(named > 20);
}

#[test]
fn what_a_tenants_stack_imports_the_platform_exports() {
    let platform = Template::platform();
    let exported: Vec<_> = platform.whole["Outputs"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(|output| output["Export"]["Name"]["Fn::Sub"].as_str())
        .map(|name| name.replace("${AWS::StackName}", "${PlatformStackName}"))
        .collect();
    let mut imports = Vec::new();
    collect(&Template::tenant().whole, &mut imports);
    collect(&Template::cell().whole, &mut imports);
    assert!(!imports.is_empty());
    for import in &imports {
        assert!(exported.contains(import), "{import}");
    }
    // CloudFormation takes no export away that a stack still imports, as older tenants' stacks do.
    let of_old_stacks = "${PlatformStackName}-ApiRoleArn";
    for export in exported {
        assert!(imports.contains(&export) || export == of_old_stacks, "{export} is exported for nobody");
    }
}

fn collect(value: &Value, imports: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(name) = value["Fn::ImportValue"]["Fn::Sub"].as_str() {
                imports.push(name.to_owned());
            }
            fields.values().for_each(|field| collect(field, imports));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, imports)),
        _ => {}
    }
}

#[test]
fn a_dedicated_consumer_is_configured_as_the_shared_one() {
    for tenant in [Template::tenant(), Template::cell()] {
        configured_as_the_shared_one(&tenant);
    }
}

fn configured_as_the_shared_one(tenant: &Template) {
    let platform = Template::platform();
    let (shared, own) = (platform.functions(), tenant.functions());
    let globals = &platform.whole["Globals"]["Function"]["Environment"]["Variables"];
    for (id, function) in own {
        let variables = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let mut expected = variables(&shared[id]["Environment"]["Variables"]);
        // It reaches media by its own role (docs/security.md).
        expected.retain(|name| name != "TENANT_ACCESS_ROLE_ARN");
        expected.extend(variables(globals));
        let mut told = variables(&function["Environment"]["Variables"]);
        expected.sort();
        told.sort();
        assert_eq!(told, expected, "{id}");
        for property in ["MemorySize", "Timeout", "Description"] {
            assert_eq!(function[property], shared[id][property], "{id}: {property}");
        }
        let reserved = function["ReservedConcurrentExecutions"]["Ref"].as_str().unwrap();
        assert_eq!(tenant.whole["Parameters"][reserved]["Type"], "Number", "{id}");
    }
}
