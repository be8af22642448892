//! Budgets of the design that this bench cannot measure yet. They stay in the report, so that nobody
//! takes a short report for a good one.

use crate::bench::{Figure, Limit};

/// Them.
pub(crate) fn figures() -> Vec<Figure> {
    let missing = |name: &str, budget, unit| {
        Figure::missing(name.to_owned(), budget, unit, "not measured yet".to_owned())
    };
    vec![
        missing("webhook: own time per webhook, p99", Limit::AtMost(2.0), "ms"),
        missing("recorder: messages into one mongod, batches of ten", Limit::AtLeast(5_000.0), "/s"),
        missing("KMS calls per tenant and environment in five minutes", Limit::AtMost(1.0), ""),
        missing("AWS cost per million LINE messages, database apart", Limit::AtMost(3.0), "US$"),
    ]
}
