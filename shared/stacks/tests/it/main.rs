//! Stacks on the emulator's CloudFormation.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod stacks;
