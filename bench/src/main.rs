//! Measures `pgcopydb clone` and `pgcopydb follow` against their rivals on throw-away servers.
//!
//! Every workload is made once; then the contenders copy it in turns, each into a target database
//! that was just created. What a contender copied first is compared with the source, since a fast
//! copy of something else is worth nothing. `docs/performance.md` says how to read the figures.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod args;
mod bout;
mod contender;
mod cost;
mod docs;
mod follower;
mod growth;
mod machine;
mod place;
mod process;
mod pursuit;
mod report;
mod results;
mod workload;

use std::fs;
use std::process::ExitCode;

use args::Args;
use clap::Parser;
use results::Results;

fn main() -> ExitCode {
    match bench(&Args::parse().settled()) {
        Ok(code) => code,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}

fn bench(args: &Args) -> Result<ExitCode, String> {
    let contenders = contender::all(args)?;
    let workloads = workload::chosen(&args.only)?;
    fs::create_dir_all(&args.output)
        .map_err(|error| format!("could not create \"{}\": {error}", args.output.display()))?;
    if args.growth {
        return growth::grow(&contenders[0], args).map(|()| ExitCode::SUCCESS);
    }
    let mut results = Results::new(args);
    let (mut copying, mut following) = (None, None);
    for workload in workloads {
        let result = match &workload.load {
            None => {
                let servers =
                    copying.get_or_insert_with(|| bout::Servers::start(args.postgresql, &[]));
                results.machine.postgresql = bout::server_version(&servers.source);
                bout::fight(workload, &contenders, servers, args)
            }
            Some(load) => {
                // Those of copies have no more to do.
                copying = None;
                let servers = || bout::Servers::start(args.postgresql, bout::FOLLOW_SETTINGS);
                let servers = following.get_or_insert_with(servers);
                results.machine.postgresql = bout::server_version(&servers.source);
                let pursuit = pursuit::Pursuit { workload, load, servers, args };
                pursuit.race(&follower::all(args))
            }
        };
        results.workloads.push(result);
        // After each, so that an interrupted session leaves what it has measured.
        report::write(&results, &args.output)?;
    }
    for sentence in report::conditions(&results) {
        println!("{sentence}");
    }
    println!("\n{}", report::markdown::summary(&results));
    for file in report::FILES {
        println!("{}", args.output.join(file).display());
    }
    if args.write_docs {
        docs::refresh(&results)?;
    }
    Ok(if results.is_sound() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
