//! The whole job on the deployed stack: real API Gateway, queues, policies and MongoDB, with LINE
//! played by the simulator.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod api;
mod cell;
mod conversation;
mod dedicated;
mod kill;
mod media;
mod moving;
mod operator;
mod overdue;
mod permissions;
mod poison;
mod redelivery;
mod refusal;
mod scoped;
mod stage;
mod tenants;
mod up;
