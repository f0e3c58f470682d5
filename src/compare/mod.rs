//! Are two databases the same? The schemas by what the catalogs say of every object, the data by
//! checksums that both servers compute on one snapshot each. Nothing is written anywhere.

mod crew;
pub mod data;
mod diff;
mod interrupt;
mod normal;
mod rows;
pub mod schema;
pub mod work;
