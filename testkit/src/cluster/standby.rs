//! A streaming standby of a cluster.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::{Cluster, builder, template};
use crate::clean;

impl Cluster {
    /// A hot standby that streams from this cluster, with more lines for its `postgresql.conf`.
    ///
    /// # Panics
    /// When it cannot be made; the message says why.
    #[must_use]
    pub fn standby(&self, settings: &[(&str, &str)]) -> Cluster {
        let parent = clean::temporary_directory();
        let directory = tempfile::Builder::new().prefix("pgtk-").tempdir_in(parent);
        let directory = directory.expect("a temporary directory");
        builder::open_to_others(directory.path());
        let [data, sockets] = ["data", "s"].map(|name| directory.path().join(name));
        for path in [&data, &sockets] {
            fs::create_dir(path).expect("a directory");
            template::give_to_server_user(path);
        }
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).expect("a private directory");
        let words = template::as_server_user("KILL");
        let mut backup = clean::command(&words[0]);
        backup.args(&words[1..]).arg(self.version.program("pg_basebackup"));
        backup.args(["--write-recovery-conf", "--checkpoint=fast", "--wal-method=stream"]);
        backup.args(["--no-sync", "--dbname", &self.conninfo("postgres"), "--pgdata"]);
        template::run(backup.arg(&data).current_dir("/"));

        let path = data.join("postgresql.conf");
        let mut text = fs::read_to_string(&path).expect("the settings of the primary");
        let sockets = sockets.to_string_lossy();
        for (name, value) in [("unix_socket_directories", &*sockets)].iter().chain(settings) {
            writeln!(text, "{name} = '{}'", value.replace('\'', "''")).unwrap();
        }
        fs::write(&path, text).expect("written settings");
        builder::serve(self.version.clone(), directory, None)
    }

    /// Waits until a standby has everything that this cluster has written.
    pub fn wait_for_standby(&self, standby: &Cluster) {
        let end = self.value("postgres", "select pg_current_wal_flush_lsn()");
        let query = format!("select pg_last_wal_replay_lsn() >= '{end}'");
        standby.wait_for("postgres", &query);
    }
}
