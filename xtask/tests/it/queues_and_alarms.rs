use std::path::Path;

use matome_domain::queue::{QueueMessage, QueueVisitor, visit_queue_messages};
use serde_json::{Value, json};

use crate::template::{Template, attribute};

const QUEUE: &str = "AWS::SQS::Queue";

/// Is there an alarm on this metric of this thing?
fn has_alarm(template: &Template, metric: &str, dimension: &Value) -> bool {
    template.all("AWS::CloudWatch::Alarm").values().any(|alarm| {
        alarm["MetricName"] == metric
            && alarm["Dimensions"][0]["Value"] == *dimension
            && alarm["TreatMissingData"] == "notBreaching"
            && !alarm["AlarmActions"].is_null()
    })
}

#[test]
fn every_queue_has_dead_letters_of_its_kind_and_both_have_alarms() {
    for template in Template::each() {
        let queues = template.all(QUEUE);
        let (dead, working): (Vec<_>, Vec<_>) =
            queues.iter().partition(|(_, queue)| queue["RedrivePolicy"].is_null());
        assert_eq!(dead.len(), working.len());
        for (id, queue) in working {
            let target = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].as_str().unwrap();
            let letters = queues[target];
            assert_eq!(
                letters["FifoQueue"], queue["FifoQueue"],
                "{id}: a FIFO queue needs FIFO dead letters"
            );
            let allowed = &letters["RedriveAllowPolicy"]["sourceQueueArns"][0]["Fn::Sub"];
            let name = queue["QueueName"]["Fn::Sub"].as_str().unwrap();
            assert!(
                allowed.as_str().unwrap().ends_with(&format!(":{name}")),
                "{target} must take letters of {id} only"
            );
            assert!(queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap() >= 3, "{id}");
            let age = attribute(id, "QueueName");
            assert!(has_alarm(&template, "ApproximateAgeOfOldestMessage", &age), "{id}");
            let depth = attribute(target, "QueueName");
            assert!(has_alarm(&template, "ApproximateNumberOfMessagesVisible", &depth), "{target}");
        }
    }
}

