//! The newest update, for any number of readers that each wait for the next one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A published update.
#[derive(Clone, Debug)]
pub struct Published {
    /// From 1.
    pub number: u64,
    pub text: Arc<str>,
    /// True if no other follows.
    pub is_last: bool,
}

/// Keeps the newest update only: a slow reader skips those between.
#[derive(Debug, Default)]
pub struct Channel {
    newest: Mutex<Option<Published>>,
    changed: Condvar,
}

impl Channel {
    pub fn publish(&self, text: String, is_last: bool) {
        let mut newest = self.newest();
        let number = newest.as_ref().map_or(1, |old| old.number + 1);
        *newest = Some(Published { number, text: text.into(), is_last });
        self.changed.notify_all();
    }

    /// Returns the newest update if it comes after number `seen`; waits for at most `limit`.
    pub fn after(&self, seen: u64, limit: Duration) -> Option<Published> {
        let is_old = |newest: &mut Option<Published>| newest.as_ref().is_none_or(|newest| newest.number <= seen);
        let waited = self.changed.wait_timeout_while(self.newest(), limit, is_old);
        let newest = waited.unwrap_or_else(PoisonError::into_inner).0.clone();
        newest.filter(|newest| newest.number > seen)
    }

    fn newest(&self) -> MutexGuard<'_, Option<Published>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_reader_gets_the_newest_update_once() {
        let channel = Channel::default();
        assert!(channel.after(0, Duration::ZERO).is_none());
        channel.publish("one".to_owned(), false);
        channel.publish("two".to_owned(), false);
        let found = channel.after(0, Duration::ZERO).unwrap();
        assert_eq!((found.number, &*found.text), (2, "two"));
        assert!(channel.after(2, Duration::ZERO).is_none());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| channel.after(2, Duration::from_secs(60)));
            channel.publish("three".to_owned(), true);
            assert!(waiting.join().unwrap().unwrap().is_last);
        });
    }
}
