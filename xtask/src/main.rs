//! The hands of developers and operators.
fn main() {}
