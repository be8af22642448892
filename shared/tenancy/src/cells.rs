//! Cells: a cell is one MongoDB cluster and one set of queues, the unit that the system grows by. The
//! directory names each tenant's; a second one is a setting.

use std::collections::BTreeMap;

use matome_domain::ids::CellName;
use matome_domain::queue::QueueMessage;
use matome_runtime::config::{ConfigError, Env};
use matome_runtime::directory::HOME_CELL;
use matome_runtime::queue::own_queue_url;
use matome_store::Store;
use matome_store::entities::default_data_region;
use serde::Deserialize;
use tokio::sync::OnceCell;

use crate::TenancyError;

/// The setting that names further cells, as JSON:
/// `{"tokyo-2": {"mongodbUri": "mongodb+srv://…", "inboundQueueUrl": "https://sqs…", "region": "japan"}}`.
pub(crate) const SETTING: &str = "CELLS";

/// The setting that names the region of the home cell, and of others that name none.
const REGION: &str = "DATA_REGION";

/// Connections of one environment, which handles one invocation at a time.
const POOL: u32 = 2;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Setting {
    mongodb_uri: String,
    inbound_queue_url: Option<String>,
    region: Option<String>,
}

/// The cells a function can reach.
pub struct Cells {
    home: Store,
    prefix: String,
    region: String,
    others: BTreeMap<String, Cell>,
}

struct Cell {
    uri: String,
    inbound_queue_url: Option<String>,
    /// Where in the world it is; the home cell's when absent.
    region: Option<String>,
    /// Connected when first asked for: most invocations never leave the home cell.
    store: OnceCell<Store>,
}

impl Cells {
    /// The home cell alone.
    #[must_use]
    pub fn home_only(home: Store) -> Self {
        Self { home, prefix: String::new(), region: default_data_region(), others: BTreeMap::new() }
    }

    /// With another cell that is connected already, and perhaps has queues of its own (tests).
    #[must_use]
    pub fn with_queues(mut self, name: &str, store: Store, inbound_queue_url: Option<String>) -> Self {
        let store = OnceCell::new_with(Some(store));
        let cell = Cell { uri: String::new(), inbound_queue_url, region: None, store };
        self.others.insert(name.to_owned(), cell);
        self
    }

    /// The cell of this name is in this region (tests).
    #[must_use]
    pub fn with_region(mut self, name: &str, region: &str) -> Self {
        self.others.entry(name.to_owned()).and_modify(|cell| cell.region = Some(region.to_owned()));
        self
    }

    /// From `MONGODB_URI` (the home cell), `DATABASE_PREFIX` (`matome`), `DATA_REGION` and [`SETTING`].
    ///
    /// # Errors
    /// [`TenancyError::Config`] with the setting that is missing or wrong; [`TenancyError::Store`] when
    /// the home cell cannot be reached.
    pub async fn from_env(env: &Env) -> Result<Self, TenancyError> {
        let prefix = env.optional("DATABASE_PREFIX")?.unwrap_or_else(|| "matome".to_owned());
        let region = env.optional(REGION)?.unwrap_or_else(default_data_region);
        let others = parse(env.optional(SETTING)?.as_deref())?;
        let home = Store::connect(&env.required("MONGODB_URI")?, &prefix, POOL).await?;
        // Init has more CPU than the handler: connect now (architecture §8).
        home.ping().await?;
        Ok(Self { home, prefix, region, others })
    }

    /// The home cell, which also holds the platform's database.
    #[must_use]
    pub fn home(&self) -> &Store {
        &self.home
    }

