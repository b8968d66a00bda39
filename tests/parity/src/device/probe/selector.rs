//! Chooses a debug probe: the named one, or the only one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use probe_rs::probe::DebugProbeSelector;
use probe_rs::probe::list::Lister;

use crate::device::Lab;

/// Returns the probe for hardware boards.
pub fn selector(lab: &Lab) -> anyhow::Result<DebugProbeSelector> {
    choose(lab.probe.as_deref(), || Lister::new().list_all().iter().map(DebugProbeSelector::from).collect())
}

/// Returns the named probe, or the only connected one.
fn choose(
    named: Option<&str>,
    connected: impl FnOnce() -> Vec<DebugProbeSelector>,
) -> anyhow::Result<DebugProbeSelector> {
    if let Some(named) = named {
        let selector = named.parse::<DebugProbeSelector>();
        return selector
            .map_err(|_| anyhow!("found probe {named:?}, expected VENDOR:PRODUCT or VENDOR:PRODUCT:SERIAL"));
    }
    match connected().as_slice() {
        [] => bail!("no debug probe is connected, or none that may be opened; see `probe-rs list`"),
        [probe] => Ok(probe.clone()),
        several => {
            let names: Vec<_> = several.iter().map(ToString::to_string).collect();
            bail!("several debug probes are connected; choose one with --probe or PROBE_RS_PROBE: {}", names.join(", "))
        }
    }
}

/// Returns the address of a probe on the network.
pub fn network_address(selector: &DebugProbeSelector) -> Option<SocketAddr> {
    selector.serial_number.as_deref()?.parse().ok()
}

/// Connects to a probe on the network before probe-rs does, which has no time limit and unclear
/// errors.
pub fn greet(address: SocketAddr, patience: Duration) -> anyhow::Result<()> {
    let mut stream = TcpStream::connect_timeout(&address, patience).with_context(|| {
        format!("no probe listens at {address}; start one for an emulated board with `cargo xtask probe BOARD`")
    })?;
    stream.set_read_timeout(Some(patience))?;
    stream.set_write_timeout(Some(patience))?;
    let mut answer = [0; 2];
    let greeted = stream.write_all(b"+#!GA#").and_then(|()| stream.read_exact(&mut answer));
    greeted.with_context(|| format!("the program at {address} does not answer like a probe"))?;
    anyhow::ensure!(answer == *b"&K", "the probe at {address} is in use by another client");
    Ok(())
}

#[cfg(test)]
mod tests {
    use probe_rs::probe::DebugProbeSelector;

    use super::choose;

    #[test]
    fn one_probe_is_taken_and_several_need_a_name() {
        let probes =
            |names: &[&str]| -> Vec<DebugProbeSelector> { names.iter().map(|name| name.parse().unwrap()).collect() };
        let chosen = |named, names: &[&str]| choose(named, || probes(names)).map(|probe| probe.to_string());
        assert_eq!(chosen(None, &["1366:1015:7"]).unwrap(), "1366:1015:7");
        assert_eq!(chosen(Some("2e8a:000c"), &["1366:1015:7", "2e8a:000c"]).unwrap(), "2e8a:000c");
        assert!(chosen(None, &[]).unwrap_err().to_string().contains("no debug probe is connected"));
        let several = chosen(None, &["1366:1015:7", "2e8a:000c:8"]).unwrap_err().to_string();
        assert!(several.contains("1366:1015:7, 2e8a:000c:8"), "{several}");
        assert!(chosen(Some("the blue one"), &[]).unwrap_err().to_string().contains("VENDOR:PRODUCT"));
    }
}
