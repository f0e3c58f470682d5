//! Changes of a living source.

mod ahead;
mod binary;
mod endpos;
mod filters;
mod kinds;
mod large;
mod leftovers;
mod partitions;
mod plugins;
mod refusals;
mod remote;
mod survival;
mod values;
mod watching;

use pgcopydb_testkit::{Output, Pair, Program, Running};

use crate::support::pgcopydb;

/// A source that is followed. Slots and origins belong to whole clusters, so that the names are
/// those of the database.
pub(crate) struct Followed {
    pub(crate) pair: Pair,
}

impl Followed {
    /// A pair of databases with a schema on the source.
    pub(crate) fn new(schema: &str) -> Followed {
        Followed::on(Pair::shared(), schema)
    }

    pub(crate) fn on(pair: Pair, schema: &str) -> Followed {
        pair.source.sql(schema);
        Followed { pair }
    }

    /// The same, with a source that sends whatever is larger than a few rows before it has committed,
    /// where the plugin can.
    pub(crate) fn streaming(pair: Pair, schema: &str) -> Followed {
        pair.source.sql(
            "do $$ begin
               execute format('alter database %I set logical_decoding_work_mem = ''64kB''',
                              current_database());
             end $$",
        );
        Followed::on(pair, schema)
    }

    /// The program with a command and the names of slot and origin.
    pub(crate) fn program(&self, command: &str) -> Program {
        let name = self.pair.source.name();
        let words = ["--slot-name", name, "--origin", name];
        pgcopydb(&self.pair).args(command.split_whitespace()).args(words)
    }

    /// A clone that has copied everything and goes on with the changes.
    pub(crate) fn cloned(&self) -> Running {
        let running = self.program("clone --follow").spawn();
        running.wait_for_stderr("applying changes after");
        running
    }

    /// Stops at the present end of the source's log.
    pub(crate) fn end(&self, running: Running) -> Output {
        self.set_endpos();
        running.wait()
    }

    /// Makes the present end of the source's log the end position.
    pub(crate) fn set_endpos(&self) -> String {
        let set = pgcopydb(&self.pair).args(["stream", "sentinel", "set", "endpos", "--current"]);
        let output = set.run();
        output.assert_success();
        output.stdout.trim().to_owned()
    }

    /// Removes what following has made, and compares everything.
    #[track_caller]
    pub(crate) fn assert_same(&self) {
        self.program("stream cleanup").run().assert_success();
        self.pair.same().without_statistics().assert();
    }
}