    /// The names of all cells, the home cell first.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(HOME_CELL).chain(self.others.keys().map(String::as_str))
    }

    /// A cell's cluster.
    ///
    /// # Errors
    /// [`TenancyError::UnknownCell`] when no setting names it.
    pub async fn store(&self, name: &str) -> Result<&Store, TenancyError> {
        if name == HOME_CELL {
            return Ok(&self.home);
        }
        let cell = self.others.get(name).ok_or_else(|| TenancyError::UnknownCell(name.to_owned()))?;
        // Boxed: rare, and every future of every function would hold it otherwise.
        let connect = || Box::pin(Store::connect(&cell.uri, &self.prefix, POOL));
        Ok(cell.store.get_or_try_init(connect).await?)
    }

    /// Where in the world a cell is.
    ///
    /// # Errors
    /// [`TenancyError::UnknownCell`].
    pub fn region(&self, name: &str) -> Result<&str, TenancyError> {
        if name == HOME_CELL {
            return Ok(&self.region);
        }
        let cell = self.others.get(name).ok_or_else(|| TenancyError::UnknownCell(name.to_owned()))?;
        Ok(cell.region.as_deref().unwrap_or(&self.region))
    }

    /// The first cell in a region, the home cell before others; `None` when there is none.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Option<&str> {
        self.names().find(|name| self.region(name).is_ok_and(|its| its == region))
    }

    /// The cell's own `inbound.fifo`; `None`: the deployment's.
    ///
    /// # Errors
    /// [`TenancyError::UnknownCell`].
    pub fn inbound_queue_url(&self, name: &str) -> Result<Option<&str>, TenancyError> {
        if name == HOME_CELL {
            return Ok(None);
        }
        let cell = self.others.get(name).ok_or_else(|| TenancyError::UnknownCell(name.to_owned()))?;
        Ok(cell.inbound_queue_url.as_deref())
    }

    /// The cell's own queue of this kind; `None`: the deployment's.
    ///
    /// # Errors
    /// [`TenancyError::UnknownCell`].
    pub fn queue_url<M: QueueMessage>(&self, name: &str) -> Result<Option<String>, TenancyError> {
        Ok(self.inbound_queue_url(name)?.and_then(|url| own_queue_url(url, M::QUEUE)))
    }
}

fn parse(setting: Option<&str>) -> Result<BTreeMap<String, Cell>, ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid { name: SETTING.to_owned(), reason };
    let Some(text) = setting else { return Ok(BTreeMap::new()) };
    // serde_json's own text could quote a connection string.
    let settings: BTreeMap<String, Setting> = serde_json::from_str(text).map_err(|e| {
        invalid(format!("line {}, column {}: {:?} error", e.line(), e.column(), e.classify()))
    })?;
    let mut cells = BTreeMap::new();
    for (name, Setting { mongodb_uri, inbound_queue_url, region }) in settings {
        let name: String = CellName::new(name).map_err(|e| invalid(e.to_string()))?.into();
        if name == HOME_CELL {
            return Err(invalid(format!("{HOME_CELL} is the cell of MONGODB_URI")));
        }
        // The cell's other queues are called alike.
        if inbound_queue_url.as_deref().is_some_and(|url| own_queue_url(url, "media").is_none()) {
            return Err(invalid(format!("inboundQueueUrl of {name} does not end in -inbound.fifo")));
        }
        cells.insert(name, Cell { uri: mongodb_uri, inbound_queue_url, region, store: OnceCell::new() });
    }
    Ok(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_from_json() {
        let cells = parse(Some(
            r#"{"b": {"mongodbUri": "mongodb://h/", "inboundQueueUrl": "m-cell-b-inbound.fifo", "region": "japan"}, "a": {"mongodbUri": "mongodb://i/"}}"#,
        ));
        let cells = cells.unwrap();
        assert_eq!(cells.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(cells["b"].inbound_queue_url.as_deref(), Some("m-cell-b-inbound.fifo"));
        assert_eq!((cells["a"].region.as_deref(), cells["b"].region.as_deref()), (None, Some("japan")));
        assert!(parse(None).unwrap().is_empty());
    }

    #[test]
    fn a_wrong_setting_is_named_and_not_repeated() {
        let home = r#"{"main": {"mongodbUri": "canary"}}"#;
        for bad in [
            "canary",
            r#"{"a": {"mongodbUri": 1}}"#,
            r#"{"a": {"uri": "canary"}}"#,
            r#"{"a": "canary"}"#,
            r#"{"canary.b": {"mongodbUri": "mongodb://h/"}}"#,
            r#"{"a": {"mongodbUri": "mongodb://h/", "inboundQueueUrl": "canary"}}"#,
            home,
        ] {
            let error = parse(Some(bad)).map(|cells| cells.len()).unwrap_err().to_string();
            assert!(error.starts_with("CELLS is not valid: "), "{error}");
            assert!(!error.contains("canary"), "{error}");
        }
    }
}
