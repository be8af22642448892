//! Where the directory's items are: DynamoDB, or memory in tests.

use aws_sdk_dynamodb::error::SdkError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::AttributeValue;

use super::DirectoryError;
use super::item::{Item, KEY};

pub(super) enum Table {
    DynamoDb {
        client: aws_sdk_dynamodb::Client,
        table: String,
    },
    #[cfg(any(test, feature = "test-support"))]
    Memory(MemoryTable),
}

impl Table {
    /// The item of a key. Eventually consistent unless the very newest is wanted: the cache is older
    /// than that anyway, and it costs half.
    pub(super) async fn get(&self, key: &str, newest: bool) -> Result<Option<Item>, DirectoryError> {
        match self {
            Self::DynamoDb { client, table } => {
                let answer = client
                    .get_item()
                    .table_name(table)
                    .key(KEY, AttributeValue::S(key.to_owned()))
                    .consistent_read(newest)
                    .send()
                    .await
                    .map_err(|e| failed("read", e.into_service_error()))?;
                Ok(answer.item)
            }
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(memory) => memory.get(key),
        }
    }

    /// Writes an item unless a higher version is there.
    pub(super) async fn put(&self, item: Item, version: u64) -> Result<(), DirectoryError> {
        let key = item.get(KEY).and_then(|k| k.as_s().ok()).cloned().unwrap_or_default();
        match self {
            Self::DynamoDb { client, table } => {
                let written = client
                    .put_item()
                    .table_name(table)
                    .set_item(Some(item))
                    .condition_expression("attribute_not_exists(#pk) OR #version <= :version")
                    .expression_attribute_names("#pk", KEY)
                    .expression_attribute_names("#version", "version")
                    .expression_attribute_values(":version", AttributeValue::N(version.to_string()))
                    .send()
                    .await;
                match written {
                    Ok(_) => Ok(()),
                    Err(SdkError::ServiceError(e))
                        if matches!(e.err(), PutItemError::ConditionalCheckFailedException(_)) =>
                    {
                        Err(DirectoryError::Stale { key, version })
                    }
                    Err(e) => Err(failed("written", e.into_service_error())),
                }
            }
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(memory) => memory.put(key, item, version),
        }
    }

    /// Removes an item, whatever its version.
    pub(super) async fn remove(&self, key: &str) -> Result<(), DirectoryError> {
        match self {
            Self::DynamoDb { client, table } => {
                let delete = client.delete_item().table_name(table);
                let gone = delete.key(KEY, AttributeValue::S(key.to_owned())).send().await;
                gone.map_err(|e| failed("written", e.into_service_error()))?;
                Ok(())
            }
            #[cfg(any(test, feature = "test-support"))]
            Self::Memory(memory) => memory.remove(key),
        }
    }
}

fn failed(
    action: &'static str,
    source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
) -> DirectoryError {
    DirectoryError::Table { action, source: source.into() }
}

/// A table in memory.
#[cfg(any(test, feature = "test-support"))]
#[derive(Clone, Default)]
pub struct MemoryTable(std::sync::Arc<std::sync::Mutex<Memory>>);

#[cfg(any(test, feature = "test-support"))]
#[derive(Default)]
struct Memory {
    items: std::collections::HashMap<String, (Item, u64)>,
    reads: usize,
    /// As many writes go through before everything fails; all of them where it is `None`.
    writes_left: Option<usize>,
}

#[cfg(any(test, feature = "test-support"))]
impl Memory {
    fn begin_to_write(&mut self) -> Result<(), DirectoryError> {
        match &mut self.writes_left {
            Some(0) => return Err(failed("written", "told to fail")),
            Some(left) => *left -= 1,
            None => {}
        }
        Ok(())
    }
}

#[cfg(any(test, feature = "test-support"))]
impl MemoryTable {
    fn memory(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Another process's view of the same table, with a cache of its own.
    #[must_use]
    pub fn directory(&self, clock: std::sync::Arc<dyn matome_domain::clock::Clock>) -> super::Directory {
        super::Directory::over(Table::Memory(self.clone()), clock)
    }

    /// Every attribute of every item, as text: for tests that search for what must not be there.
    #[must_use]
    pub fn dump(&self) -> String {
        self.memory().items.values().map(|(item, _)| format!("{item:?}\n")).collect()
    }

    /// How often an item was asked for.
    #[must_use]
    pub fn reads(&self) -> usize {
        self.memory().reads
    }

    /// Makes every call fail, or work again.
    pub fn fail(&self, failing: bool) {
        self.memory().writes_left = failing.then_some(0);
    }

    /// Lets so many writes through, then makes every call fail.
    pub fn fail_after(&self, writes: usize) {
        self.memory().writes_left = Some(writes);
    }

    fn get(&self, key: &str) -> Result<Option<Item>, DirectoryError> {
        let mut memory = self.memory();
        memory.reads += 1;
        if memory.writes_left == Some(0) {
            return Err(failed("read", "told to fail"));
        }
        Ok(memory.items.get(key).map(|(item, _)| item.clone()))
    }

    fn remove(&self, key: &str) -> Result<(), DirectoryError> {
        let mut memory = self.memory();
        memory.begin_to_write()?;
        memory.items.remove(key);
        Ok(())
    }

    fn put(&self, key: String, item: Item, version: u64) -> Result<(), DirectoryError> {
        let mut memory = self.memory();
        memory.begin_to_write()?;
        if memory.items.get(&key).is_some_and(|(_, stored)| *stored > version) {
            return Err(DirectoryError::Stale { key, version });
        }
        memory.items.insert(key, (item, version));
        Ok(())
    }
}
