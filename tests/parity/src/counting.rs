//! What a device's ticks are: instructions on an emulated board whose time goes by them, cycles on
//! hardware.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Calibration, Client, ClientError, Measurement, StageTicks};

/// Nanoseconds, as a power of two, that an instruction takes of an emulated board's time where
/// instructions are counted: as many as QEMU has, so that a timer ticks several times in each.
pub const INSTRUCTION_SHIFT: u8 = 10;

/// Rounds of the loops by which a counter is calibrated.
const ROUNDS: [u8; 3] = [55, 155, 255];

/// Instructions of a round: docs/format.md.
const ROUND_INSTRUCTIONS: u64 = 2;

/// A round takes between these many cycles on any core.
const ROUND_CYCLES: [u64; 2] = [1, 16];

const NANOSECONDS: u64 = 1_000_000_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Instructions of an emulated core, which say nothing of time.
    Instructions,
    /// Cycles of a core's clock.
    Cycles,
}

/// A calibrated counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    unit: Unit,
    /// Ticks of a unit, as a fraction.
    ticks: [u64; 2],
    empty_stage: u32,
    hertz: u32,
    workspace_bytes: u32,
}

/// What one image takes, in the scale's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// One inference that nobody looks at.
    pub total: u64,
    /// Each stage of another one, what looking adds taken off.
    pub stages: Vec<u64>,
}

/// Why a device's counts are not to be trusted.
#[derive(Debug, Error)]
pub enum ScaleError {
    /// The device does not count.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A loop of known length took another number of ticks than it has to.
    #[error(
        "the counter is off: {instructions} instructions more should take {expected} ticks of its {hertz} Hz, and took \
         {found}: the emulator does not take {nanoseconds} ns for each"
    )]
    Instructions {
        /// By how many instructions one loop is longer than another.
        instructions: u64,
        /// What that should take, rounded.
        expected: u64,
        /// What it took; below 0 where the longer loop took less.
        found: i32,
        /// Frequency of the counter.
        hertz: u32,
        /// What an instruction should take.
        nanoseconds: u64,
    },
    /// The loop's ticks are not its rounds' times anything.
    #[error(
        "the counter is off: {rounds} rounds of a loop of two instructions should take {least} to {most} cycles, each \
         time as many, and took {found:?}: does the core's cycle counter run?"
    )]
    Cycles {
        /// By how many rounds each loop is longer than the one before.
        rounds: u64,
        /// The fewest cycles that these take on any core.
        least: u64,
        /// The most.
        most: u64,
        /// What they took.
        found: [u32; 2],
    },
}

impl Scale {
    /// Calibrates a device's counter by loops of known length. `instruction_shift` is that of the
    /// [`Lab`](crate::Lab) in which it runs; on hardware there is none.
    ///
    /// # Errors
    ///
    /// Where the device has no counter, or it counts something else.
    pub fn calibrate(client: &mut Client, instruction_shift: Option<u8>) -> Result<Self, ScaleError> {
        let [short, middle, long] = ROUNDS;
        let calibrations = [client.calibrate(short)?, client.calibrate(middle)?, client.calibrate(long)?];
        Self::new(calibrations, instruction_shift)
    }

    fn new(calibrations: [Calibration; 3], instruction_shift: Option<u8>) -> Result<Self, ScaleError> {
        let [Calibration { hertz, empty_stage, workspace_bytes, .. }, ..] = calibrations;
        let [short, middle, long] = calibrations.map(|calibration| calibration.ticks);
        let steps = [middle.wrapping_sub(short), long.wrapping_sub(middle)];
        let rounds = u64::from(ROUNDS[1] - ROUNDS[0]);
        let (unit, ticks) = match instruction_shift {
            Some(shift) => (Unit::Instructions, [u64::from(hertz) << shift.min(10), NANOSECONDS]),
            None => (Unit::Cycles, [1, 1]),
        };
        match unit {
            Unit::Instructions => {
                let instructions = ROUND_INSTRUCTIONS * rounds;
                let exact = instructions * ticks[0];
                for found in steps {
                    // Each of the two that this is the difference of is rounded, by less than a
                    // tick.
                    if u64::from(found).saturating_mul(NANOSECONDS).abs_diff(exact) >= 2 * NANOSECONDS {
                        let found = found.cast_signed();
                        let (expected, nanoseconds) = (exact / NANOSECONDS, ticks[0] / u64::from(hertz.max(1)));
                        return Err(ScaleError::Instructions { instructions, expected, found, hertz, nanoseconds });
                    }
                }
            }
            Unit::Cycles => {
                let [least, most] = ROUND_CYCLES.map(|cycles| cycles * rounds);
                let is_possible = |step: &u32| (least..=most).contains(&u64::from(*step));
                // The first loop may still be on its way to the cache.
                if !steps.iter().all(is_possible) || steps[0].abs_diff(steps[1]) > steps[1] / 4 {
                    return Err(ScaleError::Cycles { rounds, least, most, found: steps });
                }
            }
        }
        Ok(Self { unit, ticks, empty_stage, hertz, workspace_bytes })
    }

