//! Models of cores: cycles of one instruction after another, without wait states of memory.
//!
//! Sources of the rules, as named in the files: *T*, Arm's technical reference manual of the core;
//! *J*, `jnk0le/random` on GitHub (measured, CC0); *C*, compendium.i-0.nl; *E*, eprint 2025/523;
//! *H*, found by comparing with published measurements.

mod m0;
mod m33;
mod m3m4;
mod rv32;

use crate::trace::Step;

/// A core's model, with the state of its pipeline.
pub trait Pipeline: Send {
    /// Returns the cycles of an instruction that is executed after those of earlier calls.
    fn cycles(&mut self, step: &Step<'_>) -> u32;
}

/// A core.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Core {
    /// Its name in a board's description.
    pub name: &'static str,
    /// Error without wait states, in percent; `None` if the core is not modelled.
    pub error_percent: Option<u32>,
    /// Remarks about the model.
    pub remark: &'static str,
}

/// All cores, with those that are not modelled.
pub const CORES: [Core; 8] = [
    core("cortex-m0", Some(3), ""),
    core("cortex-m0plus", Some(15), "table of the manual only, never compared with a measurement"),
    core("cortex-m3", Some(5), ""),
    core("cortex-m4", Some(6), ""),
    core("cortex-m33", Some(10), ""),
    core("rv32", Some(40), "assumed, never compared with a measurement"),
    core("cortex-m7", None, "dual issue and caches are not modelled"),
    core("cortex-m55", None, "dual issue, caches and beats are not modelled"),
];

const fn core(name: &'static str, error_percent: Option<u32>, remark: &'static str) -> Core {
    Core { name, error_percent, remark }
}

impl Core {
    /// Returns the core of this name.
    pub fn named(name: &str) -> Option<Self> {
        CORES.into_iter().find(|core| core.name == name)
    }

    /// Returns an empty pipeline; `None` if the core is not modelled. `multiply` is the cycles of a
    /// multiplication on cores whose makers choose it.
    pub fn pipeline(self, multiply: u32) -> Option<Box<dyn Pipeline>> {
        Some(match self.name {
            "cortex-m0" => Box::new(m0::Pipeline::new(m0::M0, multiply)),
            "cortex-m0plus" => Box::new(m0::Pipeline::new(m0::M0PLUS, multiply)),
            "cortex-m3" => Box::new(m3m4::Pipeline::new(m3m4::M3)),
            "cortex-m4" => Box::new(m3m4::Pipeline::new(m3m4::M4)),
            "cortex-m33" => Box::new(m33::Pipeline::new()),
            "rv32" => Box::new(rv32::Pipeline::new()),
            _ => return None,
        })
    }
}
