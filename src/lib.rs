//! pgcopydb copies a live PostgreSQL database to another server.
//!
//! The modules are floors: a lower one never knows a higher one (see ARCHITECTURE.md).

// Floor 0: words and conventions.
pub mod error;
pub mod fault;
pub mod log;
pub mod model;
pub mod stop;

// Floor 1: decisions, pure functions.
pub mod decode;
pub mod filter;
pub mod plan;
pub mod transform;

// Floor 2: one outside thing each.
pub mod catalog;
pub mod changes;
pub mod pg;
pub mod tools;
pub mod workdir;

// Floor 3: tasks, and what the user sees of them.
pub mod compare;
pub mod follow;
pub mod report;
pub mod run;

// Floor 4: what the user can ask for.
pub mod command;
pub mod signals;

// Floor 5: what the user types.
pub mod cli;
