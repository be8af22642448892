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
    let template = Template::load();
    let queues = template.all(QUEUE);
    let (dead, working): (Vec<_>, Vec<_>) =
        queues.iter().partition(|(_, queue)| queue["RedrivePolicy"].is_null());
    assert_eq!(dead.len(), working.len());
    for (id, queue) in working {
        let target = queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].as_str().unwrap();
        let letters = queues[target];
        assert_eq!(letters["FifoQueue"], queue["FifoQueue"], "{id}: a FIFO queue needs FIFO dead letters");
        let allowed = &letters["RedriveAllowPolicy"]["sourceQueueArns"][0]["Fn::Sub"];
        let name = queue["QueueName"]["Fn::Sub"].as_str().unwrap();
        assert!(
            allowed.as_str().unwrap().ends_with(&format!(":{name}")),
            "{target} must take letters of {id} only"
        );
        assert!(queue["RedrivePolicy"]["maxReceiveCount"].as_u64().unwrap() >= 3, "{id}");
        assert!(has_alarm(&template, "ApproximateAgeOfOldestMessage", &attribute(id, "QueueName")), "{id}");
        let depth = attribute(target, "QueueName");
        assert!(has_alarm(&template, "ApproximateNumberOfMessagesVisible", &depth), "{target}");
    }
}

#[test]
fn queues_are_encrypted_and_keep_messages_as_long_as_sqs_can() {
    for (id, queue) in Template::load().all(QUEUE) {
        assert_eq!(queue["SqsManagedSseEnabled"], true, "{id}");
        assert_eq!(queue["MessageRetentionPeriod"], 1_209_600, "{id}");
    }
}

#[test]
fn fifo_queues_scale_by_group_and_deduplicate_by_id() {
    for (id, queue) in Template::load().all(QUEUE) {
        let fifo = queue["QueueName"]["Fn::Sub"].as_str().unwrap().ends_with(".fifo");
        assert_eq!(queue["FifoQueue"] == true, fifo, "{id}");
        if fifo {
            assert_eq!(queue["ContentBasedDeduplication"], false, "{id}");
            assert_eq!(queue["DeduplicationScope"], "messageGroup", "{id}");
            assert_eq!(queue["FifoThroughputLimit"], "perMessageGroupId", "{id}");
        }
    }
}

#[test]
fn every_consumer_reports_partial_failures_and_its_queue_waits_six_timeouts() {
    let template = Template::load();
    let mut consumed = 0;
    for (id, function) in template.all("AWS::Serverless::Function") {
        let Some(events) = function["Events"].as_object() else { continue };
        for event in events.values().filter(|event| event["Type"] == "SQS") {
            consumed += 1;
            let source = &event["Properties"];
            assert_eq!(source["FunctionResponseTypes"], json!(["ReportBatchItemFailures"]), "{id}");
            // The emulator's poller stops on text, which is what a parameter would give it.
            assert!(source["ScalingConfig"]["MaximumConcurrency"].is_u64(), "{id}");
            let queue = source["Queue"]["Fn::GetAtt"][0].as_str().unwrap();
            let advised = &template.all(QUEUE)[queue]["VisibilityTimeout"]["Fn::If"][1];
            assert!(advised.as_u64().unwrap() >= 6 * function["Timeout"].as_u64().unwrap(), "{id}");
        }
    }
    let working = template.all(QUEUE).values().filter(|queue| !queue["RedrivePolicy"].is_null()).count();
    assert_eq!(consumed, working, "a queue that nobody consumes, or two consumers of one");
}

#[test]
fn every_function_is_traced_logged_for_a_while_and_watched() {
    let template = Template::load();
    let groups = template.all("AWS::Logs::LogGroup");
    for (id, group) in &groups {
        assert_eq!(group["RetentionInDays"], json!({ "Ref": "LogRetentionDays" }), "{id}");
    }
    for (id, function) in template.all("AWS::Serverless::Function") {
        let group = function["LoggingConfig"]["LogGroup"]["Ref"].as_str().unwrap();
        assert!(groups.contains_key(group), "{id} logs to {group}");
        assert_eq!(function["LoggingConfig"]["LogFormat"], "JSON", "{id}");
        assert!(function["CodeUri"].as_str().unwrap().starts_with("target/lambda/"), "{id}");
        for metric in ["Errors", "Throttles"] {
            assert!(has_alarm(&template, metric, &json!({ "Ref": id })), "{id}: {metric}");
        }
    }
}
