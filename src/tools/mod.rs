//! Programs of PostgreSQL that this program runs, and the archive they make and read.

pub mod archive;
pub mod child;
mod contents;
pub mod dump;
mod excerpt;
pub mod locate;
pub mod restore;

pub use locate::Tools;
