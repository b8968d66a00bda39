//! The program from outside: what it prints, what it refuses, what it leaves behind.

mod backend;
mod compare;
mod compress;
mod data;
mod desk;
mod evaluate;
mod files;
mod frontier;
mod import;
mod model;
mod predict;
mod recipe;
mod report;
mod show;
mod train;
