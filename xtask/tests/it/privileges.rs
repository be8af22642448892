use serde_json::{Value, json};

use crate::template::{Template, attribute, list};

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

/// Roles whose sessions act for one tenant each, and whose function's role takes them.
pub(crate) const FOR_TENANTS: [(&str, &str); 3] = [
    ("TenantAccessRole", "ApiRole"),
    ("TenantMediaRole", "MediaRole"),
    ("TenantPicturesRole", "SummarizerRole"),
];

/// Every statement with the role it is for, whether it stands in the role or apart from it.
pub(crate) fn statements(template: &Template) -> Vec<(&str, &Value)> {
    let mut all = Vec::new();
    for (id, policy) in template.resources().filter(|(_, resource)| resource["Type"] == "AWS::IAM::Policy") {
        let roles = list(&policy["Properties"]["Roles"]);
        assert!(!roles.is_empty(), "{id} is for nobody");
        for role in roles {
            let role = role["Ref"].as_str().unwrap();
            let statements = list(&policy["Properties"]["PolicyDocument"]["Statement"]);
            all.extend(statements.into_iter().map(|statement| (role, statement)));
        }
    }
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
    let of_tenants =
        ["${AWS::StackName}-tenant-", "${AWS::StackName}-cell-"].iter().any(|name| text.contains(name));
    let in_bucket = text.starts_with("${Bucket.Arn}/") || text.ends_with(":table/${Table}");
    // Keys have no names; a tag decides. The others can only be looked at, or have no names either.
    let unnamed = (text.ends_with(":key/*") && conditioned)
        || [":log-group:*", ":alarm:*", ":event-source-mapping:*"].iter().any(|end| text.ends_with(end));
    // One sender at SES, which is an address or a domain.
    let sender = text
        .rsplit_once(":identity/")
        .is_some_and(|(_, name)| ["${EmailIdentity}", "${EmailFrom}"].contains(&name) && conditioned);
    // Media of all tenants, and the bucket itself, which the platform's own functions reach as well.
    let of_platform = ["arn:${AWS::Partition}:s3:::${Name}/tenants/*", "arn:${AWS::Partition}:s3:::${Name}"]
        .contains(&text)
        && resource["Fn::Sub"][1]["Name"]["Fn::ImportValue"]["Fn::Sub"] == "${PlatformStackName}-Bucket";
    // One thing of the platform's, whose other uses are others' business: only under a condition.
    let imported = resource["Fn::ImportValue"]["Fn::Sub"].as_str().is_some_and(|name| name.ends_with("Arn"));
    match &resource["Fn::If"] {
        Value::Array(branches) => branches[1..].iter().all(|branch| is_bounded(branch, conditioned)),
        _ => {
            resource["Fn::GetAtt"][1] == "Arn"
                || of_tenants
                || in_bucket
                || of_platform
                || unnamed
                || sender
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
        // The emulator evaluates mails on no resource: what AWS sees is what counts.
        let on_aws = if all(&["ses:SendEmail"]) {
            &statement["Resource"]["Fn::If"][1]
        } else {
            &statement["Resource"]
        };
        let conditioned = statement["Condition"].is_object();
        if *on_aws == "*" {
            let known = all(&WITHOUT_RESOURCE) || (all(&WITHOUT_NAME) && conditioned);
            assert!(known, "{id}: {actions:?} on every resource");
        } else {
            for resource in list(on_aws) {
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
                        == "${aws:PrincipalTag/tenantId}"
                    // What wraps the API's own keys, and is no tenant's.
                    || condition[1]["StringEquals"]["kms:EncryptionContext:tenantId"] == "accounts";
                assert!(named, "{id}");
            }
        }
        assert!(seen > 0);
    }
}

/// The API answers strangers: whatever it is talked into, by itself it makes and opens no data key of a tenant,
/// keeps nothing in DynamoDB but the platform's windows and keys, and writes to nobody in another's name. What
/// is a tenant's it reaches as that tenant.
#[test]
fn the_api_can_do_little_by_itself() {
    let template = Template::platform();
    let (mut tables, mut mails) = (0, 0);
    for (_, statement) in statements(&template).into_iter().filter(|(role, _)| *role == "ApiRole") {
        for action in list(&statement["Action"]) {
            let on_aws = &statement["Condition"]["Fn::If"][1];
            match action.as_str().unwrap() {
                "kms:GenerateDataKey" | "kms:Decrypt" => {
                    let tenant = &on_aws["StringEquals"]["kms:EncryptionContext:tenantId"];
                    assert_eq!(tenant, "accounts", "tenants' keys are theirs");
                }
                "ses:SendEmail" => {
                    mails += 1;
                    assert_eq!(on_aws["StringEquals"]["ses:FromAddress"], json!({ "Ref": "EmailFrom" }));
                }
                "dynamodb:GetItem" if statement["Resource"] == attribute("DirectoryTable", "Arn") => {}
                "dynamodb:PutItem" | "dynamodb:UpdateItem" | "dynamodb:DeleteItem" => {
                    tables += 1;
                    assert_eq!(statement["Resource"], attribute("EphemeralTable", "Arn"));
                    let keys = &statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"];
                    for key in keys.as_array().unwrap() {
                        let key = key.as_str().unwrap();
                        let kind = key.strip_prefix("PLATFORM#").unwrap();
                        assert!(["RATE#*", "IDEMPOTENCY#*"].contains(&kind), "{key}");
                    }
                }
                other => {
                    let service = other.split(':').next().unwrap();
                    assert!(["logs", "xray", "sqs", "sts"].contains(&service), "{other}");
                }
            }
        }
    }
    assert_eq!((tables, mails), (3, 1));
}

/// Tenants' media have no other way to them in the pooled functions than as the tenant. (The provisioner moves and
/// erases them, and is talked to by nobody but the API and operators.)
#[test]
fn pooled_functions_reach_media_as_their_tenant_alone() {
    let template = Template::platform();
    let mut seen = 0;
    for (role, statement) in statements(&template) {
        let media =
            list(&statement["Action"]).iter().any(|action| action.as_str().unwrap().starts_with("s3:"));
        if media && !["ProvisionerRole", "TenantDeployRole"].contains(&role) {
            seen += 1;
            assert!(FOR_TENANTS.iter().any(|(id, _)| *id == role), "{role} reaches every tenant's media");
        }
    }
    assert_eq!(seen, 2 * FOR_TENANTS.len(), "objects, and what there is of them");
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
                // What belongs to tenants may be reached as one of them.
                let acts = |tenants: &str| {
                    statements(template).iter().any(|(of, statement)| {
                        *of == role && statement["Resource"] == attribute(tenants, "Arn")
                    })
                };
                let its = |of: &str| of == role || (FOR_TENANTS.iter().any(|(id, _)| *id == of) && acts(of));
                let may = statements(template).iter().filter(|(of, _)| its(of)).any(|(_, statement)| {
                    let resources = statement["Resource"].to_string();
                    resources.contains(&text) || resources.contains(&sub)
                });
                assert!(!is_resource || may, "{id} is told {name} but {role} may not use {resource}");
            }
        }
    }
}

