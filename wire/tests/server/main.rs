//! The client against real servers, and against peers that are none.

#![allow(missing_docs)]

mod authentication;

use pgcopydb_testkit::Cluster;
use pgcopydb_wire::conninfo::{Conninfo, Environment};

/// A connection string for TCP in an empty environment: what the machine has set does not matter.
fn tcp(cluster: &Cluster, more: &str) -> Conninfo {
    conninfo(&format!(
        "host=127.0.0.1 port={} user=postgres dbname=postgres {more}",
        cluster.port()
    ))
}

fn conninfo(text: &str) -> Conninfo {
    Conninfo::parse_with(text, &Environment::default()).unwrap()
}
