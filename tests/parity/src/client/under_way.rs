//! Requests that are sent and not answered yet, and the decision which of them to send again.
//!
//! A request is sent again under a new number; an answer to any of its numbers answers it, since
//! asking twice does no harm. A device answers in order, so an answer to one number means that
//! all lower ones are lost.

use std::time::{Duration, Instant};

use prenda::Request;

use super::pace::Pace;
use super::{ClientError, Trouble};

/// Limits for sending requests again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// Most times that a request is sent.
    pub attempts: u32,
    /// Shortest silence after which a request counts as lost.
    pub min_wait: Duration,
}

impl Retry {
    /// Never sends again.
    pub const NEVER: Self = Self { attempts: 1, min_wait: Duration::from_secs(3600) };
}

impl Default for Retry {
    /// Enough for a line that damages one byte in a thousand, and half of all frames.
    fn default() -> Self {
        Self { attempts: 32, min_wait: Duration::from_millis(200) }
    }
}

/// A request, kept so that it can be sent again.
#[derive(Clone, Debug)]
pub enum Asked {
    Hello,
    Image(Vec<u8>),
    MemoryUse,
    Measurement(Vec<u8>),
    Calibration(u8),
}

impl Asked {
    fn request(&self) -> Request<'_> {
        match self {
            Self::Hello => Request::Hello,
            Self::Image(pixels) => Request::Infer { pixels },
            Self::MemoryUse => Request::MemoryUse,
            Self::Measurement(pixels) => Request::Measure { pixels },
            Self::Calibration(rounds) => Request::Calibrate { rounds: *rounds },
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Hello => "a hello",
            Self::Image(_) => "an image",
            Self::MemoryUse => "memory use",
            Self::Measurement(_) => "a measurement",
            Self::Calibration(_) => "a calibration",
        }
    }
}

/// All requests under way.
#[derive(Debug)]
pub struct UnderWay {
    requests: Vec<Sent>,
    last_number: u32,
    attempts: u32,
    pace: Pace,
}

#[derive(Debug)]
struct Sent {
    /// Number of the first attempt, by which the client knows the request.
    sequence: u32,
    asked: Asked,
    attempts: u32,
    /// The last known failure.
    trouble: Option<Trouble>,
    /// The failure came so soon after the last attempt that it may be another request's.
    is_suspected: bool,
    /// Attempts that may still be answered.
    copies: Vec<Copy>,
}

#[derive(Debug)]
struct Copy {
    number: u32,
    sent: Instant,
}

/// Returns true if number `one` was sent before `other`. Numbers wrap around.
fn is_before(one: u32, other: u32) -> bool {
    other.wrapping_sub(one).cast_signed() > 0
}

impl UnderWay {
    /// Returns an empty list. Numbers begin at random, because answers to a killed client may still
    /// arrive.
    pub fn new(retry: Retry) -> Self {
        let (last_number, attempts) = (fastrand::u32(..), retry.attempts);
        Self { requests: Vec::new(), last_number, attempts, pace: Pace::new(retry.min_wait) }
    }

    /// Changes the limits.
    pub fn set_retry(&mut self, retry: Retry) {
        self.attempts = retry.attempts;
        self.pace.set_min_wait(retry.min_wait);
    }

    /// Sets the number of the next attempt.
    pub fn set_next_number(&mut self, number: u32) {
        self.last_number = number.wrapping_sub(1);
    }

    /// Abandons all requests; late answers to them are ignored.
    pub fn clear(&mut self) {
        self.requests.clear();
    }

    /// Adds a request and returns the number of its first attempt.
    pub fn begin(&mut self, asked: Asked) -> u32 {
        let sequence = self.next_number();
        let copies = Vec::new();
        self.requests.push(Sent { sequence, asked, attempts: 0, trouble: None, is_suspected: false, copies });
        sequence
    }

    fn next_number(&self) -> u32 {
        // 0 is for answers to unreadable requests.
        self.last_number.wrapping_add(1).max(1)
    }

    /// Begins another attempt of request `sequence`: returns the number and the message to send,
    /// or `None` if it is already answered.
    ///
    /// # Errors
    ///
    /// Returns [`ClientError`] if no attempts are left.
    pub fn send(&mut self, sequence: u32, now: Instant) -> Result<Option<(u32, Request<'_>)>, ClientError> {
        let number = self.next_number();
        let Some(sent) = self.requests.iter_mut().find(|sent| sent.sequence == sequence) else { return Ok(None) };
        if sent.attempts >= self.attempts {
            return Err(sent.give_up());
        }
        sent.attempts += 1;
        sent.is_suspected = false;
        sent.copies.push(Copy { number, sent: now });
        self.last_number = number;
        Ok(Some((number, sent.asked.request())))
    }

