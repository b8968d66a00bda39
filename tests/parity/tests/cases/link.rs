//! Faulty lines between client and device: no wrong answer is accepted, and both recover.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use libtest_mimic::Failed;
use parity::{Client, ClientError, Device, Echo, Fault, FaultTest, Faults, Lab, Plan, Retry, Session, send_noise};

use super::{Case, Fixture, sweep_session};

/// Cases for devices without a probe, with which they take many times longer.
pub const BAD_LINE_CASES: &[(&str, Case)] = &[("bad_line", bad_line), ("hopeless_line", hopeless_line)];

/// Cases for boards with two links.
pub const LINK_CASES: &[(&str, Case)] = &[("noise_beside_rtt", noise_beside_rtt)];

/// Images of a sweep and frames damaged or late, for each kind of faults on a board; loopback is
/// faster and gets more.
const IMAGES: usize = 48;
const AFFECTED: u64 = 48;
const LOOPBACK_TIMES: usize = 5;

/// Most requests without an answer before one is answered: repetitions, and requests that a busy
/// machine sends again too early.
const MAX_RECOVERY: u64 = 32;

/// Most frames cut in a sweep over RTT of 128 images while the UART is noisy.
const MAX_CUT: u64 = 8;

/// After any noise, the next frame is answered although it is sent only once; noise is refused.
pub fn noise(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let mut session = device.start(lab, &fixture.model)?;
    let client = &mut session.client;
    client.set_retry(Retry::NEVER);
    for noise in [&[0x55; 7][..], &[7; 40_000], &[0, 0, 9, 9, 0, 1, 1], &[0xFF; 3], &[2, 0, 0]] {
        let refused = client.traffic().refused;
        client.send_raw(noise)?;
        client.hello()?;
        assert!(client.traffic().refused > refused, "{} bytes", noise.len());
    }
    for seed in 0..8 {
        let refused = client.traffic().refused;
        send_noise(client, seed, |sent| sent < 512 * seed)?;
        client.hello()?;
        assert!(seed == 0 || client.traffic().refused > refused, "{seed}");
    }
    assert_eq!(client.traffic().resent, 0);
    sweep_session(&mut session, fixture).map(drop)
}

/// With each kind of faults and with all, sweeps finish without a wrong answer.
fn bad_line(device: Device, lab: &Lab, _: &Fixture) -> Result<(), Failed> {
    let times = if device.board().is_none() { LOOPBACK_TIMES } else { 1 };
    let echo = Echo::new()?;
    let records: Vec<_> = echo.records().take(IMAGES * times).collect();
    let mut test = FaultTest::new(device.start(lab, &echo.model)?);
    for (seed, kinds) in (1..).zip(Fault::selections()) {
        let plan = Plan { kinds, rate: 0.02, seed, affected: AFFECTED * times as u64 };
        let row = test.run(&plan, &echo.header, &records, |_| {})?;
        assert_eq!(row.wrong, 0, "{row:?}");
        assert!(row.damaged + row.late > 0 && row.answers > 0, "{row:?}");
        assert!(row.resent > 0 || kinds == [Fault::Delay] || kinds == [Fault::Double], "{row:?}");
        assert!(row.longest_recovery <= MAX_RECOVERY, "{row:?}");
    }
    Ok(())
}

/// On a line that damages every frame, the error names request and attempts. Without faults, the
/// next hello is answered.
fn hopeless_line(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let (faults, make_bad) = Faults::new();
    let lab = Lab { patience: Duration::from_secs(2), ..lab.clone() };
    let session = device.start(&lab, &fixture.model)?;
    let mut session = Session { client: session.client.over(make_bad), ..session };
    let client = &mut session.client;
    client.set_retry(Retry { attempts: 5, min_wait: Duration::from_millis(10) });
    faults.set(&[Fault::Flip], 0.3, 1);
    let error = client.hello().expect_err("every frame is damaged");
    assert!(matches!(error, ClientError::GaveUp { request: "a hello", attempts: 5, .. }), "{error}");
    faults.set(&[], 0.0, 0);
    client.set_retry(Retry::NEVER);
    client.hello()?;
    Ok(())
}

/// A sweep over RTT while the UART is noisy. Then a hello on the UART is answered.
fn noise_beside_rtt(device: Device, lab: &Lab, fixture: &Fixture) -> Result<(), Failed> {
    let Session { device, client: mut uart, runner } = device.start(lab, &fixture.model)?;
    let rtt = runner.as_ref().and_then(|runner| runner.rtt()).ok_or("the device is emulated")?;
    let mut session = Session { device, client: Client::new(rtt, lab.patience), runner };
    let (is_noisy, is_done) = (AtomicBool::new(false), AtomicBool::new(false));
    let (swept, sent) = thread::scope(|scope| {
        let noise = scope.spawn(|| {
            send_noise(&mut uart, 1, |sent| {
                is_noisy.store(sent > 0, Ordering::Relaxed);
                !is_done.load(Ordering::Relaxed)
            })
        });
        // On a busy machine, the sweep could end before the noise begins.
        while !is_noisy.load(Ordering::Relaxed) && !noise.is_finished() {
            thread::yield_now();
        }
        let swept = sweep_session(&mut session, fixture);
        is_done.store(true, Ordering::Relaxed);
        (swept, noise.join())
    });
    swept?;
    assert!(sent.expect("noise does not panic")? > 0);
    // A frame is cut if the host pauses within it for longer than the device waits.
    let refused = session.client.traffic().refused;
    assert!(refused <= MAX_CUT, "{refused} frames were cut");
    uart.hello()?;
    Ok(())
}
