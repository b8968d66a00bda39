//! Wait states of flash: instruction lines, a cache, prefetch, data (rules 10 to 12).

use std::collections::VecDeque;

use boards::owned::{DataPath, Flash};

use crate::trace::Step;

/// A flash memory with its caches.
#[derive(Debug)]
pub struct Memory {
    flash: Flash,
    /// The end of the addresses that are flash.
    end: u32,
    code: Lines,
    data: Lines,
    /// The line that instructions are read from.
    current: Option<u32>,
    /// The next line, and when it will have been read.
    next: Option<(u32, u64)>,
}

/// Cached lines, the one that was used last at the end.
#[derive(Debug)]
struct Lines {
    bytes: u32,
    room: usize,
    lines: VecDeque<u32>,
}

impl Lines {
    fn new(bytes: u32, room: u32) -> Self {
        Self { bytes: bytes.max(1), room: room as usize, lines: VecDeque::new() }
    }

    /// Returns true if the line is there, and makes it the last one used.
    fn find(&mut self, line: u32) -> bool {
        let Some(place) = self.lines.iter().rposition(|one| *one == line) else { return false };
        self.lines.remove(place);
        self.lines.push_back(line);
        true
    }

    fn contains(&self, line: u32) -> bool {
        self.lines.contains(&line)
    }

    fn insert(&mut self, line: u32) {
        if self.room == 0 {
            return;
        }
        if self.lines.len() == self.room {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

impl Memory {
    /// Returns an empty cache. Addresses below `end` are flash.
    pub fn new(flash: Flash, end: u32) -> Self {
        let data = match flash.data {
            DataPath::Words => Lines::new(4, 0),
            DataPath::Lines { line_bytes, lines } => Lines::new(line_bytes, lines),
        };
        let code = Lines::new(flash.line_bytes, flash.cache_lines);
        Self { flash, end, code, data, current: None, next: None }
    }

    /// Returns the cycles that an instruction waits which starts at `now`.
    pub fn stall(&mut self, step: &Step<'_>, now: u64) -> u32 {
        if self.flash.wait_states == 0 {
            return 0;
        }
        self.fetch(step, now) + self.read(step)
    }

    fn fetch(&mut self, step: &Step<'_>, now: u64) -> u32 {
        if step.address >= self.end {
            return 0;
        }
        let [first, last] =
            [0, u32::from(step.instruction.size) - 1].map(|offset| step.address.wrapping_add(offset) / self.code.bytes);
        (first..=last).map(|line| self.enter(line, now)).sum()
    }

    /// Reads instructions from `line`; returns the cycles to wait for it.
    fn enter(&mut self, line: u32, now: u64) -> u32 {
        if self.current == Some(line) {
            return 0;
        }
        self.current = Some(line);
        let wait_states = self.flash.wait_states;
        let prefetched = self.next.take().filter(|(next, _)| *next == line);
        let stall = match prefetched {
            _ if self.code.find(line) => 0,
            Some((_, ready)) => {
                self.code.insert(line);
                u32::try_from(ready.saturating_sub(now)).unwrap_or(wait_states)
            }
            None => {
                self.code.insert(line);
                wait_states
            }
        };
        let following = line.wrapping_add(1);
        if self.flash.prefetch && !self.code.contains(following) {
            self.next = Some((following, now + u64::from(stall) + u64::from(wait_states) + 1));
        }
        stall
    }

    fn read(&mut self, step: &Step<'_>) -> u32 {
        let end = self.end;
        let reads = step.accesses.iter().filter(|access| !access.is_store && access.address < end);
        let wait_states = self.flash.wait_states;
        reads
            .map(|access| {
                let bytes = u32::from(access.bytes.max(1));
                match self.flash.data {
                    DataPath::Words => wait_states * bytes.div_ceil(4),
                    DataPath::Lines { .. } => {
                        let (first, last) = (access.address, access.address.wrapping_add(bytes - 1));
                        let lines = first / self.data.bytes..=last / self.data.bytes;
                        lines.map(|line| self.look_up(line)).sum()
                    }
                }
            })
            .sum()
    }

    fn look_up(&mut self, line: u32) -> u32 {
        if self.data.find(line) {
            return 0;
        }
        self.data.insert(line);
        self.flash.wait_states
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::Core;
    use crate::trace::Access;
    use crate::trace::program;

    fn flash(wait_states: u32, line_bytes: u32, cache_lines: u32) -> Flash {
        Flash {
            wait_states,
            max_wait_states: wait_states,
            line_bytes,
            cache_lines,
            prefetch: true,
            data: DataPath::Words,
        }
    }

    /// Returns the stalls of a program that is run twice.
    fn stalls(flash: Flash, halves: &[u16]) -> [u32; 2] {
        let mut memory = Memory::new(flash, 0x2000_0000);
        let mut pipeline = Core::named("cortex-m4").unwrap().pipeline(1).unwrap();
        let mut now = 0;
        [(); 2].map(|()| {
            let mut stalls = 0;
            program::run(halves, |step| {
                let stall = memory.stall(step, now);
                stalls += stall;
                now += u64::from(stall + pipeline.cycles(step));
            });
            stalls
        })
    }

    #[test]
    fn without_wait_states_nothing_waits() {
        assert_eq!(stalls(flash(0, 4, 0), &[0x6808; 9]), [0, 0]);
    }

    #[test]
    fn the_next_line_is_read_while_this_one_is_executed() {
        // Four cycles in each line of 8 bytes are enough for 2 wait states, two are not.
        assert_eq!(stalls(flash(2, 8, 0), &[[0x3001; 8].as_slice(), &[0xE7F7]].concat())[1], 2);
        let wide = [0xF100, 0x0001].repeat(4); // add.w r0, r0, #1
        assert_eq!(stalls(flash(2, 8, 0), &[wide.as_slice(), &[0xE7F7]].concat())[1], 2 + 1 + 1);
    }

    #[test]
    fn a_cached_loop_does_not_wait_the_second_time() {
        let code = [[0x3001; 20].as_slice(), &[0xE7EB]].concat();
        assert!(stalls(flash(5, 16, 64), &code)[0] > 0);
        assert_eq!(stalls(flash(5, 16, 64), &code)[1], 0);
        assert!(stalls(flash(5, 16, 1), &code)[1] > 0);
    }

    #[test]
    fn each_word_or_each_line_of_data_waits() {
        let load = crate::decode::Set::Thumb.decode([0x08, 0x68, 0, 0]).unwrap();
        let of = |data, addresses: &[u32]| {
            let mut memory = Memory::new(Flash { data, ..flash(2, 16, 64) }, 0x2000_0000);
            memory.current = Some(0);
            let each = |&address: &u32| {
                let access = [Access { address, bytes: 4, is_store: false }];
                memory.stall(&Step { accesses: &access, ..Step::alone(&load) }, 0)
            };
            addresses.iter().map(each).sum::<u32>()
        };
        assert_eq!(of(DataPath::Words, &[0x1000, 0x1004, 0x2000_0000]), 4);
        assert_eq!(of(DataPath::Lines { line_bytes: 8, lines: 8 }, &[0x1000, 0x1004, 0x1008, 0x1000]), 4);
    }
}
