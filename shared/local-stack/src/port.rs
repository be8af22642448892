//! Free loopback ports.

use std::net::{Ipv4Addr, TcpListener};

use crate::error::{Error, Result};

/// `remembered` when it can still be had, else any free port.
///
/// Whoever starts a server on it must be ready for somebody else having been faster.
pub(crate) fn choose(remembered: Option<u16>) -> Result<u16> {
    if let Some(port) = remembered.filter(|&port| is_free(port)) {
        return Ok(port);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .map_err(Error::file("cannot bind a port on", "127.0.0.1"))?;
    let address = listener.local_addr().map_err(Error::file("cannot read the port of", "127.0.0.1"))?;
    Ok(address.port())
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_port_is_kept_while_it_is_free_and_left_when_it_is_taken() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let other = choose(Some(port)).unwrap();
        assert_ne!(other, port);
        assert_eq!(choose(Some(other)).unwrap(), other);
    }
}
