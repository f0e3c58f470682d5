//! What scripts depend on.

mod files;
mod lists;
mod options;
mod output;
mod secrets;
