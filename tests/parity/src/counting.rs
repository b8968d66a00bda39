//! Converts a device's ticks: to instructions on an emulated board whose time follows them, to
//! cycles on hardware.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{Calibration, Client, ClientError, Measurement, StageTicks};

/// Emulated nanoseconds of an instruction, as a power of two: the most that QEMU allows, so that a
/// timer ticks several times for each.
pub const INSTRUCTION_SHIFT: u8 = 10;

/// Rounds of the calibration loops.
const ROUNDS: [u8; 3] = [55, 155, 255];

/// Instructions of a round: docs/format.md.
const ROUND_INSTRUCTIONS: u64 = 2;

/// Fewest and most cycles of a round on any core.
const ROUND_CYCLES: [u64; 2] = [1, 16];

const NANOSECONDS: u64 = 1_000_000_000;

/// The unit of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    /// Instructions of an emulated core; not time.
    Instructions,
    /// Cycles of a core's clock.
    Cycles,
}

/// A calibrated counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scale {
    /// The unit of its counts.
    pub unit: Unit,
    /// Frequency of the counter; on hardware it is the core's.
    pub hertz: u32,
    /// Bytes that inference writes, without the stack.
    pub workspace_bytes: u32,
    /// Ticks for each unit, as a fraction.
    ticks: [u64; 2],
    empty_stage: u32,
}

/// Counts for one image, in the scale's unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// One inference without stages.
    pub total: u64,
    /// Each stage of a second inference, without the overhead of measuring it.
    pub stages: Vec<u64>,
}

/// The reason why a device's counts cannot be trusted.
#[derive(Debug, Error)]
pub enum ScaleError {
    /// The device does not count.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// A loop of known length took a wrong number of ticks.
    #[error(
        "the counter is wrong: found {found} ticks at {hertz} Hz for {instructions} more instructions, expected \
         {expected}; the emulator must take {nanoseconds} ns for each"
    )]
    Instructions {
        /// Instructions by which one loop is longer than the other.
        instructions: u64,
        /// Expected ticks, rounded.
        expected: u64,
        /// Ticks found; negative if the longer loop took less.
        found: i32,
        /// Frequency of the counter.
        hertz: u32,
        /// Emulated nanoseconds of an instruction.
        nanoseconds: u64,
    },
    /// The cycles of a loop are not proportional to its rounds.
    #[error(
        "the counter is wrong: found {found:?} cycles for {rounds} more rounds of a loop of two instructions, expected \
         {least} to {most} both times; check that the core's cycle counter runs"
    )]
    Cycles {
        /// Rounds by which each loop is longer than the one before.
        rounds: u64,
        /// Fewest cycles of these rounds on any core.
        least: u64,
        /// Most cycles.
        most: u64,
        /// Cycles found.
        found: [u32; 2],
    },
}

impl Scale {
    /// Calibrates a device's counter with loops of known length. `instruction_shift` is the
    /// [`Lab`](crate::Lab)'s, `None` on hardware.
    ///
    /// # Errors
    ///
    /// Returns [`ScaleError`] if the device has no counter or counts something else.
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
                    // A difference of two roundings, each by less than a tick.
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
                // The first loop may not be in the cache yet.
                if !steps.iter().all(is_possible) || steps[0].abs_diff(steps[1]) > steps[1] / 4 {
                    return Err(ScaleError::Cycles { rounds, least, most, found: steps });
                }
            }
        }
        Ok(Self { unit, ticks, empty_stage, hertz, workspace_bytes })
    }

    /// Returns the overhead of measuring a stage.
    #[must_use]
    pub fn empty_stage(&self) -> u64 {
        self.units(self.empty_stage.into())
    }

    /// Converts ticks to the scale's unit. Rounding hides the lost ticks unless a stage is entered
    /// so often that one tick each time adds up to half an instruction: five times on
    /// `riscv32-virt`, where an instruction has the fewest ticks.
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
    fn a_timer_may_be_off_by_its_rounding() {
        for ticks in [[3303, 8423, 13543], [3303, 8424, 13543]] {
            let scale = Scale::new(calibrations(25_000_000, ticks), Some(10)).unwrap();
            assert_eq!((scale.unit, scale.empty_stage()), (Unit::Instructions, 30));
        }
        let error = Scale::new(calibrations(25_000_000, [3303, 8425, 13544]), Some(10)).unwrap_err().to_string();
        let expected = "found 5122 ticks at 25000000 Hz for 200 more instructions, expected 5120";
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn a_wrong_time_for_each_instruction_is_refused_with_both_numbers() {
        let error = Scale::new(calibrations(25_000_000, [3303, 8423, 13543]), Some(9)).unwrap_err().to_string();
        let numbers = ["found 5120 ticks", "expected 2560;", "512 ns"];
        assert!(numbers.iter().all(|text| error.contains(text)), "{error}");
    }

    #[test]
    fn cycles_are_accepted_if_they_are_proportional_to_rounds() {
        let scale = Scale::new(calibrations(64_000_000, [180, 480, 780]), None).unwrap();
        let measurement = Measurement { total: 500, stages: vec![StageTicks { ticks: 2 * 768 + 7, times: 2 }] };
        assert_eq!((scale.unit, scale.counts(&measurement)), (Unit::Cycles, Counts { total: 500, stages: vec![7] }));
        for ticks in [[9, 9, 9], [0, 300, 900], [0, 9000, 18_000]] {
            let error = Scale::new(calibrations(64_000_000, ticks), None).unwrap_err().to_string();
            assert!(error.contains("expected 100 to 1600 both times"), "{error}");
        }
    }
}
