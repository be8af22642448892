use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use matome_runtime::aws::{Aws, Patience};
use matome_runtime::config::Env;
use matome_runtime::random::{Random, SystemRandom};
use matome_stacks::{Error, Request, Result, Stacks, Status};

/// A queue that takes its name from a parameter, and a bucket that stays.
const TEMPLATE: &str = r#"
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Name: { Type: String }
  Fifo: { Type: String, Default: "false" }
Conditions:
  IsFifo: !Equals [!Ref Fifo, "true"]
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Ref Name
      FifoQueue: !If [IsFifo, true, !Ref AWS::NoValue]
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: RetainExceptOnCreate
Outputs:
  Url: { Value: !Ref Queue }
  Bucket: { Value: !Ref Bucket }
"#;
const WITHIN: Duration = Duration::from_secs(60);

struct Stage {
    aws: Aws,
    stacks: Stacks,
    name: String,
    template_url: String,
}

impl Stage {
    /// A template in S3 and a name nobody else has.
    async fn new() -> Self {
        let endpoint = matome_local_stack::shared::aws_endpoint().await.unwrap();
        let vars = HashMap::from([
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", matome_local_stack::REGION),
            ("AWS_ENDPOINT_URL", &endpoint),
        ]);
        let aws = Aws::from_env(&Env::from_map(vars), Patience::CONSUMER).unwrap();
        let name = format!("stacks-{}", SystemRandom.uuid());
        let region = aws_sdk_s3::types::BucketLocationConstraint::from(matome_local_stack::REGION);
        let place =
            aws_sdk_s3::types::CreateBucketConfiguration::builder().location_constraint(region).build();
        let s3 = aws.s3();
        s3.create_bucket().bucket(&name).create_bucket_configuration(place).send().await.unwrap();
        let body = TEMPLATE.as_bytes().to_vec().into();
        s3.put_object().bucket(&name).key("template.yaml").body(body).send().await.unwrap();
        let template_url = format!("{endpoint}/{name}/template.yaml");
        Self { stacks: Stacks::new(&aws), aws, name, template_url }
    }

    fn request(&self, token: &str, parameters: &[(&str, &str)]) -> Request {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Request {
            name: self.name.clone(),
            template_url: self.template_url.clone(),
            parameters: parameters.iter().map(own).collect(),
            initial: BTreeMap::new(),
            tags: BTreeMap::from([("matome:tenant".to_owned(), "t1".to_owned())]),
            role_arn: None,
            token: token.to_owned(),
        }
    }

    async fn settle(&self, request: &Request) -> Status {
        settle(async || self.stacks.ensure(request).await).await
    }
}

async fn settle(mut ask: impl AsyncFnMut() -> Result<Status>) -> Status {
    let begun = Instant::now();
    loop {
        match ask().await.unwrap() {
            Status::InProgress if begun.elapsed() < WITHIN => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            settled => return settled,
        }
    }
}

fn url(status: Status) -> String {
    let Status::Done(outputs) = status else { panic!("{status:?}") };
    outputs["Url"].clone()
}

#[tokio::test]
async fn a_stack_is_created_once_changed_when_asked_and_left_alone_otherwise() {
    let stage = Stage::new().await;
    let [one, two] = ["one", "two"].map(|suffix| format!("{}-{suffix}", stage.name));
    assert_eq!(stage.stacks.status(&stage.name).await.unwrap(), Status::Missing);

    let first = stage.request("first", &[("Name", &one)]);
    assert_eq!(stage.stacks.ensure(&first).await.unwrap(), Status::InProgress, "nothing here waits");
    assert!(url(stage.settle(&first).await).ends_with(&one));
    // Whoever died before remembering the answer asks again.
    let again = stage.stacks.ensure(&first).await.unwrap();
    assert_eq!(again, stage.stacks.status(&stage.name).await.unwrap());
    assert!(url(again).ends_with(&one));

    let second = stage.request("second", &[("Name", &two)]);
    assert_eq!(stage.stacks.ensure(&second).await.unwrap(), Status::InProgress);
    assert!(url(stage.settle(&second).await).ends_with(&two));
    assert!(stage.aws.sqs().get_queue_url().queue_name(&one).send().await.is_err());
}

