//! A board with its probe, a client, and a small hand-written program.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use virtual_probe::{Board, Killer, MachineOptions, Probe, ProbeError, Server, Stopper};

pub const DHCSR: u32 = 0xe000_edf0;
pub const DCRSR: u32 = 0xe000_edf4;
pub const DCRDR: u32 = 0xe000_edf8;
pub const DEMCR: u32 = 0xe000_edfc;
pub const DFSR: u32 = 0xe000_ed30;
pub const AIRCR: u32 = 0xe000_ed0c;

pub const HALT: u32 = 0xa05f_0003;
pub const RUN: u32 = 0xa05f_0001;
pub const STEP: u32 = 0xa05f_0005;
pub const RESET: u32 = 0x05fa_0004;

pub const S_HALT: u32 = 1 << 17;
pub const S_LOCKUP: u32 = 1 << 19;
pub const S_RESET_ST: u32 = 1 << 25;

pub const PC: u32 = 15;

/// Offsets in the program: its start, the counting loop, a semihosting call, an undefined
/// instruction, HardFault's handler, and a loop that resets the board that many times as the third
/// word of RAM says.
pub const START: u32 = 0x100;
pub const COUNT: u32 = 0x104;
pub const BKPT: u32 = 0x110;
pub const UNDEFINED: u32 = 0x120;
pub const HANDLER: u32 = 0x130;
pub const RESETS: u32 = 0x140;

/// Returns a program that increments the first word of RAM forever.
pub fn program(board: &Board) -> Vec<u8> {
    let mut bytes = vec![0; 0x160];
    let mut put = |offset: u32, data: &[u8]| bytes[offset as usize..][..data.len()].copy_from_slice(data);
    let (code, ram) = (board.code.start, board.ram.start);
    put(0, &(ram + 0x1000).to_le_bytes());
    put(4, &(code + START + 1).to_le_bytes());
    put(12, &(code + HANDLER + 1).to_le_bytes());
    let instructions: [(u32, &[u16]); 5] = [
        // ldr r1, =ram; movs r0, #0; count: adds r0, #1; str r0, [r1]; b count
        (START, &[0x4902, 0x2000, 0x3001, 0x6008, 0xe7fc]),
        // bkpt 0xab; b .-2
        (BKPT, &[0xbeab, 0xe7fd]),
        (UNDEFINED, &[0xde00]),
        (HANDLER, &[0xe7fe]),
        // ldr r2, =times; ldr r3, [r2]; subs r3, #1; bmi 1f; str r3, [r2]
        // ldr r0, =AIRCR; ldr r1, =RESET; str r1, [r0]; b .; 1: b START
        (RESETS, &[0x4a04, 0x6813, 0x3b01, 0xd404, 0x6013, 0x4803, 0x4903, 0x6001, 0xe7fe, 0xe7d5]),
    ];
    for (offset, instructions) in instructions {
        for (offset, instruction) in (offset..).step_by(2).zip(instructions) {
            put(offset, &instruction.to_le_bytes());
        }
    }
    put(0x10c, &ram.to_le_bytes());
    for (offset, literal) in [(0x14, ram + 8), (0x18, AIRCR), (0x1c, RESET)] {
        put(RESETS + offset, &literal.to_le_bytes());
    }
    bytes
}

/// A server on a thread.
pub struct Bench {
    pub board: &'static Board,
    pub killer: Killer,
    port: u16,
    stopper: Stopper,
    thread: Option<JoinHandle<Result<(), ProbeError>>>,
}

impl Bench {
    pub fn new(board: &'static Board) -> Self {
        let machine = MachineOptions::new(board.machine).debugged().start().unwrap();
        let killer = machine.killer();
        let mut server = Server::new(Probe::new(board, machine).unwrap(), 0).unwrap();
        let (port, stopper) = (server.address().unwrap().port(), server.stopper());
        Self { board, killer, port, stopper, thread: Some(thread::spawn(move || server.run())) }
    }

    pub fn connect(&self) -> Client {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Client { stream }
    }

    /// Connects, loads the program, and halts the core before its first instruction.
    pub fn loaded(&self) -> Client {
        let mut client = self.connect();
        client.set(DHCSR, HALT);
        client.write(self.board.code.start, &program(self.board));
        client.set(DEMCR, 1);
        client.set(AIRCR, RESET);
        assert!(client.word(DHCSR) & S_HALT != 0);
        client.set(DEMCR, 0);
        client.set(DFSR, 0x1f);
        client
    }

    /// Waits for the server to end by itself and returns its result.
    pub fn end(mut self) -> Result<(), ProbeError> {
        self.thread.take().unwrap().join().unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            // `end` reports the result.
            let _ = thread.join();
        }
    }
}

/// A client that speaks the remote protocol.
pub struct Client {
    stream: TcpStream,
}

impl Client {
    /// Returns the answer to a command, without its frame; `None` if the connection is closed.
    pub fn try_ask(&mut self, command: &str) -> Option<String> {
        self.stream.write_all(format!("!{command}#").as_bytes()).ok()?;
        let mut answer = Vec::new();
        while answer.last() != Some(&b'#') {
            let mut bytes = [0; 4096];
            let length = self.stream.read(&mut bytes).ok().filter(|&length| length > 0)?;
            answer.extend_from_slice(&bytes[..length]);
        }
        Some(String::from_utf8(answer).unwrap().trim_matches(['&', '#']).to_owned())
    }

    pub fn ask(&mut self, command: &str) -> String {
        self.try_ask(command).expect("the connection is closed")
    }

    /// Sends requests without reading the answers, until the server accepts no more.
    pub fn ask_until_full(&mut self) {
        self.stream.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
        while self.stream.write_all(b"!HM0000230000400000000000001000#").is_ok() {}
    }

    pub fn read(&mut self, address: u32, length: usize) -> Vec<u8> {
        let answer = self.ask(&format!("HM000023000040{address:08x}{length:08x}"));
        let digits = answer.strip_prefix('K').unwrap_or_else(|| panic!("{address:#x}: {answer}"));
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    pub fn write(&mut self, address: u32, data: &[u8]) {
        for (address, data) in (address..).step_by(256).zip(data.chunks(256)) {
            let digits: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
            let answer = self.ask(&format!("Hm00002300004002{address:08x}{:08x}{digits}", data.len()));
            assert_eq!(answer, "K0", "{address:#x}");
        }
    }

    pub fn word(&mut self, address: u32) -> u32 {
        u32::from_le_bytes(self.read(address, 4).try_into().unwrap())
    }

    pub fn set(&mut self, address: u32, value: u32) {
        self.write(address, &value.to_le_bytes());
    }

    pub fn register(&mut self, number: u32) -> u32 {
        self.set(DCRSR, number);
        self.word(DCRDR)
    }

    pub fn set_register(&mut self, number: u32, value: u32) {
        self.set(DCRDR, value);
        self.set(DCRSR, number | 1 << 16);
    }

    /// Waits until bits of DHCSR are set.
    pub fn wait(&mut self, bits: u32) {
        self.wait_for(|client| client.word(DHCSR) & bits != 0);
    }

    /// Waits until the program has changed its counter.
    pub fn wait_for_count(&mut self, board: &Board) {
        let ram = board.ram.start;
        let before = self.word(ram);
        self.wait_for(|client| client.word(ram) != before);
    }

    fn wait_for(&mut self, mut happened: impl FnMut(&mut Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !happened(self) {
            assert!(Instant::now() < deadline, "the condition did not become true within 20 s");
            thread::sleep(Duration::from_millis(1));
        }
    }
}
