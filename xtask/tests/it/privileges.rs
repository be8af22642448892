use serde_json::{Value, json};

use crate::template::{Template, list};

/// Actions that AWS knows no resources for.
const WITHOUT_RESOURCE: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];
/// Actions on what has no name yet; a condition binds them instead.
const WITHOUT_NAME: [&str; 5] = [
    "kms:CreateKey",
    "lambda:CreateEventSourceMapping",
    "lambda:UpdateEventSourceMapping",
    "lambda:DeleteEventSourceMapping",
    "lambda:GetEventSourceMapping",
];
/// What may use a data key, as opposed to managing the key that wraps it.
const USES_OF_KEYS: [&str; 2] = ["kms:Decrypt", "kms:GenerateDataKey"];

pub(crate) fn statements(template: &Template) -> Vec<(&str, &Value)> {
    let mut all = Vec::new();
    for (id, role) in template.all("AWS::IAM::Role") {
        assert!(role["ManagedPolicyArns"].is_null(), "{id}: managed policies allow more than we need");
        for policy in list(&role["Policies"]) {
            all.extend(list(&policy["PolicyDocument"]["Statement"]).into_iter().map(|s| (id, s)));
        }
    }
    assert!(!all.is_empty());
    all
}

#[test]
fn every_function_has_a_role_of_its_own() {
    for template in Template::each() {
        let roles = template.all("AWS::IAM::Role");
        let of_lambda = |role: &&&Value| {
            let trust = &role["AssumeRolePolicyDocument"]["Statement"][0];
            trust["Principal"]["Service"] == "lambda.amazonaws.com"
        };
        let mut used = Vec::new();
        for (id, function) in template.functions() {
            let role = function["Role"]["Fn::GetAtt"][0].as_str().unwrap();
            assert!(roles.contains_key(role), "{id}");
            assert!(!used.contains(&role), "{id} shares {role}");
            used.push(role);
        }
        assert_eq!(used.len(), roles.values().filter(of_lambda).count(), "a role that nobody uses");
    }
}

/// One thing, or what belongs to dedicated tenants by its name.
fn is_bounded(resource: &Value, conditioned: bool) -> bool {
    let text = resource["Fn::Sub"].as_str().or(resource["Fn::Sub"][0].as_str()).unwrap_or_default();
    let of_tenants = text.contains("${AWS::StackName}-tenant-");
    let in_bucket = text.starts_with("${Bucket.Arn}/") || text.ends_with(":table/${Table}");
    // Keys have no names; a tag decides. The others can only be looked at, or have no names either.
    let unnamed = (text.ends_with(":key/*") && conditioned)
        || [":log-group:*", ":alarm:*", ":event-source-mapping:*"].iter().any(|end| text.ends_with(end));
    // One thing of the platform's, whose other uses are others' business: only under a condition.
    let imported = resource["Fn::ImportValue"]["Fn::Sub"].as_str().is_some_and(|name| name.ends_with("Arn"));
    match &resource["Fn::If"] {
        Value::Array(branches) => branches[1..].iter().all(|branch| is_bounded(branch, conditioned)),
        _ => {
            resource["Fn::GetAtt"][1] == "Arn"
                || of_tenants
                || in_bucket
                || unnamed
                || (imported && conditioned)
        }
    }
}

#[test]
fn no_role_may_do_more_than_it_names() {
    let templates = Template::each();
    for (id, statement) in templates.iter().flat_map(statements) {
        assert_eq!(statement["Effect"], "Allow", "{id}");
        let actions = list(&statement["Action"]);
        assert!(!actions.is_empty(), "{id}");
        let all = |of: &[&str]| actions.iter().all(|action| of.contains(&action.as_str().unwrap()));
        for action in &actions {
            assert!(!action.as_str().unwrap().contains('*'), "{id}: {action}");
        }
        let conditioned = statement["Condition"].is_object();
        if statement["Resource"] == "*" {
            let known = all(&WITHOUT_RESOURCE) || (all(&WITHOUT_NAME) && conditioned);
            assert!(known, "{id}: {actions:?} on every resource");
        } else {
            for resource in list(&statement["Resource"]) {
                assert!(is_bounded(resource, conditioned), "{id}: {resource}");
            }
        }
    }
}

#[test]
fn tenant_keys_are_unwrapped_only_with_the_tenant_named() {
    for template in Template::each() {
        let mut seen = 0;
        for (id, statement) in statements(&template) {
            let uses = |action: &&Value| USES_OF_KEYS.contains(&action.as_str().unwrap());
            if list(&statement["Action"]).iter().any(uses) {
                seen += 1;
                let condition = &statement["Condition"]["Fn::If"];
                assert_eq!(condition[0], "OnAws", "{id}");
                let named = condition[1]["Null"]["kms:EncryptionContext:tenantId"] == "false"
                    || condition[1]["StringEquals"]["kms:EncryptionContext:tenantId"].is_object()
                    || condition[1]["StringEquals"]["kms:EncryptionContext:tenantId"]
                        == "${aws:PrincipalTag/tenantId}";
                assert!(named, "{id}");
            }
        }
        assert!(seen > 0);
    }
}

/// A queue or table that a function is told of but may not touch would fail only when it runs.
#[test]
fn what_a_function_is_told_of_it_may_use() {
    for template in &Template::each() {
        for (id, function) in template.functions() {
            let role = function["Role"]["Fn::GetAtt"][0].as_str().unwrap();
            for (name, value) in function["Environment"]["Variables"].as_object().unwrap() {
                let Some(resource) = value["Ref"].as_str().or(value["Fn::GetAtt"][0].as_str()) else {
                    continue;
                };
                let is_resource =
                    ["Queue", "Table", "Bucket", "Key"].iter().any(|kind| resource.ends_with(kind))
                        && resource != "AiApiKey";
                let text = format!("\"{resource}\"");
                let sub = format!("${{{resource}.Arn}}");
                let may = statements(template).iter().filter(|(of, _)| *of == role).any(|(_, statement)| {
                    let resources = statement["Resource"].to_string();
                    resources.contains(&text) || resources.contains(&sub)
                });
                assert!(!is_resource || may, "{id} is told {name} but {role} may not use {resource}");
            }
        }
    }
}

#[test]
fn the_way_in_is_declared_in_full_and_only_for_the_webhook() {
    let template = Template::platform();
    let routes = template.all("AWS::ApiGatewayV2::Route");
    assert_eq!(routes.len(), 1);
    assert_eq!(routes["WebhookRoute"]["RouteKey"], "POST /line/{channelId}");
    let permission = template.all("AWS::Lambda::Permission")["WebhookPermission"];
    assert_eq!(permission["FunctionName"], json!({ "Ref": "WebhookFunction" }));
    assert!(permission["SourceArn"]["Fn::Sub"].as_str().unwrap().contains("${Api}"));
}
