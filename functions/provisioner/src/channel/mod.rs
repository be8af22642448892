//! What several operations do with a LINE channel.

pub(crate) mod credentials;
pub(crate) mod document;
pub(crate) mod endpoint;
pub(crate) mod listing;
pub(crate) mod quota;
