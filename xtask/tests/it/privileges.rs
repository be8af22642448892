use serde_json::{Value, json};

use crate::template::{Template, list};

/// Actions that AWS knows no resources for.
const WITHOUT_RESOURCE: [&str; 2] = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"];

fn statements(template: &Template) -> Vec<(&str, &Value)> {
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
    let template = Template::load();
    let roles = template.all("AWS::IAM::Role");
    let mut used = Vec::new();
    for (id, function) in template.all("AWS::Serverless::Function") {
        let role = function["Role"]["Fn::GetAtt"][0].as_str().unwrap();
        assert!(roles.contains_key(role), "{id}");
        assert!(!used.contains(&role), "{id} shares {role}");
        used.push(role);
    }
    assert_eq!(used.len(), roles.len(), "a role that nobody uses");
}

#[test]
fn no_function_may_do_more_than_it_names() {
    let template = Template::load();
    for (id, statement) in statements(&template) {
        assert_eq!(statement["Effect"], "Allow", "{id}");
        let actions = list(&statement["Action"]);
        assert!(!actions.is_empty(), "{id}");
        for action in &actions {
            assert!(!action.as_str().unwrap().contains('*'), "{id}: {action}");
        }
        if statement["Resource"] == "*" {
            let known = actions.iter().all(|action| WITHOUT_RESOURCE.contains(&action.as_str().unwrap()));
            assert!(known, "{id}: {actions:?} on every resource");
        } else {
            for resource in list(&statement["Resource"]) {
                let exact = resource["Fn::GetAtt"][1] == "Arn"
                    || *resource == json!({ "Fn::Sub": "${Bucket.Arn}/*" });
                assert!(exact, "{id}: {resource}");
            }
        }
    }
}

#[test]
fn tenant_keys_are_unwrapped_only_with_the_tenant_named() {
    let template = Template::load();
    let mut seen = 0;
    for (id, statement) in statements(&template) {
        if list(&statement["Action"]).iter().any(|action| action.as_str().unwrap().starts_with("kms:")) {
            seen += 1;
            let condition = &statement["Condition"]["Fn::If"];
            assert_eq!(condition[0], "OnAws", "{id}");
            assert_eq!(condition[1]["Null"]["kms:EncryptionContext:tenantId"], "false", "{id}");
        }
    }
    assert!(seen > 0);
}

/// A queue or table that a function is told of but may not touch would fail only when it runs.
#[test]
fn what_a_function_is_told_of_it_may_use() {
    let template = Template::load();
    for (id, function) in template.all("AWS::Serverless::Function") {
        let role = function["Role"]["Fn::GetAtt"][0].as_str().unwrap();
        for (name, value) in function["Environment"]["Variables"].as_object().unwrap() {
            let Some(resource) = value["Ref"].as_str().or(value["Fn::GetAtt"][0].as_str()) else { continue };
            let is_resource = ["Queue", "Table", "Bucket", "Key"].iter().any(|kind| resource.ends_with(kind))
                && resource != "AiApiKey";
            let text = format!("\"{resource}\"");
            let sub = format!("${{{resource}.Arn}}");
            let may = statements(&template).iter().filter(|(of, _)| *of == role).any(|(_, statement)| {
                let resources = statement["Resource"].to_string();
                resources.contains(&text) || resources.contains(&sub)
            });
            assert!(!is_resource || may, "{id} is told {name} but {role} may not use {resource}");
        }
    }
}

#[test]
fn the_way_in_is_declared_in_full_and_only_for_the_webhook() {
    let template = Template::load();
    let routes = template.all("AWS::ApiGatewayV2::Route");
    assert_eq!(routes.len(), 1);
    assert_eq!(routes["WebhookRoute"]["RouteKey"], "POST /line/{channelId}");
    let permission = template.all("AWS::Lambda::Permission")["WebhookPermission"];
    assert_eq!(permission["FunctionName"], json!({ "Ref": "WebhookFunction" }));
    assert!(permission["SourceArn"]["Fn::Sub"].as_str().unwrap().contains("${Api}"));
}
