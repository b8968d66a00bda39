//! A page on this computer that draws the curves of a training in another process.
//!
//! ```text
//!  progress.jsonl --follow--> update --channel--> server --events--> watch.js in a browser
//! ```

mod channel;
mod follow;
mod page;
mod request;
mod server;

pub use follow::{Follower, State};
pub use page::update;
pub use server::Server;
