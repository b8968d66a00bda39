//! The program from outside: what it prints, what it refuses, what it leaves behind.

mod data;
mod desk;
mod files;
mod model;
mod report;
mod train;
