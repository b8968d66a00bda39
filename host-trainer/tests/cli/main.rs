//! Tests of the command line: output, errors and files.

#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod atomic;
mod backend;
mod cascade;
mod compare;
mod compress;
mod data;
mod documented;
mod evaluate;
mod export;
#[cfg(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu"))]
mod fault;
mod files;
mod forms;
mod frontier;
mod graph;
#[cfg(target_os = "linux")]
mod hostile;
mod import;
mod lecture;
mod model;
mod network;
mod photos;
mod predict;
mod project;
mod recipe;
mod report;
mod rows;
mod search;
mod show;
mod train;
#[cfg(unix)]
mod watch;
