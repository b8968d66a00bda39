//! `estimate --elf` from outside: both sources of a trace, and everything that can be wrong.

#![forbid(unsafe_code)]

mod elf;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Output};

use elf::{ARM, RISCV, elf};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;

/// A loop with loads, stores, an `IT` block, multiplication, division and a table branch, from
/// 0x40: `main` calls `work` at 0x60. The vector table is before it.
const CORTEX_M4: [u16; 62] = [
    0x481C, 0x2105, 0xF000, 0xF80C, 0xE7FE, 0xE7FE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, // main; fault: b .
    0xB530, 0x4A15, 0x6002, // push {r4, r5, lr}; ldr r2, =0x12345678; str r2, [r0]
    0x6803, 0x6844, 0xEB03, 0x0384, // ldr r3, [r0]; ldr r4, [r0, #4]; add.w r3, r3, r4, lsl #2
    0xF840, 0x3F08, 0xF1A0, 0x0008, // str.w r3, [r0, #8]!; sub.w r0, r0, #8
    0x2903, 0xBF86, 0x6805, 0x3501, 0x60C5, // cmp r1, #3; itte hi; ldrhi; addhi; strls
    0xE9D0, 0x4500, 0xE9C0, 0x4504, // ldrd r4, r5, [r0]; strd r4, r5, [r0, #16]
    0xF810, 0x4011, 0xF8D0, 0x4002, // ldrb.w r4, [r0, r1, lsl #1]; ldr.w r4, [r0, #2]
    0xFBB2, 0xF4F1, 0xFBA2, 0x4504, 0xBF00, // udiv r4, r2, r1; umull r4, r5, r2, r4; nop
    0xE890, 0x0038, 0xE900, 0x0018, // ldmia.w r0, {r3, r4, r5}; stmdb r0, {r3, r4}
    0x3901, 0xD1DF, 0xF20F, 0x0306, // subs r1, #1; bne; addw r3, pc, #6
    0xE8DF, 0xF001, 0x0101, 0xBD30, // tbb [pc, r1]; its table; pop {r4, r5, pc}
    0, 0x0100, 0x2000, 0x5678, 0x1234,
];

/// The same for RISC-V, from 0x80000000.
const RV32: [u16; 23] = [
    0x1137, 0x8000, 0x4591, 0x2011, 0xA001, // lui sp; li a1, 4; jal work; j .
    0x717D, 0xC606, 0xC02E, 0x4602, 0x4682, // work: addi sp; sw ra; sw a1; lw a2; lw a3
    0x0733, 0x02D6, 0x5733, 0x02B7, // mul a4, a2, a3; divu a4, a4, a1
    0x4783, 0x0011, 0x1223, 0x00F1, // lbu a5, 1(sp); sh a5, 4(sp)
    0x15FD, 0xF5E5, 0x40B2, 0x6141, 0x8082, // addi a1, -1; bnez a1; lw ra; addi sp; ret
];

type Test = fn() -> Result<(), Failed>;

struct Programs {
    folder: TempDir,
}

impl Programs {
    fn write() -> std::io::Result<Self> {
        let programs = Self { folder: TempDir::new()? };
        let bytes = |halves: &[u16]| halves.iter().flat_map(|half| half.to_le_bytes()).collect::<Vec<_>>();
        let arm = |code: &[u16]| {
            let mut image = [0x2000_1000_u32, 0x41, 0x4B, 0x4B].map(u32::to_le_bytes).concat();
            image.resize(0x40, 0);
            [image, bytes(code)].concat()
        };
        let symbols = [("main", 0x41), ("work", 0x61), ("fault", 0x4B), ("twice", 0x41), ("twice", 0x61)];
        std::fs::write(programs.path("m4"), elf(ARM, 0, &arm(&CORTEX_M4), &symbols))?;
        let symbols = [("_start", 0x8000_0000), ("work", 0x8000_000A)];
        std::fs::write(programs.path("rv32"), elf(RISCV, 0x8000_0000, &bytes(&RV32), &symbols))?;
        // `udf #0` in `work`.
        let mut unknown = CORTEX_M4;
        unknown[18] = 0xDE00;
        std::fs::write(programs.path("unknown"), elf(ARM, 0, &arm(&unknown), &[("work", 0x61)]))?;
        Ok(programs)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) -> std::io::Result<Output> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_estimate"));
        command.arg("--elf").arg(self.path(program)).args(arguments).output()
    }

    /// Returns the only row of an estimate in JSON.
    fn row(&self, program: &str, arguments: &[&str]) -> Result<Value, Failed> {
        let output = self.run(program, &[arguments, &["--json"]].concat())?;
        let messages = String::from_utf8_lossy(&output.stderr).into_owned();
        let rows: Vec<Value> =
            serde_json::from_slice(&output.stdout).map_err(|error| format!("{error}: {messages}"))?;
        Ok(rows.into_iter().next().ok_or("no row")?)
    }

    /// Fails unless the program fails with `text` in its message.
    fn fails(&self, program: &str, arguments: &[&str], code: i32, text: &str) -> Result<(), Failed> {
        let output = self.run(program, arguments)?;
        let message = String::from_utf8_lossy(&output.stderr);
        if output.status.code() != Some(code) || !message.contains(text) {
            return Err(format!("expected code {code} and {text:?}, found {:?} and {message}", output.status).into());
        }
        Ok(())
    }
}

