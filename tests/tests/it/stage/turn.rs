//! One test at a time, whether the runner gives each a process or a thread.

use std::fs::File;

use matome_local_stack::Checkout;
use matome_local_stack::shared::DEPLOYED;

/// Ours until dropped; the kernel gives it on when we die.
pub(crate) struct Turn {
    _file: File,
}

impl Turn {
    pub(crate) async fn take() -> Self {
        tokio::task::spawn_blocking(|| {
            let folder = Checkout::find().unwrap().stack(DEPLOYED);
            std::fs::create_dir_all(&folder).unwrap();
            let file = File::create(folder.join("turn.lock")).unwrap();
            file.lock().unwrap();
            Self { _file: file }
        })
        .await
        .unwrap()
    }
}
