//! Programs of PostgreSQL that this program runs, and the archive they make and read.

pub mod archive;
mod archive_header;
pub mod child;
pub mod dump;
pub mod locate;
pub mod restore;

pub use locate::Tools;
