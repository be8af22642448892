//! Cold start of the API function.

fn main() {}
