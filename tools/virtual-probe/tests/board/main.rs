//! Every board through its probe, with the bytes of the protocol: no probe-rs, no firmware.
//!
//! Without QEMU trials are ignored, except for the boards in `PARITY_REQUIRE`, separated by commas:
//! these fail.

mod bench;

use std::env;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use bench::*;
use libtest_mimic::{Arguments, Trial};
use virtual_probe::{BOARDS, Board, Core, ProbeError, QEMU, check_emulator, stop_all_at_signals};

/// A trial's name and what it does.
type Case = (&'static str, fn(&Bench));

const CASES: [Case; 10] = [
    ("names_itself", names_itself),
    ("moves_memory", moves_memory),
    ("shows_registers", shows_registers),
    ("steps_and_breaks", steps_and_breaks),
    ("stops_at_bkpt", stops_at_bkpt),
    ("catches_hard_faults", catches_hard_faults),
    ("resets", resets),
    ("resets_itself", resets_itself),
    ("survives_an_empty_board", survives_an_empty_board),
    ("forgets_a_client", forgets_a_client),
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    stop_all_at_signals();
    let absent = check_emulator(QEMU, Duration::from_secs(20)).err().map(|reason| reason.to_string());
    let required = env::var("PARITY_REQUIRE").unwrap_or_default();
    let is_required = |board: &Board| required.split(',').any(|name| name.trim_start_matches("probe-") == board.name);
    let mut trials = Vec::new();
    for board in BOARDS {
        for (name, case) in CASES {
            let run = move || case(&Bench::new(board));
            trials.push(trial(format!("{}::{name}", board.name), run, &absent, is_required(board)));
        }
    }
    let others: [(&str, fn()); 3] = [
        ("refuses_a_second_client", refuses_a_second_client),
        ("drops_a_client_that_does_not_read", drops_a_client_that_does_not_read),
        ("reports_the_end_of_the_emulator", reports_the_end_of_the_emulator),
    ];
    for (name, case) in others {
        trials.push(trial(name.to_owned(), case, &absent, BOARDS.iter().any(is_required)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Returns a trial. Without the emulator it is ignored, or fails if it is required.
fn trial(name: String, run: impl FnOnce() + Send + 'static, absent: &Option<String>, is_required: bool) -> Trial {
    match absent.clone() {
        None => Trial::test(name, || {
            run();
            Ok(())
        }),
        Some(reason) if is_required => Trial::test(name, move || Err(reason.into())),
        Some(reason) => Trial::test(name, || Ok(())).with_kind(reason).with_ignored_flag(true),
    }
}

fn names_itself(bench: &Bench) {
    let mut client = bench.connect();
    assert!(client.ask("GA").starts_with("Kprenda virtual probe"));
    assert_eq!(client.ask("HC"), "K1");
    assert_eq!(client.ask("JN00"), "N0");
    assert_eq!(client.ask("HM00"), "E1");
    let parts = [
        (Core::M0, 0xc20),
        (Core::M3, 0xc23),
        (Core::M4, 0xc24),
        (Core::M7, 0xc27),
        (Core::M33, 0xd21),
        (Core::M55, 0xd22),
    ];
    let part = client.word(0xe000_ed00) >> 4 & 0xfff;
    assert!(parts.contains(&(bench.board.core, part)), "{part:#x}");
}

fn moves_memory(bench: &Bench) {
    let mut client = bench.connect();
    for start in [bench.board.code.start, bench.board.ram.start] {
        let data: Vec<u8> = (0..601_u32).map(|index| (index * 7) as u8).collect();
        client.write(start + 0x401, &data);
        assert_eq!(client.read(start + 0x401, data.len()), data);
        // Sets bits that were clear: flash must be erased for that.
        client.write(start + 0x403, &[0xff; 3]);
        assert_eq!(client.read(start + 0x402, 5), [7, 0xff, 0xff, 0xff, 35]);
    }
}

fn shows_registers(bench: &Bench) {
    let mut client = bench.loaded();
    client.set_register(7, 0x1234_5678);
    let before: Vec<_> = (0..17).map(|number| client.register(number)).collect();
    assert_eq!(before[PC as usize], bench.board.code.start + START);
    assert_eq!(before[7], 0x1234_5678);
    // The main stack pointer, which is in use, the process stack pointer, and the masks.
    assert_eq!(client.register(17), before[13]);
    client.set_register(18, bench.board.ram.start + 0x800);
    assert_eq!(client.register(18), bench.board.ram.start + 0x800);
    client.set_register(20, 1);
    assert_eq!(client.register(20), 1);
    client.set_register(20, 0);
    if matches!(bench.board.core, Core::M4 | Core::M7 | Core::M33 | Core::M55) {
        client.set_register(0x40, 1);
        client.set_register(0x41, 2);
        assert_eq!([0x40, 0x41].map(|number| client.register(number)), [1, 2]);
    }
    let after: Vec<_> = (0..17).map(|number| client.register(number)).collect();
    assert_eq!(before, after);
    assert_eq!(client.read(bench.board.code.start, 0x160), program(bench.board));
}

fn steps_and_breaks(bench: &Bench) {
    let mut client = bench.loaded();
    let start = bench.board.code.start;
    client.set(DHCSR, STEP);
    client.set(DHCSR, STEP);
    assert_eq!((client.register(PC), client.word(DFSR)), (start + COUNT, 1));
    client.set(DFSR, 0x1f);

    let (control, comparator) = (0xe000_2000, 0xe000_200c);
    let address = start + COUNT + 2;
    let wide = client.word(control) >> 28 == 1;
    client.set(comparator, if wide { address | 1 } else { address & !3 | 2 << 30 | 1 });
    client.set(control, 3);
    client.set(DHCSR, RUN);
    client.wait(S_HALT);
    assert_eq!((client.register(PC), client.word(DFSR)), (address, 2));
    // A step does not pass a breakpoint unless it is disabled.
    client.set(DHCSR, STEP);
    assert_eq!(client.register(PC), address);
    client.set(control, 2);
    client.set(DHCSR, STEP);
    assert_eq!(client.register(PC), address + 2);
    client.set(DHCSR, RUN);
    assert_eq!(client.word(DHCSR) & S_HALT, 0);
    client.wait_for_count(bench.board);

    // A breakpoint that is set while the core runs.
    client.set(control, 3);
    client.wait(S_HALT);
    assert_eq!(client.register(PC), address);
}

fn stops_at_bkpt(bench: &Bench) {
    let mut client = bench.loaded();
    let bkpt = bench.board.code.start + BKPT;
    client.set_register(PC, bkpt);
    client.set(DHCSR, RUN);
    client.wait(S_HALT);
    assert_eq!((client.register(PC), client.word(DFSR)), (bkpt, 2));
    // Like probe-rs, continue after the instruction.
    client.set(DFSR, 0x1f);
    client.set_register(PC, bkpt + 2);
    client.set(DHCSR, RUN);
    client.wait(S_HALT);
    drop(client);

    // Without a debugger the BKPT would be a fault: the core is stopped until a debugger connects.
    let mut client = bench.connect();
    assert_eq!(client.word(DHCSR) & (S_HALT | S_LOCKUP), S_LOCKUP);
    client.set(DHCSR, RUN);
    assert_eq!((client.word(DHCSR) & S_HALT, client.word(DFSR)), (S_HALT, 2));
    assert_eq!(client.register(PC), bkpt);
}

fn catches_hard_faults(bench: &Bench) {
    let mut client = bench.loaded();
    client.set(DEMCR, 1 << 10);
    client.set_register(PC, bench.board.code.start + UNDEFINED);
    client.set(DHCSR, RUN);
    client.wait(S_HALT);
    assert_eq!((client.register(PC), client.word(DFSR)), (bench.board.code.start + HANDLER, 8));
    assert_eq!(client.register(16) & 0x1ff, 3);
}

fn resets(bench: &Bench) {
    let mut client = bench.loaded();
    client.set(DHCSR, RUN);
    client.wait_for_count(bench.board);
    client.word(DHCSR);
    client.set(AIRCR, RESET);
    assert_eq!(client.word(DHCSR) & (S_RESET_ST | S_HALT), S_RESET_ST);
    assert_eq!(client.word(DHCSR) & S_RESET_ST, 0);
    client.wait_for_count(bench.board);

    // A reset by the line, caught by a debugger that enables halting only afterwards.
    client.set(DHCSR, 0xa05f_0000);
    client.ask("GZ1");
    client.set(DEMCR, 1);
    client.ask("GZ0");
    client.set(DHCSR, RUN);
    assert_eq!((client.word(DHCSR) & S_HALT, client.word(DFSR)), (S_HALT, 8));
    assert_eq!(client.register(PC), bench.board.code.start + START);
}

fn resets_itself(bench: &Bench) {
    let mut client = bench.loaded();
    let (code, times) = (bench.board.code.start, bench.board.ram.start + 8);
    client.set(code + 4, code + RESETS + 1);
    client.set(times, 20);
    client.set_register(PC, code + RESETS);
    client.word(DHCSR);
    client.set(DHCSR, RUN);
    client.wait_for_count(bench.board);
    assert_eq!(client.word(times), 0);
    assert_eq!(client.word(DHCSR) & S_RESET_ST, S_RESET_ST);
    assert_eq!(client.word(DHCSR) & S_RESET_ST, 0);

    // A reset is complete when it is answered: it does not undo later writes.
    client.set(DEMCR, 1);
    client.set(AIRCR, RESET);
    client.set_register(7, 0x1234_5678);
    thread::sleep(Duration::from_millis(50));
    assert_eq!([7, PC].map(|number| client.register(number)), [0x1234_5678, code + RESETS]);

    client.set(times, 1);
    client.set(DFSR, 0x1f);
    client.set(DHCSR, RUN);
    client.wait(S_HALT);
    assert_eq!((client.register(PC), client.word(DFSR), client.word(times)), (code + RESETS, 8, 0));
}

fn survives_an_empty_board(bench: &Bench) {
    let mut client = bench.connect();
    client.set(DHCSR, RUN);
    client.set(AIRCR, RESET);
    assert_eq!(client.word(DHCSR) & (S_HALT | S_LOCKUP), S_LOCKUP);
    client.set(DHCSR, HALT);
    client.set(DHCSR, STEP);
    client.set(DHCSR, HALT);
    assert_eq!(client.word(DHCSR) & S_HALT, S_HALT);
    client.write(bench.board.code.start, &program(bench.board));
    client.set(AIRCR, RESET);
    client.wait_for_count(bench.board);
}

fn forgets_a_client(bench: &Bench) {
    let mut client = bench.loaded();
    client.set(0xe000_2008, if bench.board.core == Core::M0 { 0xc000_0105 } else { 1 });
    client.set(0xe000_2000, 3);
    client.set(DEMCR, 1);
    client.set(DHCSR, RUN);
    client.set(DHCSR, HALT);
    drop(client);
    let mut client = bench.connect();
    client.wait_for_count(bench.board);
    assert_eq!(client.word(0xe000_2000) & 1, 0);
    assert_eq!(client.word(0xe000_2008), 0);
    assert_eq!(client.word(DEMCR), 0);
    assert_eq!(client.word(DHCSR) & 1, 0);
}

fn refuses_a_second_client() {
    let bench = Bench::new(&BOARDS[0]);
    let mut first = bench.connect();
    first.ask("GA");
    let mut second = bench.connect();
    assert_eq!(second.ask("GA"), "E4");
    assert_eq!(first.ask("HC"), "K1");
    // A client that comes a little early is not refused.
    let mut third = bench.connect();
    drop(first);
    assert_eq!(third.ask("HC"), "K1");
}

fn drops_a_client_that_does_not_read() {
    let bench = Bench::new(&BOARDS[0]);
    let mut client = bench.connect();
    client.ask_until_full();
    assert_eq!(bench.connect().ask("HC"), "K1");
    drop(client);

    // Such a client does not delay the end of the server.
    let mut client = bench.connect();
    client.ask_until_full();
    let begin = Instant::now();
    drop(bench);
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
}

fn reports_the_end_of_the_emulator() {
    let bench = Bench::new(Board::by_name("microbit").unwrap());
    let mut client = bench.connect();
    client.ask("GA");
    bench.killer.kill();
    while client.try_ask("HM000023000040e000edf000000004").is_some() {}
    let error = bench.end().unwrap_err();
    assert!(matches!(error, ProbeError::Emulator { .. }));
    let text = error.to_string();
    assert!(text.contains("microbit ended with signal: 9"), "{text}");
}
