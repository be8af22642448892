//! What a request and an answer look like, whatever they are about.

pub mod answer;
pub mod documented;
pub mod etag;
pub mod json;
pub mod problem;
pub mod query;
pub mod secret;

pub use answer::{Accepted, Created, NoContent, Ok200, Shown};
pub use etag::IfMatch;
pub use json::Json;
pub use problem::{Code, FieldProblem, Problem};
pub use query::Query;
