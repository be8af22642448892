//! What a program would have logged.

use std::io::Write;
use std::sync::{Arc, Mutex};

/// A writer for a subscriber, and its clones: all write to one place.
#[derive(Debug, Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Everything that was written.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("no test panics while it holds this").clone()
    }

    /// The same as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8(self.bytes()).expect("logs are text")
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no test panics while it holds this").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
