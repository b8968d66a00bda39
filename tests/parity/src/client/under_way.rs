//! Requests that were sent and are not answered: which are lost, and are to be sent again.
//!
//! A request is sent again under a new number, and an answer to any of its numbers answers it:
//! asking twice does no harm. Since a device answers in the order in which it is asked, an answer
//! to one number says that all lower ones are lost.

use std::time::{Duration, Instant};

use shared_model::Request;

use super::pace::Pace;
use super::{ClientError, Trouble};

/// How often, and how soon, a request is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often a request is sent at most.
    pub attempts: u32,
    /// How long nothing is heard, at least, before a request counts as lost.
    pub shortest_wait: Duration,
}

impl Retry {
    /// Nothing is sent again.
    pub const NEVER: Self = Self { attempts: 1, shortest_wait: Duration::from_secs(3600) };
}

impl Default for Retry {
    /// For a line that damages a byte in a thousand, and half of all frames. A device that answers
    /// nothing is told by its silence, which is not that long.
    fn default() -> Self {
        Self { attempts: 32, shortest_wait: Duration::from_millis(200) }
    }
}

/// What was asked, kept to be asked again.
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
            Self::Image(_) => "a picture",
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
    /// The number under which it was first sent, by which the client knows it.
    sequence: u32,
    asked: Asked,
    attempts: u32,
    /// What became of it last, so far as is known.
    trouble: Option<Trouble>,
    /// Whether that was since it was last sent, but so soon that it may be another's.
    is_suspected: bool,
    /// What may still be answered.
    copies: Vec<Copy>,
}

#[derive(Debug)]
struct Copy {
    number: u32,
    sent: Instant,
}

/// Whether number `one` was sent before `other`. Numbers begin anew after the last.
fn is_before(one: u32, other: u32) -> bool {
    other.wrapping_sub(one).cast_signed() > 0
}

impl UnderWay {
    /// Nothing yet. Numbers begin at random: answers to a client that was killed may be on their
    /// way still.
    pub fn new(retry: Retry) -> Self {
        let (last_number, attempts) = (fastrand::u32(..), retry.attempts);
        Self { requests: Vec::new(), last_number, attempts, pace: Pace::new(retry.shortest_wait) }
    }

    /// From now on requests are sent again as `retry` says.
    pub fn set_retry(&mut self, retry: Retry) {
        self.attempts = retry.attempts;
        self.pace.set_shortest_wait(retry.shortest_wait);
    }

    /// Gives up all of them: their answers, if they come, are passed over.
    pub fn clear(&mut self) {
        self.requests.clear();
    }

    /// One more request, by the number under which it is then sent first.
    pub fn begin(&mut self, asked: Asked) -> u32 {
        let sequence = self.next_number();
        let copies = Vec::new();
        self.requests.push(Sent { sequence, asked, attempts: 0, trouble: None, is_suspected: false, copies });
        sequence
    }

    fn next_number(&self) -> u32 {
        // 0 is for answers to what was unreadable.
        self.last_number.wrapping_add(1).max(1)
    }

    /// The number and the message with which request `sequence` is sent, now; nothing where it is
    /// answered by now.
    ///
    /// # Errors
    ///
    /// Where it has been sent often enough.
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

    /// An answer to `number` has come. Says which request is thereby answered, if one is; then
    /// [`lost`](Self::lost) says which others are lost.
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

    /// The first request of which nothing is left to be answered.
    pub fn lost(&self) -> Option<u32> {
        self.requests.iter().find(|sent| sent.copies.is_empty()).map(|sent| sent.sequence)
    }

    /// Something was damaged. Says which request is to be sent again: the one whose last copy was
    /// sent first, unless that was so short a time ago that the trouble may be another's. Then it
    /// is sent a little later, if nothing is heard.
    pub fn suspect(&mut self, trouble: Trouble, now: Instant) -> Option<u32> {
        self.pace.heard();
        let (soonest, attempts) = (self.pace.soonest(), self.attempts);
        let unsuspected = self.requests.iter_mut().filter(|sent| !sent.is_suspected && sent.attempts < attempts);
        let sent = unsuspected.min_by_key(|sent| sent.last_sent())?;
        sent.trouble = Some(trouble);
        sent.is_suspected = true;
        sent.is_silent_for(soonest, now).then_some(sent.sequence)
    }

    /// Nothing is heard. Says which requests have waited for too long and are to be sent again.
    /// Those that were sent often enough wait on: the device may be busy with what came before.
    pub fn overdue(&mut self, now: Instant) -> Vec<u32> {
        let (soonest, wait) = (self.pace.soonest(), self.pace.wait());
        let mut overdue: Vec<_> = self.requests.iter().collect();
        overdue.retain(|sent| sent.attempts < self.attempts);
        overdue.retain(|sent| sent.is_silent_for(if sent.is_suspected { soonest } else { wait }, now));
        overdue.sort_by_key(|sent| sent.last_sent());
        if overdue.iter().any(|sent| !sent.is_suspected) {
            self.pace.waited_in_vain();
        }
        overdue.iter().map(|sent| sent.sequence).collect()
    }

