//! The client against real servers, against peers that are none, and against `psql`.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod authentication;
mod cancelling;
mod certificates;
mod encryption;
mod lost;
mod oracle;
mod peers;
mod pipeline;
mod psql_agrees;
mod roles;

use std::path::PathBuf;

use pgcopydb_testkit::{Cluster, Version};
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

/// A directory below the cluster's own, gone with it.
fn directory(cluster: &Cluster, name: &str) -> PathBuf {
    let path = cluster.directory().join(name);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// The versions to ask for their opinion: the default, and the oldest and the newest that this
/// machine has.
fn versions() -> Vec<Version> {
    let mut versions = vec![Version::default(), Version::oldest(), Version::newest()];
    versions.sort();
    versions.dedup();
    versions
}