#[test]
fn the_ways_in_are_declared_in_full_and_lead_to_the_webhook_and_the_api_only() {
    let template = Template::platform();
    let ways = [
        ("Webhook", "POST /line/{channelId}", "/*/POST/line/{channelId}"),
        ("Api", "ANY /v1/{proxy+}", "/*/*/v1/{proxy+}"),
    ];
    assert_eq!(template.all("AWS::ApiGatewayV2::Route").len(), ways.len());
    assert_eq!(template.all("AWS::ApiGatewayV2::Integration").len(), ways.len());
    assert_eq!(template.all("AWS::Lambda::Permission").len(), ways.len());
    for (name, key, arn) in ways {
        let (route, integration) = (format!("{name}Route"), format!("{name}Integration"));
        let (permission, function) = (format!("{name}Permission"), format!("{name}Function"));
        let route = template.all("AWS::ApiGatewayV2::Route")[route.as_str()];
        assert_eq!(route["RouteKey"], key);
        assert_eq!(route["Target"]["Fn::Sub"], format!("integrations/${{{integration}}}"));
        let integration = template.all("AWS::ApiGatewayV2::Integration")[integration.as_str()];
        assert_eq!(integration["IntegrationUri"], attribute(&function, "Arn"));
        assert_eq!(integration["PayloadFormatVersion"], "2.0");
        // The gateway must hear the function out, and an HTTP API waits thirty seconds at most.
        let limit = integration["TimeoutInMillis"].as_u64().unwrap();
        let timeout = template.functions()[function.as_str()]["Timeout"].as_u64().unwrap();
        assert!(timeout * 1_000 <= limit && limit < 30_000, "{name}: {timeout} s, {limit} ms");
        let permission = template.all("AWS::Lambda::Permission")[permission.as_str()];
        assert_eq!(permission["FunctionName"], json!({ "Ref": function }));
        assert!(permission["SourceArn"]["Fn::Sub"].as_str().unwrap().ends_with(&format!(":${{Api}}{arn}")));
    }
}

/// Load on the API must not keep LINE out, and what is logged of a request must hold no secret: tokens of mails
/// stand in paths and queries.
#[test]
fn the_gateway_throttles_both_ways_in_and_logs_neither_paths_nor_who_called() {
    let template = Template::platform();
    let stage = template.all("AWS::ApiGatewayV2::Stage")["ApiStage"];
    let rate = |settings: &Value| settings["ThrottlingRateLimit"].as_u64().unwrap();
    let api = &stage["RouteSettings"]["ANY /v1/{proxy+}"];
    assert!(rate(api) < rate(&stage["DefaultRouteSettings"]));
    assert!(api["ThrottlingBurstLimit"].is_u64());
    // A setting for a route that is not there yet fails the deployment.
    let (_, whole) = template.resources().find(|(id, _)| *id == "ApiStage").unwrap();
    assert!(list(&whole["DependsOn"]).iter().any(|id| *id == "ApiRoute"));
    let format: Value = serde_json::from_str(stage["AccessLogSettings"]["Format"].as_str().unwrap()).unwrap();
    for (name, variable) in format.as_object().unwrap() {
        let known = [
            "$context.requestId",
            "$context.requestTimeEpoch",
            "$context.routeKey",
            "$context.status",
            "$context.responseLatency",
            "$context.responseLength",
            "$context.integrationErrorMessage",
        ];
        assert!(known.contains(&variable.as_str().unwrap()), "{name}: {variable}");
    }
}
