//! A dedicated tenant's own queues. The directory names its `inbound.fifo` only; the others are called
//! alike in the tenant's stack (`infra/tenant.yaml`), and so are their URLs.

/// The URL of a dedicated tenant's own `queue`, such as [`matome_domain::queue::QueueMessage::QUEUE`],
/// from that of its `inbound.fifo`. `None` when that URL is no queue's of a stack.
#[must_use]
pub fn own_queue_url(inbound_queue_url: &str, queue: &str) -> Option<String> {
    Some(format!("{}-{queue}", inbound_queue_url.strip_suffix("-inbound.fifo")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use matome_domain::queue::{MediaJob, OutboundJob, QueueMessage, SummaryJob};

    #[test]
    fn the_other_queues_are_called_as_in_the_tenants_template() {
        let template = include_str!("../../../../infra/tenant.yaml");
        for queue in ["inbound.fifo", MediaJob::QUEUE, SummaryJob::QUEUE, OutboundJob::QUEUE] {
            let url = own_queue_url("https://sqs/1/m-tenant-t-inbound.fifo", queue);
            assert_eq!(url, Some(format!("https://sqs/1/m-tenant-t-{queue}")));
            assert!(template.contains(&format!("QueueName: !Sub ${{AWS::StackName}}-{queue}\n")), "{queue}");
        }
        assert_eq!(own_queue_url("https://sqs/1/other", "media"), None);
    }
}
