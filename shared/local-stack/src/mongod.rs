//! A real MongoDB: one `mongod` as a one-node replica set, so transactions and change streams work.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::{Bson, Document, doc};
use mongodb::error::ErrorKind;
use mongodb::options::ClientOptions;

use crate::checkout::make_folder;
use crate::error::Result;
use crate::port;
use crate::process::{Record, Server};

const SET: &str = "matome";
/// Every test makes databases of its own, some hundred files each. A server that keeps them all open, as it
/// would for ten minutes, comes to the machine's limit and dies.
const CLOSE_IDLE_FILES: &str =
    "file_manager=(close_idle_time=10,close_scan_interval=2,close_handle_minimum=1000)";
/// MongoDB error codes (src/mongo/base/error_codes.yml).
const NOT_YET_INITIALIZED: i32 = 94;
const INVALID_REPLICA_SET_CONFIG: i32 = 93;
const ALREADY_INITIALIZED: i32 = 23;

/// A `mongod` that runs on a data folder.
#[derive(Debug, Clone)]
pub struct Mongod {
    program: PathBuf,
    folder: PathBuf,
    record: Record,
}

impl Mongod {
    /// Starts `program` on `folder` (data, record and log go there), or joins the one that already runs
    /// on it. Data of an earlier run are kept, also when the port has to be another one.
    ///
    /// # Errors
    /// [`crate::Error::NotReady`] with the end of its log when it does not come up.
    pub async fn start(program: &Path, folder: &Path) -> Result<Self> {
        let record_file = folder.join("mongod.json");
        let earlier = Record::load(&record_file);
        if let Some(record) = earlier.clone().filter(Record::is_alive) {
            let running = Self { program: program.to_owned(), folder: folder.to_owned(), record };
            running.await_primary().await?;
            return Ok(running);
        }
        let data = folder.join("mongod-data");
        make_folder(&data)?;
        let port = port::choose(earlier.map(|record| record.port))?;
        let server = Server {
            name: "mongod",
            log: folder.join("logs/mongod.log"),
            record: record_file,
            port,
            options: String::new(),
        };
        let mut command = Command::new(program);
        command
            .arg("--dbpath")
            .arg(&data)
            .args(["--port", &port.to_string(), "--replSet", SET])
            .args(["--bind_ip", "127.0.0.1", "--nounixsocket", "--oplogSize", "128"])
            .args([
                "--wiredTigerCacheSizeGB",
                "0.5",
                "--setParameter",
                "diagnosticDataCollectionEnabled=false",
            ])
            .args(["--wiredTigerEngineConfigString", CLOSE_IDLE_FILES]);
        let direct = direct_client(port).await?;
        let record = server
            .spawn(command)?
            .ready(|| async {
                let answer = direct.database("admin").run_command(doc! { "ping": 1 }).await;
                answer.map(drop).map_err(|error| error.to_string())
            })
            .await?;
        let started = Self { program: program.to_owned(), folder: folder.to_owned(), record };
        started.initiate(&direct).await?;
        started.await_primary().await?;
        Ok(started)
    }

    /// The connection string, replica set included.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?replicaSet={SET}", self.record.port)
    }

    /// Ends it in good order.
    pub async fn stop(&self) {
        self.record.stop().await;
    }

    /// Ends it as a power cut would: `kill -9`.
    pub async fn kill(&self) {
        self.record.kill().await;
    }

    /// Starts it again on the same data, and on the same port unless somebody has taken it.
    ///
    /// # Errors
    /// As [`Mongod::start`].
    pub async fn restart(&mut self) -> Result<()> {
        *self = Self::start(&self.program, &self.folder).await?;
        Ok(())
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    fn address(&self) -> String {
        format!("127.0.0.1:{}", self.record.port)
    }

    /// Makes the replica set on new data; on data from another port, tells it its new address.
    async fn initiate(&self, direct: &Client) -> Result<()> {
        let admin = direct.database("admin");
        let Err(error) = admin.run_command(doc! { "replSetGetStatus": 1 }).await else { return Ok(()) };
        match code_of(&error) {
            Some(NOT_YET_INITIALIZED) => {
                let config = doc! { "_id": SET, "members": [{ "_id": 0, "host": self.address() }] };
                match admin.run_command(doc! { "replSetInitiate": config }).await {
                    Err(error) if code_of(&error) != Some(ALREADY_INITIALIZED) => Err(error.into()),
                    _ => Ok(()),
                }
            }
            Some(INVALID_REPLICA_SET_CONFIG) => self.readdress(direct).await,
            _ => Err(error.into()),
        }
    }

    async fn readdress(&self, direct: &Client) -> Result<()> {
        let configs = direct.database("local").collection::<Document>("system.replset");
        let Some(mut config) = configs.find_one(doc! {}).await? else { return Ok(()) };
        let version = config.get_i32("version").unwrap_or(1).saturating_add(1);
        config.insert("version", version);
        config.insert("members", Bson::Array(vec![doc! { "_id": 0, "host": self.address() }.into()]));
        direct.database("admin").run_command(doc! { "replSetReconfig": config, "force": true }).await?;
        Ok(())
    }

    /// Waits until it takes writes.
    async fn await_primary(&self) -> Result<()> {
        let mut options = ClientOptions::parse(self.uri()).await?;
        options.server_selection_timeout = Some(Duration::from_secs(60));
        let client = Client::with_options(options)?;
        // Server selection for a primary is the wait: the driver watches the set for us.
        client.database("admin").run_command(doc! { "hello": 1 }).await?;
        client.shutdown().await;
        Ok(())
    }
}

async fn direct_client(port: u16) -> Result<Client> {
    let mut options =
        ClientOptions::parse(format!("mongodb://127.0.0.1:{port}/?directConnection=true")).await?;
    options.server_selection_timeout = Some(Duration::from_secs(2));
    Ok(Client::with_options(options)?)
}

fn code_of(error: &mongodb::error::Error) -> Option<i32> {
    match error.kind.as_ref() {
        ErrorKind::Command(command) => Some(command.code),
        _ => None,
    }
}