    /// What is counted.
    #[must_use]
    pub fn unit(&self) -> Unit {
        self.unit
    }

    /// Frequency of the counter, which on hardware is the core's.
    #[must_use]
    pub fn hertz(&self) -> u32 {
        self.hertz
    }

    /// Bytes of the memory that inference writes, the stack not counted.
    #[must_use]
    pub fn workspace_bytes(&self) -> u32 {
        self.workspace_bytes
    }

    /// What looking adds to each stage, which is taken off.
    #[must_use]
    pub fn empty_stage(&self) -> u64 {
        self.units(self.empty_stage.into())
    }

    /// Ticks in the scale's unit. Rounding leaves nothing of what is lost by ticks, unless a stage
    /// came so often that a tick for each time is half an instruction: five times where
    /// instructions are shortest in ticks, on `riscv32-virt`.
    #[must_use]
    pub fn counts(&self, measurement: &Measurement) -> Counts {
        let stage = |&StageTicks { ticks, times }: &StageTicks| {
            self.units(ticks.into()).saturating_sub(u64::from(times) * self.empty_stage())
        };
        Counts { total: self.units(measurement.total.into()), stages: measurement.stages.iter().map(stage).collect() }
    }

    fn units(&self, ticks: u64) -> u64 {
        let [numerator, denominator] = self.ticks.map(u128::from);
        let rounded = (u128::from(ticks) * denominator + numerator / 2) / numerator.max(1);
        u64::try_from(rounded).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibrations(hertz: u32, ticks: [u32; 3]) -> [Calibration; 3] {
        ticks.map(|ticks| Calibration { hertz, ticks, empty_stage: 768, workspace_bytes: 0 })
    }

    #[test]
    fn a_timer_that_ticks_as_instructions_go_is_right_to_its_rounding() {
        for ticks in [[3303, 8423, 13543], [3303, 8424, 13543]] {
            let scale = Scale::new(calibrations(25_000_000, ticks), Some(10)).unwrap();
            assert_eq!((scale.unit(), scale.empty_stage()), (Unit::Instructions, 30));
        }
        let error = Scale::new(calibrations(25_000_000, [3303, 8425, 13544]), Some(10)).unwrap_err().to_string();
        assert!(
            error.contains("200 instructions more should take 5120 ticks of its 25000000 Hz, and took 5122"),
            "{error}"
        );
    }

    #[test]
    fn another_time_for_each_instruction_is_refused_with_both_numbers() {
        let error = Scale::new(calibrations(25_000_000, [3303, 8423, 13543]), Some(9)).unwrap_err().to_string();
        assert!(error.contains("2560 ticks") && error.contains("took 5120") && error.contains("512 ns"), "{error}");
    }

    #[test]
    fn cycles_are_taken_as_they_are_where_loops_take_as_many_each_time() {
        let scale = Scale::new(calibrations(64_000_000, [180, 480, 780]), None).unwrap();
        let measurement = Measurement { total: 500, stages: vec![StageTicks { ticks: 2 * 768 + 7, times: 2 }] };
        assert_eq!((scale.unit(), scale.counts(&measurement)), (Unit::Cycles, Counts { total: 500, stages: vec![7] }));
        for ticks in [[9, 9, 9], [0, 300, 900], [0, 9000, 18_000]] {
            let error = Scale::new(calibrations(64_000_000, ticks), None).unwrap_err().to_string();
            assert!(error.contains("should take 100 to 1600 cycles"), "{error}");
        }
    }
}
