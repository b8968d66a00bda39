//! The program from outside: what it prints, what it refuses, what it leaves behind.

mod backend;
mod data;
mod desk;
mod evaluate;
mod files;
mod model;
mod train;