    /// Records an answer to `number` and returns the request that it answers, if any. Earlier
    /// attempts are then [`lost`](Self::lost).
    pub fn answered(&mut self, number: u32, now: Instant) -> Option<u32> {
        if is_before(self.last_number, number) {
            return None; // never sent
        }
        let position = self.requests.iter().position(|sent| sent.copies.iter().any(|copy| copy.number == number));
        let answered = position.map(|position| self.requests.remove(position));
        for sent in &mut self.requests {
            sent.copies.retain(|copy| is_before(number, copy.number));
            if sent.copies.is_empty() {
                sent.trouble = Some(Trouble::Lost);
            }
        }
        let answered = answered?;
        if let Some(copy) = answered.copies.iter().find(|copy| copy.number == number) {
            self.pace.answered_after(now.saturating_duration_since(copy.sent));
        }
        Some(answered.sequence)
    }

    /// Returns the first request whose attempts are all lost.
    pub fn lost(&self) -> Option<u32> {
        self.requests.iter().find(|sent| sent.copies.is_empty()).map(|sent| sent.sequence)
    }

    /// Blames damage on the request whose last attempt is the oldest, and returns it if it should
    /// be sent again now. If that attempt is too recent to be the cause, [`overdue`](Self::overdue)
    /// returns the request a little later.
    pub fn suspect(&mut self, trouble: Trouble, now: Instant) -> Option<u32> {
        self.pace.heard();
        let (soonest, attempts) = (self.pace.soonest(), self.attempts);
        let unsuspected = self.requests.iter_mut().filter(|sent| !sent.is_suspected && sent.attempts < attempts);
        let sent = unsuspected.min_by_key(|sent| sent.last_sent())?;
        sent.trouble = Some(trouble);
        sent.is_suspected = true;
        sent.is_silent_for(soonest, now).then_some(sent.sequence)
    }

    /// Returns the requests that have waited too long and should be sent again. Those without
    /// attempts left keep waiting: the device may be busy with earlier ones.
    pub fn overdue(&mut self, now: Instant) -> Vec<u32> {
        let (soonest, wait) = (self.pace.soonest(), self.pace.wait());
        let mut overdue: Vec<_> = self.requests.iter().collect();
        overdue.retain(|sent| sent.attempts < self.attempts);
        overdue.retain(|sent| sent.is_silent_for(if sent.is_suspected { soonest } else { wait }, now));
        overdue.sort_by_key(|sent| sent.last_sent());
        if overdue.iter().any(|sent| !sent.is_suspected) {
            self.pace.timed_out();
        }
        overdue.iter().map(|sent| sent.sequence).collect()
    }

    /// Returns the error for giving up.
    pub fn give_up(&self) -> ClientError {
        let oldest = self.requests.iter().min_by_key(|sent| sent.last_sent());
        oldest.map_or(ClientError::Silent, Sent::give_up)
    }
}

impl Sent {
    fn last_sent(&self) -> Option<Instant> {
        self.copies.last().map(|copy| copy.sent)
    }

    fn is_silent_for(&self, time: Duration, now: Instant) -> bool {
        self.last_sent().is_none_or(|sent| now.saturating_duration_since(sent) >= time)
    }