    /// Why nobody waits any longer.
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
    use shared_model::FrameError;

    const WAIT: Duration = Duration::from_millis(100);
    const TROUBLE: Trouble = Trouble::Refused(FrameError::Damaged);

    /// Nothing under way, and 1 the next number.
    fn from_one(attempts: u32) -> UnderWay {
        UnderWay { last_number: 0, ..UnderWay::new(Retry { attempts, shortest_wait: WAIT }) }
    }

    /// Images under way, under the numbers 1, 2, 3 ..
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
    fn an_answer_says_that_those_before_it_are_lost() {
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
    fn an_answer_is_taken_to_any_number_of_a_request_and_to_no_other() {
        let now = Instant::now();
        let mut under_way = images(2, now);
        assert_eq!(number_of(&mut under_way, 1, now), 3);
        assert_eq!((under_way.answered(4, now), under_way.answered(u32::MAX, now)), (None, None), "never sent");
        assert_eq!(under_way.answered(1, now), Some(1), "to the first number, which was not lost after all");
        assert_eq!(
            (under_way.answered(2, now), under_way.answered(3, now)),
            (Some(2), None),
            "to the second, too late"
        );
        under_way.begin(Asked::Hello);
        under_way.clear();
        assert_eq!((under_way.answered(4, now), under_way.lost()), (None, None));
    }

    #[test]
    fn a_queue_of_attempts_is_no_reason_to_pass_over_the_answer_to_the_first() {
        let now = Instant::now();
        let mut under_way = from_one(u32::MAX);
        under_way.begin(Asked::Hello);
        for number in 1..=1000 {
            assert_eq!(number_of(&mut under_way, 1, now), number);
        }
        assert_eq!(under_way.answered(1, now), Some(1));
    }

    #[test]
    fn damage_is_held_against_the_one_sent_first() {
        let now = Instant::now();
        let mut under_way = images(2, now);
        let later = now + WAIT;
        assert_eq!(under_way.suspect(TROUBLE, later), Some(1));
        assert_eq!(number_of(&mut under_way, 1, later), 3);
        assert_eq!(under_way.suspect(TROUBLE, later), Some(2));
        assert_eq!(number_of(&mut under_way, 2, later), 4);
        assert_eq!(under_way.suspect(TROUBLE, later), None, "the rest may be about what was sent before");
        assert!(under_way.overdue(later).is_empty());
        let later = later + WAIT;
        assert_eq!(under_way.overdue(later), [1], "or may not");
        assert_eq!(number_of(&mut under_way, 1, later), 5);
        let later = later + 4 * WAIT;
        assert_eq!(under_way.suspect(TROUBLE, later), Some(2));
        assert_eq!(under_way.suspect(TROUBLE, later), None, "it was sent often enough");
    }

    #[test]
    fn silence_is_held_against_all_that_wait() {
        let now = Instant::now();
        let mut under_way = images(2, now);
        assert!(under_way.overdue(now + 4 * WAIT).is_empty());
        let later = now + 5 * WAIT;
        assert_eq!(under_way.overdue(later), [1, 2]);
        assert_eq!(number_of(&mut under_way, 1, later), 3);
        assert_eq!(under_way.overdue(later + 5 * WAIT), [2], "each wait in vain doubles the next");
        let later = later + 20 * WAIT;
        assert_eq!(under_way.overdue(later), [2, 1]);
        assert_eq!(number_of(&mut under_way, 1, later), 4);
        assert_eq!(under_way.overdue(later + 100 * WAIT), [2], "the other was sent often enough");
        assert!(under_way.send(1, later).is_err());
    }

    #[test]
    fn at_last_the_request_its_attempts_and_the_cause_are_told() {
        let now = Instant::now();
        let mut under_way = images(1, now);
        assert!(matches!(under_way.give_up(), ClientError::Silent));
        under_way.suspect(TROUBLE, now);
        assert_eq!([(); 2].map(|()| number_of(&mut under_way, 1, now)), [2, 3]);
        let error = under_way.send(1, now).unwrap_err();
        let expected =
            "request 1, a picture, was sent 3 times; at last, the device could not read it: the frame was damaged";
        assert!(error.to_string().contains(expected), "{error}");
        assert_eq!(under_way.answered(3, now), Some(1), "what is late is taken all the same");
        assert!(under_way.send(1, now).unwrap().is_none(), "nothing to send");
    }

    #[test]
    fn answers_to_a_client_before_are_to_nobody() {
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
    fn numbers_begin_anew() {
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
