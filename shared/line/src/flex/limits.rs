//! LINE's limits on what is sent (Messaging API reference, 2026; "Character counting in a text").

/// Messages in one request.
pub const MESSAGES: usize = 5;
/// A text message, in UTF-16 units.
pub const TEXT: usize = 5_000;
/// `altText`, in UTF-16 units.
pub const ALT_TEXT: usize = 1_500;
/// How much of it we use: notifications show less, and LINE's own older documents say 400.
pub const OUR_ALT_TEXT: usize = 400;
/// A bubble's JSON, in bytes. LINE says 30 KB; the smaller reading of it.
pub const BUBBLE_BYTES: usize = 30_000;
/// The label of a button in a Flex message, in grapheme clusters.
pub const FLEX_LABEL: usize = 40;
/// The label of a quick reply or template button, in grapheme clusters.
pub const LABEL: usize = 20;
/// A postback's `displayText`, in grapheme clusters.
pub const DISPLAY_TEXT: usize = 300;