fn both_traces_give_the_same() -> Result<(), Failed> {
    let programs = Programs::write()?;
    for (program, board) in
        [("m4", "cortex-m4"), ("m4", "nrf52840-dk"), ("m4", "nucleo-l4r5zi"), ("m4", "cortex-m33"), ("rv32", "rv32")]
    {
        for to in [["--from", "work"].as_slice(), &["--from", "0x61", "--to", "0x48"]] {
            if program == "rv32" && to.len() > 2 {
                continue;
            }
            let arguments = [&[board], to].concat();
            let plugin = programs.row(program, &arguments)?;
            let log = programs.row(program, &[&arguments[..], &["--log"]].concat())?;
            if plugin != log || plugin["cycles"].as_u64() <= plugin["instructions"].as_u64() {
                return Err(format!("{board}: {plugin}\n{log}").into());
            }
        }
    }
    Ok(())
}

fn a_core_is_known_by_the_attributes() -> Result<(), Failed> {
    let programs = Programs::write()?;
    let row = programs.row("m4", &["--from", "work"])?;
    let named = programs.row("m4", &["cortex-m4", "--from", "work"])?;
    // 5 rounds of 21 instructions, 3 before and 3 after them.
    let instructions = &row["instructions"];
    if row != named || row["core"] != "cortex-m4" || instructions != 5 * 21 + 3 + 3 {
        return Err(format!("{row}\n{named}").into());
    }
    Ok(())
}

fn what_is_wrong_is_named() -> Result<(), Failed> {
    let programs = Programs::write()?;
    programs.fails("m4", &["--from", "wor"], 1, "no symbol \"wor\"; similar: work")?;
    programs.fails("m4", &["--from", "twice"], 1, "2 symbols are called \"twice\"")?;
    programs.fails("m4", &["--from", "fault", "--patience", "1"], 1, "fault was not reached within 1 s")?;
    let end = ["--from", "work", "--to", "fault", "--patience", "1"];
    programs.fails("m4", &end, 1, "fault was not reached after work within 1 s")?;
    programs.fails("unknown", &["--from", "work", "--patience", "1"], 1, "unknown instruction 00 de")?;
    programs.fails("unknown", &["--from", "work", "--patience", "1"], 1, "at 0x64")?;
    programs.fails("m4", &["rv32", "--from", "work"], 1, "found code for cortex-m4, expected code for rv32")?;
    programs.fails("m4", &["cortex-m0", "--from", "work"], 1, "expected code for cortex-m0")?;
    programs.fails("m4", &["cortex-m7", "--from", "work"], 1, "cortex-m7 is not estimated")?;
    programs.fails("m4", &["nrf52840-dk", "--wait-states", "9", "--from", "work"], 1, "found 9 wait states")?;
    programs.fails("m4", &["nrf52840-dk", "--clock", "0", "--from", "work"], 2, "--clock")?;
    programs.fails("m4", &["arduino-uno", "--from", "work"], 2, "unknown board")?;
    programs.fails("absent", &["--from", "work"], 1, "cannot read")?;
    std::fs::write(programs.path("text"), "not an ELF")?;
    programs.fails("text", &["--from", "work"], 1, "not an ELF")?;
    Ok(())
}

fn without_a_compiler_the_log_is_used() -> Result<(), Failed> {
    let programs = Programs::write()?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_estimate"));
    command.env("CC", "no-such-compiler").arg("--elf").arg(programs.path("m4")).args(["--from", "work"]);
    let output = command.output()?;
    let message = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || !message.contains("its execution log gives the same") {
        return Err(format!("{:?}: {message}", output.status).into());
    }
    Ok(())
}

/// A QEMU that does not accept plugins, and otherwise is the one that is installed.
const WITHOUT_PLUGINS: &str = r#"#!/bin/sh
for argument; do
    if [ "$argument" = -plugin ]; then
        echo "qemu-system-arm: -plugin: invalid option" >&2
        exit 1
    fi
done
PATH=$REAL_PATH exec qemu-system-arm "$@"
"#;

fn without_plugins_of_the_emulator_the_log_is_used() -> Result<(), Failed> {
    let programs = Programs::write()?;
    let wrapper = programs.path("qemu-system-arm");
    std::fs::write(&wrapper, WITHOUT_PLUGINS)?;
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755))?;
    let real = std::env::var_os("PATH").unwrap_or_default();
    let folders = [programs.folder.path().to_owned()].into_iter().chain(std::env::split_paths(&real));
    let mut command = Command::new(env!("CARGO_BIN_EXE_estimate"));
    command.env("PATH", std::env::join_paths(folders)?).env("REAL_PATH", &real);
    command.arg("--elf").arg(programs.path("m4")).args(["--from", "work", "--json"]);
    let output = command.output()?;
    let message = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() || !message.contains("qemu-system-arm does not accept plugins") {
        return Err(format!("{:?}: {message}", output.status).into());
    }
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout)?;
    if rows.first() != Some(&programs.row("m4", &["--from", "work"])?) {
        return Err(format!("{rows:?}").into());
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments = Arguments { test_threads: Some(1), ..Arguments::from_args() };
    let has = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let absent = ["qemu-system-arm", "qemu-system-riscv32", "cc"].into_iter().find(|program| !has(program));
    let trials: [(&str, Test); 5] = [
        ("both_traces_give_the_same", both_traces_give_the_same),
        ("a_core_is_known_by_the_attributes", a_core_is_known_by_the_attributes),
        ("what_is_wrong_is_named", what_is_wrong_is_named),
        ("without_a_compiler_the_log_is_used", without_a_compiler_the_log_is_used),
        ("without_plugins_of_the_emulator_the_log_is_used", without_plugins_of_the_emulator_the_log_is_used),
    ];
    let trial = |(name, run): (&str, Test)| match absent {
        Some(program) => {
            Trial::test(format!("{name} (no {program}; run `cargo xtask setup`)"), run).with_ignored_flag(true)
        }
        None => Trial::test(name, run),
    };
    libtest_mimic::run(&arguments, trials.into_iter().map(trial).collect()).exit_code()
}
