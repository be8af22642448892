//! The binary itself: started as Lambda starts it, spoken to through the Runtime API.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::world::{ONE, request};

/// What Lambda and the template set.
fn function(runtime_api: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_matome-webhook"));
    command.env_clear().stdout(Stdio::piped()).stderr(Stdio::piped()).envs([
        ("AWS_LAMBDA_RUNTIME_API", runtime_api),
        ("AWS_LAMBDA_FUNCTION_NAME", "webhook"),
        ("AWS_LAMBDA_FUNCTION_VERSION", "1"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "ap-northeast-1"),
        // Nothing listens on the discard port.
        ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
        ("DIRECTORY_TABLE", "directory"),
        ("INBOUND_QUEUE_URL", "http://127.0.0.1:9/inbound.fifo"),
        ("STAGE", "test"),
    ]);
    command
}

#[test]
fn a_missing_setting_fails_the_cold_start_with_its_name() {
    let settings = ["DIRECTORY_TABLE", "INBOUND_QUEUE_URL", "AWS_REGION"];
    for missing in settings {
        let output = function("127.0.0.1:9").env(missing, "").output().unwrap();
        assert!(!output.status.success());
        let line = String::from_utf8(output.stderr).unwrap();
        let line: Value = serde_json::from_str(line.lines().next().unwrap()).unwrap();
        assert_eq!(
            (line["message"].as_str(), line["level"].as_str()),
            (Some("cold start failed"), Some("ERROR"))
        );
        assert_eq!(line["error"], format!("{missing} is not set"));
    }
    let output = function("127.0.0.1:9").env("RUST_LOG", "loud").output().unwrap();
    assert!(!output.status.success() && String::from_utf8(output.stderr).unwrap().contains("RUST_LOG"));
}

/// One HTTP request on a connection: its path and body.
fn receive(stream: &TcpStream) -> (String, Vec<u8>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(reader.read_line(&mut head).unwrap(), 0, "the function hung up");
    }
    let length =
        head.lines().find_map(|l| l.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).unwrap();
    (head.split(' ').nth(1).unwrap().to_owned(), body)
}

#[test]
fn an_invocation_is_answered_logged_once_and_measured() {
    let runtime_api = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut child = function(&runtime_api.local_addr().unwrap().to_string()).spawn().unwrap();

    let (mut stream, _) = runtime_api.accept().unwrap();
    assert_eq!(receive(&stream).0, "/2018-06-01/runtime/invocation/next");
    let unsigned = request("a channel that cannot be", "{}", None);
    let event = json!({
        "version": "2.0", "pathParameters": unsigned.path_parameters, "headers": {"x-odd": "\u{0}é"},
        "body": unsigned.body, "isBase64Encoded": false, "rawPath": format!("/line/{}", ONE.id),
    });
    let event = event.to_string();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         lambda-runtime-aws-request-id: request-1\r\nlambda-runtime-deadline-ms: 4102444800000\r\n\
         lambda-runtime-invoked-function-arn: arn\r\n\r\n{event}",
        event.len()
    )
    .unwrap();
    let (path, answer) = receive(&stream);
    assert_eq!(path, "/2018-06-01/runtime/invocation/request-1/response");
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["statusCode"], 404);
    assert_eq!(answer["headers"]["content-type"], "application/problem+json");

    child.kill().unwrap();
    let output = child.wait_with_output().unwrap();
    let lines = |bytes: Vec<u8>| -> Vec<Value> {
        String::from_utf8(bytes).unwrap().lines().map(|l| serde_json::from_str(l).unwrap()).collect()
    };
    let logs = lines(output.stderr);
    assert_eq!(logs.len(), 1, "{logs:?}");
    assert_eq!(
        (&logs[0]["reason"], &logs[0]["span"]["requestId"]),
        (&json!("unknown_channel"), &json!("request-1"))
    );
    let metrics = lines(output.stdout);
    let rejected = metrics.iter().find(|m| m["WebhooksRejected"] == 1).unwrap();
    assert_eq!(rejected["_aws"]["CloudWatchMetrics"][0]["Namespace"], "Matome");
    assert_eq!((&rejected["function"], &rejected["stage"]), (&json!("webhook"), &json!("test")));
    assert!(
        metrics.iter().any(|m| m["WebhookMilliseconds"].is_array() || m["WebhookMilliseconds"].is_number())
    );
}
