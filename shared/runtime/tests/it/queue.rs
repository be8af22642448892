use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{MessageSystemAttributeName, QueueAttributeName};
use matome_domain::ids::{DocumentId, TenantId};
use matome_domain::queue::{MediaJob, SummaryJob};
use matome_runtime::batch::Receipt;
use matome_runtime::queue::{QueueError, Queues, redrive};
use matome_runtime::random::SystemRandom;

use crate::services;

fn job(session: &str, revision: u32) -> SummaryJob {
    SummaryJob {
        tenant_id: TenantId::new("t1").unwrap(),
        session_id: DocumentId::new(session).unwrap(),
        revision,
    }
}

#[tokio::test]
async fn a_batch_larger_than_a_request_arrives_whole_and_in_order() {
    let aws = services::aws().await;
    let url = services::queue(&aws, true).await;
    let queues = Queues::new(&aws, Arc::new(SystemRandom)).with_url::<SummaryJob>(&url);
    // Twice the same job: without an id of its own each send counts.
    let mut jobs: Vec<_> = (0..23).map(|n| job("s1", n)).collect();
    jobs.push(job("s1", 22));
    queues.send_batch(&jobs).await.unwrap();

    let mut arrived = Vec::new();
    while arrived.len() < jobs.len() {
        let receive = aws.sqs().receive_message().queue_url(&url).max_number_of_messages(10);
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::MessageGroupId);
        for message in receive.send().await.unwrap().messages.unwrap() {
            let group = message.attributes.as_ref().unwrap().get(&MessageSystemAttributeName::MessageGroupId);
            assert_eq!(group.map(String::as_str), Some("t1#s1"));
            arrived.push(serde_json::from_str::<SummaryJob>(message.body.as_ref().unwrap()).unwrap());
            let delete = aws.sqs().delete_message().queue_url(&url);
            delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
        }
    }
    assert_eq!(arrived, jobs);
}

#[tokio::test]
async fn a_delayed_message_waits_in_the_queue() {
    let aws = services::aws().await;
    let url = services::queue(&aws, false).await;
    let queues = Queues::new(&aws, Arc::new(SystemRandom)).with_url::<MediaJob>(&url);
    let media =
        MediaJob { tenant_id: TenantId::new("t1").unwrap(), message_id: DocumentId::new("m1").unwrap() };
    queues.send_delayed(&media, Duration::from_secs(600)).await.unwrap();
    queues.send(&media).await.unwrap();
    let attributes =
        aws.sqs().get_queue_attributes().queue_url(&url).attribute_names(QueueAttributeName::All);
    let attributes = attributes.send().await.unwrap().attributes.unwrap();
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessagesDelayed], "1");
    assert_eq!(attributes[&QueueAttributeName::ApproximateNumberOfMessages], "1");
}

#[tokio::test]
async fn a_queue_that_does_not_exist_is_an_error_that_names_the_queue() {
    let aws = services::aws().await;
    let url = services::queue(&aws, true).await.replace("runtime-", "nowhere-");
    let queues = Queues::new(&aws, Arc::new(SystemRandom)).with_url::<SummaryJob>(&url);
    let err = queues.send(&job("s1", 1)).await.unwrap_err();
    assert!(matches!(&err, QueueError::Request { queue: "summaries.fifo", .. }), "{err:?}");
}

#[tokio::test]
async fn dead_letters_go_back_in_order_and_are_not_taken_for_repeats_of_themselves() {
    let aws = services::aws().await;
    let (dead, queue) = (services::queue(&aws, true).await, services::queue(&aws, true).await);
    let body = |n: u32| format!("letter {n}");
    for n in 0..13 {
        // The queue has seen each of them before, under the same id.
        for url in [&queue, &dead] {
            let send = aws.sqs().send_message().queue_url(url).message_body(body(n));
            send.message_group_id("a").message_deduplication_id(n.to_string()).send().await.unwrap();
        }
    }
    aws.sqs().purge_queue().queue_url(&queue).send().await.unwrap();
    assert_eq!(redrive(&aws.sqs(), &dead, &queue).await.unwrap(), 13);
    let mut back = Vec::new();
    while back.len() < 13 {
        let page = aws.sqs().receive_message().queue_url(&queue).max_number_of_messages(10).send().await;
        for message in page.unwrap().messages.expect("all are there") {
            let delete = aws.sqs().delete_message().queue_url(&queue);
            delete.receipt_handle(message.receipt_handle.unwrap()).send().await.unwrap();
            back.push(message.body.unwrap());
        }
    }
    assert_eq!(back, (0..13).map(body).collect::<Vec<_>>());
    assert_eq!(redrive(&aws.sqs(), &dead, &queue).await.unwrap(), 0);
}

#[tokio::test]
async fn a_queue_holds_what_waits_what_is_delayed_and_what_is_being_worked_on() {
    let aws = services::aws().await;
    let url = services::queue(&aws, false).await;
    let queues = Queues::new(&aws, Arc::new(SystemRandom)).with_url::<MediaJob>(&url);
    assert_eq!(queues.held(&url).await.unwrap(), 0);
    let media =
        MediaJob { tenant_id: TenantId::new("t1").unwrap(), message_id: DocumentId::new("m1").unwrap() };
    queues.send_delayed(&media, Duration::from_secs(600)).await.unwrap();
    queues.send_batch(&[media.clone(), media]).await.unwrap();
    let received = aws.sqs().receive_message().queue_url(&url).max_number_of_messages(1).send().await;
    assert_eq!(received.unwrap().messages().len(), 1);
    assert_eq!(queues.held(&url).await.unwrap(), 3);
    let gone = queues.held(&format!("{url}-of-nobody")).await;
    assert!(matches!(gone, Err(QueueError::Uncounted(_))), "{gone:?}");
}

#[tokio::test]
async fn poison_comes_back_long_before_its_queue_would_deliver_it_again() {
    let aws = services::aws().await;
    let url = services::queue(&aws, true).await;
    let name = url.rsplit('/').next().unwrap();
    // The function knows another queue of the account.
    let queues =
        Queues::new(&aws, Arc::new(SystemRandom)).with_url::<SummaryJob>(services::queue(&aws, true).await);
    queues.send_batch_to(Some(&url), &[job("s1", 1), job("s1", 2)]).await.unwrap();
    let receive = async || {
        let receive = aws.sqs().receive_message().queue_url(&url).visibility_timeout(43_200);
        receive.wait_time_seconds(1).send().await.unwrap().messages.unwrap_or_default().pop()
    };
    let first = receive().await.expect("it is there");
    assert!(receive().await.is_none(), "its group is held up for twelve hours");
    let receipt = Receipt {
        message_id: first.message_id.clone().unwrap(),
        queue_arn: format!("arn:aws:sqs:us-east-1:000000000000:{name}"),
        handle: first.receipt_handle.unwrap(),
        receive_count: 1,
    };
    // A handle that SQS does not know is nobody's failure.
    let stale = Receipt { handle: "stale".to_owned(), ..receipt.clone() };
    queues.return_soon::<SummaryJob>(&[stale, receipt]).await;
    let again = loop {
        if let Some(again) = receive().await {
            break again;
        }
    };
    assert_eq!(again.message_id, first.message_id);
}
