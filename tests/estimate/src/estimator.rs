//! Adds up the cycles of a trace, for several boards at once.

use boards::owned::OwnedBoard;

use crate::core::{Core, Pipeline};
use crate::memory::Memory;
use crate::trace::{Sink, Step};

/// A board's core and memory, which execute the trace.
struct Machine {
    pipeline: Box<dyn Pipeline>,
    memory: Memory,
    now: u64,
    start: u64,
    lap: u64,
}

/// A pass through the range of a trace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pass {
    pub instructions: u64,
    /// Instructions whose cycles depend on values, which a trace does not have.
    pub divisions: u64,
    /// Cycles of each board.
    pub cycles: Vec<u64>,
    /// Cycles of each board between calls of the stage function.
    pub laps: Vec<Vec<u64>>,
}

/// The receiver of a trace.
pub struct Estimator {
    machines: Vec<Machine>,
    /// A function whose calls divide a pass into laps. Its cycles are not counted in laps.
    stage: Option<u32>,
    resume: Option<u32>,
    pass: Pass,
    pub passes: Vec<Pass>,
    /// Passes after which nothing more is needed.
    most: usize,
    has_started: bool,
}

impl Estimator {
    /// Returns an estimator for those of `boards` whose core is modelled, in their order. Addresses
    /// below `flash_end` are flash.
    pub fn new(boards: &[OwnedBoard], flash_end: u32, stage: Option<u32>, most: usize) -> Self {
        let machine = |board: &OwnedBoard| {
            let pipeline = Core::named(&board.core)?.pipeline(board.multiply_cycles)?;
            Some(Machine { pipeline, memory: Memory::new(board.flash, flash_end), now: 0, start: 0, lap: 0 })
        };
        let machines = boards.iter().filter_map(machine).collect();
        Self { machines, stage, resume: None, pass: Pass::default(), passes: Vec::new(), most, has_started: false }
    }

    /// Forgets the passes. The caches stay as they are.
    pub fn restart(&mut self) {
        self.passes.clear();
        self.has_started = false;
    }

    /// Returns true if the start of the range has been reached.
    pub fn has_started(&self) -> bool {
        self.has_started
    }

    fn cycles(&self, since: impl Fn(&Machine) -> u64) -> Vec<u64> {
        self.machines.iter().map(|machine| machine.now - since(machine)).collect()
    }
}

impl Sink for Estimator {
    fn start(&mut self) {
        self.pass = Pass::default();
        self.has_started = true;
        self.resume = None;
        for machine in &mut self.machines {
            (machine.start, machine.lap) = (machine.now, machine.now);
        }
    }

    fn step(&mut self, step: &Step<'_>) {
        for machine in &mut self.machines {
            let stall = machine.memory.stall(step, machine.now);
            machine.now += u64::from(stall) + u64::from(machine.pipeline.cycles(step));
        }
        self.pass.instructions += 1;
        self.pass.divisions += u64::from(step.instruction.class == crate::instruction::Class::Divide);
        if self.stage.is_some_and(|stage| stage == step.next_address) && self.resume.is_none() {
            self.resume = Some(step.address.wrapping_add(step.instruction.size.into()));
            let laps = self.cycles(|machine| machine.lap);
            self.pass.laps.push(laps);
        } else if self.resume == Some(step.next_address) {
            self.resume = None;
            for machine in &mut self.machines {
                machine.lap = machine.now;
            }
        }
    }

    fn end(&mut self) -> bool {
        self.pass.cycles = self.cycles(|machine| machine.start);
        self.passes.push(std::mem::take(&mut self.pass));
        self.passes.len() < self.most
    }
}
