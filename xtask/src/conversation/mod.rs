//! A conversation in Japanese, Thai and English, played by the LINE simulator into the deployed stack.

mod play;
mod script;
mod watch;

pub(crate) use play::{Cast, play, show};
pub(crate) use script::Script;
pub(crate) use watch::Watch;