    fn give_up(&self) -> ClientError {
        let Sent { sequence, attempts, .. } = *self;
        match self.trouble {
            Some(cause) => ClientError::GaveUp { sequence, request: self.asked.name(), attempts, cause },
            None => ClientError::Silent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prenda::FrameError;

    const WAIT: Duration = Duration::from_millis(100);
    const DAMAGE: FrameError = FrameError::Damaged;
    const TROUBLE: Trouble = Trouble::Refused(DAMAGE);

    /// Returns an empty list whose next number is 1.
    fn from_one(attempts: u32) -> UnderWay {
        UnderWay { last_number: 0, ..UnderWay::new(Retry { attempts, min_wait: WAIT }) }
    }

    /// Returns `count` images under way, numbered from 1.
    fn images(count: u32, now: Instant) -> UnderWay {
        let mut under_way = from_one(3);
        for number in 1..=count {
            let sequence = under_way.begin(Asked::Image(vec![7]));
            assert_eq!((sequence, number_of(&mut under_way, sequence, now)), (number, number));
        }
        under_way
    }

    fn number_of(under_way: &mut UnderWay, sequence: u32, now: Instant) -> u32 {
        under_way.send(sequence, now).unwrap().unwrap().0
    }

    #[test]
    fn earlier_requests_are_lost_when_a_later_one_is_answered() {
        let now = Instant::now();
        let mut under_way = images(4, now);
        assert_eq!((under_way.answered(1, now), under_way.lost()), (Some(1), None));
        assert_eq!((under_way.answered(4, now), under_way.lost()), (Some(4), Some(2)));
        assert_eq!(number_of(&mut under_way, 2, now), 5);
        assert_eq!(under_way.lost(), Some(3));
        assert_eq!(number_of(&mut under_way, 3, now), 6);
        assert_eq!((under_way.answered(5, now), under_way.lost()), (Some(2), None));
    }

    #[test]
    fn any_number_of_a_request_is_answered_once() {
        let now = Instant::now();
        let mut under_way = images(2, now);
        assert_eq!(number_of(&mut under_way, 1, now), 3);
        assert_eq!((under_way.answered(4, now), under_way.answered(u32::MAX, now)), (None, None), "never sent");
        assert_eq!(under_way.answered(1, now), Some(1), "the first attempt was not lost");
        assert_eq!((under_way.answered(2, now), under_way.answered(3, now)), (Some(2), None), "the second is late");
        under_way.begin(Asked::Hello);
        under_way.clear();
        assert_eq!((under_way.answered(4, now), under_way.lost()), (None, None));
    }

    #[test]
    fn the_first_of_many_attempts_is_answered() {
        let now = Instant::now();
        let mut under_way = from_one(u32::MAX);
        under_way.begin(Asked::Hello);
        for number in 1..=1000 {
            assert_eq!(number_of(&mut under_way, 1, now), number);
        }
        assert_eq!(under_way.answered(1, now), Some(1));
    }

    #[test]
    fn damage_is_blamed_on_the_oldest_request() {
        let now = Instant::now();
        let mut under_way = images(2, now);
        let later = now + WAIT;
        assert_eq!(under_way.suspect(TROUBLE, later), Some(1));
        assert_eq!(number_of(&mut under_way, 1, later), 3);
        assert_eq!(under_way.suspect(TROUBLE, later), Some(2));
        assert_eq!(number_of(&mut under_way, 2, later), 4);
        assert_eq!(under_way.suspect(TROUBLE, later), None, "too soon: an earlier attempt may be the cause");
        assert!(under_way.overdue(later).is_empty());
        let later = later + WAIT;
        assert_eq!(under_way.overdue(later), [1]);
        assert_eq!(number_of(&mut under_way, 1, later), 5);
        let later = later + 4 * WAIT;
        assert_eq!(under_way.suspect(TROUBLE, later), Some(2));
        assert_eq!(under_way.suspect(TROUBLE, later), None, "no attempts left");
    }

    #[test]
    fn silence_is_blamed_on_all_waiting_requests() {
        let now = Instant::now();
        let mut under_way = images(2, now);
        assert!(under_way.overdue(now + 4 * WAIT).is_empty());
        let later = now + 5 * WAIT;
        assert_eq!(under_way.overdue(later), [1, 2]);
        assert_eq!(number_of(&mut under_way, 1, later), 3);
        assert_eq!(under_way.overdue(later + 5 * WAIT), [2], "each timeout doubles the wait");
        let later = later + 20 * WAIT;
        assert_eq!(under_way.overdue(later), [2, 1]);
        assert_eq!(number_of(&mut under_way, 1, later), 4);
        assert_eq!(under_way.overdue(later + 100 * WAIT), [2], "the other has no attempts left");
        assert!(under_way.send(1, later).is_err());
    }

    #[test]
    fn giving_up_names_the_request_its_attempts_and_the_cause() {
        let now = Instant::now();
        let mut under_way = images(1, now);
        assert!(matches!(under_way.give_up(), ClientError::Silent));
        under_way.suspect(TROUBLE, now);
        assert_eq!([(); 2].map(|()| number_of(&mut under_way, 1, now)), [2, 3]);
        let error = under_way.send(1, now).unwrap_err();
        let expected = format!("request 1, an image, was sent 3 times; last, the device could not read it: {DAMAGE}");
        assert!(error.to_string().contains(&expected), "{error}");
        assert_eq!(under_way.answered(3, now), Some(1), "a late answer is accepted");
        assert!(under_way.send(1, now).unwrap().is_none(), "nothing to send");
    }

    #[test]
    fn answers_to_an_earlier_client_are_ignored() {
        let now = Instant::now();
        let ask = |under_way: &mut UnderWay| {
            let sequence = under_way.begin(Asked::Hello);
            number_of(under_way, sequence, now)
        };
        let [mut before, mut after] = [(); 2].map(|()| UnderWay::new(Retry::default()));
        let numbers = [(); 4].map(|()| (ask(&mut before), ask(&mut after)).0);
        assert!(numbers.into_iter().all(|number| after.answered(number, now).is_none()));
    }

    #[test]
    fn numbers_wrap_around() {
        let now = Instant::now();
        let mut under_way = images(0, now);
        under_way.last_number = u32::MAX - 1;
        let sequences = [(); 3].map(|()| {
            let sequence = under_way.begin(Asked::Hello);
            number_of(&mut under_way, sequence, now);
            sequence
        });
        assert_eq!(sequences, [u32::MAX, 1, 2]);
        assert_eq!((under_way.answered(1, now), under_way.lost()), (Some(1), Some(u32::MAX)));
        assert_eq!(under_way.answered(2, now), Some(2));
    }
}
