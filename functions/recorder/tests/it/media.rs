//! Content from LINE to S3, and out of it again.