#[test]
fn every_kind_of_message_has_its_queue_and_every_queue_its_kind() {
    struct Names(Vec<&'static str>);

    impl QueueVisitor for Names {
        fn visit<M: QueueMessage>(&mut self) {
            self.0.push(M::QUEUE);
        }
    }

    let mut names = Names(Vec::new());
    visit_queue_messages(&mut names);
    let template = Template::platform();
    let queues = template.all(QUEUE);
    let working = queues.values().filter(|queue| !queue["RedrivePolicy"].is_null());
    let mut made: Vec<_> = working
        .map(|queue| queue["QueueName"]["Fn::Sub"].as_str().unwrap().rsplit('-').next().unwrap().to_owned())
        .collect();
    made.sort_unstable();
    names.0.sort_unstable();
    assert_eq!(made, names.0);
}

#[test]
fn queues_are_encrypted_and_keep_messages_as_long_as_sqs_can() {
    for template in Template::each() {
        for (id, queue) in template.all(QUEUE) {
            assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
            assert_eq!(queue["MessageRetentionPeriod"], 1_209_600, "{id}");
        }
    }
}

#[test]
fn fifo_queues_scale_by_group_and_deduplicate_by_id() {
    for template in Template::each() {
        for (id, queue) in template.all(QUEUE) {
            let fifo = queue["QueueName"]["Fn::Sub"].as_str().unwrap().ends_with(".fifo");
            assert_eq!(queue["FifoQueue"] == true, fifo, "{id}");
            if fifo {
                assert_eq!(queue["ContentBasedDeduplication"], false, "{id}");
                assert_eq!(queue["DeduplicationScope"], "messageGroup", "{id}");
                assert_eq!(queue["FifoThroughputLimit"], "perMessageGroupId", "{id}");
            }
        }
    }
}

#[test]
fn every_consumer_reports_partial_failures_and_its_queue_waits_for_it() {
    for template in Template::each() {
        let sources = template.sources();
        for (id, queue, source) in &sources {
            assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{id}");
            // The emulator's poller stops on text, which is what a parameter would give it.
            let scaling = &source["ScalingConfig"];
            let emulated = if scaling["Fn::If"][0] == "OnAws" { &scaling["Fn::If"][2] } else { scaling };
            let number = emulated["MaximumConcurrency"].is_u64();
            assert!(number || *emulated == json!({ "Ref": "AWS::NoValue" }), "{id}");
            let advised = &template.all(QUEUE)[queue.as_str()]["VisibilityTimeout"]["Fn::If"][1];
            let timeout = template.functions()[id.as_str()]["Timeout"].as_u64().unwrap();
            // AWS advises six, for batches that are throttled again and again; it requires one.
            let enough = if source["BatchSize"] == 1 { timeout + 60 } else { 6 * timeout };
            assert!(advised.as_u64().unwrap() >= enough, "{id}");
        }
        let queues = template.all(QUEUE);
        let mut working: Vec<_> =
            queues.iter().filter(|(_, q)| !q["RedrivePolicy"].is_null()).map(|(id, _)| *id).collect();
        let mut consumed: Vec<_> = sources.iter().map(|(_, queue, _)| queue.as_str()).collect();
        working.sort_unstable();
        consumed.sort_unstable();
        assert_eq!(consumed, working, "a queue that nobody consumes, or two consumers of one");
    }
}

#[test]
fn every_function_is_traced_logged_for_a_while_and_watched() {
    for template in Template::each() {
        let groups = template.all("AWS::Logs::LogGroup");
        for (id, group) in &groups {
            assert_eq!(group["RetentionInDays"], json!({ "Ref": "LogRetentionDays" }), "{id}");
        }
        for (id, function) in template.functions() {
            let group = function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
            assert!(groups.contains_key(group), "{id} logs to {group}");
            assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON", "{id}");
            for metric in ["Errors", "Throttles"] {
                assert!(has_alarm(&template, metric, &json!({ "Ref": id })), "{id}: {metric}");
            }
        }
    }
}

/// Every other alarm is silent where nothing is measured.
#[test]
fn a_function_that_time_sets_off_has_an_alarm_for_when_it_does_not_run() {
    let template = Template::platform();
    let mut timed = 0;
    for (id, function) in template.functions() {
        let events = function["Events"].as_object();
        if !events.is_some_and(|events| events.values().any(|event| event["Type"] == "Schedule")) {
            continue;
        }
        timed += 1;
        let watched = template.all("AWS::CloudWatch::Alarm").values().any(|alarm| {
            alarm["MetricName"] == "Invocations"
                && alarm["Dimensions"][0]["Value"] == json!({ "Ref": id })
                && (&alarm["ComparisonOperator"], &alarm["Threshold"])
                    == (&json!("LessThanThreshold"), &json!(1))
                && alarm["TreatMissingData"] == "breaching"
                && !alarm["AlarmActions"].is_null()
        });
        assert!(watched, "{id}");
    }
    assert!(timed > 0);
}

#[test]
fn alarms_on_our_own_metrics_name_what_the_code_counts() {
    let template = Template::platform();
    let mut own = Vec::new();
    for (id, alarm) in template.all("AWS::CloudWatch::Alarm") {
        if alarm["Namespace"] != matome_runtime::telemetry::NAMESPACE {
            continue;
        }
        let [function, stage] = alarm["Dimensions"].as_array().unwrap().as_slice() else {
            panic!("{id}: a metric has the dimensions function and stage, or it is another one");
        };
        assert_eq!((&function["Name"], &stage["Name"]), (&json!("function"), &json!("stage")), "{id}");
        assert_eq!(stage["Value"], json!({ "Ref": "Stage" }), "{id}");
        let (metric, function) = (alarm["MetricName"].as_str().unwrap(), function["Value"].as_str().unwrap());
        let code = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("functions").join(function);
        assert!(counts(&code.join("src"), metric), "{id}: {function} does not count {metric}");
        own.push(metric);
    }
    for metric in ["AuditsNotBegun", "AuditsNotEnded", "MediaGivenUp"] {
        assert!(own.contains(&metric), "{metric} has an alarm");
    }
}

fn counts(folder: &Path, metric: &str) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return counts(&path, metric);
        }
        std::fs::read_to_string(path).unwrap().contains(&format!("counter!(\"{metric}\")"))
    })
}

#[test]
fn code_comes_from_where_it_is_laid() {
    for (id, function) in Template::platform().functions() {
        assert!(function["CodeUri"].as_str().unwrap().starts_with("target/lambda/"), "{id}");
    }
    for (id, function) in Template::tenant().functions() {
        assert_eq!(function["Code"]["S3Bucket"], json!({ "Ref": "CodeBucket" }), "{id}");
        let key = function["Code"]["S3Key"]["Fn::Sub"].as_str().unwrap();
        let name = key.strip_prefix("${CodePrefix}/").and_then(|key| key.strip_suffix(".zip")).unwrap();
        assert!(matome_local_stack::lambda::FUNCTIONS.contains(&name), "{id}: {key}");
    }
}
