//! A Lambda Runtime API that hands out no work: it only tells when a function asks for it.

use std::net::Ipv4Addr;
use std::time::Instant;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

const NEXT: &str = "/2018-06-01/runtime/invocation/next";
const INIT_ERROR: &str = "/2018-06-01/runtime/init/error";

/// The listener.
pub(crate) struct RuntimeApi(TcpListener);

/// A function that has asked for work and waits for it.
pub(crate) struct Ready {
    /// When it asked.
    pub(crate) at: Instant,
    /// Kept open, or the function would end.
    pub(crate) _connection: TcpStream,
}

impl RuntimeApi {
    /// On any free port.
    pub(crate) async fn listen() -> anyhow::Result<Self> {
        Ok(Self(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("cannot listen on 127.0.0.1")?))
    }

    /// For `AWS_LAMBDA_RUNTIME_API`.
    pub(crate) fn address(&self) -> anyhow::Result<String> {
        Ok(self.0.local_addr()?.to_string())
    }

    /// Waits for the first `GET …/next`.
    pub(crate) async fn ready(&self) -> anyhow::Result<Ready> {
        let (mut connection, _) = self.0.accept().await?;
        let mut request = String::new();
        BufReader::new(&mut connection).read_line(&mut request).await?;
        let at = Instant::now();
        match request.split_whitespace().nth(1) {
            Some(NEXT) => Ok(Ready { at, _connection: connection }),
            Some(INIT_ERROR) => bail!("it failed to start; run it by hand to see why"),
            _ => bail!("it asked for something else first: {}", request.trim()),
        }
    }
}