#[tokio::test]
async fn what_an_operator_set_on_a_stack_stays() {
    let stage = Stage::new().await;
    let [one, two, three] = ["one", "two", "three"].map(|suffix| format!("{}-{suffix}.fifo", stage.name));
    let initially = |name: &str| BTreeMap::from([("Name".to_owned(), Some(name.to_owned()))]);
    let fifo = [("Fifo", "true")];
    let created = Request { initial: initially(&one), ..stage.request("first", &fifo) };
    assert!(url(stage.settle(&created).await).ends_with(&one));
    // As `sam deploy` would.
    let by_hand = stage.request("by-hand", &[("Name", two.as_str()), fifo[0]]);
    assert!(url(stage.settle(&by_hand).await).ends_with(&two));
    let again = Request { initial: initially(&three), ..stage.request("second", &fifo) };
    assert!(url(stage.settle(&again).await).ends_with(&two));
}

#[tokio::test]
async fn a_creation_that_fails_says_what_failed_and_is_tried_again_under_a_new_token() {
    let stage = Stage::new().await;
    let name = format!("{}-queue", stage.name);
    // A FIFO queue's name must end with `.fifo`.
    let wrong = stage.request("op-1", &[("Name", &name), ("Fifo", "true")]);
    let Status::Failed { state, reason } = stage.settle(&wrong).await else { panic!("it must fail") };
    assert_eq!(state, "ROLLBACK_COMPLETE");
    assert!(reason.starts_with("Queue (AWS::SQS::Queue): "), "{reason}");
    // Under the same token it stays failed, whatever is asked.
    let same = stage.stacks.ensure(&wrong).await.unwrap();
    assert_eq!(same, Status::Failed { state: state.clone(), reason: reason.clone() });
    assert_eq!(stage.stacks.status(&stage.name).await.unwrap(), same);

    let right = stage.request("op-2", &[("Name", &name)]);
    assert!(url(stage.settle(&right).await).ends_with(&name));
}

#[tokio::test]
async fn an_update_that_fails_leaves_the_stack_as_it_was_and_says_why() {
    let stage = Stage::new().await;
    let name = format!("{}-queue", stage.name);
    let right = stage.request("op-1", &[("Name", &name)]);
    let before = url(stage.settle(&right).await);
    let broken = format!("{name}-two");
    let wrong = stage.request("op-2", &[("Name", &broken), ("Fifo", "true")]);
    let Status::Failed { state, reason } = stage.settle(&wrong).await else { panic!("it must fail") };
    assert_eq!(state, "UPDATE_ROLLBACK_COMPLETE");
    assert!(reason.starts_with("Queue (AWS::SQS::Queue): "), "{reason}");
    assert!(stage.aws.sqs().get_queue_attributes().queue_url(&before).send().await.is_ok());
    let other = format!("{name}-three");
    let again = stage.request("op-3", &[("Name", &other)]);
    assert!(url(stage.settle(&again).await).ends_with(&other));
}

#[tokio::test]
async fn a_stack_goes_and_what_the_template_keeps_stays() {
    let stage = Stage::new().await;
    let name = format!("{}-queue", stage.name);
    let Status::Done(outputs) = stage.settle(&stage.request("op-1", &[("Name", &name)])).await else {
        panic!("it must be made")
    };
    let gone = settle(async || stage.stacks.delete(&stage.name, None, "op-2", &[]).await).await;
    assert_eq!(gone, Status::Missing);
    assert!(stage.aws.sqs().get_queue_url().queue_name(&name).send().await.is_err());
    assert!(stage.aws.s3().head_bucket().bucket(&outputs["Bucket"]).send().await.is_ok());
    // Again, and of what never was: nothing to do.
    let again = stage.stacks.delete(&stage.name, None, "op-3", &[]).await.unwrap();
    assert_eq!(again, Status::Missing);
}

#[tokio::test]
async fn a_request_that_cloudformation_refuses_is_an_error_with_its_reason() {
    let stage = Stage::new().await;
    let error = stage.stacks.ensure(&stage.request("op-1", &[])).await.unwrap_err();
    let Error::CloudFormation { stack, action, source } = error else { panic!("{error}") };
    assert_eq!((stack, action), (stage.name.clone(), "created"));
    let source = std::error::Error::source(&*source).map_or(source.to_string(), ToString::to_string);
    assert!(source.contains("Name"), "{source}");
}
