//! The API on real parts.
